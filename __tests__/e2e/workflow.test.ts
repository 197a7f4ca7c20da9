import { jest } from '@jest/globals'
import { sha256 } from '../../src/core/digest.ts'
import { type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { certificateRequests, cleanGround, codeOf, expectNoSecret, heldBy, keptBundles } from './aftermath.ts'
import { CALLED, Jobs, type Outputs } from './workflow-support.ts'

/**
 * The jobs of `.github/workflows/build.yml` one after the other, as child processes with the runner's files, and what is handed from one
 * to the next only by outputs. What a runner itself does (matrix, `needs`, reusable workflows) is not among it.
 */
jest.setTimeout(120_000)

const BOTH = { platforms: 'linux/amd64\nlinux/arm64' }
let scenario: Scenario
let jobs: Jobs
/** One honest run, for whoever needs its parts. */
let plan = ''
let parts: Outputs = {}

beforeAll(async () => {
  scenario = await startScenario()
  jobs = new Jobs(scenario)
  const prepared = await jobs.prepare(BOTH)
  expect([prepared.code, prepared.log]).toEqual([0, expect.anything()])
  plan = prepared.outputs.plan ?? ''
  const { legs, outputs } = await jobs.build(prepared)
  expect(legs.map(({ code }) => code)).toEqual([0, 0])
  parts = outputs
})
afterAll(() => scenario.close())

interface Index {
  readonly manifests: readonly { readonly digest: string; readonly platform?: { readonly architecture: string } }[]
}

function indexOf(digest: string): Index {
  const store = scenario.stack.registry.storage.open('acme/app')
  return JSON.parse(store.manifests.get(digest)?.bytes.toString() ?? '{}') as Index
}

function statementsOf(step: StepResult) {
  return (keptBundles(step) as { dsseEnvelope: { payload: string } }[]).map(({ dsseEnvelope }) =>
    JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()),
  )
}

function provenanceOf(step: StepResult) {
  return statementsOf(step).find(({ predicateType }) => predicateType === 'https://slsa.dev/provenance/v1').predicate
}

/** Whatever was refused: no tag, no statement, no certificate, and the registry holds what it held. */
async function expectRefused(step: Promise<StepResult>, code: string, exit = 1): Promise<StepResult> {
  const [before, asked] = [heldBy(scenario), certificateRequests(scenario)]
  const { stack } = scenario
  const refused = await step
  expect([refused.code, codeOf(refused)]).toEqual([exit, code])
  expect(heldBy(scenario)).toEqual(before)
  expect(certificateRequests(scenario)).toBe(asked)
  expect(refused.outputs.digest ?? '').toBe('')
  expect(stack.registry.log.filter(({ method, path }) => method === 'PUT' && /manifests\/v1$/.test(path))).toEqual([])
  return refused
}

const changed = (output: string, change: Readonly<Record<string, unknown>>): Outputs => ({
  ...parts,
  [output]: JSON.stringify({ ...JSON.parse(parts[output] ?? '{}'), ...change }),
})
const digestOf = (output: string): string => JSON.parse(parts[output] ?? '{}').digest

describe('before anything is signed', () => {
  test('prepare hands on a plan and a matrix, and leaves nothing anywhere', () => {
    expect(JSON.parse(plan)).toEqual({
      version: 1,
      commit: scenario.repository.head(),
      ref: 'refs/heads/main',
      run: '11997537386',
      images: [scenario.image],
      push: true,
      sign: true,
      selfHosted: false,
      runners: { 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'ubuntu-24.04-arm' },
      source: 'passed',
      materials: 'not-asked',
      pins: [],
    })
    expect(heldBy(scenario)).toMatchObject({ tags: [], referrers: [] })
    expect(certificateRequests(scenario)).toBe(0)
  })

  test('sign refuses without the plan of prepare', async () => {
    await expectRefused(jobs.sign('', parts), 'build/plan-unusable', 2)
    await expectRefused(jobs.sign(plan.replace('"passed"', '"fine"'), parts), 'build/plan-unusable', 2)
    await expectRefused(jobs.sign(plan.replace('"sign":true', '"sign":false'), parts), 'build/plan-differs')
  })

  test('sign refuses a plan of another run, commit, ref or verdict', async () => {
    const forged = (change: Readonly<Record<string, unknown>>) => JSON.stringify({ ...JSON.parse(plan), ...change })
    await expectRefused(jobs.sign(forged({ run: '1' }), parts), 'build/plan-differs')
    await expectRefused(jobs.sign(forged({ commit: scenario.anchor }), parts), 'build/plan-differs')
    await expectRefused(jobs.sign(forged({ ref: 'refs/heads/other' }), parts), 'build/plan-differs')
    await expectRefused(jobs.sign(forged({ source: 'rejected' }), parts), 'build/plan-differs')
    await expectRefused(
      jobs.sign(forged({ pins: [{ uri: 'docker-image://evil', digests: [`sha256:${'a'.repeat(64)}`] }] }), parts),
      'build/plan-differs',
    )
  })

  test('a part that is missing, of another run or commit, twice, or of nobody is refused', async () => {
    await expectRefused(jobs.sign(plan, { 'linux-amd64': parts['linux-amd64'] ?? '' }), 'build/part-missing', 2)
    await expectRefused(jobs.sign(plan, changed('linux-arm64', { run: '4711' })), 'build/part-differs')
    await expectRefused(jobs.sign(plan, changed('linux-arm64', { commit: scenario.anchor })), 'build/part-differs')
    await expectRefused(jobs.sign(plan, changed('linux-arm64', { more: 1 })), 'build/part-unusable')
    await expectRefused(jobs.sign(plan, { ...parts, 'linux-386': parts['linux-arm64'] ?? '' }), 'build/part-differs')
    await expectRefused(jobs.sign(plan, { ...parts, other: parts['linux-arm64'] ?? '' }), 'build/part-unplanned')
    const s390x = changed('linux-arm64', { platform: 'linux/s390x' })['linux-arm64'] ?? ''
    await expectRefused(jobs.sign(plan, { ...parts, 'linux-s390x': s390x }), 'build/part-unplanned')
  })

  test('a part that was tampered with between the jobs is refused: another digest, another platform, other bytes', async () => {
    const swapped = changed('linux-arm64', { digest: digestOf('linux-amd64') })
    const refused = await expectRefused(jobs.sign(plan, swapped), 'build/part-differs')
    expect(refused.log).toContain('linux/arm64')
    const unknown = changed('linux-arm64', { digest: `sha256:${'d'.repeat(64)}` })
    await expectRefused(jobs.sign(plan, unknown), 'registry/not-found', 2)
    // The registry serves other bytes under the digest that the job named.
    const { manifests } = scenario.stack.registry.storage.open('acme/app')
    const digest = digestOf('linux-arm64')
    const kept = manifests.get(digest)
    if (kept === undefined) throw new Error('no part')
    manifests.set(digest, { ...kept, bytes: Buffer.from(kept.bytes.toString().replace('{', '{ ')) })
    await expectRefused(jobs.sign(plan, parts), 'registry/digest-mismatch')
    manifests.set(digest, kept)
  })

  test('a part may not bring along another image in its index', async () => {
    const { manifests } = scenario.stack.registry.storage.open('acme/app')
    const index = indexOf(digestOf('linux-arm64'))
    const bytes = Buffer.from(
      JSON.stringify({ ...index, manifests: [...index.manifests, ...indexOf(digestOf('linux-amd64')).manifests] }),
    )
    const digest = sha256(bytes)
    manifests.set(digest, { bytes, digest, mediaType: 'application/vnd.oci.image.index.v1+json' })
    await expectRefused(jobs.sign(plan, changed('linux-arm64', { digest })), 'build/part-differs')
    manifests.delete(digest)
  })

  test('13-adversary 40: a runner that is not GitHub’s own is refused by prepare, leg and sign, unless somebody said so', async () => {
    const { prepare } = { prepare: (runners: string) => jobs.prepare({ ...BOTH, runners }) }
    await expectRefused(prepare('{"linux/arm64": "my-machine"}'), 'build/runner-not-listed', 3)
    await expectRefused(prepare('{"linux/arm64": ["self-hosted", "arm64"]}'), 'build/runner-not-listed', 3)
    await expectRefused(prepare('{"linux/s390x": "ubuntu-24.04"}'), 'entry/input-malformed', 3)
    // A machine can be given any label.
    const leg = jobs.leg(plan, 'linux/arm64', {}, { claims: { runner_environment: 'self-hosted' } })
    await expectRefused(leg, 'build/runner-not-listed', 3)
    await expectRefused(
      jobs.sign(plan, changed('linux-arm64', { runner: 'self-hosted' })),
      'build/runner-not-listed',
      3,
    )
  })

  test('the steps must be of the commit that the token names', async () => {
    await expectRefused(jobs.sign(plan, parts, { 'workflow-commit': 'd'.repeat(40) }), 'build/workflow-differs')
  })

  test('13-adversary 7: a job of another ref signs nothing by this plan', async () => {
    const event = { claims: { event_name: 'workflow_dispatch', ref: 'refs/heads/other' } }
    await expectRefused(jobs.sign(plan, parts, {}, event), 'build/plan-differs')
  })

  test('13-adversary 6: a pull request is planned and built, pushed nowhere, and no plan of it can be signed', async () => {
    const { repository, anchor } = scenario
    const head = repository.head() ?? ''
    const ids = { id: 792829709 }
    const proposed = {
      claims: { event_name: 'pull_request', ref: 'refs/pull/7/merge', head_ref: 'improve', base_ref: 'main' },
      event: {
        action: 'opened',
        number: 7,
        repository: { ...ids, default_branch: 'main' },
        pull_request: {
          number: 7,
          user: { login: 'bob' },
          head: { sha: head, ref: 'improve', repo: ids },
          base: { sha: anchor, ref: 'main', repo: ids },
        },
      },
    }
    const prepared = await jobs.prepare(BOTH, proposed)
    expect([prepared.code, prepared.outputs.push, prepared.outputs.sign]).toEqual([0, 'false', 'false'])
    const before = heldBy(scenario)
    const leg = await jobs.leg(prepared.outputs.plan ?? '', 'linux/amd64', {}, proposed)
    expect([leg.code, leg.outputs['linux-amd64']]).toEqual([0, undefined])
    expect(heldBy(scenario)).toEqual(before)
    const forged = JSON.stringify({ ...JSON.parse(prepared.outputs.plan ?? '{}'), push: true, sign: true })
    await expectRefused(jobs.sign(forged, parts, {}, proposed), 'build/plan-differs')
    // Of a fork not even a plan that says so pushes.
    const pull = { ...proposed.event.pull_request, head: { sha: head, ref: 'improve', repo: { id: 4711 } } }
    const fork = { ...proposed, event: { ...proposed.event, pull_request: pull } }
    await expectRefused(jobs.leg(forged, 'linux/amd64', {}, fork), 'build/plan-differs')
  })

  test.each([
    ['missing', ''],
    ['empty', '{}'],
    ['garbage', '::set-output name=plan::{'],
    ['a list', '[]'],
  ])('what prepare says is %s: nothing is built and nothing signed', async (_, text) => {
    await expectRefused(jobs.leg(text, 'linux/amd64'), 'build/plan-unusable', 2)
    await expectRefused(jobs.sign(text, parts), 'build/plan-unusable', 2)
  })

  test('a caller who names a digest, or a part of no list, is refused', async () => {
    const digest = digestOf('linux-amd64')
    await expectRefused(jobs.sign(plan, parts, { digest }), 'entry/input-unsupported', 3)
    await expectRefused(jobs.leg(plan, 'linux/amd64', { digest }), 'entry/input-unsupported', 3)
    await expectRefused(jobs.leg(plan, 'linux/amd64', { 'cache-from': 'type=gha' }), 'entry/input-unsupported', 3)
    await expectRefused(jobs.leg(plan, 'linux/s390x'), 'entry/input-malformed', 3)
    await expectRefused(jobs.sign(plan, digest), 'core/json-malformed')
  })

  test('an index that names a child which is not there is refused', async () => {
    const { manifests } = scenario.stack.registry.storage.open('acme/app')
    const child = indexOf(digestOf('linux-arm64')).manifests[0]?.digest ?? ''
    const kept = manifests.get(child)
    if (kept === undefined) throw new Error('no child')
    manifests.delete(child)
    await expectRefused(jobs.sign(plan, parts), 'registry/not-found', 2)
    manifests.set(child, kept)
  })

  test('a platform that has no output of its own, or twice the same, is refused', async () => {
    await expectRefused(jobs.prepare({ platforms: 'linux/mips64' }), 'entry/input-malformed', 3)
    await expectRefused(jobs.prepare({ platforms: 'linux/arm64\nlinux/arm64' }), 'entry/input-malformed', 3)
  })
})

describe('the whole', () => {
  let signed: StepResult
  beforeAll(async () => {
    signed = await jobs.sign(plan, parts)
  })

  test('is one index over the parts, tagged last and verified by whoever names the called workflow', async () => {
    expect([signed.code, signed.outputs.verdict, signed.outputs.tags]).toEqual([0, 'passed', `${scenario.image}:v1`])
    const { digest = '' } = signed.outputs
    const [amd64, arm64] = indexOf(digest).manifests
    expect([amd64?.platform?.architecture, arm64?.platform?.architecture]).toEqual(['amd64', 'arm64'])
    expect(indexOf(digestOf('linux-amd64')).manifests[0]?.digest).toBe(amd64?.digest)
    const { git, oidc } = scenario.stack
    const verified = await scenario.verify({
      images: `${scenario.image}@${digest}`,
      'certificate-identity': `${git.url}/${CALLED.job_workflow_ref}`,
      'certificate-oidc-issuer': oidc.issuer,
      require: 'signature\nprovenance',
    })
    expect([verified.code, verified.outputs.verdict, verified.code === 0 ? '' : verified.log]).toEqual([
      0,
      'passed',
      '',
    ])
    expectNoSecret(signed)
  })

  test('says which runner built which platform and names the called workflow as the builder', () => {
    const { buildDefinition, runDetails } = provenanceOf(signed)
    expect(runDetails.builder.id).toBe(`${scenario.stack.git.url}/${CALLED.job_workflow_ref}`)
    expect(buildDefinition.externalParameters.workflow.path).toBe('.github/workflows/release.yml')
    const { waybill } = buildDefinition.internalParameters
    expect(waybill).toMatchObject({
      builder: 'buildah',
      inputs: { runners: { 'linux/amd64': 'ubuntu-24.04', 'linux/arm64': 'ubuntu-24.04-arm' } },
    })
    // Only where one is not GitHub's: rules for hosted runners refuse the field itself.
    expect(waybill.buildRunners).toBeUndefined()
    expect(buildDefinition.resolvedDependencies[0].digest.gitCommit).toBe(scenario.repository.head())
  })

  test('is signed again to the same digest, and nothing of it twice', async () => {
    const before = heldBy(scenario)
    const again = await jobs.sign(plan, parts, {}, { claims: { run_attempt: '2' } })
    expect([again.code, again.outputs.digest]).toEqual([0, signed.outputs.digest])
    expect(heldBy(scenario).tags).toEqual(before.tags)
  })
})

test('secrets reach the builds, their ids the provenance; variants, a second build and what started the run come along', async () => {
  cleanGround(scenario)
  const secret = 'correct-horse-battery-staple'
  const twice = { reproducible: 'check' }
  const prepared = await jobs.prepare({ platforms: 'linux/amd64\nlinux/arm/v7', ...twice })
  const { legs, outputs } = await jobs.build(prepared, { ...twice, secrets: `npm=${secret}` })
  for (const leg of legs) {
    expect([leg.code, leg.code === 0 ? '' : leg.log]).toEqual([0, ''])
    expect(leg.result.reproducible).toMatchObject({ state: 'passed' })
    expectNoSecret(leg, [secret])
  }
  const { 'linux-arm-v7': arm = '{}' } = outputs
  expect(JSON.parse(arm)).toMatchObject({ secrets: ['npm'], rebuilt: { state: 'passed' } })
  expect(JSON.stringify(outputs)).not.toContain(secret)
  const whole = prepared.outputs.plan ?? ''
  const forged = (change: object) => ({ ...outputs, 'linux-arm-v7': JSON.stringify({ ...JSON.parse(arm), ...change }) })
  const lie = { state: 'passed', manifest: `sha256:${'a'.repeat(64)}` }
  await expectRefused(jobs.sign(whole, forged({ rebuilt: lie }), twice), 'build/part-differs')
  await expectRefused(jobs.sign(whole, forged({ secrets: ['other'] }), twice), 'build/part-differs')
  const dispatched = { claims: { event_name: 'workflow_dispatch' }, event: { inputs: { version: '4.7.11' } } }
  const signed = await jobs.sign(whole, outputs, twice, dispatched)
  expect([signed.code, signed.outputs.verdict, signed.code === 0 ? '' : signed.log]).toEqual([0, 'passed', ''])
  expect(JSON.parse(signed.outputs.platforms ?? '[]')).toMatchObject([
    { platform: 'linux/amd64' },
    { platform: 'linux/arm/v7' },
  ])
  const { waybill } = provenanceOf(signed).buildDefinition.internalParameters
  expect(waybill.inputs).toMatchObject({ secrets: ['npm'], reproducible: 'check' })
  expect(waybill.dispatchInputs).toEqual([{ name: 'version' }])
  const kept = JSON.stringify(statementsOf(signed))
  expect(kept).toContain('REPRODUCIBLE')
  expect(kept).not.toContain(secret)
  expect(signed.summary).toContain('what the jobs say that built them')
  expectNoSecret(signed, [secret])
})

test('13-adversary 40: parts of an own machine are signed when that is meant, and the builder says so', async () => {
  cleanGround(scenario)
  const own = new Jobs(scenario, { claims: { runner_environment: 'self-hosted' } })
  const prepared = await own.prepare({ 'self-hosted': 'true', runners: '{"linux/amd64": ["self-hosted", "x64"]}' })
  const { outputs } = await own.build(prepared)
  const signed = await jobs.sign(prepared.outputs.plan ?? '', outputs)
  expect([signed.code, codeOf(signed)]).toEqual([0, undefined])
  const { buildDefinition, runDetails } = provenanceOf(signed)
  expect(runDetails.builder.id).toMatch(/build\.yml@refs\/tags\/v1#self-hosted$/)
  expect(buildDefinition.internalParameters.waybill.buildRunners).toEqual({ 'linux/amd64': 'self-hosted,x64' })
})

test('an unsigned commit ends in prepare, and there is no plan to build or sign by', async () => {
  cleanGround(scenario)
  scenario.repository.commit({ message: 'Slip in', files: { 'hello.txt': 'evil\n' } })
  await scenario.publish()
  const prepared = await jobs.prepare(BOTH)
  expect([prepared.code, prepared.outputs.verdict, prepared.outputs.plan]).toEqual([1, 'rejected', undefined])
  await expectRefused(jobs.sign('', {}), 'build/plan-unusable', 2)
  // A plan of the commit before does not help this one.
  await expectRefused(jobs.sign(plan, parts), 'build/plan-differs')
})
