import type { WaybillError } from '../../src/core/error.ts'
import { planAttest } from '../../src/entry/attest-plan.ts'
import type { AttestInputs } from '../../src/github/attest-inputs.ts'
import { readAttestInputs } from '../../src/github/attest-inputs.ts'
import { contextOf, type RunContext } from '../../src/github/context.ts'

const HEAD = 'a'.repeat(40)
const OTHER = 'b'.repeat(40)

function inputs(values: Readonly<Record<string, string>> = {}): AttestInputs {
  return readAttestInputs(Object.fromEntries(Object.entries(values).map(([k, v]) => [`INPUT_${k.toUpperCase()}`, v])))
}

function context(eventName: string, ref: string, payload: Record<string, unknown> = {}): RunContext {
  const env = {
    GITHUB_REPOSITORY: 'Acme/App',
    GITHUB_REPOSITORY_ID: '7',
    GITHUB_REPOSITORY_OWNER_ID: '8',
    GITHUB_EVENT_NAME: eventName,
    GITHUB_SHA: HEAD,
    GITHUB_REF: ref,
    GITHUB_ACTOR: 'alice',
    GITHUB_RUN_ID: '11',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_API_URL: 'https://api.github.com',
    GITHUB_WORKSPACE: '/work',
    RUNNER_TEMP: '/temp',
  }
  return contextOf(env, { repository: { id: 7, default_branch: 'main' }, ...payload } as never)
}

const push = () => context('push', 'refs/heads/main', { ref: 'refs/heads/main', after: HEAD })
const pull = (headRepository: number) =>
  context('pull_request', 'refs/pull/3/merge', {
    pull_request: {
      number: 3,
      head: { sha: OTHER, ref: 'topic', repo: { id: headRepository } },
      base: { sha: HEAD, ref: 'main', repo: { id: 7 } },
      user: { login: 'bob' },
    },
  })
const group = () =>
  context('merge_group', 'refs/heads/gh-readonly-queue/main/pr-3', {
    merge_group: { head_sha: HEAD, base_sha: OTHER, base_ref: 'refs/heads/main' },
  })

test('13-adversary 42: only a dispatch has inputs to record, and it has them for files as well', () => {
  const dispatch = context('workflow_dispatch', 'refs/heads/main', { inputs: { version: '1', token: 'x' } })
  expect(planAttest(inputs(), dispatch).dispatchInputs).toEqual([{ name: 'version' }, { name: 'token' }])
  expect(planAttest(inputs(), push())).not.toHaveProperty('dispatchInputs')
})

/** The event table of 1-product § 5, row by row. */
test.each([
  { given: 'push', run: push, push: true, sign: true, purpose: 'sign', head: HEAD, tags: 1 },
  { given: 'pull request', run: () => pull(7), push: false, sign: false, purpose: 'propose', head: OTHER, tags: 0 },
  { given: 'fork', run: () => pull(9), push: false, sign: false, purpose: 'propose', head: OTHER, tags: 0 },
  { given: 'merge group', run: group, push: false, sign: false, purpose: 'propose', head: HEAD, tags: 0 },
  {
    given: 'tag',
    run: () => context('push', 'refs/tags/v1', { ref: 'refs/tags/v1', after: OTHER }),
    push: true,
    sign: true,
    purpose: 'sign',
    head: HEAD,
    tags: 1,
  },
  {
    given: 'schedule',
    run: () => context('schedule', 'refs/heads/main'),
    push: true,
    sign: true,
    purpose: 'sign',
    head: HEAD,
    tags: 1,
  },
])('planAttest() on $given', ({ run, push, sign, purpose, head, tags }) => {
  const plan = planAttest(inputs({ tags: 'v1' }), run())
  expect({ push: plan.push, sign: plan.sign }).toEqual({ push, sign })
  expect(plan.source).toMatchObject({ purpose, head })
  expect(plan.tags).toHaveLength(tags)
  expect(plan.unsignedBecause === undefined).toBe(sign)
})

test('planAttest() pushes a pull request of the repository itself by digest when asked to, and never a fork’s', () => {
  expect(planAttest(inputs({ push: 'true' }), pull(7))).toMatchObject({ push: true, sign: false, tags: [] })
  expect(planAttest(inputs({ push: 'true' }), pull(9))).toMatchObject({ push: false, sign: false })
})

test('planAttest() calls a fork’s run an unsigned draft in its first line', () => {
  expect(planAttest(inputs(), pull(9)).unsignedBecause).toMatch(/^Unsigned draft/)
})

test('planAttest() judges a pull request against the base branch as it is now, a merge group against its own base', () => {
  expect(planAttest(inputs(), pull(7)).source.base).toEqual({ ref: 'refs/heads/main' })
  expect(planAttest(inputs(), group()).source.base).toEqual({ ref: 'refs/heads/main', tip: OTHER })
})

test('planAttest() puts images under the owner and repository in lower case by default', () => {
  expect(planAttest(inputs(), push()).repositories).toEqual([{ host: 'ghcr.io', repository: 'acme/app' }])
})

test.each([
  {
    given: 'sign: true on a pull request',
    values: { sign: 'true' },
    run: () => pull(7),
    code: 'entry/input-contradiction',
  },
  { given: 'a policy elsewhere', values: { policy: 'other.yml' }, run: push, code: 'entry/input-unsupported' },
  {
    given: 'a policy of a short ref',
    values: { policy: 'acme/p@main:w.yml' },
    run: push,
    code: 'policy/source-malformed',
  },
  {
    given: 'its own branch as a policy from outside',
    values: { policy: 'Acme/App@refs/heads/main:.github/waybill.yml' },
    run: push,
    code: 'entry/input-contradiction',
  },
  { given: 'an image with a tag', values: { images: 'ghcr.io/acme/app:v1' }, run: push, code: 'entry/input-malformed' },
  {
    given: 'a tag of another image',
    values: { tags: 'ghcr.io/acme/other:v1' },
    run: push,
    code: 'entry/input-malformed',
  },
  {
    given: 'an event that may not build',
    values: {},
    run: () => context('workflow_run', 'refs/heads/main'),
    code: 'github/event-refused',
  },
])('planAttest() refuses $given', ({ values, run, code }) => {
  expect(codeOf(() => planAttest(inputs(values as never), run()))).toBe(code)
})

test.each([`sha256-${'0'.repeat(64)}`, `sha256-${'a'.repeat(64)}.sig`, 'file-sha256-x', 'waybill-source'])(
  '13-adversary 25: planAttest() refuses the tag %s',
  tag => {
    expect(codeOf(() => planAttest(inputs({ tags: tag }), push()))).toBe('registry/tag-reserved')
  },
)

test.each([
  ['push', push, true],
  ['pull request', () => pull(7), false],
  ['fork', () => pull(9), false],
  ['merge group', group, false],
] as const)('planAttest() signs files of a %s exactly where images are signed', (_, run, sign) => {
  const alone = planAttest(inputs({ files: '*.tgz', builder: 'none', key: 'env:KEY' }), run())
  expect(alone).toMatchObject({ sign, push: false, imageless: true, files: { patterns: ['*.tgz'], keyed: true } })
  expect(planAttest(inputs({ files: '*.tgz' }), run())).toMatchObject({
    sign,
    imageless: false,
    files: { keyed: false },
  })
  expect(planAttest(inputs(), run()).files).toBeUndefined()
})

test.each([
  ['push', push, true],
  ['pull request', () => pull(7), false],
  ['fork', () => pull(9), false],
  ['merge group', group, false],
] as const)('planAttest() of a %s: a key signs the image exactly where something is signed', (_, run, sign) => {
  const { keyed } = planAttest(inputs({ key: 'env:KEY' }), run())
  expect(keyed !== undefined).toBe(sign)
  expect(planAttest(inputs(), run()).keyed).toBeUndefined()
  expect(planAttest(inputs({ files: '*.tgz', builder: 'none', key: 'env:KEY' }), run()).keyed).toBeUndefined()
})

test('planAttest() takes a repository, and nothing more, for the bundles of files', () => {
  const given = (repository: string) => inputs({ files: '*.tgz', 'files-repository': repository })
  expect(planAttest(given('ghcr.io/acme/files'), push()).files?.repository).toMatchObject({ host: 'ghcr.io' })
  expect(codeOf(() => planAttest(given('ghcr.io/acme/files:v1'), push()))).toBe('entry/input-malformed')
})

test('planAttest() takes a policy from outside, also an own one that is fixed to a commit', () => {
  const outside = { repository: 'acme/policies', ref: 'refs/heads/main', path: 'team/waybill.yml' }
  const policy = 'acme/policies@refs/heads/main:team/waybill.yml'
  expect(planAttest(inputs({ policy }), push()).source.policy).toEqual(outside)
  expect(planAttest(inputs({ policy: '.github/waybill.yml' }), push()).source.policy).toBeUndefined()
  const pinned = `acme/app@${'a'.repeat(40)}:.github/waybill.yml`
  expect(planAttest(inputs({ policy: pinned }), push()).source.policy?.ref).toBe('a'.repeat(40))
})

test('planAttest() prints a ready policy only on the default branch (13-adversary 35)', () => {
  expect(planAttest(inputs(), push()).onDefaultBranch).toBe(true)
  expect(planAttest(inputs(), pull(7)).onDefaultBranch).toBe(false)
  expect(planAttest(inputs(), context('schedule', 'refs/heads/other')).onDefaultBranch).toBe(false)
})

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return (error as WaybillError).code
  }
  return 'nothing thrown'
}

test('the name of a step that has none never begins as the names of state artifacts do', () => {
  const nameFor = (images: string) => planAttest(inputs({ images }), push()).name
  expect(nameFor('registry.example/acme/app')).toBe('acme-app')
  expect(nameFor('registry.example/state-x/app')).toBe('image-state-x-app')
  expect(nameFor('registry.example/state/app')).toBe('image-state-app')
})

describe('13-adversary 16: a command', () => {
  const command = { command: './build.sh', 'image-refs': 'images.txt' }

  test('runs nowhere where the run signs with its identity', () => {
    expect(() => planAttest(inputs(command), push())).toThrow(
      expect.objectContaining({
        code: 'build/command-isolation',
        remedy: expect.stringContaining('command-isolation: none'),
      }),
    )
  })

  test.each([
    ['that nobody signs', { sign: 'false' }],
    ['that a key signs', { key: 'env:KEY' }],
    ['that is accepted', { 'command-isolation': 'none' }],
  ])('runs for an image %s, and its words are no part of the request', (_, more) => {
    const request = planAttest(inputs({ ...command, ...more }), push())
    expect(request.given).toEqual({ command: true })
    expect(JSON.stringify(request)).not.toContain('build.sh')
  })

  test('runs for a proposal, which is never signed', () => {
    expect(planAttest(inputs(command), pull(9))).toMatchObject({ sign: false, push: false, given: { command: true } })
  })
})
