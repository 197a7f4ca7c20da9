import type { CommitId } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { PlatformPort } from '../../src/pipeline/attest-request.ts'
import { withTrustedTime } from '../../src/pipeline/source-evidence.ts'
import { PlatformAnswers } from '../../src/pipeline/source-platform.ts'
import type { Law } from '../../src/policy/law.ts'
import { EVERYTHING, EvidenceWorld, lawWith, lines } from './evidence-world.ts'

const LAW = lawWith(EVERYTHING)
const DENIED = lawWith({ merge: 'deny', squash: 'deny', rebase: 'deny', content: new Set() })
/** Under a rule that asks for review every commit is asked about. */
const reviewed = (law: Law): Law => {
  const review = {
    approvals: 1,
    by: new Set(['alice']),
    distinctFrom: new Set<never>(),
    strength: 'platform-recorded',
  } as const
  return { ...law, policy: { ...law.policy, source: law.policy.source.map(rule => ({ ...rule, review })) } }
}
const worlds: EvidenceWorld[] = []
afterAll(async () => {
  for (const world of worlds) await world.close()
})

function newWorld(): EvidenceWorld {
  const world = new EvidenceWorld()
  worlds.push(world)
  return world
}

/** main goes on while the topic has two commits; both change `f`, far from each other. */
function forked(world: EvidenceWorld): { topic: readonly CommitId[]; main: CommitId } {
  const topic = world.branch([{ f: lines({ 15: 'topic' }) }, { g: 'topic\n' }])
  return { topic, main: world.commit({ f: lines({ 2: 'main' }) }, 'main goes on') }
}

test('a merge: clean, with an addition, of a conflict', async () => {
  const world = newWorld()
  const { topic, main } = forked(world)
  const [, head = main] = topic
  const tree = world.mergedTree(main, head)
  const clean = world.place(tree, [main, head])
  world.pull(head, clean)
  const [second = main] = world.branch([{ h: 'h\n' }], main)
  const evil = world.place(world.withFile(world.mergedTree(clean, second), 'evil', 'evil\n'), [clean, second])
  const [third = main] = world.branch([{ f: lines({ 2: 'third' }) }], world.anchor)
  const conflict = world.place(world.tree(evil), [evil, third])
  const [first, a, b, c] = await world.evidence(reviewed(LAW))
  expect(first).toMatchObject({ platform: { kind: 'known' }, proposals: [] })
  expect(a?.merge).toEqual({ kind: 'equal' })
  expect(b?.merge).toEqual({ kind: 'differs', merged: world.mergedTree(clean, second) })
  expect(c?.merge).toEqual({ kind: 'conflict' })
  expect(conflict).toBe(world.head())
})

test('a squash: equal, with an addition, of a conflict', async () => {
  const world = newWorld()
  const { topic, main } = forked(world)
  const [one = main, head = main] = topic
  const squash = world.place(world.mergedTree(main, head), [main])
  world.pull(head, squash)
  const [second = main] = world.branch([{ h: 'h\n' }], main)
  const added = world.place(world.withFile(world.mergedTree(squash, second), 'evil', 'evil\n'), [squash])
  world.pull(second, added)
  const [third = main] = world.branch([{ f: lines({ 2: 'third' }) }], world.anchor)
  const conflict = world.place(world.tree(added), [added])
  world.pull(third, conflict)
  const [, a, b, c] = await world.evidence(LAW)
  expect(a?.proposals).toMatchObject([
    { pull: 1, head, mergeBase: world.anchor, squash: { kind: 'equal' }, commits: [{ id: one }, { id: head }] },
  ])
  expect(a?.proposals?.[0]?.commits).toMatchObject([{ signature: { kind: 'ssh' } }, { signature: { kind: 'ssh' } }])
  expect(b?.proposals).toMatchObject([{ squash: { kind: 'differs', merged: world.mergedTree(squash, second) } }])
  expect(c?.proposals).toMatchObject([{ squash: { kind: 'conflict' } }])
})

/** Repeats each commit on top of main, as a rebase does; `change` may add to one of them. */
function rebased(
  world: EvidenceWorld,
  topic: readonly CommitId[],
  change: (at: number, tree: string) => string,
): CommitId[] {
  const done: CommitId[] = []
  for (const [at, original] of topic.entries()) {
    world.repository.git('cherry-pick', '--no-commit', original)
    const tree = change(at, world.repository.git('write-tree'))
    done.push(world.place(tree, [world.head()], `topic ${at}`))
  }
  return done
}

test('a rebase: each commit against its original, one of them with an addition', async () => {
  const world = newWorld()
  const topic = world.branch([{ f: lines({ 15: 'a' }) }, { g: 'b\n' }, { f: lines({ 15: 'a', 17: 'c' }) }])
  world.commit({ f: lines({ 2: 'main' }) }, 'main goes on')
  const clean = rebased(world, topic, (_, tree) => tree)
  world.pull(topic[2] ?? world.anchor, clean[2] ?? world.anchor, clean)
  const second = world.branch([{ h: '1\n' }, { i: '2\n' }, { j: '3\n' }], world.anchor)
  const evil = rebased(world, second, (at, tree) => (at === 1 ? world.withFile(tree, 'evil', 'evil\n') : tree))
  world.pull(second[2] ?? world.anchor, evil[2] ?? world.anchor, evil)
  const [, ...found] = await world.evidence(LAW)
  const rebases = found.map(evidence => evidence?.proposals?.[0]?.rebase)
  expect(rebases.map(rebase => rebase?.original)).toEqual([...topic, ...second])
  expect(rebases.map(rebase => rebase?.check.kind)).toEqual(['equal', 'equal', 'equal', 'equal', 'differs', 'equal'])
  expect(found[0]?.proposals?.[0]?.squash).toBeUndefined()
  expect(found[2]?.proposals?.[0]?.squash).toEqual({ kind: 'equal' })
})

test('a commit that the platform names with a pull request in whose series it is not has no comparison', async () => {
  const world = newWorld()
  const { topic, main } = forked(world)
  const [, head = main] = topic
  const direct = world.place(world.withFile(world.tree(main), 'd', 'd\n'), [main])
  const squash = world.place(world.mergedTree(direct, head), [direct])
  const later = world.place(world.withFile(world.tree(squash), 'k', 'k\n'), [squash])
  world.pull(head, squash, [direct, squash, later])
  const [, first, , third] = await world.evidence(LAW)
  // One before the squash: by its place it would repeat the first of the two, and it does not.
  expect(first?.proposals?.[0]?.rebase?.check.kind).toBe('differs')
  expect(third?.proposals).toEqual([{ pull: 1, head, mergeBase: squash, commits: [] }])
})

test('pull requests into other branches are not read', async () => {
  const world = newWorld()
  const { topic, main } = forked(world)
  const [, head = main] = topic
  const squash = world.place(world.mergedTree(main, head), [main])
  const pull = world.pull(head, squash)
  world.platform.known.set(squash, { pulls: [{ ...pull, baseRef: 'refs/heads/other' }] })
  const [, a] = await world.evidence(LAW)
  expect(a?.proposals).toEqual([])
})

test('a pull request of 300 commits is read; one beyond the bound is not spoken of', async () => {
  const world = newWorld()
  const many = (count: number) => {
    const start = world.head()
    const commits = Array.from({ length: count }, (_, i) =>
      [
        'commit refs/heads/topic',
        `committer Alice <alice@example.com> ${1_780_000_000 + i} +0000`,
        'data 1',
        'c',
        ...(i === 0 ? [`from ${start}`] : []),
        '',
      ].join('\n'),
    )
    world.repository.gitInput(commits.join('\n'), 'fast-import', '--quiet', '--force')
    return world.repository.git('rev-parse', 'topic') as CommitId
  }
  const head = many(300)
  world.pull(head, world.place(world.tree(head), [world.anchor]))
  const far = many(LIMITS.proposalCommits + 1)
  world.pull(far, world.place(world.tree(far), [world.head()]))
  const [a, b] = await world.evidence(LAW)
  expect(a?.proposals?.[0]?.commits.length).toBe(300)
  expect(a?.proposals?.[0]).toMatchObject({ squash: { kind: 'equal' }, rebase: { original: head } })
  expect(b?.proposals).toEqual([])
  expect(b?.platform?.kind).toBe('known')
})

test('a head that the repository does not give leaves out its own pull request alone', async () => {
  const world = newWorld()
  const { topic, main } = forked(world)
  const [, head = main] = topic
  const squash = world.place(world.mergedTree(main, head), [main])
  world.pull(head, squash)
  const gone = world.place(world.tree(squash), [squash])
  world.platform.known.set(gone, { pulls: [{ ...world.pull(head, gone), head: '7'.repeat(40) as CommitId }] })
  const [, a, b] = await world.evidence(LAW)
  expect(a?.proposals?.length).toBe(1)
  expect(b?.proposals).toEqual([])
})

describe('review statements', () => {
  const review = {
    approvals: 1,
    by: new Set(['alice']),
    distinctFrom: new Set(['author'] as const),
    strength: 'signed-by-reviewer',
  } as const
  const reviewed = { ...LAW, policy: { ...LAW.policy, source: LAW.policy.source.map(rule => ({ ...rule, review })) } }

  /** A merge, a squash, two rebased commits and one pushed directly. */
  function everyWay(world: EvidenceWorld) {
    const [merged = world.anchor] = world.branch([{ m: 'm\n' }])
    const merge = world.place(world.mergedTree(world.anchor, merged), [world.anchor, merged])
    const [, squashed = merge] = world.branch([{ s: '1\n' }, { s: '2\n' }], merge)
    const squash = world.place(world.tree(squashed), [merge])
    world.pull(squashed, squash)
    const [one = squash, two = squash] = world.branch([{ a: '1\n' }, { b: '2\n' }], squash)
    const first = world.place(world.tree(one), [squash], 'rebased')
    const last = world.place(world.tree(two), [first], 'rebased')
    world.pull(two, last, [first, last])
    const direct = world.commit({ d: 'd\n' })
    return [merge, merged, squash, squashed, first, last, two, direct]
  }

  test('13-adversary 10: are asked for about every head that a commit may have been reviewed as, at once', async () => {
    const world = newWorld()
    const heads = everyWay(world)
    const asked: ReadonlySet<CommitId>[] = []
    const about = async (wanted: ReadonlySet<CommitId>) => {
      asked.push(wanted)
      return new Map()
    }
    const found = await world.evidence(reviewed, world.platform, { about })
    expect(asked.map(wanted => [...wanted].sort())).toEqual([[...heads].sort()])
    for (const evidence of found) expect(evidence).not.toHaveProperty('missingReviews')
  })

  test('13-adversary 11: that cannot be read are missing, for every commit that needs one', async () => {
    const world = newWorld()
    everyWay(world)
    const unreachable = fail('source/repository-unreachable', 'No answer')
    const found = await world.evidence(reviewed, world.platform, { about: async () => unreachable })
    expect(found.map(evidence => evidence?.missingReviews)).toEqual(Array(5).fill([unreachable]))
  })

  test('are not asked for where no rule asks for reviews', async () => {
    const world = newWorld()
    everyWay(world)
    await world.evidence(LAW, world.platform, { about: () => Promise.reject(new Error('asked')) })
  })
})

test('nothing is asked that no rule looks at', async () => {
  const world = newWorld()
  forked(world)
  expect(await world.evidence(DENIED)).toEqual([undefined])
  // What a person signed stands for itself, whatever the platform may have made elsewhere.
  expect(await world.evidence(LAW)).toEqual([undefined])
  expect(world.platform.asked).toEqual([])
})

test('13-adversary 5: without access to the platform every answer is unavailable, never "no pull request"', async () => {
  const world = newWorld()
  forked(world)
  const history = await world.open()
  const answers = new PlatformAnswers(undefined, () => history.remaining())
  const about = await answers.about([world.anchor])
  expect(about.get(world.anchor)).toMatchObject({
    kind: 'unavailable',
    cause: {
      code: 'source/platform-evidence-missing',
      kind: 'unknown',
      remedy: expect.stringContaining('github-token'),
    },
  })
  expect(await answers.signingKeys()).toMatchObject({ kind: 'unavailable' })
})

const A = 'a'.repeat(40) as CommitId
const B = 'b'.repeat(40) as CommitId

test.each<[string, PlatformPort['commits']]>([
  ['fails', () => Promise.reject(new Error('boom'))],
  ['answers less', async () => []],
  ['answers about another commit', async () => [{ kind: 'known', value: { id: B, pulls: [] } }]],
])('13-adversary 5: a platform that %s has not said anything', async (_, commits) => {
  const port: PlatformPort = { commits, signingKeys: () => Promise.reject(new Error('boom')) }
  const answers = new PlatformAnswers(port, () => 60_000)
  expect((await answers.about([A])).get(A)).toMatchObject({ kind: 'unavailable', cause: { kind: 'unknown' } })
  expect(await answers.signingKeys()).toMatchObject({ kind: 'unavailable', cause: { kind: 'unknown' } })
})

test('13-adversary 13: commits are asked about in batches, each once', async () => {
  const asked: number[] = []
  const port: PlatformPort = {
    commits: async ids => {
      asked.push(ids.length)
      return ids.map(id => ({ kind: 'known', value: { id, pulls: [] } }))
    },
    signingKeys: async () => ({ kind: 'known', value: new Uint8Array() }),
  }
  const answers = new PlatformAnswers(port, () => 60_000)
  const ids = Array.from({ length: 60 }, (_, i) => i.toString(16).padStart(40, '0') as CommitId)
  await answers.about(ids)
  await answers.about([...ids, A])
  expect(asked).toEqual([25, 25, 10, 1])
})

test('13-adversary 13: a platform that never answers ends the stage at its deadline', async () => {
  const port: PlatformPort = { commits: () => new Promise(() => {}), signingKeys: () => new Promise(() => {}) }
  const answers = new PlatformAnswers(port, () => 20)
  await expect(answers.about([A])).rejects.toMatchObject({ code: 'source/deadline', kind: 'unknown' })
  await expect(answers.signingKeys()).rejects.toMatchObject({ code: 'source/deadline' })
})

test('13-adversary 12: the earliest trusted time counts, the platform’s own labelled so', () => {
  const person = { name: 'Alice', email: 'alice@example.com', time: 0, offset: '+0000' }
  const commit = {
    id: A,
    tree: B,
    parents: [],
    author: person,
    committer: person,
    subject: '',
    signature: { kind: 'none' },
  } as const
  const pushed = (date: string) =>
    ({ platform: { kind: 'known', value: { id: A, pulls: [], pushedAt: new Date(date) } } }) as const
  const early = { time: new Date('2026-01-01'), from: 'timestamp' } as const
  expect(withTrustedTime(commit, undefined)).toEqual(commit)
  expect(withTrustedTime(commit, pushed('2026-02-01'))).toMatchObject({
    trustedTime: { time: new Date('2026-02-01'), from: 'platform' },
  })
  expect(withTrustedTime({ ...commit, trustedTime: early }, pushed('2026-02-01'))).toMatchObject({ trustedTime: early })
  expect(withTrustedTime({ ...commit, trustedTime: early }, pushed('2025-12-01'))).toMatchObject({
    trustedTime: { from: 'platform' },
  })
})
