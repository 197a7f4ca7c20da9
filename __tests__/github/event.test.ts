// biome-ignore-all lint/suspicious/noTemplateCurlyInString: names of branches may look like expressions
import fc from 'fast-check'
import { parseCommitId } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import type { JsonObject } from '../../src/core/json.ts'
import {
  type EventVariables,
  isUntrusted,
  type RunEvent,
  readEvent,
  requireBuildEvent,
  SIGNING_EVENTS,
} from '../../src/github/event.ts'
import { parseRef } from '../../src/github/ref.ts'
import { errorOf } from './support.ts'

const SHA = parseCommitId('4f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0')
const HEAD = parseCommitId('1'.repeat(40))
const BASE = parseCommitId('2'.repeat(40))
const REPOSITORY = { id: 4711, full_name: 'acme/app', default_branch: 'main' }

const variables = (over: Partial<EventVariables> = {}): EventVariables => ({
  eventName: 'push',
  sha: SHA,
  ref: 'refs/heads/main',
  repositoryId: '4711',
  actor: 'alice',
  ...over,
})

const pull = (over: Record<string, unknown> = {}, head: Record<string, unknown> = {}): JsonObject =>
  ({
    repository: REPOSITORY,
    pull_request: {
      number: 7,
      user: { login: 'alice' },
      head: { sha: HEAD, ref: 'fix', repo: { id: 4711 }, ...head },
      base: { sha: BASE, ref: 'main', repo: { id: 4711 } },
      ...over,
    },
  }) as JsonObject

const onPull = variables({ eventName: 'pull_request', ref: 'refs/pull/7/merge' })

const good: [string, EventVariables, JsonObject, RunEvent][] = [
  [
    'a push',
    variables(),
    { ref: 'refs/heads/main', after: SHA, repository: REPOSITORY },
    { kind: 'push', head: SHA, ref: 'refs/heads/main' },
  ],
  [
    'a tag, whose after may be the tag object',
    variables({ ref: 'refs/tags/v1' }),
    { ref: 'refs/tags/v1', after: HEAD, repository: REPOSITORY },
    { kind: 'tag', head: SHA, ref: 'refs/tags/v1' },
  ],
  [
    'a release',
    variables({ eventName: 'release', ref: 'refs/tags/v1' }),
    { action: 'published', repository: REPOSITORY },
    { kind: 'release', head: SHA, ref: 'refs/tags/v1', action: 'published' },
  ],
  [
    'a merge group',
    variables({ eventName: 'merge_group', sha: HEAD, ref: 'refs/heads/gh-readonly-queue/main/pr-7-x' }),
    { merge_group: { head_sha: HEAD, base_sha: BASE, base_ref: 'refs/heads/main' } },
    {
      kind: 'merge_group',
      head: HEAD,
      ref: 'refs/heads/gh-readonly-queue/main/pr-7-x',
      base: BASE,
      baseRef: 'refs/heads/main',
    },
  ],
  [
    'a schedule',
    variables({ eventName: 'schedule' }),
    { schedule: '0 0 * * *' },
    { kind: 'schedule', head: SHA, ref: 'refs/heads/main' },
  ],
  [
    'a repository dispatch',
    variables({ eventName: 'repository_dispatch' }),
    { action: 'x', client_payload: { ref: 'evil' } },
    { kind: 'repository_dispatch', head: SHA, ref: 'refs/heads/main' },
  ],
]

test.each(good)('readEvent() reads %s', (_what, from, payload, expected) => {
  expect(readEvent(from, payload)).toEqual(expected)
})

test('13-adversary 42: of a dispatch only the names of its inputs are read', () => {
  const event = readEvent(variables({ eventName: 'workflow_dispatch' }), { inputs: { version: 'secret', debug: null } })
  expect(event).toEqual({
    kind: 'workflow_dispatch',
    head: SHA,
    ref: 'refs/heads/main',
    inputs: [{ name: 'version' }, { name: 'debug' }],
  })
  expect(readEvent(variables({ eventName: 'workflow_dispatch' }), { inputs: null })).toMatchObject({ inputs: [] })
})

test.each([
  ['of the same repository', pull(), onPull, 'same-repository', false],
  ['of a fork', pull({}, { repo: { id: 99 } }), onPull, 'fork', false],
  ['of a fork that was deleted', pull({}, { repo: null }), onPull, 'fork', false],
  [
    'of a fork with the same name',
    pull({}, { repo: { id: 99, full_name: 'acme/app', fork: false } }),
    onPull,
    'fork',
    false,
  ],
  ['by Dependabot', pull({ user: { login: 'dependabot[bot]' } }), onPull, 'same-repository', true],
  ['run again by Dependabot', pull(), { ...onPull, actor: 'dependabot[bot]' }, 'same-repository', true],
  ['of a person who left', pull({ user: null }), onPull, 'same-repository', false],
] as const)('readEvent() reads a pull request %s', (_what, payload, from, expected, dependabot) => {
  const event = readEvent(from, payload)
  expect(event).toEqual({
    kind: 'pull_request',
    number: 7,
    head: HEAD,
    headRef: 'refs/heads/fix',
    base: BASE,
    baseRef: 'refs/heads/main',
    from: expected,
    dependabot,
  })
  expect(isUntrusted(event)).toBe(expected === 'fork' || dependabot)
})

test.each([
  ['a push whose ref differs', variables(), { ref: 'refs/heads/other', after: SHA }],
  ['a push whose commit differs', variables(), { ref: 'refs/heads/main', after: HEAD }],
  ['a push of another repository', variables(), { ref: 'refs/heads/main', after: SHA, repository: { id: 1 } }],
  ['a push without ref', variables(), { after: SHA }],
  ['a pull request without head', onPull, { pull_request: {} }],
  ['a pull request on another base', onPull, pull({ base: { sha: BASE, ref: 'main', repo: { id: 5 } } })],
  ['a pull request with a short head', onPull, pull({}, { sha: 'abc' })],
  ['a pull request with a head ref of a bad form', onPull, pull({}, { ref: 'a b' })],
  ['a pull request without head repository field', onPull, pull({}, { repo: undefined })],
  ['a pull request whose head repository id is text', onPull, pull({}, { repo: { id: '4711' } })],
  [
    'a merge group of another commit',
    variables({ eventName: 'merge_group' }),
    { merge_group: { head_sha: HEAD, base_sha: BASE, base_ref: 'refs/heads/main' } },
  ],
  ['a release without action', variables({ eventName: 'release' }), {}],
] as const)('readEvent() refuses %s', async (_what, from, payload) => {
  expect((await errorOf(() => readEvent(from, payload as JsonObject))).code).toBe('github/event-malformed')
})

test.each([
  'pull_request_target',
  'workflow_run',
  'issue_comment',
  'pull_request_review',
  'watch',
  '__proto__',
  'constructor',
])('the root action refuses %s', async eventName => {
  const event = readEvent(variables({ eventName }), {})
  expect(event).toMatchObject({ kind: 'refused', eventName })
  const error = await errorOf(() => requireBuildEvent(event))
  expect(error.code).toBe('github/event-refused')
  expect(error.message).toContain(eventName)
})

test('the push that deletes a ref builds nothing', async () => {
  const event = readEvent(variables(), { ref: 'refs/heads/main', deleted: true })
  expect((await errorOf(() => requireBuildEvent(event))).code).toBe('github/event-refused')
})

test('13-adversary 6: no pull request of any kind is among the events that sign', () => {
  expect([...SIGNING_EVENTS].sort()).toEqual([
    'push',
    'release',
    'repository_dispatch',
    'schedule',
    'workflow_dispatch',
  ])
})

test('13-adversary 37: a branch named like a command line is read whole and unchanged', () => {
  for (const name of [
    '$(id)',
    '`id`',
    "a';id;'",
    'a"b',
    'a&&b|c>d',
    '--help',
    '%0Aerror',
    '💥',
    '${{x}}',
    '#1',
    '!x',
  ]) {
    const ref = `refs/heads/${name}`
    expect(readEvent(variables({ ref }), { ref, after: SHA })).toEqual({ kind: 'push', head: SHA, ref })
  }
})

test.each([
  '',
  'main',
  'refs/heads/',
  'refs/heads/a b',
  'refs/heads/a..b',
  'refs/heads/a\n',
  'refs/heads/.a',
  'refs/heads/a.lock',
  'refs/heads/a//b',
  'refs/heads/a/',
  'refs/heads/a.',
  'refs/heads/a~1',
  'refs/heads/a^',
  'refs/heads/a:b',
  'refs/heads/*',
  'refs/heads/a?',
  'refs/heads/[a',
  'refs/heads/a\\b',
  'refs/heads/a@{1}',
  'refs/heads/\u007f',
  `refs/heads/${'a'.repeat(2000)}`,
])('parseRef() refuses %j, as git does', async text => {
  expect((await errorOf(() => parseRef(text))).code).toBe('github/context-malformed')
})

test('readEvent() of any payload is an event or github/event-malformed', () => {
  const names = ['push', 'pull_request', 'merge_group', 'release', 'workflow_dispatch', 'schedule', 'other']
  const field = fc.oneof(
    fc.constantFrom<unknown>(null, SHA, HEAD, 'main', 'refs/heads/main', 4711, {}, [], { id: 4711 }),
    fc.jsonValue(),
  )
  const side = fc.record({ sha: field, ref: field, repo: field }, { requiredKeys: [] })
  const payload = fc.record(
    {
      ref: field,
      after: field,
      action: field,
      inputs: field,
      repository: field,
      merge_group: fc.oneof(field, fc.record({ head_sha: field, base_sha: field, base_ref: field })),
      pull_request: fc.oneof(
        field,
        fc.record({ number: field, user: field, head: fc.oneof(side, field), base: fc.oneof(side, field) }),
      ),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.constantFrom(...names), payload, (eventName, body) => {
      try {
        readEvent(variables({ eventName }), body as JsonObject)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
        expect((error as WaybillError).code).toBe('github/event-malformed')
      }
    }),
    { numRuns: 1000 },
  )
})
