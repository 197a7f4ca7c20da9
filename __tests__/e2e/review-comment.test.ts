import { join } from 'node:path'
import { jest } from '@jest/globals'
import { writeLayout } from '../fakes/layout.ts'
import type { StepResult } from '../fakes/scenario.ts'
import { type Change, ReviewWorld, type Told } from './review-support.ts'
import { GITHUB_TOKEN } from './source-support.ts'

jest.setTimeout(120_000)

/** Whose token a reviewer has; the double tells accounts by it. */
const COMMENTERS = { alice: 'alice', mallory: 'mallory' } as const

let world: ReviewWorld
beforeAll(async () => {
  world = await ReviewWorld.start('signed-by-reviewer', true)
  world.layout = join(world.scenario.stack.folder, 'layout')
  writeLayout(world.layout)
  const { model } = world.scenario.stack.platform
  model.user('alice', 101)
  model.user('bob', 102)
  model.user('mallory', 666)
})
afterAll(() => world?.close())

interface Proposal extends Change {
  readonly number: number
  readonly comments: { author: string; body: string }[]
}

let numbers = 0

/** A change with a pull request, on which everybody with a token may comment. */
function propose(name: string): Proposal {
  const change = world.change(name)
  const number = ++numbers
  const comments: Proposal['comments'] = []
  world.repository.git('update-ref', `refs/pull/${number}/head`, change.head)
  world.scenario.stack.github.on('POST', `/repos/acme/app/issues/${number}/comments`, ({ body }) => {
    comments.push({ author: COMMENTERS.alice, body: JSON.parse(body.toString()).body })
    return { status: 201, body: { id: comments.length, html_url: `https://github.com/acme/app/pull/${number}#1` } }
  })
  return { ...change, number, comments }
}

async function sign({ number, target }: Proposal, ...args: string[]): Promise<Told> {
  const { stack } = world.scenario
  const env = { GITHUB_TOKEN, GITHUB_API_URL: stack.github.url, GITHUB_SERVER_URL: stack.git.url }
  const { code, stdout, log } = await world.sign([String(number), '--target', target, '--push', '--json', ...args], env)
  if (code !== 0) throw new Error(log)
  return JSON.parse(stdout).data
}

/** Bob merges, GitHub notices, and the action runs. */
async function merged({ number, comments, ...change }: Proposal): Promise<StepResult> {
  const mergeCommit = world.merge(change)
  const { model } = world.scenario.stack.platform
  model.merge(model.repository('acme/app'), {
    number,
    author: 'bob',
    base: change.target,
    headRef: change.feature,
    headOid: change.head,
    commits: [{ oid: change.head, author: 'bob', committer: 'bob' }],
    comments,
    mergeCommit,
    mergedAt: '2026-06-02T00:00:00Z',
    mergedBy: 'bob',
  })
  return world.attest(change.target, { 'github-token': GITHUB_TOKEN })
}

const ended = ({ code, result }: StepResult) => [code, result.error?.code]
const drop = (ref: string) => world.repository.git('update-ref', '-d', ref)

test('13-adversary 11: a statement pushed for a pull request is spoken of in a comment, and counts while it is there', async () => {
  const proposal = propose('commented')
  const told = await sign(proposal)
  const url = `https://github.com/acme/app/pull/${proposal.number}#1`
  expect([told.pushed, told.comment]).toEqual([true, { posted: true, url }])
  // The number of the repository is asked for where there is a token.
  expect(told.repositoryId).toMatch(/^\d+$/)
  expect(proposal.comments.map(({ body }) => body)).toEqual([
    [
      `\`alice\` approved \`${proposal.head}\` for \`refs/heads/into/commented\` in a signed statement. This comment lets its loss be noticed.`,
      '',
      `<!-- waybill-review: ${told.ref} ${told.digest} -->`,
      '',
    ].join('\n'),
  ])
  expect(ended(await merged(proposal))).toEqual([0, undefined])
})

test('13-adversary 11: a withdrawal is spoken of as well, and rejects', async () => {
  const proposal = propose('withdrawn')
  await sign(proposal)
  await sign(proposal, '--withdraw')
  expect(proposal.comments.at(-1)?.body).toMatch(/^`alice` withdrew the approval of /)
  expect(ended(await merged(proposal))).toEqual([1, 'source/unreviewed'])
})

test('13-adversary 11: who approves again after a withdrawal is believed', async () => {
  const proposal = propose('again')
  for (const args of [[], ['--withdraw'], []]) await sign(proposal, ...args)
  expect(ended(await merged(proposal))).toEqual([0, undefined])
})

test.each<[string, (proposal: Proposal) => Promise<unknown>, RegExp]>([
  ['an approval that was deleted', async proposal => drop((await sign(proposal)).ref), /is gone/],
  [
    'a withdrawal that was deleted, while dora approves',
    async proposal => {
      await sign(proposal, '--key', world.key('dora'))
      await sign(proposal)
      drop((await sign(proposal, '--withdraw')).ref)
    },
    /is gone/,
  ],
  [
    'a withdrawal in whose place the older approval was put back',
    async proposal => {
      const { ref } = await sign(proposal)
      const old = world.repository.git('rev-parse', ref)
      await sign(proposal, '--withdraw')
      world.repository.git('update-ref', ref, old)
    },
    /is another one now/,
  ],
  [
    'the same, with a stranger’s comment that speaks of the older one',
    async proposal => {
      const { ref } = await sign(proposal)
      const old = world.repository.git('rev-parse', ref)
      await sign(proposal, '--withdraw')
      world.repository.git('update-ref', ref, old)
      proposal.comments.push({ author: COMMENTERS.mallory, body: proposal.comments[0]?.body ?? '' })
    },
    /is another one now/,
  ],
  [
    'a withdrawal in whose place junk was put',
    async proposal => {
      const { ref } = await sign(proposal, '--withdraw')
      world.repository.git('update-ref', ref, proposal.head)
    },
    /is gone/,
  ],
])('13-adversary 11: not known, exit code 2: %s', async (name, attack, found) => {
  const proposal = propose(name.replaceAll(/[^a-z]+/g, '-'))
  await attack(proposal)
  const step = await merged(proposal)
  expect(ended(step)).toEqual([2, 'source/review-evidence-missing'])
  expect(step.result.error?.found).toMatch(found)
})

test('13-adversary 11: a stranger’s comment stops nobody', async () => {
  const proposal = propose('strangers')
  const { ref, digest } = await sign(proposal)
  const other = digest.replaceAll(/\d/g, '0')
  for (const body of [
    `<!-- waybill-review: ${ref} ${other} -->`,
    `<!-- waybill-review: refs/waybill/reviews/${proposal.head}/mallory ${digest} -->`,
  ])
    proposal.comments.push({ author: COMMENTERS.mallory, body })
  expect(ended(await merged(proposal))).toEqual([0, undefined])
})

test('13-adversary 17: a token for another server is sent nowhere, and the comment is printed', async () => {
  const proposal = propose('elsewhere')
  const { github } = world.scenario.stack
  const asked = github.log.length
  const env = { GH_TOKEN: GITHUB_TOKEN, GITHUB_API_URL: github.url, GITHUB_SERVER_URL: 'https://github.example' }
  const { code, stdout } = await world.sign([String(proposal.number), '--target', proposal.target, '--push'], env)
  expect([code, github.log.length]).toEqual([0, asked])
  expect(stdout).toContain('no comment was posted: the token is for https://github.example\n')
  expect(stdout).toMatch(/^<!-- waybill-review: refs\/waybill\/reviews\/[0-9a-f]{40}\/alice sha256:[0-9a-f]{64} -->$/m)
})

test('a comment that GitHub refuses is printed, and the statement stays pushed', async () => {
  const proposal = propose('refused')
  const { github } = world.scenario.stack
  github.on('POST', `/repos/acme/app/issues/${proposal.number}/comments`, {
    status: 403,
    body: { message: 'Resource not accessible by personal access token' },
  })
  const told = await sign(proposal)
  expect(told.comment).toMatchObject({ posted: false, why: expect.stringContaining('The API does not show') })
  expect(told.comment?.text).toContain(`<!-- waybill-review: ${told.ref} ${told.digest} -->`)
  expect(world.repository.git('rev-parse', told.ref)).toMatch(/^[0-9a-f]{40}$/)
})
