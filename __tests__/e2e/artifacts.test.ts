import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { type ArtifactServiceDouble, startArtifactService } from '../fakes/artifact-service.ts'
import { type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import {
  execute,
  type Inputs,
  inputVariables,
  type Scenario,
  type StepResult,
  startScenario,
} from '../fakes/scenario.ts'
import { zip } from '../materials/unpack/archives.ts'
import { cleanGround, codeOf, expectNoSecret } from './aftermath.ts'
import { entriesOf } from './artifact-support.ts'
import { attachedTo, costOf, forgetRequests } from './kill-support.ts'

// The client waits half a minute in all for a service that keeps answering 500.
jest.setTimeout(600_000)

const NOTHING = { certificates: 0, entries: 0, timestamps: 0 }
const EVERYTHING = { certificates: 1, entries: 2, timestamps: 2 }
const RUN = '11997537144'
const STATE = 'waybill-state-acme-app'
const RESULT = 'waybill-acme-app'

let scenario: Scenario
let layout: WrittenLayout
let artifacts: ArtifactServiceDouble

beforeAll(async () => {
  scenario = await startScenario()
  artifacts = await startArtifactService()
  layout = writeLayout(join(scenario.stack.folder, 'layout'))
})
afterAll(async () => {
  await artifacts.close()
  await scenario.close()
})
beforeEach(() => {
  cleanGround(scenario)
  artifacts.artifacts.length = 0
  artifacts.log.length = 0
  artifacts.faults.clear()
})

/** One attempt on a machine of its own, whose runner has an artifact service. */
function attempt(n: number, inputs: Inputs = {}, env: Readonly<Record<string, string | undefined>> = {}) {
  const given = { layout: layout.folder, tags: 'v1', ...inputs }
  const variables = artifacts.variables(RUN, String(n))
  const run = { claims: { run_id: RUN, run_attempt: String(n) }, env: { ...variables, ...env } }
  return scenario.attest(given, run).then(step => {
    expectNoSecret(step, [variables.ACTIONS_RUNTIME_TOKEN ?? ''])
    return step
  })
}

function passed(step: StepResult): void {
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
}

/** As if the registry had been down: everything is signed, nothing is attached. */
async function brokenOff(inputs: Inputs = {}): Promise<StepResult> {
  scenario.stack.registry.faults.add({
    method: 'POST',
    path: /blobs\/uploads/,
    after: 3,
    times: Infinity,
    fault: { status: 403 },
  })
  const step = await attempt(1, inputs)
  scenario.stack.registry.faults.clear()
  return step
}

const warnings = ({ log }: StepResult) => log.split('\n').filter(line => line.startsWith('::warning'))

describe('what a run leaves', () => {
  test('is uploaded: the result, and each bundle as it lies on disk', async () => {
    const step = await attempt(1)
    passed(step)
    expect(artifacts.artifacts.map(({ name, final }) => [name, final])).toEqual([
      [STATE, true],
      [RESULT, true],
    ])
    const entries = entriesOf(artifacts.newest(RESULT)?.bytes as Buffer)
    expect([...entries.keys()].sort()).toEqual([
      'bundles/provenance.sigstore.json',
      'bundles/signature.sigstore.json',
      'result.json',
    ])
    expect(JSON.parse(entries.get('result.json')?.toString() ?? '')).toEqual(step.result)
    for (const path of (step.outputs.bundles ?? '').split('\n'))
      expect([...entries.values()].some(bytes => bytes.equals(readFileSync(path)))).toBe(true)
    const state = entriesOf(artifacts.newest(STATE)?.bytes as Buffer)
    expect([...state.keys()].sort()).toEqual(['provenance.sigstore.json', 'signature.sigstore.json'])
    expect(step.result.stateArtifact).toBe(STATE)
    expect(warnings(step)).toEqual([])
    expect(step.log).toMatch(/^::add-mask::ey/m)
  })

  test('with a result in another place, bundles for tags and a name of its own', async () => {
    const step = await attempt(1, { result: 'out/r.json', 'legacy-signatures': 'true', name: 'two' })
    passed(step)
    const entries = entriesOf(artifacts.newest('waybill-two')?.bytes as Buffer)
    expect([...entries.keys()].sort()).toEqual([
      expect.stringMatching(/^bundles\/legacy\/\S+\.sigstore\.json$/),
      'bundles/provenance.sigstore.json',
      'bundles/signature.sigstore.json',
      'result.json',
    ])
  })

  test('is uploaded when the run failed, too, and not with upload: false', async () => {
    const failed = await brokenOff()
    expect([failed.code, artifacts.newest(RESULT)?.final]).toEqual([2, true])
    expect(failed.summary).toContain('The artifact `waybill-state-acme-app` holds them, too')
    expect(failed.result.attestations.map(({ bundle }) => typeof bundle)).toEqual(['string', 'string'])
    artifacts.log.length = 0
    passed(await attempt(1, { upload: 'false' }))
    expect(artifacts.calls()).toEqual([])
  })

  test.each<[string, Readonly<Record<string, string | undefined>>]>([
    ['no address', { ACTIONS_RESULTS_URL: undefined }],
    ['no token', { ACTIONS_RUNTIME_TOKEN: undefined }],
    ['an address without TLS', { ACTIONS_RESULTS_URL: 'http://artifacts.example.com/' }],
  ])('stays where it is where the runner has %s, and the step to add is printed', async (_why, env) => {
    const step = await attempt(1, {}, env)
    passed(step)
    expect(warnings(step)).toEqual([])
    expect(step.log).toContain('- uses: actions/upload-artifact@v4\n  if: always()\n')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub Actions
    expect(step.log).toContain('${{ runner.temp }}/waybill/acme-app/bundles')
    const asked = await attempt(1, { upload: 'true' }, env)
    passed(asked)
    expect(warnings(asked)).toEqual([expect.stringContaining('github/artifacts-unavailable')])
    expect(asked.summary).toContain('actions/upload-artifact')
  })
})

describe('an artifact service that fails is a warning, never a failed run', () => {
  test.each([403, 500])('with %i', async status => {
    artifacts.faults.add({ times: Infinity, fault: { status, body: '{"msg": "no\\n::set-env name=A::b"}' } })
    const step = await attempt(1)
    passed(step)
    expect(warnings(step)).toEqual([expect.stringContaining('github/artifact-failed')])
    expect(step.log).not.toMatch(/^::set-env/m)
    expect(step.summary).toContain('could not be saved for another attempt')
    expect(step.summary).toContain('actions/upload-artifact@v4')
    expect(step.result.stateArtifact).toBeUndefined()
  })

  test('that answers slowly is waited for', async () => {
    artifacts.faults.add({ times: Infinity, fault: { delayMs: 1500 } })
    const step = await attempt(1)
    passed(step)
    expect(artifacts.artifacts.filter(({ final }) => final)).toHaveLength(2)
  })

  test('whose store takes no bytes, or cuts the connection for a while', async () => {
    artifacts.faults.add({ method: 'PUT', path: /blob/, times: Infinity, fault: { status: 403 } })
    const refused = await attempt(1)
    passed(refused)
    expect(warnings(refused)).toHaveLength(1)
    expect(refused.log).not.toContain('sig=')
    artifacts.faults.clear()
    artifacts.artifacts.length = 0
    artifacts.faults.add({ method: 'PUT', path: /blob/, times: 1, fault: 'cut' })
    const cut = await attempt(1)
    passed(cut)
    expect(warnings(cut)).toEqual([])
  })

  test('when another job of the run took the name: told what to do', async () => {
    artifacts.plant({ name: RESULT, run: RUN, attempt: '1', bytes: zip([{ name: 'a', body: 'b' }]) })
    const step = await attempt(1)
    passed(step)
    expect(warnings(step)).toEqual([expect.stringContaining('an input `name` of its own')])
    expect(artifacts.newest(RESULT)?.id).toBe(1)
  })
})

describe('the next attempt, on another machine', () => {
  test('signs nothing twice, though the registry has none of it', async () => {
    const first = await brokenOff()
    expect([first.code, costOf(scenario)]).toEqual([2, EVERYTHING])
    forgetRequests(scenario)
    const next = await attempt(2)
    passed(next)
    expect(costOf(scenario)).toEqual(NOTHING)
    expect(next.summary).toContain('resumed: 2 of 2 statements were there')
    expect(next.summary).not.toContain('ignored')
    const kept = entriesOf(artifacts.artifacts.find(({ name }) => name === STATE)?.bytes as Buffer)
    for (const path of (next.outputs.bundles ?? '').split('\n'))
      expect([...kept.values()].some(bytes => bytes.equals(readFileSync(path)))).toBe(true)
    expect([...(await attachedTo(scenario, layout.digest)).values()].map(({ length }) => length)).toEqual([1, 1])
    const gate = await scenario.cli(['verify', 'image', next.outputs.image ?? '', ...scenario.expected])
    expect(gate.code).toBe(0)
    // Of a run that is whole nothing is lost: the third finds all of it, by either way.
    forgetRequests(scenario)
    passed(await attempt(3))
    expect(costOf(scenario)).toEqual(NOTHING)
  })

  test('signs nothing twice of what is for tags, too', async () => {
    const inputs = { 'legacy-signatures': 'true' }
    await brokenOff(inputs)
    expect(costOf(scenario)).toEqual({ certificates: 1, entries: 3, timestamps: 2 })
    forgetRequests(scenario)
    const next = await attempt(2, inputs)
    passed(next)
    expect(costOf(scenario)).toEqual(NOTHING)
    expect(next.summary).not.toContain('ignored')
  })

  test('signs what was not signed when the log broke off in between, and tells of the bundle that there was', async () => {
    scenario.stack.rekorV1.faults.add({ method: 'POST', after: 1, times: Infinity, fault: { status: 400 } })
    const first = await attempt(1)
    scenario.stack.rekorV1.faults.clear()
    expect([first.code === 0, first.result.attestations.length]).toEqual([false, 1])
    expect(first.summary).toContain('The artifact `waybill-state-acme-app` holds them, too')
    forgetRequests(scenario)
    const next = await attempt(2)
    passed(next)
    expect(costOf(scenario).entries).toBe(1)
    expect(next.summary).toContain('resumed: 1 of 2 statements were there')
  })

  test('does not ask in a first attempt, and signs where there is no state or it cannot be had', async () => {
    await attempt(1)
    expect(artifacts.calls()).not.toContain('ListArtifacts')
    cleanGround(scenario)
    artifacts.artifacts.length = 0
    passed(await attempt(2))
    expect(costOf(scenario)).toEqual(EVERYTHING)
    cleanGround(scenario)
    artifacts.faults.add({ path: /ListArtifacts/, times: Infinity, fault: { status: 403, body: '{}' } })
    const refused = await attempt(3)
    passed(refused)
    expect(costOf(scenario)).toEqual(EVERYTHING)
    expect(refused.summary).toContain('the artifact waybill-state-acme-app (')
  })
})

describe('13-adversary 24: a planted state is ignored aloud', () => {
  const plant = (bytes: Uint8Array, size?: number) =>
    artifacts.plant({ name: STATE, run: RUN, attempt: '1', bytes, ...(size === undefined ? {} : { size }) })

  async function everythingIsSigned(why: string): Promise<void> {
    forgetRequests(scenario)
    const step = await attempt(2, { tags: undefined })
    passed(step)
    expect(costOf(scenario)).toEqual(EVERYTHING)
    expect(step.summary).toContain('resumed: 0 of 2 statements were there')
    expect(step.summary).toContain('Found and ignored')
    expect(step.result.notices.join('\n')).toContain(why)
  }

  test('bundles of another run', async () => {
    const foreign = await scenario.attest({ layout: layout.folder }, { claims: { run_id: '778' } })
    const parts = (foreign.outputs.bundles ?? '').split('\n').map((path, at) => ({
      name: `${at}.sigstore.json`,
      body: readFileSync(path),
    }))
    plant(zip(parts))
    await everythingIsSigned('another run, or a later attempt, signed it')
  })

  test('bytes that are no bundle, names that lead elsewhere, links, folders', async () => {
    plant(
      zip([
        { name: '../../evil.sigstore.json', body: '{}' },
        { name: '/etc/evil.sigstore.json', body: '{}' },
        { name: 'legacy/../../evil.sigstore.json', body: '{}' },
        { name: 'link.sigstore.json', body: '/etc/passwd', mode: 0o120777 },
        { name: 'run.sh', body: 'rm' },
      ]),
    )
    await everythingIsSigned('it has not the name of a bundle')
    plant(zip([{ name: 'provenance.sigstore.json', body: '{"no": "bundle"}' }]))
    cleanGround(scenario)
    await everythingIsSigned('it does not verify: sigstore/')
  })

  test('signatures for tags that another run made', async () => {
    const inputs = { 'legacy-signatures': 'true' }
    const foreign = await scenario.attest({ layout: layout.folder, ...inputs }, { claims: { run_id: '779' } })
    const [body = ''] = (foreign.outputs.bundles ?? '').split('\n').filter(path => path.includes('/legacy/'))
    cleanGround(scenario)
    plant(zip([{ name: 'legacy/a.sigstore.json', body: readFileSync(body) }]))
    const step = await attempt(2, inputs)
    passed(step)
    expect(costOf(scenario)).toEqual({ certificates: 1, entries: 3, timestamps: 2 })
    expect(step.summary).toContain('another run, or somebody else, signed it')
  })

  test.each<[string, () => [Uint8Array, number?], string]>([
    [
      'that is cut',
      () => [zip([{ name: 'a.sigstore.json', body: '{}' }]).subarray(0, -10)],
      'materials/archive-malformed',
    ],
    ['that is no archive', () => [Buffer.from('PK or not')], 'materials/archive-malformed'],
    ['that is empty', () => [Buffer.alloc(0)], 'materials/archive-malformed'],
    ['that is huge', () => [Buffer.from('PK'), 5_000_000_000], 'more than'],
    [
      'that unpacks to far more than it is',
      () => [zip([{ name: 'a.sigstore.json', body: Buffer.alloc(80 * 1024 * 1024) }])],
      'materials/archive-too-large',
    ],
    [
      'with too many entries',
      () => [zip(Array.from({ length: 300 }, (_, at) => ({ name: `${at}.sigstore.json`, body: '{}' })))],
      'materials/archive-too-large',
    ],
  ])('an archive %s', async (_what, make, why) => {
    const [bytes, size] = make()
    plant(bytes, size)
    await everythingIsSigned(why)
  })
})

test('a disk without room for the state of an earlier attempt is told, and everything is signed', async () => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'x')
  artifacts.plant({
    name: STATE,
    run: RUN,
    attempt: '1',
    bytes: zip([{ name: 'a.sigstore.json', body, stored: true }]),
  })
  const { stack } = scenario
  const claims = { sha: scenario.repository.head() ?? '', run_id: RUN, run_attempt: '2' }
  const run = stack.run({ claims, env: artifacts.variables(RUN, '2') })
  const env = {
    ...run.environment,
    ...inputVariables({
      images: scenario.image,
      since: scenario.anchor,
      layout: layout.folder,
      'signing-config': stack.signingConfigFile,
      'trusted-root': stack.trustedRootFile,
    }),
  }
  // No file may grow beyond 4 MiB. A shell would lose the inputs: their names are none for it.
  const small = `import { spawnSync } from 'node:child_process'
    const args = ['--fsize=4194304', process.execPath, process.argv[1]]
    process.exitCode = spawnSync('prlimit', args, { stdio: 'inherit' }).status ?? 1`
  const door = join(import.meta.dirname, '..', '..', 'dist', 'attest.js')
  const { code, log } = await execute(['--input-type=module', '-e', small, door], env, run.workspace)
  // In which words depends on how far the client came before it noticed.
  expect([code, log]).toEqual([0, expect.stringContaining('would sign: the artifact waybill-state-acme-app (')])
  expect(costOf(scenario)).toEqual(EVERYTHING)
})
