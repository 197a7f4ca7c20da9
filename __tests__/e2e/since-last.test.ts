import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { sourceIndexTag } from '../../src/pipeline/earlier.ts'
import { type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { breaks, type Schema } from '../report/schema.ts'

/** What a run says about the last attested image of its branch. */
jest.setTimeout(120_000)

const RESULT = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/result.json'), 'utf8')) as Schema
const TAG = sourceIndexTag('refs/heads/main')

let scenario: Scenario
beforeAll(async () => {
  scenario = await startScenario()
})
afterAll(async () => {
  await scenario.close()
})

const tags = () => scenario.stack.registry.storage.open('acme/app').tags
const head = () => scenario.repository.head() ?? ''

/** Another image by another commit; the first one is the scenario's own. */
async function attest(content?: string): Promise<StepResult> {
  if (content !== undefined) await commit(content)
  const step = await scenario.attest({ builder: 'buildah', tags: 'v1' })
  expect([step.code, step.code === 0 ? '' : step.log]).toEqual([0, ''])
  expect(breaks(RESULT, step.result)).toEqual([])
  return step
}

async function commit(content: string): Promise<void> {
  const { repository, alice } = scenario
  repository.commit({ message: content, signer: alice, files: { 'hello.txt': `${content}\n` } })
  await scenario.publish()
}

test('the first run has nothing to compare with; the next one is compared with it, by its signed provenance', async () => {
  const first = await attest()
  expect(first.result.since).toEqual({ state: 'none' })
  expect(first.summary).toContain('There is no attested image of this branch to compare with.')
  const before = head()
  await commit('one')
  const second = await attest('another text, and a longer one')
  expect(second.result.since).toMatchObject({
    state: 'found',
    image: first.outputs.digest,
    commit: before,
    signedAt: expect.stringMatching(/^20/),
    commits: 2,
  })
  const [then, now] = [first, second].map(({ result }) => result.image?.platforms[0])
  expect(now?.previousSize).toBe(then?.size)
  expect(second.summary).toMatch(/- Commits: 2 new\n.*\n- Size: (\+|−|the same)/)
})

test('a run of the same commit has no new one', async () => {
  expect((await attest()).result.since).toMatchObject({ state: 'found', commit: head(), commits: 0 })
})

test('a planted index lends no comparison: nothing that another repository or key signed is believed, and nothing ends', async () => {
  const own = tags().get(TAG) ?? ''
  tags().set(TAG, tags().get('v1') ?? '')
  const planted = await attest('planted')
  expect(planted.result.since).toEqual({ state: 'unknown', why: 'registry/tag-not-ours' })
  expect(planted.summary).toContain('Not known: the record of the last image could not be read')
  tags().set(TAG, own)
  const elsewhere = await scenario.attest({ builder: 'buildah', tags: 'v2' }, { claims: { repository_id: '4711' } })
  expect(elsewhere.result.since).toEqual({ state: 'unknown', why: 'verify/no-attestation' })
})

test('where the last image is gone from the registry its size is not known, and the rest is', async () => {
  const last = await attest('last')
  const store = scenario.stack.registry.storage.open('acme/app')
  store.manifests.delete(last.outputs.digest ?? '')
  const next = await attest('next')
  expect(next.result.since).toMatchObject({ state: 'found', image: last.outputs.digest })
  expect(next.result.image?.platforms[0]).not.toHaveProperty('previousSize')
  expect(next.summary).toContain('- Size: not known')
})

test('a run that ended at its commits was compared with nothing', async () => {
  const { repository } = scenario
  repository.commit({ message: 'Unsigned', files: { 'hello.txt': 'unsigned\n' } })
  await scenario.publish()
  const step = await scenario.attest({ builder: 'buildah' })
  expect([step.code, step.result.verdict, step.result.since]).toEqual([1, 'rejected', undefined])
})
