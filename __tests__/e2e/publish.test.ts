import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import type { FaultRule, RegistryOptions } from '../fakes/registry/registry.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import {
  certificateRequests,
  cleanGround,
  codeOf,
  expectNoSecret,
  heldBy,
  keptBundles,
  logEntries,
} from './aftermath.ts'

jest.setTimeout(30_000)

/** The registry asks these at every request, so that each test is about another kind of registry. */
const registry: { -readonly [K in keyof RegistryOptions]: RegistryOptions[K] } = {}
let scenario: Scenario
let layout: WrittenLayout

beforeAll(async () => {
  scenario = await startScenario({ registry })
  layout = writeLayout(join(scenario.stack.folder, 'layout'))
})
afterAll(() => scenario.close())
/** Faults of earlier tests. */
let injected = 0
beforeEach(() => {
  cleanGround(scenario)
  injected = scenario.stack.registry.faults.injected
  for (const key of Object.keys(registry) as (keyof RegistryOptions)[]) delete registry[key]
})

function attest(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
  return scenario.attest({ layout: layout.folder, tags: 'v1', ...inputs }, run)
}

function outcomeOf(step: StepResult): readonly unknown[] {
  expectNoSecret(step, ['alice-password', 'bob-password'])
  return [step.code, codeOf(step)]
}

/** The run itself read every statement back and judged it. */
function expectPassed(step: StepResult): void {
  expect(outcomeOf(step)).toEqual([0, undefined])
  expect(step.result.stages.find(({ name }) => name === 'self-verify')?.state).toBe('passed')
  expect(keptBundles(step)).toHaveLength(2)
}

/** Every statement of the run is served beside the image, and the gate says so. */
async function expectPublished(step: StepResult): Promise<void> {
  expectPassed(step)
  const args = JSON.parse(step.outputs['verify-args'] ?? '[]')
  const gate = await scenario.cli([...args, '--trusted-root', scenario.stack.trustedRootFile], step.run.environment)
  expect([gate.code, gate.log]).toEqual([0, expect.stringContaining('passed')])
}

/** Nothing but the image itself, if that: no tag, no statement, no certificate. */
function expectUnsigned(step: StepResult, manifests: number): void {
  expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests })
  expect(certificateRequests(scenario)).toBe(0)
  expect([step.outputs.tags, step.outputs.bundles]).toEqual(['', ''])
}

/** A docker configuration with one login, named to the step as docker/login-action would. */
function loggedInAs(name: string): RunOptions {
  const folder = join(scenario.stack.folder, `docker-${name}`)
  mkdirSync(folder, { recursive: true })
  const auth = Buffer.from(`${name}:${name}-password`).toString('base64')
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [scenario.stack.registry.host]: { auth } } }))
  return { env: { DOCKER_CONFIG: folder } }
}

function requests(pattern: RegExp): readonly string[] {
  return scenario.stack.registry.requests().filter(line => pattern.test(line))
}

describe('a login', () => {
  test('that is missing ends the run before anything is signed, with the login to make', async () => {
    registry.auth = 'bearer'
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, 'registry/unauthorized'])
    expect(step.summary).toContain('docker/login-action')
    expectUnsigned(step, 0)
  })

  test.each(['basic', 'bearer'] as const)(
    'that may only read (%s) ends the run before anything is signed',
    async auth => {
      registry.auth = auth
      const step = await attest({}, loggedInAs('bob'))
      expect(outcomeOf(step)).toEqual([2, 'registry/forbidden'])
      expect(step.summary).toContain('write access to this repository')
      expectUnsigned(step, 0)
    },
  )

  test('that may write publishes everything, and the password stands nowhere', async () => {
    registry.auth = 'bearer'
    await expectPublished(await attest({}, loggedInAs('alice')))
  })
})

const CUT = 'cut' as const
const BUSY = { status: 429, headers: { 'retry-after': '1' } }
const DOWN = { status: 503 }

describe('faults that pass', () => {
  test.each<[string, readonly FaultRule[]]>([
    [
      'a registry that is busy and says when to come again, and later down for three answers',
      [
        { method: 'PUT', path: /manifests/, fault: BUSY },
        { method: 'PUT', path: /manifests/, after: 1, times: 3, fault: DOWN },
      ],
    ],
    [
      'requests that are cut at the preflight, a blob, the image, a bundle, a referrer, a list, the tag',
      [
        { method: 'POST', path: /uploads/, fault: CUT },
        { method: 'PUT', path: /uploads/, fault: CUT },
        { method: 'PUT', path: /manifests/, fault: CUT },
        { method: 'POST', path: /uploads/, after: 5, fault: CUT },
        { method: 'PUT', path: /manifests/, after: 2, fault: CUT },
        { method: 'GET', path: /referrers/, fault: CUT },
        { method: 'PUT', path: /manifests\/v1$/, fault: CUT },
      ],
    ],
    [
      'answers that are lost after the registry did its work, at the same places',
      [
        { method: 'POST', path: /uploads/, fault: 'cut-after' },
        { method: 'PUT', path: /uploads/, fault: 'cut-after' },
        { method: 'PUT', path: /manifests/, fault: 'cut-after' },
        { method: 'POST', path: /uploads/, after: 5, fault: 'cut-after' },
        { method: 'PUT', path: /manifests/, after: 2, fault: 'cut-after' },
        { method: 'GET', path: /referrers/, fault: 'cut-after' },
        { method: 'PUT', path: /manifests\/v1$/, fault: 'cut-after' },
      ],
    ],
    [
      'answers that break off in the middle of a manifest, of a list, of a bundle',
      [
        { method: 'GET', path: /manifests\/sha256:/, fault: 'cut-body' },
        { method: 'GET', path: /referrers/, fault: 'cut-body' },
        { method: 'GET', path: /blobs/, after: 1, fault: 'cut-body' },
      ],
    ],
  ])('%s: nothing is lost or doubled', async (_what, rules) => {
    for (const rule of rules) scenario.stack.registry.faults.add(rule)
    expectPassed(await attest())
    const expected = rules.reduce((sum, { times = 1 }) => sum + times, 0)
    expect(scenario.stack.registry.faults.injected - injected).toBe(expected)
    expect(heldBy(scenario)).toEqual({
      tags: ['v1'],
      referrers: [expect.any(String), expect.any(String)],
      manifests: 3,
    })
    expect(certificateRequests(scenario)).toBe(1)
  })
})

describe('a fault that stays', () => {
  test('a registry that is down at the first manifest: nothing was signed', async () => {
    scenario.stack.registry.faults.add({ method: 'PUT', path: /manifests/, times: Infinity, fault: DOWN })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, 'registry/unavailable'])
    expect(step.summary).toContain('image: unknown')
    expectUnsigned(step, 0)
  })

  test('a registry that fails at the statements: the bundles are kept, no tag moves, and another run ends it', async () => {
    scenario.stack.registry.faults.add({ method: 'PUT', path: /manifests/, after: 1, times: Infinity, fault: DOWN })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, 'registry/unavailable'])
    expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 1 })
    expect(keptBundles(step)).toHaveLength(2)
    expect(step.outputs.bundles?.split('\n')).toHaveLength(2)
    for (const { bundle = '' } of step.result.attestations) expect(step.summary).toContain(bundle)
    expect(step.summary).toContain("name: 'waybill-state-acme-app'")
    expect(step.summary).toContain("runner.temp }}/waybill/acme-app/bundles'")
    expect(step.summary).not.toContain('### Verify it yourself')
    scenario.stack.registry.faults.clear()
    await expectPublished(await attest())
  })

  test('a registry that fails at the tag: everything is attached, nothing is tagged, and another run ends it', async () => {
    scenario.stack.registry.faults.add({ method: 'PUT', path: /manifests\/v1$/, times: Infinity, fault: DOWN })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, 'registry/unavailable'])
    expect(heldBy(scenario)).toMatchObject({ tags: [], referrers: { length: 2 } })
    expect(step.summary).toContain('tags: none')
    scenario.stack.registry.faults.clear()
    expectPassed(await attest())
    expect(heldBy(scenario).tags).toEqual(['v1'])
  })

  test('a registry that serves other bytes for the image: nothing is signed', async () => {
    scenario.stack.registry.faults.lie(layout.digest, '{"schemaVersion":2}')
    const step = await attest()
    expect(outcomeOf(step)).toEqual([1, 'registry/digest-mismatch'])
    expect(step.summary).toContain(layout.digest)
    expect(step.summary).toContain('digest: rejected')
    expect(heldBy(scenario)).toEqual({ tags: [], referrers: [], manifests: 1 })
    expect(logEntries(scenario)).toBe(0)
  })

  test('a registry that serves other bytes for the statements: no tag moves', async () => {
    scenario.stack.registry.faults.add({
      method: 'GET',
      path: /blobs/,
      after: 1,
      times: Infinity,
      fault: { status: 200, body: '{}' },
    })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([2, 'verify/incomplete'])
    expect(step.summary).toContain('read back and verified: unknown')
    expect(keptBundles(step)).toHaveLength(2)
    expect(heldBy(scenario).tags).toEqual([])
  })

  test('a registry that forgets the statements: no tag moves', async () => {
    scenario.stack.registry.faults.add({
      method: 'GET',
      path: /referrers/,
      times: Infinity,
      fault: { status: 200, body: EMPTY },
    })
    const step = await attest()
    expect(outcomeOf(step)).toEqual([1, 'verify/no-attestation'])
    expect(step.summary).toContain('Compare what the registry serves with the bundles kept on disk')
    expect(heldBy(scenario).tags).toEqual([])
    expect(keptBundles(step)).toHaveLength(2)
  })
})

const EMPTY = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'

describe('kinds of registries', () => {
  test.each<[string, RegistryOptions, string]>([
    ['without the referrers API', { referrers: false }, 'fallback'],
    ['with ETags', { etags: true }, 'referrers'],
    ['with ETags, without the referrers API', { etags: true, referrers: false }, 'fallback'],
    ['with immutable tags', { immutableTags: true }, 'referrers'],
    ['of the GitLab kind', { gitlab: true, referrers: false }, 'fallback'],
    ['of the ECR kind', { ecr: true }, 'fallback'],
    ['that lists one referrer a page and filters nothing', { pageSize: 1, filterReferrers: false }, 'referrers'],
  ])('%s: published, found by the gate', async (_what, options, stored) => {
    Object.assign(registry, options)
    // A second run has a list to add to.
    if (stored === 'fallback') expectPassed(await attest())
    const again = await attest()
    await expectPublished(again)
    expect(again.result.attestations[0]?.stored).toEqual([`${scenario.image} (${stored})`])
  })

  test('an immutable tag that names another image stays, with everything attached', async () => {
    registry.immutableTags = true
    await attest()
    const other = writeLayout(join(scenario.stack.folder, 'immutable'), { content: 'immutable' })
    const step = await attest({ layout: other.folder }, { claims: { run_id: '11997537999' } })
    expect(outcomeOf(step)).toEqual([2, 'registry/tag-immutable'])
    expect(scenario.stack.registry.storage.open('acme/app').tags.get('v1')).toBe(layout.digest)
    expect(heldBy(scenario).referrers).toHaveLength(4)
    expect(step.summary).toContain('Give each image a tag of its own')
  })

  test('immutable tags without the referrers API cannot keep a second list, and that is said', async () => {
    Object.assign(registry, { immutableTags: true, referrers: false })
    expect(outcomeOf(await attest({ tags: undefined }))).toEqual([0, undefined])
    const step = await attest({}, { claims: { run_id: '11997537999' } })
    expect(outcomeOf(step)).toEqual([2, 'registry/tag-immutable'])
    expect(step.summary).toContain('tags that begin with sha256- movable')
    expect(heldBy(scenario).tags).not.toContain('v1')
    expect(keptBundles(step)).toHaveLength(2)
  })
})

describe('tags', () => {
  const digestOf = (tag: string) => scenario.stack.registry.storage.open('acme/app').tags.get(tag)

  test('13-adversary 25: a tag moves last, when every statement is attached to index and platforms, everywhere', async () => {
    const index = writeLayout(join(scenario.stack.folder, 'index'), { platforms: ['linux/amd64', 'linux/arm64'] })
    const images = `${scenario.image}\n${scenario.stack.registry.host}/acme/mirror`
    const step = await attest({
      layout: index.folder,
      images,
      tags: `v1\n${scenario.stack.registry.host}/acme/mirror:only`,
    })
    await expectPublished(step)
    const puts = requests(/^PUT .*manifests/)
    const firstTag = puts.findIndex(line => !/manifests\/sha256:/.test(line))
    // Per repository an index, two platforms, and two statements on each of the three.
    expect(puts.slice(0, firstTag)).toHaveLength(2 * (3 + 6))
    expect(puts.slice(firstTag).map(line => line.split(' ')[1])).toEqual([
      '/v2/acme/app/manifests/v1',
      '/v2/acme/mirror/manifests/v1',
      '/v2/acme/mirror/manifests/only',
    ])
    expect(heldBy(scenario, 'acme/mirror')).toMatchObject({ tags: ['v1', 'only'], referrers: { length: 6 } })
    expect(step.outputs.tags?.split('\n')).toHaveLength(3)
  })

  test('13-adversary 25: a tag that names no image is not overwritten', async () => {
    await attest({ tags: undefined })
    const store = scenario.stack.registry.storage.open('acme/app')
    const [statement = ''] = heldBy(scenario).referrers
    store.tags.set('v1', statement)
    const step = await attest()
    expect(outcomeOf(step)).toEqual([1, 'registry/tag-not-ours'])
    expect(digestOf('v1')).toBe(statement)
    expect(step.summary).toContain('exists and is not replaced')
  })

  test('13-adversary 25: an older run that ends later does not move the tag back, unless that is asked for', async () => {
    const newer = writeLayout(join(scenario.stack.folder, 'newer'), { content: 'newer' })
    const first = scenario.repository.head() ?? ''
    const run = (sha: string, id: string): RunOptions => ({ claims: { sha, run_id: id } })
    expect(outcomeOf(await attest({ tags: 'latest' }, run(first, '100')))).toEqual([0, undefined])
    const second = scenario.repository.commit({
      message: 'Greet louder',
      signer: scenario.bob,
      name: 'Bob',
      email: 'bob@example.com',
      files: { 'hello.txt': 'HELLO\n' },
    })
    await scenario.publish()
    expect(outcomeOf(await attest({ tags: 'latest', layout: newer.folder }, run(second, '101')))).toEqual([
      0,
      undefined,
    ])
    const late = await attest({ tags: 'latest' }, run(first, '102'))
    expect(outcomeOf(late)).toEqual([1, 'registry/tag-newer'])
    expect(late.summary).toContain(`of commit ${second}, run 101`)
    expect(late.summary).toContain('allow-rollback: true')
    expect(digestOf('latest')).toBe(newer.digest)
    const asked = await attest({ tags: 'latest', 'allow-rollback': 'true' }, run(first, '103'))
    expect(outcomeOf(asked)).toEqual([0, undefined])
    expect(digestOf('latest')).toBe(layout.digest)
  })

  test('13-adversary 25: of two runs for one commit the later run keeps the tag', async () => {
    const other = writeLayout(join(scenario.stack.folder, 'other'), { content: 'other' })
    expect((await attest({}, { claims: { run_id: '201' } })).code).toBe(0)
    const late = await attest({ layout: other.folder }, { claims: { run_id: '200' } })
    expect(outcomeOf(late)).toEqual([1, 'registry/tag-newer'])
    expect(digestOf('v1')).toBe(layout.digest)
  })
})
