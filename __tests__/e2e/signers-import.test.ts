import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestRepository } from '../fakes/repository.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { type Stack, startStack } from '../fakes/stack.ts'

const CLI = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')
const [alice, bob] = [makeSshSigner(), makeSshSigner()]

let stack: Stack
let folder: string
beforeAll(async () => {
  stack = await startStack({ githubToken: 'secret' })
  folder = join(stack.folder, 'session')
  mkdirSync(folder)
  stack.platform.model.user('alice', 101).sshSigningKeys.push(alice.publicKey)
  stack.platform.model.user('bob', 102, { email: 'bob@example.com' }).sshSigningKeys.push(bob.publicKey)
  stack.platform.model.members.set('acme/platform', ['alice', 'bob'])
})
afterAll(() => stack.close())

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The shipped file, in an environment that names the embedded GitHub. */
function waybill(...args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      GITHUB_API_URL: stack.github.url,
      GITHUB_TOKEN: 'secret',
      PEOPLE: 'from the caller',
    }
    const child = spawn(process.execPath, [CLI, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const text = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', chunk => (text[stream] += chunk))
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, ...text }))
  })
}

describe('waybill signers import', () => {
  test('writes a team’s keys into a file, with what to look at on stderr', async () => {
    const { code, stdout, stderr } = await waybill('signers', 'import', '--team', 'acme/platform', '--out', 'team.json')
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^2 principals written to team.json$/m)
    const snapshot = JSON.parse(readFileSync(join(folder, 'team.json'), 'utf8'))
    expect(snapshot).toMatchObject({ schemaVersion: 1, source: 'GitHub team acme/platform' })
    expect(snapshot.principals.bob).toMatchObject({
      github: { login: 'bob', id: 102 },
      signers: [{ ssh: { key: bob.publicKey } }],
    })
    stack.github.expectNothingUnexpected()
  })

  test('prints the snapshot of users, or a result object with --json', async () => {
    const plain = await waybill('signers', 'import', '--github', 'alice', 'bob')
    expect(plain.code).toBe(0)
    const { principals } = JSON.parse(plain.stdout)
    expect(Object.keys(principals)).toEqual(['alice', 'bob'])
    const json = JSON.parse((await waybill('signers', 'import', '--github', 'alice', '--json')).stdout)
    expect(json).toMatchObject({ schemaVersion: 1, command: 'signers import', data: { principals: 1 } })
    expect(json.data.snapshot.principals.alice.signers).toEqual([{ ssh: { key: alice.publicKey } }])
  })

  test('cannot tell, exit code 2, when GitHub does not show somebody', async () => {
    const { code, stdout, stderr } = await waybill('signers', 'import', '--github', 'nobody')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('github/api-permission')
  })

  test('reads allowed_signers, exit code 3 for a line that it cannot read', async () => {
    writeFileSync(join(folder, 'signers'), `alice@example.com ${alice.publicKey}\n* ${bob.publicKey}\n`)
    const good = await waybill('signers', 'import', '--allowed-signers', 'signers')
    expect([good.code, Object.keys(JSON.parse(good.stdout).principals)]).toEqual([0, ['alice']])
    expect(good.stderr).toContain('note: signers:2: left out *')
    writeFileSync(join(folder, 'signers'), 'alice@example.com\n')
    const bad = await waybill('signers', 'import', '--allowed-signers', 'signers')
    expect([bad.code, bad.stdout]).toEqual([3, ''])
    expect(bad.stderr).toContain('source/allowed-signers-malformed')
  })

  test('reads the keys in a clone’s history, from a folder inside it too', async () => {
    const repository = new TestRepository(join(folder, 'app'))
    const base = repository.commit({ message: 'one', signer: alice, files: { 'src/a': 'a' } })
    repository.commit({ message: 'two', signer: bob, email: 'bob@example.com' })
    const all = await waybill('signers', 'import', '--history', 'main', '--repo', 'app/src')
    expect(all.stderr).toContain('ask each person for the fingerprint')
    expect([all.code, Object.keys(JSON.parse(all.stdout).principals)]).toEqual([0, ['alice', 'bob']])
    const some = await waybill('signers', 'import', '--history', `${base}..main`, '--repo', 'app')
    expect(Object.keys(JSON.parse(some.stdout).principals)).toEqual(['bob'])
    const none = await waybill('signers', 'import', '--history', 'other', '--repo', 'app')
    expect(none.code).toBe(3)
  })

  test('runs a command without a shell and without its own token', async () => {
    const script = [
      'const person = { name: "carol", emails: ["carol@example.com"] }',
      `const signers = [{ ssh: { key: "${alice.publicKey}" } }]`,
      'if (process.env.GITHUB_TOKEN || !process.env.PEOPLE || process.argv[2] !== "two;words") process.exit(1)',
      'console.log(JSON.stringify({ ...person, signers }))',
    ]
    writeFileSync(join(folder, 'people.mjs'), `${script.join('\n')}\n`)
    const shell = await waybill('signers', 'import', '--command', 'node people.mjs two;words')
    expect(shell.code).toBe(3)
    writeFileSync(join(folder, 'people.mjs'), `${script.join('\n').replace('two;words', 'word')}\n`)
    const good = await waybill('signers', 'import', '--command', 'node people.mjs word')
    expect([good.code, Object.keys(JSON.parse(good.stdout).principals)]).toEqual([0, ['carol']])
    const failed = await waybill('signers', 'import', '--command', 'node people.mjs')
    expect([failed.code, failed.stdout]).toEqual([2, ''])
  })

  test.each([
    { given: 'no place', args: [] },
    { given: 'two places', args: ['--org', 'acme', '--github', 'alice'] },
    { given: 'a word too many', args: ['--org', 'acme', 'alice'] },
    { given: 'a team without its organisation', args: ['--team', 'platform'] },
    { given: 'a login that nobody has', args: ['--github', '../alice'] },
    { given: 'a range with three dots', args: ['--history', 'a...b'] },
    { given: 'a clone for something else', args: ['--org', 'acme', '--repo', '.'] },
    { given: 'a program that is not there', args: ['--command', 'no-such-program-here'] },
  ])('refuses $given with exit code 3', async ({ args }) => {
    const { code, stdout, stderr } = await waybill('signers', 'import', ...args)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(/entry\/usage|source\/clone-failed/)
  })
})
