import { jest } from '@jest/globals'
import type { CommitOptions } from '../fakes/repository.ts'
import { iso, type PullFacts, type Story } from './platform-story.ts'
import { BUILT, expectPassed, expectStopped, levelsOf, ONE_REVIEW, PlatformWorld } from './platform-support.ts'
import { footprint } from './source-support.ts'

jest.setTimeout(120_000)

let on: PlatformWorld
beforeAll(async () => {
  on = await PlatformWorld.start()
})
afterAll(() => on?.close())

const RULES = { platform: 'merge: clean, squash: evidence, rebase: evidence', review: ONE_REVIEW }
const work = (name: 'alice' | 'bob' | 'carol' = 'bob'): CommitOptions => ({
  message: `Work of ${name}`,
  ...on.by(name),
  files: { g: `${name}\n` },
})

async function stopped(story: Story, code: string, exit: 1 | 2, ...facts: readonly RegExp[]): Promise<void> {
  const before = footprint(on.scenario)
  expectStopped(on, await story.run(), before, code, exit, ...facts)
}

describe('13-adversary 10: approvals that count', () => {
  test('of exactly the head that was merged, by a maintainer who is none of its makers', async () => {
    const story = on.story('approved', RULES)
    story.merge(story.topic([work()])[0], { reviews: [{}] })
    const step = await story.run(BUILT)
    expectPassed(on, step, 'signed', 'derived')
    expect(levelsOf(step)).toContain('ORG_SOURCE_REVIEWED')
  })

  test('of a squash and of a rebase', async () => {
    const story = on.story('approved-others', RULES)
    story.squash(story.topic([work(), { ...work(), files: { h: '1' } }])[1] ?? '', { reviews: [{}] })
    story.rebase(
      story.topic([
        { ...work(), files: { i: '1' } },
        { ...work(), files: { j: '1' } },
      ]),
      { reviews: [{}] },
    )
    const step = await story.run(BUILT)
    expectPassed(on, step, 'derived', 'derived', 'derived')
    expect(levelsOf(step)).toContain('ORG_SOURCE_REVIEWED')
  })

  test('of a merge that a maintainer made and signed himself: the signature is the approval, and the platform need not know', async () => {
    const story = on.story('approved-by-merging', RULES)
    const [head] = story.topic([work()])
    story.push({ message: 'Merge', ...on.by('alice'), merge: [head], files: { g: 'bob\n' } })
    const step = await story.run(BUILT)
    expectPassed(on, step, 'signed', 'signed')
    expect(levelsOf(step)).toContain('ORG_SOURCE_REVIEWED')
  })

  test('where nobody knows who pushed last, because a ruleset made somebody else approve it', async () => {
    const story = on.story('approved-by-ruleset', RULES)
    story.merge(story.topic([work()])[0], { reviews: [{}], headRepository: null })
    await stopped(story, 'source/reviewer-unknown', 2, /who pushed last cannot be told/)
    const parameters = {
      dismiss_stale_reviews_on_push: true,
      require_code_owner_review: false,
      require_last_push_approval: true,
      required_approving_review_count: 1,
      required_review_thread_resolution: false,
    }
    const rules = [{ type: 'pull_request', parameters }]
    const rule = { id: 7, name: 'main', target: 'branch', include: [story.ref], rules } as const
    on.repository.rulesets.push({ ...rule, bypass: [] })
    on.model.permissions.add('administration')
    const step = await story.run()
    on.model.permissions.delete('administration')
    expectPassed(on, step, 'signed', 'derived')
  })
})

describe('13-adversary 10: approvals that do not count', () => {
  test.each<[string, (story: Story, head: string) => PullFacts, RegExp]>([
    ['nobody approved', () => ({}), /no approval that counts/],
    ['of an older head', ({ anchor }) => ({ reviews: [{ commit: anchor }] }), /no approval that counts/],
    ['without write access', () => ({ reviews: [{ mayWrite: false }] }), /no approval that counts/],
    ['dismissed', () => ({ reviews: [{ state: 'DISMISSED' }] }), /no approval that counts/],
    [
      'of somebody whom the rule does not name',
      () => ({ reviews: [{ author: 'mallory' }] }),
      /no approval that counts/,
    ],
    [
      'after the merge',
      (story, head) => ({ reviews: [{ submittedAt: iso(story.time(head) + 9_999) }] }),
      /no approval/,
    ],
    [
      'before the base was changed',
      (story, head) => ({
        reviews: [{ submittedAt: iso(story.time(head) + 1) }],
        baseChanges: [{ kind: 'BaseRefChangedEvent', at: iso(story.time(head) + 2) }],
      }),
      /no approval that counts/,
    ],
    ['of the author of the pull request', () => ({ author: 'alice', reviews: [{}] }), /alice is the author of pull/],
    [
      'taken back by asking for changes',
      (story, head) => ({
        reviews: [
          { submittedAt: iso(story.time(head) + 1) },
          { state: 'CHANGES_REQUESTED', submittedAt: iso(story.time(head) + 2) },
        ],
      }),
      /no approval that counts/,
    ],
    [
      'held back by the owners of the code',
      () => ({ reviews: [{}], reviewDecision: 'REVIEW_REQUIRED' }),
      /REVIEW_REQUIRED/,
    ],
  ])('%s', async (name, facts, why) => {
    const story = on.story(`not-${name.replaceAll(' ', '-')}`, RULES)
    const [head] = story.topic([work()])
    story.merge(head, facts(story, head))
    await stopped(story, 'source/unreviewed', 1, why)
  })

  test('of one who made a commit of the pull request', async () => {
    const story = on.story('not-of-maker', RULES)
    story.merge(story.topic([work(), { ...work('alice'), files: { h: '1' } }])[1] ?? '', { reviews: [{}] })
    await stopped(story, 'source/unreviewed', 1, /alice is who signed/)
  })

  test('of one who pushed the head himself', async () => {
    const story = on.story('not-of-pusher', RULES)
    const [head] = story.topic([work()])
    story.merge(head, { reviews: [{}], headRef: 'handed-over' })
    const at = iso(story.time(head) + 5)
    on.repository.activity.unshift({ actor: 'alice', ref: 'refs/heads/handed-over', after: head, at })
    await stopped(story, 'source/unreviewed', 1, /alice is who pushed last/)
  })

  test('what was pushed directly is not reviewed by the approved merge that follows it', async () => {
    const story = on.story('not-of-what-was-before', RULES)
    const direct = story.push({ message: 'Slip in', ...on.by('bob'), files: { evil: '1' } })
    story.merge(story.topic([work()])[0], { reviews: [{}] })
    await stopped(story, 'source/unreviewed', 1, /Slip in/, new RegExp(direct.slice(0, 7)))
  })

  test('a merge that holds more than the approved head is not reviewed by its approvals', async () => {
    const story = on.story('not-of-more', RULES)
    const [head] = story.topic([work()])
    story.merge(head, { reviews: [{}], tree: story.withFile(story.mergedTree(head), 'evil') })
    await stopped(story, 'source/platform-content', 1, /source\/unreviewed/)
  })
})
