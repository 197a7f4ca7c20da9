import { jest } from '@jest/globals'
import type { Fault } from '../fakes/registry/faults.ts'
import type { Inputs } from '../fakes/scenario.ts'
import type { Story } from './platform-story.ts'
import { expectPassed, expectStopped, ONE_REVIEW, PlatformWorld } from './platform-support.ts'
import { footprint, GITHUB_TOKEN } from './source-support.ts'

jest.setTimeout(180_000)

let on: PlatformWorld
/** A merge that passes as long as the platform tells what it knows. */
let story: Story
beforeAll(async () => {
  on = await PlatformWorld.start()
  story = on.story('merge', { platform: 'merge: clean', review: ONE_REVIEW })
  const [head] = story.topic([{ message: 'Work', ...on.by('bob'), files: { g: '1' } }])
  story.merge(head, { reviews: [{}] })
})
afterEach(() => {
  const { github, platform, git } = on.scenario.stack
  github.faults.clear()
  platform.distort = undefined
  git.token = GITHUB_TOKEN
  git.webFlow = undefined
  for (const permission of ['contents', 'pull-requests', 'metadata'] as const) on.model.permissions.add(permission)
})
afterAll(() => on?.close())

async function unknown(code: string, facts: readonly RegExp[] = [], inputs: Inputs = {}, of = story): Promise<void> {
  const before = footprint(on.scenario)
  expectStopped(on, await of.run(inputs), before, code, 2, ...facts)
}

const MISSING = 'source/platform-evidence-missing'
const body = (message: string) => JSON.stringify({ message, status: 'x' })

test('the merge passes while the platform answers, also slowly', async () => {
  on.scenario.stack.github.faults.add({ path: /graphql/, times: Infinity, fault: { delayMs: 700 } })
  expectPassed(on, await story.run(), 'signed', 'derived')
})

test.each<[string, Exclude<Fault, undefined>, RegExp]>([
  ['403', { status: 403, body: body('Resource not accessible by integration') }, /permission contents: read, pull-req/],
  ['404, as for what the token may not see', { status: 404, body: body('Not Found') }, /permission contents: read/],
  ['401', { status: 401, body: body('Bad credentials') }, /a token that is valid/],
  [
    '429 for an hour',
    { status: 429, headers: { 'retry-after': '3600' }, body: body('slow down') },
    /Run again after 20/,
  ],
  [
    '403 for its secondary limit',
    { status: 403, headers: { 'retry-after': '3600' }, body: body('You have exceeded a secondary rate limit') },
    /Run again after 20/,
  ],
  ['502 for good', { status: 502, body: '<html>' }, /502/],
  ['half an answer', { status: 200, body: '{"data":{"repository":{"databaseId"' }, /cannot be read/],
  ['something else', { status: 200, body: '{"data":{"repository":null}}' }, /is incomplete/],
])('13-adversary 5: the API answers %s: unknown, never passed and never rejected', async (_, fault, why) => {
  on.scenario.stack.github.faults.add({ path: /graphql/, times: Infinity, fault })
  await unknown(MISSING, [why, /git merge --no-ff -S/])
})

test('13-adversary 5: a token that may not read pull requests: unknown, with the permission by name', async () => {
  on.model.permissions.delete('pull-requests')
  await unknown(MISSING, [/pull-requests: read/])
})

test('13-adversary 5: without a token there is nobody to ask: unknown, with the input to give', async () => {
  on.scenario.stack.git.token = undefined
  await unknown(MISSING, [/github-token/, /pull-requests: read/], { 'github-token': undefined })
})

test('13-adversary 10: who pushed last cannot be read without the permission, so an approval is not enough', async () => {
  on.model.permissions.delete('contents')
  await unknown('source/reviewer-unknown', [/who pushed last/])
})

test('13-adversary 5: a list that ends too early is not a whole one', async () => {
  const { platform } = on.scenario.stack
  const cut = (list: string) => {
    platform.distort = document => {
      const text = JSON.stringify(document)
      return JSON.parse(text.replaceAll(new RegExp(`"${list}":\\{"totalCount":1`, 'g'), `"${list}":{"totalCount":2`))
    }
  }
  cut('reviews')
  await unknown('source/review-evidence-missing', [/not all reviews of pull request/])
})

test('13-adversary 8: the name of the repository belongs to another one by now: unknown', async () => {
  on.scenario.stack.platform.distort = document =>
    JSON.parse(
      JSON.stringify(document).replaceAll('"repository":{"databaseId":792829709', '"repository":{"databaseId":4711'),
    )
  await unknown(MISSING, [/is not the repository of this run any more/])
})

test('13-adversary 8: a pull request of another repository, whatever its name, is none of ours: rejected', async () => {
  on.scenario.stack.platform.distort = document =>
    JSON.parse(
      JSON.stringify(document).replaceAll(
        '"baseRepository":{"databaseId":792829709',
        '"baseRepository":{"databaseId":4711',
      ),
    )
  const before = footprint(on.scenario)
  expectStopped(on, await story.run(), before, 'source/platform-content', 1, /no pull request of this repository/)
})

test('13-adversary 13: a pull request of 300 commits is judged whole, though the API lists 250 of them', async () => {
  const long = on.story('long', { platform: 'squash: evidence', review: ONE_REVIEW })
  const { repository } = on.scenario
  const tree = long.withFile(long.tree(long.head), 'long')
  let head = long.head
  for (let n = 0; n < 300; n++) head = repository.object({ message: `Step ${n}`, ...on.by('bob') }, tree, [head])
  long.squash(head, { reviews: [{}] })
  expectPassed(on, await long.run(), 'derived')
})

describe('the platform’s own key', () => {
  let keyless: Story
  let other: string
  beforeAll(() => {
    other = on.gpg.exported(on.gpg.makeKey('Platform, before', 'ed25519'))
    keyless = on.story('key', { platform: 'merge: clean', keyFile: other })
    keyless.merge(keyless.topic([{ message: 'Work', ...on.by('bob'), files: { g: '1' } }])[0])
  })

  test('where the policy has none of the named fingerprint, it is the one that the platform publishes', async () => {
    on.scenario.stack.git.webFlow = on.publicKey
    expectPassed(on, await keyless.run(), 'signed', 'derived')
    const asked = on.scenario.stack.git.log.filter(({ path }) => path === '/web-flow.gpg')
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test.each([
    ['404', () => undefined, /does not publish its own signing keys/],
    ['other keys', () => other, /it publishes other keys/],
    ['a page', () => '<html>', /does not publish its own signing keys/],
  ])('13-adversary 5: the platform publishes %s: unknown, never a bad signature', async (_, published, why) => {
    on.scenario.stack.git.webFlow = published()
    await unknown('source/platform-key-missing', [why, new RegExp(`fingerprint: ${on.fingerprint}`)], {}, keyless)
  })

  test('13-adversary 8: another key that the platform publishes is not its pinned one', async () => {
    const signer = on.gpg.signer(on.gpg.makeKey('Mallory', 'ed25519'))
    on.scenario.stack.git.webFlow = `${on.publicKey}${on.gpg.exported(signer.fingerprint)}`
    const before = footprint(on.scenario)
    const forged = on.story('key-forged', { platform: 'merge: clean' })
    forged.push({ message: 'Forged', ...on.by('bob'), signer, files: { g: '1' } })
    expectStopped(on, await forged.run(), before, 'source/key-unknown', 1)
  })
})
