import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { parse } from 'yaml'
import { EXPECTED_ANNOTATION, readExpectedAnnotation } from '../../src/subjects/annotations.ts'
import { type DeployBench, type DeployStep, ENVIRONMENT, openDeployBench, POLICY } from './deploy-support.ts'

jest.setTimeout(120_000)

let bench: DeployBench

beforeAll(async () => {
  bench = await openDeployBench()
})

afterAll(() => bench.close())

/** `waybill verify image --stage run` by the project's policy, as somebody with nothing but it would. */
async function verifiedAtRun(reference: string): Promise<number> {
  const { stack, repository } = bench.scenario
  writeFileSync(join(stack.folder, 'waybill.yml'), readFileSync(join(repository.folder, POLICY)))
  const path = join(repository.folder, POLICY)
  const { code } = await bench.scenario.cli([
    'verify',
    'image',
    reference,
    '--policy',
    path,
    '--stage',
    'run',
    '--json',
  ])
  return code
}

function stages({ result }: DeployStep): Record<string, string> {
  return Object.fromEntries(result.stages.map(({ name, state }) => [name, state]))
}

/** Nothing signed, nothing promoted, nothing written. */
async function expectUntouched(step: DeployStep, signatures: number): Promise<void> {
  expect(step.outputs.vsa).toBe('[]')
  expect([step.outputs.deployment, step.outputs.manifests]).toEqual(['', ''])
  expect(bench.signatures()).toBe(signatures)
}

test('a deploy signs beside index and platforms, is accepted where it runs, promotes, and tells everything', async () => {
  expect(await verifiedAtRun(bench.reference)).toBe(1)
  const before = bench.scenario.stack.oidc.log.length
  const step = await bench.deploy({ promote: 'production' })
  expect([step.code, step.codes]).toEqual([0, []])
  expect(stages(step)).toEqual(
    Object.fromEntries(['preflight', 'judge', 'sign', 'publish', 'self-verify', 'tags'].map(name => [name, 'passed'])),
  )
  // The token is asked once.
  const asked = bench.scenario.stack.oidc.log.slice(before).filter(({ path }) => /token|mint|request/.test(path))
  expect(asked).toHaveLength(1)
  expect(await verifiedAtRun(bench.reference)).toBe(0)
  for (const child of bench.children) expect(await verifiedAtRun(`${bench.scenario.image}@${child}`)).toBe(0)
  expect(bench.tag('production')).toBe(bench.digest)
  expect(step.vsa).toMatchObject([{ name: bench.scenario.image, reused: false }])
  expect(step.deployment).toMatchObject({
    environment: ENVIRONMENT,
    policy: { uri: expect.stringContaining('#.github/waybill.yml') },
    images: [
      {
        name: bench.scenario.image,
        digest: bench.digest,
        tags: ['production'],
        expected: { deployer: { identity: expect.stringContaining('deploy.yml@refs/heads/main') } },
        attestations: [{ manifest: step.vsa[0]?.manifest }],
      },
    ],
  })
  const [vsa] = step.vsa
  const bundle = JSON.parse(readFileSync(vsa?.bundle ?? '', 'utf8'))
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString())
  expect(statement.subject).toHaveLength(1 + bench.children.length)
  expect(statement.predicate).toMatchObject({
    verificationResult: 'PASSED',
    resourceUri: `oci://${bench.scenario.image}?environment=production`,
    verifiedLevels: ['SLSA_BUILD_LEVEL_UNEVALUATED', 'ORG_DEPLOY_PRODUCTION'],
    waybill_run: { repository: 'acme/app', environment: 'production', ref: 'refs/heads/main' },
  })
  const types = statement.predicate.inputAttestations.map(({ uri }: { uri: string }) => uri)
  expect(types).toContain('https://slsa.dev/provenance/v1')
})

test('deploying the same again, in another run, signs nothing and changes nothing', async () => {
  const reference = await bench.fresh('again')
  expect((await bench.deploy({ images: reference })).code).toBe(0)
  const [signatures, manifests] = [
    bench.signatures(),
    bench.scenario.stack.registry.storage.open('acme/app').manifests.size,
  ]
  const again = await bench.deploy({ images: reference }, { claims: { run_id: '99000000001' } })
  expect([again.code, again.vsa[0]?.reused]).toEqual([0, true])
  expect(bench.signatures()).toBe(signatures)
  expect(bench.scenario.stack.registry.storage.open('acme/app').manifests.size).toBe(manifests)
})

test('two deploys of the same image at once both end well', async () => {
  const images = await bench.fresh('race')
  const both = await Promise.all([
    bench.deploy({ images, promote: 'raced' }, { claims: { run_id: '99000000002' } }),
    bench.deploy({ images, promote: 'raced' }, { claims: { run_id: '99000000003' } }),
  ])
  expect(both.map(({ code, codes }) => [code, codes])).toEqual([
    [0, []],
    [0, []],
  ])
  expect(images).toContain(bench.tag('raced') ?? 'no tag')
  expect(await verifiedAtRun(images)).toBe(0)
})

test.each<[string, Record<string, string | null>, string]>([
  ['no environment', { environment: null }, 'deploy/environment-missing'],
  ['another environment', { environment: 'staging' }, 'deploy/environment-mismatch'],
])('a token of a job with %s signs nothing and promotes nothing', async (_what, claims, code) => {
  const images = await bench.fresh(`token-${code}`)
  const before = bench.signatures()
  const step = await bench.deploy({ images, promote: 'token' }, { claims })
  expect([step.code, step.codes]).toEqual([3, [code]])
  await expectUntouched(step, before)
  expect(bench.tag('token')).toBeUndefined()
  expect(step.summary).toContain('environment')
})

test.each([
  ['a private repository', { claims: { repository_visibility: 'private' } }, 3, 'sigstore/private-repository'],
  ['no permission for a token', { idToken: false }, 3, 'github/id-token-missing'],
  ['a token of another commit', { tokenClaims: { sha: 'a'.repeat(40) } }, 1, 'github/token-mismatch'],
  ['an event that never signs', { claims: { event_name: 'pull_request_target' } }, 3, 'github/event-refused'],
] as const)('13-adversary 6, 23: with %s nothing is signed or promoted', async (_what, run, exit, code) => {
  const images = await bench.fresh(`refused-${code}`)
  const before = bench.signatures()
  const step = await bench.deploy({ images, promote: 'refused', 'transparency-log': 'auto' }, run)
  expect([step.code, step.codes]).toEqual([exit, [code]])
  await expectUntouched(step, before)
  expect(bench.tag('refused')).toBeUndefined()
})

test('another workflow of the repository is not the deployer, and signs nothing', async () => {
  const images = await bench.fresh('other-workflow')
  const before = bench.signatures()
  const other = 'acme/app/.github/workflows/other.yml@refs/heads/main'
  const step = await bench.deploy({ images }, { claims: { workflow_ref: other, job_workflow_ref: other } })
  expect([step.code, step.codes]).toEqual([3, ['deploy/not-the-deployer']])
  await expectUntouched(step, before)
})

test('the environment of the rule and of the step must be the same', async () => {
  const before = bench.signatures()
  const step = await bench.deploy({ environment: 'staging' }, { claims: { environment: 'staging' } })
  expect([step.code, step.codes]).toEqual([3, ['deploy/other-environment']])
  await expectUntouched(step, before)
})

test('a policy that matches nothing rejects; one that matches everything without a deployer is refused', async () => {
  const images = await bench.fresh('policies')
  const before = bench.signatures()
  const nothing = '  - match: ["ghcr.io/nobody/**"]\n    deny: true\n'
  await bench.withPolicy(`deploy:\n${nothing}`, async () => {
    const step = await bench.deploy({ images })
    expect([step.code, step.codes]).toEqual([1, ['policy/no-rule']])
  })
  const everything = bench
    .deployRule()
    .split('    deployer:')[0]
    ?.replace(/match: .*/, 'match: ["**"]')
  await bench.withPolicy(`deploy:\n${everything}`, async () => {
    const step = await bench.deploy({ images })
    expect([step.code, step.codes]).toEqual([3, ['deploy/no-deployer']])
    await expectUntouched(step, before)
  })
})

test.each(['fulcio', 'rekorV1'] as const)(
  'with %s down it is unknown, nothing is promoted, and the next deploy goes on',
  async service => {
    const images = await bench.fresh(`down-${service}`)
    const double = bench.scenario.stack[service]
    double.faults.add({ method: 'POST', times: Number.POSITIVE_INFINITY, fault: { status: 503 } })
    const step = await bench
      .deploy({ images, promote: `down-${service.toLowerCase()}` })
      .finally(() => double.faults.clear())
    expect([step.code, stages(step).sign, stages(step).tags]).toEqual([2, 'unknown', 'not-reached'])
    expect(bench.tag(`down-${service.toLowerCase()}`)).toBeUndefined()
    const next = await bench.deploy({ images, promote: `down-${service.toLowerCase()}` })
    expect([next.code, next.codes]).toEqual([0, []])
  },
)

test('a registry that refuses the tag after the summary was signed: clear error, and the next deploy does not sign again', async () => {
  const images = await bench.fresh('immutable')
  const { faults } = bench.scenario.stack.registry
  const body = JSON.stringify({ errors: [{ code: 'TAG_IMMUTABLE', message: 'tag is immutable' }] })
  faults.add({
    method: 'PUT',
    path: /manifests\/fixed$/,
    times: Number.POSITIVE_INFINITY,
    fault: { status: 400, body },
  })
  const step = await bench.deploy({ images, promote: 'fixed' }).finally(() => faults.clear())
  expect([step.codes, stages(step)['self-verify'], bench.tag('fixed')]).toEqual([
    ['registry/tag-immutable'],
    'passed',
    undefined,
  ])
  expect(step.code).toBeGreaterThan(0)
  const signatures = bench.signatures()
  const next = await bench.deploy({ images, promote: 'fixed' })
  expect([next.code, next.vsa[0]?.reused, bench.signatures()]).toEqual([0, true, signatures])
  expect(images).toContain(bench.tag('fixed') ?? 'no tag')
})

test('13-adversary 25: a slower deploy never takes a tag back from a later run; a new run may', async () => {
  const [older, newer] = [await bench.fresh('older'), await bench.fresh('newer')]
  const run = (id: string) => ({ claims: { run_id: id } })
  expect((await bench.deploy({ images: newer, promote: 'live' }, run('500'))).code).toBe(0)
  const late = await bench.deploy({ images: older, promote: 'live' }, run('400'))
  expect([late.codes, newer.includes(bench.tag('live') ?? '-')]).toEqual([['registry/tag-newer'], true])
  const back = await bench.deploy({ images: older, promote: 'live' }, run('600'))
  expect([back.code, older.includes(bench.tag('live') ?? '-')]).toEqual([0, true])
})

test('13-adversary 25: a tag that is moved between the reading and the write is left alone', async () => {
  const images = await bench.fresh('moved')
  const { registry } = bench.scenario.stack
  const store = registry.storage.open('acme/app')
  store.tags.set('moving', bench.digest)
  let reads = 0
  registry.faults.hook(({ method, path }) => {
    if (method === 'GET' && path.endsWith('/manifests/moving') && ++reads === 2)
      store.tags.set('moving', bench.children[0] ?? '')
    return undefined
  })
  const step = await bench.deploy({ images, promote: 'moving' }, { claims: { run_id: '99000000009' } })
  expect([step.codes, bench.tag('moving')]).toEqual([['registry/tag-changed'], bench.children[0]])
})

test('an image that somebody else signed is rejected: nothing signed but the quarantine record, which is attached', async () => {
  const digest = await bench.image('mallory')
  const mallory = { job_workflow_ref: 'acme/app/.github/workflows/evil.yml@refs/heads/main' }
  await bench.here.attach(
    digest,
    await bench.here.signature(digest, mallory),
    await bench.here.provenance(digest, mallory),
  )
  const step = await bench.deploy({ images: `${bench.scenario.image}@${digest}`, promote: 'bad' })
  expect([step.code, step.codes.includes('verify/identity-mismatch'), bench.tag('bad')]).toEqual([1, true, undefined])
  expect(stages(step).sign).toBe('not-reached')
  expect(step.result.subjects[0]?.quarantine).toMatchObject({ state: 'quarantined', from: 'run' })
  expect(step.result.attestations.map(({ predicateType }) => predicateType)).toEqual([
    expect.stringContaining('/quarantine/'),
  ])
})

test('a digest in quarantine is not deployed', async () => {
  const images = await bench.fresh('quarantined')
  const digest = images.slice(images.indexOf('@') + 1)
  const held = `quarantined: [{ digest: "${digest}", reason: an exercise, since: 2026-05-02 }]\n`
  const before = bench.signatures()
  await bench.withPolicy(`${held}deploy:\n${bench.deployRule()}`, async () => {
    const step = await bench.deploy({ images, quarantine: 'off' })
    expect([step.code, step.codes]).toEqual([1, ['verify/quarantined']])
    await expectUntouched(step, before)
  })
})

const workload = (image: string) => `# the application
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  template:
    metadata:
      labels: {app: app} # kept
    spec:
      containers:
        - name: app
          image: "${image}" # pinned
`

test('manifests are written below output with digests and annotations, never in place', async () => {
  const images = await bench.fresh('manifest')
  bench.scenario.stack.registry.storage.open('acme/app').tags.set('by-tag', images.slice(images.indexOf('@') + 1))
  const text = workload(`${bench.scenario.image}:by-tag`)
  const inputs = {
    images: undefined,
    manifests: 'k8s/app.yml',
    annotate: 'true',
    'insecure-registries': bench.scenario.stack.registry.host,
  }
  const step = await bench.deploy(inputs, {}, { 'k8s/app.yml': text })
  expect([step.code, step.codes]).toEqual([0, []])
  expect(readFileSync(join(step.run.workspace, 'k8s/app.yml'), 'utf8')).toBe(text)
  const written = step.outputs.manifests ?? ''
  expect(written).toMatch(/waybill-deploy\/manifests\/k8s\/app\.yml$/)
  const pinned = readFileSync(written, 'utf8')
  expect(pinned).toContain('# the application')
  expect(pinned).toContain('labels: {app: app} # kept')
  const { template } = parse(pinned).spec
  expect(template.spec.containers[0].image).toBe(images.replace('@', ':by-tag@'))
  expect(readExpectedAnnotation(template.metadata.annotations[EXPECTED_ANNOTATION])).toEqual([
    {
      name: bench.scenario.image,
      digest: images.slice(images.indexOf('@') + 1),
      build: expect.objectContaining({ identity: expect.stringContaining('release.yml') }),
      deployer: expect.objectContaining({ identity: expect.stringContaining('deploy.yml') }),
    },
  ])
  expect(step.deployment?.images[0]?.places).toEqual([expect.stringContaining('k8s/app.yml:12')])
})

test('a manifest without images deploys nothing', async () => {
  const files = { 'empty.yml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n' }
  const step = await bench.deploy({ images: undefined, manifests: 'empty.yml' }, {}, files)
  expect([step.code, step.codes]).toEqual([2, ['verify/no-subjects']])
  expect(step.vsa).toEqual([])
})

test('promotion into another repository copies image and evidence, and a summary for that name', async () => {
  const images = await bench.fresh('copied')
  const { host } = bench.scenario.stack.registry
  const step = await bench.deploy({ images, promote: `${host}/acme/mirror:production` })
  expect([step.code, step.codes]).toEqual([0, []])
  const digest = images.slice(images.indexOf('@') + 1)
  expect(bench.tag('production', 'acme/mirror')).toBe(digest)
  expect(step.vsa.map(({ name }) => name)).toEqual([bench.scenario.image, `${host}/acme/mirror`])
  expect(await verifiedAtRun(`${host}/acme/mirror@${digest}`)).toBe(0)
  // A repository that no rule matches is refused before anything is copied.
  const denied = await bench.deploy({ images, promote: `${host}/elsewhere/app:production` })
  expect([denied.code, denied.codes]).toEqual([1, ['policy/no-rule']])
  expect(bench.tag('production', 'elsewhere/app')).toBeUndefined()
})

test.each<[string, Record<string, string | undefined>, string]>([
  ['flags that say who is expected', { 'certificate-identity': 'https://x' }, 'entry/input-unsupported'],
  ['a requirement', { require: 'signature' }, 'entry/input-unsupported'],
  ['a stage', { stage: 'run' }, 'entry/input-unsupported'],
  ['no environment', { environment: undefined }, 'entry/input-missing'],
  ['nothing', { images: undefined }, 'entry/input-missing'],
  ['a tag that is reserved', { promote: `sha256-${'a'.repeat(64)}` }, 'registry/tag-reserved'],
  ['annotations without manifests', { annotate: 'true' }, 'entry/input-contradiction'],
])('%s is a mistake: exit 3, nothing signed', async (_what, inputs, code) => {
  const before = bench.signatures()
  const step = await bench.deploy(inputs)
  expect([step.code, step.codes]).toEqual([3, [code]])
  await expectUntouched(step, before)
})

test('evidence that lies on the caller’s disk alone is not read back: no cluster would find it', async () => {
  const digest = await bench.image('on-disk-only')
  const facts = { builder: 'layout', source: { mode: 'enforce', verdict: 'passed' } } as const
  await bench.here.attach(digest, await bench.here.signature(digest))
  const images = `${bench.scenario.image}@${digest}`
  const path = join(bench.scenario.stack.folder, 'only-here.json')
  writeFileSync(path, await bench.here.provenance(digest, {}, facts))
  const step = await bench.deploy({ images, promote: 'on-disk-only', bundles: path })
  expect(stages(step)).toMatchObject({ sign: 'passed', 'self-verify': 'rejected', tags: 'not-reached' })
  expect([step.code, step.codes.length > 0]).toEqual([1, true])
  expect(step.result.error?.code).toMatch(/^verify\//)
  expect(bench.tag('on-disk-only')).toBeUndefined()
  expect(await verifiedAtRun(images)).toBe(1)

  await bench.here.attach(digest, readFileSync(path))
  const attached = await bench.deploy({ images, promote: 'on-disk-only', bundles: path })
  expect([attached.code, attached.codes]).toEqual([0, []])
  expect(bench.tag('on-disk-only')).toBe(digest)
})
