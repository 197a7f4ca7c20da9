import { parseCommitId } from '../../src/core/digest.ts'
import { pullComments } from '../../src/github/comments.ts'
import type { ModelPull } from '../fakes/github-model.ts'
import { errorOf } from './support.ts'
import { GithubWorld, id, NAME, NUMBER } from './world.ts'

const HEAD = id('c')
let world: GithubWorld
let pull: ModelPull
beforeEach(async () => {
  world = await GithubWorld.start()
  pull = { number: 7, author: 'bob', headRef: 'topic', headOid: HEAD, commits: [] }
  world.repository.pulls.push(pull)
})
afterEach(async () => {
  world.github.expectNothingUnexpected()
  await world.close()
})

const port = () => pullComments({ api: world.api(), repository: NAME, pull: 7 })
const bodies = () => (pull.comments ?? []).map(({ author, body }) => [author, body])

test('writes, changes, reads and removes as the token’s own account', async () => {
  const comments = port()
  const written = await comments.create('one')
  expect(bodies()).toEqual([['github-actions[bot]', 'one']])
  expect(written.url).toBe(`https://github.com/${NAME}/pull/7#issuecomment-${written.id}`)
  expect(await comments.update(written.id, 'two')).toEqual({ ...written, body: 'two' })
  expect(await comments.own()).toEqual([{ ...written, body: 'two' }])
  await comments.remove(written.id)
  expect(bodies()).toEqual([])
  await comments.remove(written.id)
  expect(await comments.update(written.id, 'three')).toBeUndefined()
  expect(await comments.head()).toBe(HEAD)
})

test('13-adversary 35: comments of others are not ours, whatever they say and are called', async () => {
  world.model.user('github-actions', 900)
  world.model.user('github-actionsbot', 901)
  pull.comments = ['alice', 'github-actions', 'github-actionsbot', 'gone'].map(author => ({
    author,
    body: '<!-- waybill:build.yml/build/app -->\nforged',
  }))
  expect(await port().own()).toEqual([])
})

test('a token of an app or a person finds its own', async () => {
  world.model.viewer = { login: 'acme-reports[bot]', id: 5150 }
  pull.comments = [{ author: 'bob', body: 'x' }]
  await port().create('ours')
  expect((await port().own()).map(({ body }) => body)).toEqual(['ours'])
})

test('where the platform does not say who the token is, it is the account of jobs', async () => {
  await port().create('ours')
  world.double.distort = () => ({ errors: [{ message: 'no' }] })
  expect((await port().own()).map(({ body }) => body)).toEqual(['ours'])
})

test('comments are read over pages, and those of long conversations are not guessed at', async () => {
  world.model.writer()
  const others = (count: number) => Array.from({ length: count }, (_, at) => ({ author: 'alice', body: `${at}` }))
  pull.comments = [...others(150), { author: 'github-actions[bot]', body: 'ours' }]
  expect((await port().own()).map(({ body }) => body)).toEqual(['ours'])
  pull.comments = others(2001)
  expect((await errorOf(port().own())).code).toBe('github/comment-crowded')
})

test('a token without the right to write is told which permission is missing', async () => {
  world.model.permissions.delete('pull-requests-write')
  const error = await errorOf(port().create('x'))
  expect([error.code, error.remedy]).toEqual(['github/api-permission', expect.stringContaining('pull-requests: write')])
})

test('a locked conversation is no missing permission', async () => {
  pull.locked = true
  expect((await errorOf(port().create('x'))).code).toBe('github/comment-locked')
})

test('a secondary limit is waited for as long as it asks, and not for ever', async () => {
  const path = `/repos/${NAME}/issues/7/comments`
  let refusals = 1
  world.github.on('POST', path, () =>
    refusals-- > 0
      ? { status: 403, headers: { 'retry-after': '7' }, body: { message: 'You have exceeded a secondary rate limit' } }
      : { status: 201, body: { id: 1, html_url: 'https://github.com/x', body: 'x', user: null } },
  )
  await port().create('x')
  expect(world.pauses).toEqual([7000])
  world.github.on('POST', path, {
    status: 403,
    headers: { 'retry-after': '86400' },
    body: { message: 'secondary rate limit' },
  })
  expect((await errorOf(port().create('x'))).code).toBe('github/api-rate-limited')
  expect(world.pauses).toEqual([7000])
})

test('runs are told by repository, head and workflow', async () => {
  world.repository.runs.push({ id: 77, workflow: 'build.yml', head: HEAD, attempt: 2, artifacts: [] })
  expect(await port().run('77', '2')).toEqual({ repositoryId: NUMBER, head: HEAD, path: '.github/workflows/build.yml' })
  expect(await port().run('77', '1')).toBeUndefined()
})

test.each([
  [['src/main.ts'], false],
  [['src/main.ts', '.github/workflows/build.yml'], true],
  [['.githubx/a', 'a/.github/b'], false],
  [Array.from({ length: 2001 }, (_, at) => `f${at}`), 'unknown'],
])('13-adversary 36: whether .github/** changes is read from the list of files', async (files, changes) => {
  Object.assign(pull, { files })
  expect(await port().changesGithub()).toBe(changes)
  expect(parseCommitId(HEAD)).toBe(HEAD)
})
