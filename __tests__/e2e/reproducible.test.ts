import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { jest } from '@jest/globals'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { cleanGround, codeOf, heldBy } from './aftermath.ts'
import { commitDockerfile } from './commit-dockerfile.ts'
import { attachedTo, attestKilled, costOf, forgetRequests } from './kill-support.ts'
import { statementIn } from './source-support.ts'

// Real builds on a busy machine, each twice.
jest.setTimeout(300_000)

const BASE = ['FROM scratch', 'COPY busybox.sh /bin/busybox']
const SAME = [...BASE, 'RUN ["/bin/busybox", "sh", "-c", "echo always > /made.txt"]']
const OTHER = [...BASE, 'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox head -c 8 /dev/urandom > /made.txt"]']
const CHECK: Inputs = { builder: 'buildah', reproducible: 'check', tags: 'v1' }

let scenario: Scenario

beforeAll(async () => {
  scenario = await startScenario()
})
afterAll(() => scenario.close())
beforeEach(() => cleanGround(scenario))

const commit = (dockerfile: readonly string[]) => commitDockerfile(scenario, dockerfile)

/** Exit code and codes of what a gate found that asks for a build that can be made again. */
async function gate(digest: string): Promise<readonly unknown[]> {
  const [, identity, , issuer] = scenario.expected
  const path = join(scenario.stack.folder, 'gate.yml')
  writeFileSync(
    path,
    `version: 1
deploy:
  - match: "127.0.0.1:*/**"
    trust: { file: ${basename(scenario.stack.trustedRootFile)} }
    build: { sigstore: { identity: "${identity}", issuer: "${issuer}" } }
    require: [signature, provenance, reproducible]
`,
  )
  const gated = await scenario.cli(['verify', 'image', `${scenario.image}@${digest}`, '--policy', path, '--json'])
  const result = JSON.parse(gated.stdout) as { subjects?: { findings: { code: string }[] }[]; error?: { code: string } }
  return [
    gated.code,
    ...(result.subjects ?? []).flatMap(({ findings }) => findings.map(({ code }) => code)),
    ...(result.error === undefined ? [] : [result.error]),
  ]
}

/** Attributes that the run claims of the build, of all its statements. */
function claimed({ result }: StepResult): readonly string[] {
  const statements = result.attestations.flatMap(({ bundle }) => (bundle === undefined ? [] : [statementIn(bundle)]))
  return statements
    .filter(({ predicateType }) => predicateType.includes('/scai/'))
    .flatMap(({ predicate }) => (predicate as unknown as { attributes: { attribute: string }[] }).attributes)
    .map(({ attribute }) => attribute)
}

const stageOf = ({ result }: StepResult) => result.stages.find(({ name }) => name === 'reproducible')

test('a build that gives the same bytes twice is claimed to, and a gate that asks for it lets it pass', async () => {
  await commit(SAME)
  const step = await scenario.attest(CHECK)
  expect([step.code, codeOf(step), step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
  expect(stageOf(step)).toMatchObject({ state: 'passed', mode: 'audit' })
  expect(step.result.reproducible).toMatchObject({ state: 'passed', findings: [] })
  expect(step.outputs.verdict).toBe('passed')
  expect(claimed(step)).toEqual(['REPRODUCIBLE'])
  expect(step.summary).toContain('Reproducible: a second build of the commit gave the same bytes.')
  expect(await gate(step.outputs.digest ?? '')).toEqual([0])
})

test('a build that does not is signed as any other, names the file, claims nothing, and that gate refuses it', async () => {
  await commit(OTHER)
  const step = await scenario.attest(CHECK)
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  expect(stageOf(step)).toMatchObject({ state: 'rejected', mode: 'audit' })
  expect(step.outputs.verdict).toBe('rejected')
  expect(claimed(step)).toEqual([])
  const [platform] = step.result.reproducible?.platforms ?? []
  expect(platform?.differences).toContainEqual(
    expect.objectContaining({
      kind: 'file',
      path: 'made.txt',
      what: 'content',
      madeBy: expect.stringContaining('urandom'),
    }),
  )
  expect(step.summary).toContain('made.txt has another content')
  expect(step.log).toContain('build/not-reproducible')
  expect(await gate(step.outputs.digest ?? '')).toEqual([1, 'verify/no-scai'])
})

test('a second build leaves the registry as it was: nothing of it is pushed', async () => {
  await commit(OTHER)
  const step = await scenario.attest({
    ...CHECK,
    sign: 'false',
    'signing-config': undefined,
    'trusted-root': undefined,
  })
  const second = step.result.reproducible?.platforms[0]?.second ?? ''
  expect(second).toMatch(/^sha256:/)
  expect(scenario.stack.registry.requests().filter(line => line.includes(second))).toEqual([])
})

test('without a push the two builds are compared on disk, and nothing is signed', async () => {
  await commit(SAME)
  const step = await scenario.attest({ builder: 'buildah', reproducible: 'check', push: 'false' })
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  expect(step.result.reproducible).toMatchObject({ state: 'passed' })
  expect(step.result.attestations).toEqual([])
})

test('13-adversary 15: after an attempt that was killed between its two builds and its signature, both are made again', async () => {
  await commit(SAME)
  const killed = await attestKilled(
    scenario,
    ({ method, path }) => method === 'POST' && path.endsWith('/entries'),
    CHECK,
    { claims: { run_attempt: '1' } },
  )
  expect([killed.before, killed.step.code]).toEqual([expect.stringContaining('/entries'), -1])
  expect(heldBy(scenario).tags).toEqual([])
  forgetRequests(scenario)
  const next = await scenario.attest(CHECK, { claims: { run_attempt: '2' } })
  expect([next.code, codeOf(next)]).toEqual([0, undefined])
  expect(next.result.reproducible).toMatchObject({ state: 'passed', findings: [] })
  expect(next.result.reproducible?.earlier).toBeUndefined()
  expect(claimed(next)).toEqual(['REPRODUCIBLE'])
  expect(costOf(scenario).certificates).toBe(1)
  const attached = await attachedTo(scenario, next.outputs.digest ?? '')
  expect([...attached.values()].map(bundles => bundles.length)).toEqual([...attached.keys()].map(() => 1))
})

test('13-adversary 15: an attempt that was cut after it signed is not made to build twice again', async () => {
  await commit(SAME)
  const killed = await attestKilled(
    scenario,
    ({ method, path }) => method === 'PUT' && path.endsWith('/manifests/v1'),
    CHECK,
    { claims: { run_attempt: '1' } },
  )
  expect(killed.before).toContain('manifests/v1')
  forgetRequests(scenario)
  const next = await scenario.attest(CHECK, { claims: { run_attempt: '2' } })
  expect([next.code, codeOf(next)]).toEqual([0, undefined])
  expect(next.result.reproducible).toMatchObject({ state: 'passed', earlier: true })
  expect(costOf(scenario)).toEqual({ certificates: 0, entries: 0, timestamps: 0 })
  const attached = await attachedTo(scenario, next.outputs.digest ?? '')
  expect([...attached.values()].map(bundles => bundles.length)).toEqual([...attached.keys()].map(() => 1))
})

test.each([
  ['layout', { builder: 'layout', layout: 'x' }],
  ['none', { builder: 'none', digest: `sha256:${'1'.repeat(64)}` }],
])('builder %s builds nothing that could be built again', async (_name, inputs) => {
  const step = await scenario.attest({ ...inputs, reproducible: 'check' })
  expect([step.code, codeOf(step)]).toEqual([3, 'entry/input-contradiction'])
})
