import { jest } from '@jest/globals'
import type { CommitOptions } from '../fakes/repository.ts'
import type { StepResult } from '../fakes/scenario.ts'
import type { Story } from './platform-story.ts'
import { expectStopped, ONE_REVIEW, PlatformWorld, POLICY } from './platform-support.ts'
import { footprint } from './source-support.ts'

jest.setTimeout(120_000)

let on: PlatformWorld
beforeAll(async () => {
  on = await PlatformWorld.start()
})
afterAll(() => on?.close())

const RULES = { platform: 'merge: clean, squash: evidence, rebase: evidence, content: ["@bots"]', review: ONE_REVIEW }
const work = (): CommitOptions => ({ message: 'Work', ...on.by('bob'), files: { g: 'bob\n' } })

/** An open pull request with these commits. @returns its number and its head. */
function opened(story: Story, commits: readonly CommitOptions[], facts: Parameters<Story['pull']>[1] = {}) {
  const head = story.topic(commits).at(-1) ?? ''
  const pull = story.pull(head, facts)
  on.repository.pulls.push(pull)
  on.repository.activity.unshift({
    actor: pull.author,
    ref: `refs/heads/${pull.headRef}`,
    after: head,
    at: new Date(story.time(head) * 1000).toISOString(),
  })
  return { number: pull.number, head }
}

/** Passed, and nothing was signed or pushed. */
function expectAccepted(step: StepResult, before: unknown, ...bases: readonly string[]): void {
  expect([step.result.error, step.code, step.result.verdict]).toEqual([undefined, 0, 'passed'])
  expect(step.result.subjects.map(({ basis }) => basis)).toEqual(bases)
  expect(footprint(on.scenario)).toEqual(before)
  on.scenario.stack.github.expectNothingUnexpected()
}

describe('a pull request', () => {
  test.each([
    ['without any review', []],
    ['with an approval', [{}]],
  ])('%s passes: reviews are shown, not judged', async (name, reviews) => {
    const story = on.story(`propose-${name.replaceAll(' ', '-')}`, RULES)
    const { number, head } = opened(story, [work()], { reviews })
    const before = footprint(on.scenario)
    expectAccepted(await story.propose(number, head), before, 'signed')
  })

  test('of a bot counts as its content while it is open', async () => {
    const story = on.story('propose-bot', RULES)
    const update = { message: 'Update', ...on.byRenovate, files: { version: '2\n' } }
    const { number, head } = opened(story, [update], { author: 'renovate[bot]' })
    const before = footprint(on.scenario)
    expectAccepted(await story.propose(number, head), before, 'platform')
    const foreign = opened(story, [update, work()], { author: 'renovate[bot]' })
    const step = await story.propose(foreign.number, foreign.head)
    expectStopped(on, step, before, 'source/platform-content', 1, /is of bob \(102\)/)
  })

  test('of a bot that was closed is nobody’s', async () => {
    const story = on.story('propose-closed', RULES)
    const update = { message: 'Update', ...on.byRenovate, files: { version: '3\n' } }
    const { number, head } = opened(story, [update], { author: 'renovate[bot]', closed: true })
    const before = footprint(on.scenario)
    expectStopped(on, await story.propose(number, head), before, 'source/platform-content', 1, /through no pull/)
  })

  test('13-adversary 5: of a bot, while the API does not answer: unknown', async () => {
    const story = on.story('propose-403', RULES)
    const update = { message: 'Update', ...on.byRenovate, files: { version: '4\n' } }
    const { number, head } = opened(story, [update], { author: 'renovate[bot]' })
    on.model.permissions.delete('pull-requests')
    const before = footprint(on.scenario)
    const step = await story.propose(number, head)
    on.model.permissions.add('pull-requests')
    expectStopped(on, step, before, 'source/platform-evidence-missing', 2, /pull-requests: read/)
  })

  test('13-adversary 3: where nobody can tell whether the law of the base was approved, nothing is judged by the one before it', async () => {
    const change = 'signers: [alice, bob, carol], approvals: 2'
    const story = on.story('propose-unknown-law', { platform: 'merge: clean', change })
    const without = on.policy({ platform: 'merge: clean', change }).replace('"@maintainers", bob', '"@maintainers"')
    const [removal] = story.topic([{ message: 'Remove bob', ...on.by('alice'), files: { [POLICY]: without } }])
    story.merge(removal, { author: 'alice', reviews: [{ author: 'bob' }, { author: 'carol' }] })
    const { number, head } = opened(story, [work()])
    const before = footprint(on.scenario)
    const step = await story.propose(number, head)
    expectStopped(on, step, before, 'source/signer-not-allowed', 1)
    on.model.permissions.delete('pull-requests')
    const unsure = await story.propose(number, head)
    on.model.permissions.add('pull-requests')
    expectStopped(on, unsure, before, 'source/platform-evidence-missing', 2, /Remove bob|Merge/)
  })
})

describe('13-adversary 10: an entry of the merge queue', () => {
  const merged = (story: Story, head: string) =>
    story.made('Merge pull request', story.mergedTree(head), [story.head, head])

  test('is judged like the merge that it will be: approved, clean', async () => {
    const story = on.story('queue', RULES)
    const { number, head } = opened(story, [work()], { reviews: [{}] })
    const before = footprint(on.scenario)
    expectAccepted(await story.queue(number, merged(story, head)), before, 'signed', 'derived')
  })

  test('squashed, approved', async () => {
    const story = on.story('queue-squash', RULES)
    const { number, head } = opened(story, [work(), { ...work(), files: { h: '1' } }], { reviews: [{}] })
    const before = footprint(on.scenario)
    const made = story.made('Squash', story.mergedTree(head), [story.head])
    expectAccepted(await story.queue(number, made), before, 'derived')
  })

  test('without enough approvals is unreviewed', async () => {
    const story = on.story('queue-unreviewed', RULES)
    const { number, head } = opened(story, [work()])
    const before = footprint(on.scenario)
    const step = await story.queue(number, merged(story, head))
    expectStopped(on, step, before, 'source/unreviewed', 1, /no approval that counts/)
  })

  test('that holds more than the approved head is content', async () => {
    const story = on.story('queue-evil', RULES)
    const { number, head } = opened(story, [work()], { reviews: [{}] })
    const made = story.made('Merge', story.withFile(story.mergedTree(head), 'evil'), [story.head, head])
    const before = footprint(on.scenario)
    expectStopped(on, await story.queue(number, made), before, 'source/platform-content', 1)
  })

  test('of another pull request than its ref names does not count', async () => {
    const story = on.story('queue-other', RULES)
    const { head } = opened(story, [work()], { reviews: [{}] })
    const other = opened(story, [{ ...work(), files: { other: '1' } }], { reviews: [{}] })
    const before = footprint(on.scenario)
    const step = await story.queue(other.number, merged(story, head))
    expectStopped(on, step, before, 'source/platform-content', 1, /had the head/)
  })

  test('whose ref names no pull request is unknown', async () => {
    const story = on.story('queue-nameless', RULES)
    const { head } = opened(story, [work()], { reviews: [{}] })
    const before = footprint(on.scenario)
    const step = await story.queue(0, merged(story, head))
    expectStopped(on, step, before, 'source/platform-evidence-missing', 2, /does not name its pull request/)
  })

  test('pending evidence counts for nothing that is signed: the same merge pushed while the pull request is open', async () => {
    const story = on.story('queue-pushed', RULES)
    const { head } = opened(story, [work()], { reviews: [{}] })
    story.platformCommit('Merge', story.mergedTree(head), [story.head, head])
    const before = footprint(on.scenario)
    expectStopped(on, await story.run(), before, 'source/platform-content', 1, /no pull request of this repository/)
  })
})
