import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { RunOptions } from '../fakes/runner.ts'
import type { StepResult } from '../fakes/scenario.ts'
import { breaks } from '../report/schema.ts'
import { type GateBench, openGateBench, RESULT_SCHEMA, WORKFLOW } from './gate-support.ts'

jest.setTimeout(60_000)

const POLICY = '.github/waybill.yml'

let bench: GateBench

beforeAll(async () => {
  bench = await openGateBench()
})

afterAll(() => bench.close())

/** `verify/action.yml` on the published image; the trust root of the policy's own rule, unless flags say who is expected. */
function verify(inputs: Record<string, string | undefined>, run?: RunOptions): Promise<StepResult> {
  return bench.scenario.verify({ images: bench.reference, 'trusted-root': undefined, ...inputs }, run)
}

function identity(): Record<string, string> {
  const { stack } = bench.scenario
  return {
    'certificate-identity': `${stack.git.url}/${WORKFLOW}`,
    'certificate-oidc-issuer': stack.oidc.issuer,
    'trusted-root': stack.trustedRootFile,
  }
}

/** The result is what the schema says, and neither log nor summary holds a token. */
function expectSound({ result, log, summary, run }: StepResult): void {
  expect(breaks(RESULT_SCHEMA, result)).toEqual([])
  const secret = run.environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? 'no token'
  for (const text of [log, summary, JSON.stringify(result)]) expect(text).not.toContain(secret)
}

/** A branch with another policy, served under its own ref. @returns its head. */
async function branchWith(name: string, policy: string): Promise<string> {
  const { repository, alice } = bench.scenario
  repository.git('checkout', '--quiet', '-b', name)
  const head = repository.commit({ message: `Policy of ${name}`, signer: alice, files: { [POLICY]: policy } })
  repository.git('checkout', '--quiet', 'main')
  await bench.scenario.publish()
  return head
}

test('the exact identity is accepted, and the outputs and the summary say so', async () => {
  const step = await verify(identity())
  expectSound(step)
  expect([step.code, step.outputs.verdict]).toEqual([0, 'passed'])
  expect(JSON.parse(step.outputs.subjects ?? '')).toMatchObject([{ verdict: 'passed', name: bench.reference }])
  expect(step.summary).toContain(`Passed: \`${bench.reference}\``)
})

test('another identity is refused with code 1, its finding in log, summary and annotation', async () => {
  const step = await verify({ ...identity(), 'certificate-identity': 'https://github.com/acme/app' })
  expectSound(step)
  expect([step.code, step.outputs.verdict]).toEqual([1, 'rejected'])
  expect(step.summary).toContain('`verify/identity-mismatch`')
  expect(step.log).toContain('::error title=verify/identity-mismatch::')
})

test('the policy of the commit accepts; the result names it by repository, commit and digest', async () => {
  const step = await verify({ policy: POLICY })
  expectSound(step)
  expect([step.code, step.outputs.verdict]).toEqual([0, 'passed'])
  const { stack, repository } = bench.scenario
  expect(step.result.policy).toMatchObject({
    uri: `git+${stack.git.url}/acme/app#${POLICY}`,
    ref: repository.head(),
    digest: expect.stringMatching(/^sha256:/),
  })
})

test('a policy in the workspace is ignored: an earlier step may have written it', async () => {
  const deny = await branchWith(
    'denying',
    bench.policy('gate-refs: ["refs/heads/denying"]\ndeploy: [{ match: ["**"], deny: true }]\n'),
  )
  const claims = { sha: deny, ref: 'refs/heads/denying' }
  const run = bench.scenario.stack.run({ claims })
  mkdirSync(join(run.workspace, '.github'), { recursive: true })
  writeFileSync(join(run.workspace, POLICY), bench.policy())
  const step = await verify({ policy: POLICY }, { claims, env: { GITHUB_WORKSPACE: run.workspace } })
  expectSound(step)
  expect([step.code, step.result.subjects[0]?.findings[0]?.code]).toEqual([1, 'policy/denied'])
})

test('a policy on another branch than the default one may not judge deployments', async () => {
  const sha = await branchWith('feature', bench.policy())
  const step = await verify({ policy: POLICY }, { claims: { sha, ref: 'refs/heads/feature' } })
  expectSound(step)
  expect([step.code, step.result.error?.code]).toEqual([3, 'policy/gate-ref'])
  expect(step.summary).toContain('refs/heads/feature')
  expect(step.result.subjects).toEqual([])
})

test('gate-refs of a branch name the refs that may, as that branch has them', async () => {
  const policy = bench.policy().replace('deploy:', 'gate-refs: ["refs/heads/release/*"]\ndeploy:')
  const sha = await branchWith('release/1', policy)
  const step = await verify({ policy: POLICY }, { claims: { sha, ref: 'refs/heads/release/1' } })
  expect([step.code, step.outputs.verdict]).toEqual([0, 'passed'])
  const main = await verify({ policy: POLICY }, { claims: { sha } })
  expect([main.code, main.result.error?.code]).toEqual([3, 'policy/gate-ref'])
})

test('a commit without a policy accepts nothing', async () => {
  const { repository, alice } = bench.scenario
  repository.git('checkout', '--quiet', '-b', 'bare')
  const sha = repository.commit({ message: 'Remove the policy', signer: alice, files: { [POLICY]: null } })
  repository.git('checkout', '--quiet', 'main')
  await bench.scenario.publish()
  const step = await verify({ policy: POLICY }, { claims: { sha } })
  expectSound(step)
  expect([step.code, step.result.error?.code]).toEqual([1, 'policy/unusable'])
})

test('a git server that does not answer is unknown', async () => {
  const step = await verify({ policy: POLICY }, { env: { GITHUB_SERVER_URL: 'http://127.0.0.1:1' } })
  expectSound(step)
  expect([step.code, step.outputs.verdict]).toEqual([2, 'unknown'])
})

test.each([
  ['neither policy nor flags', {}, 3, 'policy/no-expectation'],
  [
    'both',
    { policy: POLICY, 'certificate-identity': 'x', 'certificate-oidc-issuer': 'https://x' },
    3,
    'entry/input-contradiction',
  ],
  ['a policy with a requirement beside it', { policy: POLICY, require: 'signature' }, 3, 'entry/input-contradiction'],
  ['a policy with a trust root beside it', { policy: POLICY, 'trusted-root': 'x' }, 3, 'entry/input-contradiction'],
  ['no image', { images: '', policy: POLICY }, 3, 'entry/input-missing'],
  ['a policy of another place', { policy: 'deploy/policy.yml' }, 3, 'entry/input-unsupported'],
  ['an image that is none', { images: 'ghcr.io/acme/app@sha256:1', policy: POLICY }, 3, 'registry/reference-malformed'],
])('%s is understood as a mistake: exit 3', async (_name, inputs, exit, code) => {
  const step = await verify(inputs)
  expectSound(step)
  expect(step.code).toBe(exit)
  expect(step.result.error?.code).toBe(code)
  expect(step.summary).toContain('### Why')
})
