import { join } from 'node:path'
import { sha256 } from '../../src/core/digest.ts'
import { writeLayout } from '../fakes/layout.ts'
import { TestRepository } from '../fakes/repository.ts'
import { policyOf, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'

/** The repository under judgement has no policy of its own; `acme/policies` says who may commit. */
let scenario: Scenario
let policies: TestRepository
let anchor: string
let layout: string

const PATH = 'teams/app/waybill.yml'
const POLICY = `acme/policies@refs/heads/main:${PATH}`

beforeAll(async () => {
  scenario = await startScenario()
  const { repository, alice, stack } = scenario
  policies = new TestRepository(join(stack.folder, 'policies'))
  layout = writeLayout(join(stack.folder, 'layout')).folder
  repository.commit({ message: 'Leave the law to others', signer: alice, files: { '.github/waybill.yml': null } })
  anchor = repository.commit({ message: 'Begin again', signer: alice, files: { 'hello.txt': 'again\n' } })
  repository.commit({
    message: 'Go on',
    signer: scenario.bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { 'hello.txt': 'on\n' },
  })
  await scenario.publish()
})
afterAll(() => scenario.close())

async function publishPolicy(text: string, more: Readonly<Record<string, string | null>> = {}): Promise<string> {
  const commit = policies.commit({ message: 'Set the policy', files: { [PATH]: text, ...more } })
  await scenario.stack.git.publish(policies.folder, 'acme/policies')
  return commit
}

const attest = (policy: string, inputs: Parameters<Scenario['attest']>[0] = {}): Promise<StepResult> =>
  scenario.attest({ layout, policy, since: anchor, tags: undefined, ...inputs })

test('a policy of another repository judges a history that has none; the result names it', async () => {
  const text = policyOf(scenario.alice, scenario.bob)
  const commit = await publishPolicy(text)
  const step = await attest(POLICY)
  expect([step.code, step.outputs['source-verdict']]).toEqual([0, 'passed'])
  expect(step.result.policy).toEqual({
    uri: `git+${scenario.stack.git.url}/${POLICY.replace(':', '#')}`,
    ref: commit,
    digest: sha256(text),
    anchor,
  })
})

test('12-policy § 1: what the commits do to their own .github changes nothing', async () => {
  const { repository, alice, bob } = scenario
  await publishPolicy(policyOf(alice, bob))
  const own = policyOf(alice, bob).replace('[alice]', '[alice, bob]')
  repository.commit({
    message: 'Help myself',
    signer: bob,
    name: 'Bob',
    email: 'bob@example.com',
    files: { '.github/waybill.yml': own },
  })
  await scenario.publish()
  expect((await attest(POLICY)).outputs['source-verdict']).toBe('passed')
  expect((await attest('', { since: repository.head() })).result.policy?.uri).toContain('/acme/app#.github/waybill.yml')
  const narrow = policyOf(alice, bob).replace('["@developers"]', '["@maintainers"]')
  await publishPolicy(narrow)
  const step = await attest(POLICY)
  expect([step.code, step.result.error?.code]).toEqual([1, 'source/signer-not-allowed'])
})

test('a snapshot below its own folder is read from the same commit', async () => {
  const { alice, bob } = scenario
  const people = { bob: { emails: ['bob@example.com'], signers: [{ ssh: { key: bob.publicKey } }] } }
  const snapshot = { schemaVersion: 1, taken: '2020-05-02T00:00:00Z', source: 'a test', principals: people }
  const text = policyOf(alice, bob)
    .replace(/ {2}bob:\n.*\n.*\n/, '')
    .concat('snapshots: [{file: keys/team.json, role: developers}]\n')
  const short = text
    .replace(/, developers: \["@maintainers", bob\]/, '')
    .replace('["@developers"]', '["@maintainers", "@developers"]')
  await publishPolicy(short, { 'teams/app/keys/team.json': JSON.stringify(snapshot) })
  const passed = await attest(POLICY)
  expect(passed.outputs['source-verdict']).toBe('passed')
  expect(passed.summary).toMatch(/policy\/snapshot-old.*keys\/team\.json was taken \d+ days ago from a test/)
  await publishPolicy(short, { 'teams/app/keys/team.json': null })
  const step = await attest(POLICY)
  expect([step.code, step.result.error?.code]).toEqual([3, 'policy/unusable'])
  expect(step.result.error?.message).toContain('keys/team.json')
})

test('a commit id pins it: what the branch says later does not count', async () => {
  const { alice, bob } = scenario
  const good = await publishPolicy(policyOf(alice, bob))
  await publishPolicy('version: 1\n')
  const step = await attest(POLICY.replace('refs/heads/main', good))
  expect([step.code, step.result.policy?.ref]).toEqual([0, good])
})

test.each([
  ['no such file', `acme/policies@refs/heads/main:other.yml`, 3, 'policy/unusable'],
  ['a folder', `acme/policies@refs/heads/main:teams`, 3, 'policy/unusable'],
  ['no such branch', `acme/policies@refs/heads/gone:${PATH}`, 3, 'source/ref-gone'],
  ['no such repository', `acme/nothing@refs/heads/main:${PATH}`, 2, 'source/repository-unreachable'],
  ['a short ref', `acme/policies@main:${PATH}`, 3, 'policy/source-malformed'],
])('%s: the run ends and says that it is about the policy', async (_what, policy, code, error) => {
  const step = await attest(policy)
  expect([step.code, step.result.error?.code]).toEqual([code, error])
  expect(step.result.error?.message).toMatch(/policy/)
})

test('a policy that does not parse is a configuration error, never "no policy"', async () => {
  await publishPolicy('version: 1\nsource: [')
  const step = await attest(POLICY)
  expect([step.code, step.result.error?.code]).toEqual([3, 'policy/unusable'])
})

test('without an anchor nothing is judged, and any commit may become it', async () => {
  await publishPolicy(policyOf(scenario.alice, scenario.bob))
  const step = await attest(POLICY, { since: undefined })
  expect([step.code, step.outputs['source-verdict']]).toEqual([0, 'not-asked'])
  expect(step.summary).toContain('or an older commit)')
})
