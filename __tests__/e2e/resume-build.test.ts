import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { cleanGround, codeOf } from './aftermath.ts'
import { commitDockerfile } from './commit-dockerfile.ts'
import { type Arriving, attachedTo, attestKilled, costOf, forgetRequests } from './kill-support.ts'

// Real builds on a busy machine.
jest.setTimeout(300_000)

let scenario: Scenario
let folders = 0

beforeAll(async () => {
  scenario = await startScenario()
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

const INPUTS: Inputs = { builder: 'buildah', tags: 'v1' }

const attempt = (n: number, env: Readonly<Record<string, string>> = {}): RunOptions => ({
  claims: { run_attempt: String(n) },
  env,
})

function temporaryFolder(): { readonly RUNNER_TEMP: string } {
  const folder = join(scenario.stack.folder, `kept-${folders++}`)
  mkdirSync(folder)
  return { RUNNER_TEMP: folder }
}

const commit = (dockerfile: readonly string[]) => commitDockerfile(scenario, dockerfile)

async function countsOf(digest: string): Promise<readonly number[]> {
  return [...(await attachedTo(scenario, digest)).values()].map(bundles => bundles.length)
}

function outcomeOf(step: StepResult): readonly unknown[] {
  return [step.code, codeOf(step)]
}

/** Two manifests are the image; what is put by digest after them is attached. */
const puts = () => scenario.stack.registry.requests().filter(line => /^PUT \S*manifests\/sha256:/.test(line)).length

const PLACES: readonly (readonly [string, (request: Arriving) => boolean])[] = [
  ['the first manifest', ({ method, path }) => method === 'PUT' && path.includes('/manifests/')],
  ['the first log entry', ({ path }) => path.includes('/log/entries')],
  [
    'the first blob of a bundle',
    ({ method, path }) => method === 'POST' && path.includes('/uploads/') && costOf(scenario).entries === 4,
  ],
  ['the second statement', ({ method, path }) => method === 'PUT' && path.includes('/manifests/') && puts() >= 3],
  ['the tag', ({ path }) => path.endsWith('/manifests/v1')],
]

test.each(PLACES)('killed before %s, a build is made again and its statements are not', async (_where, when) => {
  const killed = await attestKilled(scenario, when, INPUTS, attempt(1))
  expect([killed.step.code, typeof killed.before]).toEqual([-1, 'string'])
  const { manifests } = scenario.stack.registry.storage.open('acme/app')
  const subjects = [...manifests.values()].flatMap(({ bytes }) => JSON.parse(bytes.toString()).subject?.digest ?? [])
  forgetRequests(scenario)
  const next = await scenario.attest(INPUTS, attempt(2))
  const { digest = '' } = next.outputs
  expect([...outcomeOf(next), await countsOf(digest)]).toEqual([0, undefined, [1, 1, 1, 1]])
  // Each statement is attached to the index and to its platform; those of either are found.
  const cost = costOf(scenario)
  const there = 4 - cost.entries
  expect(cost.certificates).toBe(there === 4 ? 0 : 1)
  expect(there).toBeGreaterThanOrEqual(Math.min(4, Math.ceil(subjects.length / 2)))
  expect(next.summary).toContain(`resumed: ${there} of 4 statements were there`)
  const gate = await scenario.cli(['verify', 'image', next.outputs.image ?? '', ...scenario.expected])
  expect(gate.code).toBe(0)
})

describe('13-adversary 15: an image that no build makes twice', () => {
  const random = [
    'FROM scratch',
    'COPY busybox.sh /bin/busybox',
    'RUN ["/bin/busybox", "sh", "-c", "head -c 16 /dev/urandom > /random"]',
  ]
  const attaches = ({ method, path }: Arriving) =>
    method === 'POST' && path.includes('/uploads/') && costOf(scenario).entries === 4

  beforeAll(() => commit(random))

  test('is built again where no signed statement of an earlier attempt names one', async () => {
    const killed = await attestKilled(scenario, attaches, INPUTS, attempt(1))
    const first = [...scenario.stack.registry.storage.open('acme/app').manifests.keys()]
    expect(killed.step.code).toBe(-1)
    const next = await scenario.attest(INPUTS, attempt(2))
    expect(outcomeOf(next)).toEqual([0, undefined])
    expect(first).not.toContain(next.outputs.digest)
    expect(next.summary).toContain('resumed: 0 of 4 statements were there')
  })

  test('is not built again where the statements of an earlier attempt were brought back, and nothing is signed', async () => {
    const env = temporaryFolder()
    await attestKilled(scenario, attaches, INPUTS, attempt(1, env))
    const first = [...scenario.stack.registry.storage.open('acme/app').manifests.keys()]
    forgetRequests(scenario)
    const next = await scenario.attest(INPUTS, attempt(2, env))
    expect([...outcomeOf(next), costOf(scenario)]).toEqual([
      0,
      undefined,
      { certificates: 0, entries: 0, timestamps: 0 },
    ])
    expect(first).toContain(next.outputs.digest)
    expect(next.summary).toContain('Not built again: the signed provenance of attempt 1')
    expect(next.summary).toContain('resumed: 4 of 4 statements were there')
    expect(await countsOf(next.outputs.digest ?? '')).toEqual([1, 1, 1, 1])
    const gate = await scenario.cli(['verify', 'image', next.outputs.image ?? '', ...scenario.expected])
    expect(gate.code).toBe(0)
  })

  test('is not built again where its tag leads to it', async () => {
    const first = await scenario.attest(INPUTS, attempt(1))
    const next = await scenario.attest(INPUTS, attempt(2))
    expect([first.outputs.digest, ...outcomeOf(next)]).toEqual([next.outputs.digest, 0, undefined])
    expect(next.summary).toContain('resumed: 4 of 4 statements were there')
  })

  test.each<[string, Inputs, RunOptions]>([
    ['another run', {}, { claims: { run_attempt: '2', run_id: '11997537999' } }],
    ['the same attempt, for it may be another step', {}, attempt(1)],
    ['an input that no provenance tells', { labels: 'a=b' }, attempt(2)],
    ['a build argument whose value no provenance tells', { 'build-args': 'A=1' }, attempt(2)],
    ['another target that the provenance tells', { network: 'none' }, attempt(2)],
  ])('is built again by %s', async (_who, inputs, run) => {
    const env = temporaryFolder()
    const first = await scenario.attest(INPUTS, attempt(1, env))
    const next = await scenario.attest({ ...INPUTS, ...inputs }, { ...run, env })
    expect(outcomeOf(next)).toEqual([0, undefined])
    expect(next.outputs.digest).not.toBe(first.outputs.digest)
    expect(next.summary).not.toContain('Not built again')
  })

  test('is built again where somebody else’s statement names an image', async () => {
    const env = temporaryFolder()
    const foreign = await scenario.attest({ ...INPUTS, tags: undefined }, { claims: { run_id: '889' } })
    const bundles = join(env.RUNNER_TEMP, 'waybill', 'acme-app', 'bundles')
    mkdirSync(bundles, { recursive: true })
    for (const [at, path] of (foreign.outputs.bundles ?? '').split('\n').entries())
      copyFileSync(path, join(bundles, `${at}.sigstore.json`))
    const next = await scenario.attest({ ...INPUTS, tags: undefined }, attempt(2, env))
    expect(outcomeOf(next)).toEqual([0, undefined])
    expect(next.outputs.digest).not.toBe(foreign.outputs.digest)
    expect(next.summary).toContain('another run, or a later attempt, signed it')
  })
})
