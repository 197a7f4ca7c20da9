import { jest } from '@jest/globals'
import type { CommitOptions } from '../fakes/repository.ts'
import { iso, lines, type PullFacts, type Story } from './platform-story.ts'
import { BUILT, expectPassed, expectStopped, levelsOf, PlatformWorld } from './platform-support.ts'
import { footprint } from './source-support.ts'

jest.setTimeout(120_000)

let on: PlatformWorld
beforeAll(async () => {
  on = await PlatformWorld.start()
})
afterAll(() => on?.close())

const SIGNED = ['SLSA_SOURCE_LEVEL_UNEVALUATED', 'ORG_SOURCE_COMMITS_SIGNED']
const FIRST = { f: lines({ 15: 'bob' }) }
const signed = (files: CommitOptions['files'] = {}): CommitOptions => ({ message: 'Work', ...on.by('bob'), files })

/** A pull request of bob's, two signed commits, beside a commit of alice's on the branch. @returns its commits. */
function twoCommits(story: Story, second: CommitOptions = signed({ g: 'bob\n' })): readonly [string, string] {
  const [first, head = ''] = story.topic([signed(FIRST), second])
  story.push({ message: 'Meanwhile', ...on.by('alice'), files: { f: lines({ 2: 'alice' }) } })
  return [first, head]
}

async function stopped(story: Story, code: string, exit: 1 | 2, ...facts: readonly RegExp[]): Promise<void> {
  const before = footprint(on.scenario)
  expectStopped(on, await story.run(), before, code, exit, ...facts)
}

describe('13-adversary 8: merges', () => {
  const MERGES = { platform: 'merge: clean' }

  test('a clean merge by the platform of signed commits is derived, and published as signed', async () => {
    const story = on.story('merge', MERGES)
    story.merge(twoCommits(story)[1])
    const step = await story.run({ ...BUILT, tags: 'merged' })
    expectPassed(on, step, 'signed', 'signed', 'signed', 'derived')
    expect(levelsOf(step)).toEqual(SIGNED)
    expect(step.summary).toContain('derived')
  })

  test('what the platform thinks of the signature is told, and decides nothing', async () => {
    const story = on.story('merge-doubted', MERGES)
    const id = story.merge(twoCommits(story)[1])
    const signature = { isValid: false, state: 'INVALID', wasSignedByGitHub: true }
    on.repository.commits.set(id, { oid: id, signature })
    const step = await story.run()
    expectPassed(on, step, 'signed', 'signed', 'signed', 'derived')
    expect(step.summary).toMatch(/source\/platform-disagrees.*the platform calls its signature INVALID/)
    on.repository.commits.set(id, { oid: id, signature: { ...signature, isValid: true, state: 'VALID' } })
    expect((await story.run()).summary).not.toContain('platform-disagrees')
  })

  test('a merge that holds more than its parents is content, and rejected', async () => {
    const story = on.story('merge-evil', MERGES)
    const [, head] = twoCommits(story)
    story.merge(head, { tree: story.withFile(story.mergedTree(head), 'evil') })
    await stopped(story, 'source/platform-content', 1, /its tree is not what git itself makes of it/)
  })

  test('a merge that brings an unsigned commit is rejected for that commit', async () => {
    const story = on.story('merge-unsigned', MERGES)
    story.merge(twoCommits(story, { message: 'Slip in', name: 'Bob', email: 'bob@example.com', files: { g: '1' } })[1])
    await stopped(story, 'source/unsigned', 1, /Slip in/)
  })

  test('without the switch no merge of the platform counts', async () => {
    const story = on.story('merge-denied', { platform: 'squash: evidence' })
    story.merge(twoCommits(story)[1])
    await stopped(story, 'source/platform-content', 1, /the rule says merge: deny/)
  })

  test('a merge that no pull request became, made by API with a write token, is rejected', async () => {
    const story = on.story('merge-by-api', MERGES)
    const [, head] = twoCommits(story)
    story.platformCommit('Merge', story.mergedTree(head), [story.head, head])
    await stopped(story, 'source/platform-content', 1, /no pull request of this repository/)
  })

  test.each<[string, (story: Story) => PullFacts, RegExp]>([
    ['into another base', () => ({ base: 'story/other' }), /no pull request of this repository/],
    [
      'of another repository of the same name',
      () => ({ repository: on.model.repository('acme/fork', 4711) }),
      /no pull request of this repository/,
    ],
    ['whose head is another commit', ({ anchor }) => ({ headOid: anchor }), /had the head/],
    ['whose head is newer than its merge', () => ({ mergedAt: '2026-01-01T00:00:00Z' }), /is newer than its merge/],
    ['that became another commit', ({ anchor }) => ({ mergeCommit: anchor }), /no pull request of this repository/],
  ])('a merge with the pull request %s is rejected', async (_, facts, why) => {
    const story = on.story(`merge-${on.repository.pulls.length}-of-other`, MERGES)
    const [, head] = twoCommits(story)
    story.merge(head, facts(story))
    await stopped(story, 'source/platform-content', 1, why)
  })

  test('a merge whose pull request the API calls open is rejected', async () => {
    const story = on.story('merge-open', MERGES)
    const [, head] = twoCommits(story)
    const pull = story.pull(head, {})
    const merge = story.platformCommit('Merge', story.mergedTree(head), [story.head, head])
    on.repository.pulls.push({ ...pull, mergeCommit: merge })
    await stopped(story, 'source/platform-content', 1, /no pull request of this repository/)
  })

  test('13-adversary 9: a merge of a conflict cannot be compared: unknown, with the way out, never tampered', async () => {
    const story = on.story('merge-conflict', MERGES)
    const [, head] = twoCommits(story, signed({ f: lines({ 2: 'bob', 15: 'bob' }) }))
    story.merge(head, { tree: story.tree(head) })
    await stopped(story, 'source/merge-not-checked', 2, /git merge --no-ff -S/)
  })
})

describe('13-adversary 8: squashes', () => {
  const SQUASHES = { platform: 'squash: evidence' }

  test('a squash of signed commits is derived from them, and published as signed', async () => {
    const story = on.story('squash', SQUASHES)
    story.squash(twoCommits(story)[1])
    const step = await story.run(BUILT)
    expectPassed(on, step, 'signed', 'derived')
    expect(levelsOf(step)).toEqual(SIGNED)
  })

  test('a squash with something added at the merge is rejected', async () => {
    const story = on.story('squash-adds', SQUASHES)
    const [, head] = twoCommits(story)
    story.squash(head, { tree: story.withFile(story.mergedTree(head), 'evil') })
    await stopped(story, 'source/platform-content', 1, /its tree is not what git itself makes of it/)
  })

  test.each([
    ['an unsigned commit', () => ({ message: 'Slip in', name: 'Bob', email: 'bob@example.com' }), 'source/unsigned'],
    ['a commit of a stranger', () => ({ message: 'Slip in', ...on.by('mallory') }), 'source/signer-unknown'],
  ])('a squash with %s inside is rejected for that commit', async (_, options, code) => {
    const story = on.story(`squash-${code.slice(7)}`, SQUASHES)
    story.squash(twoCommits(story, { ...options(), files: { g: '1' } })[1])
    await stopped(story, code, 1, /is the squash of pull request/, /Slip in/)
  })

  test('a squash whose head is gone from the repository is unknown', async () => {
    const story = on.story('squash-gone', SQUASHES)
    story.squash(twoCommits(story)[1], { headOid: '7'.repeat(40) })
    await stopped(story, 'source/platform-evidence-missing', 2, /the commits of pull request \d+ were not read/)
  })
})

describe('13-adversary 8: rebases', () => {
  const REBASES = { platform: 'rebase: evidence' }

  test('two rebased commits, unsigned as the platform leaves them, are derived from theirs', async () => {
    const story = on.story('rebase', REBASES)
    story.rebase(twoCommits(story))
    const step = await story.run(BUILT)
    expectPassed(on, step, 'signed', 'derived', 'derived')
    expect(levelsOf(step)).toEqual(SIGNED)
  })

  test('a rebase that changed one of them is rejected for that one', async () => {
    const story = on.story('rebase-changed', REBASES)
    const topic = twoCommits(story)
    story.rebase(topic, {}, (at, tree) => (at === 0 ? story.withFile(tree, 'evil') : tree))
    const before = footprint(on.scenario)
    const step = await story.run()
    expectStopped(on, step, before, 'source/unsigned', 1, /its tree is not what git itself makes of it/)
    expect(step.result.subjects.map(({ verdict }) => verdict)).toEqual(['passed', 'rejected', 'passed'])
  })

  test('an old change of bob’s that somebody pushes once more, unsigned, is rejected', async () => {
    const story = on.story('rebase-again', REBASES)
    const topic = twoCommits(story)
    story.rebase(topic)
    story.push({ message: 'Revert', ...on.by('alice'), files: { g: null } })
    const merged = on.repository.pulls.at(-1)?.mergeCommit ?? ''
    story.push({ message: 'Again', name: 'Bob', email: 'bob@example.com', files: { g: 'bob\n' } })
    // The most that a platform could be made to say: that the commit belongs to the old pull request.
    on.repository.pulls.push({
      ...story.pull(topic[1], { mergeCommit: merged }),
      mergedAt: iso(story.time(merged)),
      associated: [story.head],
    })
    await stopped(story, 'source/unsigned', 1, /is no rebased commit of a pull request/)
  })
})
