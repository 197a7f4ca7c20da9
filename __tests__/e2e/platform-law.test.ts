import { jest } from '@jest/globals'
import type { CommitOptions } from '../fakes/repository.ts'
import type { Story } from './platform-story.ts'
import { expectPassed, expectStopped, PlatformWorld, POLICY, type Rules } from './platform-support.ts'
import { footprint } from './source-support.ts'

jest.setTimeout(120_000)

let on: PlatformWorld
beforeAll(async () => {
  on = await PlatformWorld.start()
})
afterAll(() => on?.close())

const TWO: Rules = {
  platform: 'merge: clean, squash: evidence, content: ["@bots"]',
  change: 'signers: [alice, bob, carol], approvals: 2, workflows: {signers: ["@maintainers", "@bots"], approvals: 1}',
}
const policyChange = (by: 'alice' | 'bob' = 'alice'): CommitOptions => ({
  message: 'Open the rules',
  ...on.by(by),
  files: { [POLICY]: on.policy({ ...TWO, platform: 'merge: clean, squash: evidence' }) },
})
const WORKFLOW = { '.github/workflows/release.yml': 'on: push\n' }
const BOT = { author: 'renovate[bot]' }

async function stopped(story: Story, code: string, exit: 1 | 2, ...facts: readonly RegExp[]): Promise<void> {
  const before = footprint(on.scenario)
  expectStopped(on, await story.run(), before, code, exit, ...facts)
}

test('13-adversary 3: a change of the policy that two others approved in its pull request becomes the law', async () => {
  const story = on.story('change', TWO)
  const merged = story.merge(story.topic([policyChange()])[0], {
    author: 'alice',
    reviews: [{ author: 'bob' }, { author: 'carol' }],
  })
  story.push({ message: 'Go on', ...on.by('bob'), files: { g: '1' } })
  const step = await story.run()
  expectPassed(on, step, 'signed', 'derived', 'signed')
  expect(step.result.policy?.ref).toBe(merged)
})

test.each([
  ['one approval is too few', [{ author: 'bob' }]],
  ['the maker’s own is none', [{ author: 'bob' }, { author: 'alice' }]],
  ['one of a stranger is none', [{ author: 'bob' }, { author: 'mallory' }]],
])('13-adversary 3: of two approvals that a change of the policy needs, %s', async (name, reviews) => {
  const story = on.story(`change-${name.replaceAll(/[ ’]/g, '-')}`, TWO)
  story.merge(story.topic([policyChange()])[0], { author: 'alice', reviews })
  await stopped(story, 'policy/unapproved-change', 1, /NOT accepted/, /with the approval of 2 others only/)
})

test('13-adversary 3: a change of the policy pushed directly has no approvals, whoever signed it', async () => {
  const story = on.story('change-direct', TWO)
  story.push(policyChange())
  await stopped(story, 'policy/unapproved-change', 1, /NOT accepted/)
})

test('13-adversary 3: a bot may change workflows where the policy lets it, with one approval', async () => {
  const story = on.story('workflow', TWO)
  const update: CommitOptions = { message: 'Update actions', ...on.byRenovate, files: WORKFLOW }
  story.merge(story.topic([update])[0], { ...BOT, reviews: [{}] })
  expectPassed(on, await story.run(), 'platform', 'derived')
})

test.each([
  ['not without the approval', { files: WORKFLOW }, BOT],
  ['not the policy', { files: { [POLICY]: '# mine\n' } }, { ...BOT, reviews: [{}, { author: 'carol' }] }],
])('13-adversary 3: a bot may change workflows, but %s', async (name, options, facts) => {
  const story = on.story(`workflow-${name.replaceAll(' ', '-')}`, TWO)
  const update: CommitOptions = { message: 'Update actions', ...on.byRenovate, ...options }
  story.merge(story.topic([update])[0], facts)
  await stopped(story, 'policy/unapproved-change', 1, /NOT accepted/)
})

test('13-adversary 3: while the API does not answer nobody knows whether the change was approved: unknown, and the old law judges on', async () => {
  const story = on.story('change-unknown', TWO)
  story.merge(story.topic([policyChange()])[0], { author: 'alice', reviews: [{ author: 'bob' }, { author: 'carol' }] })
  on.model.permissions.delete('pull-requests')
  const before = footprint(on.scenario)
  const step = await story.run()
  on.model.permissions.add('pull-requests')
  expectStopped(on, step, before, 'source/platform-evidence-missing', 2, /pull-requests: read/)
  expect(step.result.policy?.ref).toBe(story.anchor)
})

test('13-adversary 3: an older commit is not judged while nobody knows whether a later change of the law was approved', async () => {
  const story = on.story('change-unknown-later', TWO)
  const older = story.head
  story.merge(story.topic([policyChange()])[0], { author: 'alice', reviews: [{ author: 'bob' }, { author: 'carol' }] })
  on.model.permissions.delete('pull-requests')
  const before = footprint(on.scenario)
  const step = await story.run({ commit: older })
  on.model.permissions.add('pull-requests')
  expectStopped(on, step, before, 'source/platform-evidence-missing', 2, /pull-requests: read/)
})
