import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execute, type Finished } from '../fakes/scenario.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { type Stack, startStack } from '../fakes/stack.ts'

const CLI = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')
const POLICY = `version: 1
principals:
  alice: {emails: [alice@example.com], signers: [{ssh: {key: "${makeSshSigner().publicKey}"}}]}
source:
  - {refs: [refs/heads/main], commits: {signers: [alice]}}
  - {refs: ["refs/tags/v*"], tag: {signers: [alice], on: [refs/heads/main]}}
`

let stack: Stack
let folder: string
beforeEach(async () => {
  stack = await startStack({ githubToken: 'secret' })
  folder = join(stack.folder, 'clone')
  mkdirSync(join(folder, '.github'), { recursive: true })
  writeFileSync(join(folder, '.github', 'waybill.yml'), POLICY)
  stack.platform.model.permissions.add('administration')
})
afterEach(() => stack.close())

const check = (...args: readonly string[]): Promise<Finished> => {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, GITHUB_API_URL: stack.github.url, GITHUB_TOKEN: 'secret' }
  return execute([CLI, 'policy', 'check', '--remote', '--repository', 'acme/app', ...args], env, folder)
}

const rulesets = () => stack.platform.model.repository('acme/app').rulesets

test('13-adversary 28: policy check --remote names each accepted ref that nothing protects, exit code 1', async () => {
  rulesets().push({ id: 1, name: 'main', target: 'branch', include: ['~DEFAULT_BRANCH'], rules: [{ type: 'update' }] })
  const { code, log } = await check()
  expect(code).toBe(1)
  expect(log).toContain('refs/tags/v*')
  const { data } = JSON.parse((await check('--json')).stdout)
  const states = data.refs.map(({ ref, state }: { ref: string; state: string }) => [ref, state])
  expect(states).toEqual([
    ['refs/heads/main', 'protected'],
    ['refs/tags/v*', 'unprotected'],
  ])
  stack.github.expectNothingUnexpected()
})

test('13-adversary 28: policy check --remote passes when rulesets cover every accepted ref', async () => {
  rulesets().push(
    { id: 1, name: 'main', target: 'branch', include: ['~DEFAULT_BRANCH'], rules: [{ type: 'update' }] },
    { id: 2, name: 'tags', target: 'tag', include: ['~ALL'], rules: [{ type: 'creation' }, { type: 'update' }] },
  )
  expect((await check()).code).toBe(0)
})

test('policy check --remote cannot tell, exit code 2, what the token may not see', async () => {
  stack.platform.model.permissions.clear()
  const { code, log } = await check()
  expect([code, log]).toEqual([2, expect.stringContaining('github/api-permission')])
})

test('policy check --remote refuses a repository that is no name, exit code 3', async () => {
  const { code } = await check('--repository', 'acme/../app')
  expect(code).toBe(3)
})
