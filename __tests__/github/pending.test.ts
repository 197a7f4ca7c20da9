import { readEvent } from '../../src/github/event.ts'
import { NO_COMMIT, type PendingPull, pendingOf } from '../../src/github/pending.ts'
import type { ModelPull } from '../fakes/github-model.ts'
import { codeOf, GithubWorld, id, known, NUMBER, pull } from './world.ts'

let world: GithubWorld
beforeEach(async () => {
  world = await GithubWorld.start()
})
afterEach(() => world.close())

/** The pull request of `pull()`, still open. */
function open(over: Partial<ModelPull> = {}): ModelPull {
  const { mergedAt: _at, mergeCommit: _commit, mergedBy: _by, ...rest } = pull(over)
  return rest
}

const ask = (pending: PendingPull | undefined, ...commits: readonly string[]) =>
  world.platform(pending === undefined ? {} : { pending }).commits(commits.map(digit => id(digit)))

test('an open pull request counts for its own commits, and became no commit', async () => {
  world.repository.pulls.push(open())
  const [own, other] = await ask({ number: 7 }, 'a', 'e')
  expect(known(own).pulls).toMatchObject([
    { number: 7, pending: true, mergeCommit: NO_COMMIT, mergedAt: new Date(world.now), head: id('a') },
  ])
  expect(known(other).pulls).toEqual([])
  world.github.expectNothingUnexpected()
})

test('a queued one counts for the commit that the queue made of it, and for its own', async () => {
  world.repository.pulls.push(open())
  const answers = await ask({ number: 7, queued: id('f') }, 'f', 'a', 'e')
  const counts = answers.map(answer => known(answer).pulls.map(({ pending, mergeCommit }) => [pending, mergeCommit]))
  expect(counts).toEqual([[[true, id('f')]], [[true, id('f')]], []])
})

test('open ones count in no run that is not about them', async () => {
  world.repository.pulls.push(open())
  expect(known((await ask(undefined, 'a'))[0]).pulls).toEqual([])
  world.repository.pulls.push(open({ number: 8 }))
  expect(known((await ask({ number: 8 }, 'a'))[0]).pulls.map(({ number }) => number)).toEqual([8])
})

test('one that was merged meanwhile is a merged one, told once; one that was closed is none', async () => {
  world.model.merge(world.repository, pull())
  const [merged] = await ask({ number: 7, queued: id('f') }, 'f')
  expect(known(merged).pulls).toMatchObject([{ number: 7, mergeCommit: id('f') }])
  expect(known(merged).pulls[0]).not.toHaveProperty('pending')
  world.repository.pulls[0] = open({ closed: true })
  expect(known((await ask({ number: 7 }, 'a'))[0]).pulls).toEqual([])
})

test('13-adversary 5: one that cannot be read makes unknown what no other pull request vouches for', async () => {
  world.model.merge(world.repository, pull())
  for (const [pending, code] of [
    [{ number: 9 }, 'github/api-permission'],
    [{ queued: id('e') }, 'github/queue-unreadable'],
  ] as const)
    expect((await ask(pending, 'f', 'e')).map(codeOf)).toEqual(['known', code])
})

const merge_group = { head_sha: id('f'), base_sha: id('b'), base_ref: 'refs/heads/release/1' }
test.each([
  [`refs/heads/gh-readonly-queue/release/1/pr-104-${id('b')}`, { number: 104, queued: id('f') }],
  [`refs/heads/gh-readonly-queue/release/1/pr-0-${id('b')}`, { queued: id('f') }],
  [`refs/heads/gh-readonly-queue/release/1/pr-104-${id('b')}/x`, { queued: id('f') }],
  [`refs/heads/gh-readonly-queue/main/pr-104-${id('b')}`, { queued: id('f') }],
  ['refs/heads/main', { queued: id('f') }],
])('the queue’s ref %s', (ref, pending) => {
  const variables = { eventName: 'merge_group', sha: id('f'), ref, repositoryId: String(NUMBER), actor: 'alice' }
  expect(pendingOf(readEvent(variables, { merge_group }))).toEqual(pending)
})
