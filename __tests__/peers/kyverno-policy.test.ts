import { jest } from '@jest/globals'
import type { Admission } from '../../src/admission/link.ts'
import { admissionOf } from '../../src/admission/links.ts'
import { utf8 } from '../../src/core/bytes.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { deploySummaryStatement } from '../../src/statements/deploy-vsa.ts'
import { SCAI_PREDICATE } from '../../src/statements/scai.ts'
import { type Attested, PROVENANCE } from './attested.ts'
import { DEPLOYER, type Image, newImage, sign, VSA } from './deployed.ts'
import { ADMITTED, type KyvernoBench, openKyverno, ROOT } from './kyverno.ts'
import { attest, expectedOf, layoutOf, pinned, repositoryIn, type World } from './world.ts'

/** From the text of a policy to what Kyverno's own engine says: every condition that its items stand for. */
jest.setTimeout(180_000)

let bench: KyvernoBench
let world: World
beforeAll(async () => {
  bench = await openKyverno('kyverno-policy')
  world = bench.world
})
afterAll(() => bench?.close())

const URI = 'git+https://github.com/acme/app#.github/waybill.yml'
const BUILDER_ID = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main'

function policyOf(match: string): Admission {
  const run = (file: string, more: string) =>
    `{github: {repository: acme/app, repository-id: 792829709, signer: "acme/app/.github/workflows/${file}@refs/heads/main", source-ref: [refs/heads/main], issuer: "${world.stack.oidc.issuer}", ${more}}}`
  return admissionFrom(`version: 1
deploy:
  - match: ["${match}"]
    trust: {file: ${ROOT}}
    build: ${run('release.yml', 'trigger: [push], runner: github-hosted')}
    source: {policy: "${URI}", anchor: ${'8'.repeat(40)}, exceptions: allow}
    deployer: ${run('deploy.yml', 'environment: production')}
    require: [signature, provenance, source-signed, source-reviewed, materials-verified, closed-world]
    admit: [deploy-verified]
`)
}

function admissionFrom(text: string): Admission {
  const law = lawFromFile(utf8(text), 'waybill.yml', () => utf8('{}'))
  return admissionOf(law.policy, { uri: URI, digest: law.policyDigest })
}

type Change = (predicate: Record<string, Json>) => void

function provenance(change: Change = () => {}): JsonObject {
  const stage = { mode: 'enforce', verdict: 'passed' }
  const predicate = {
    buildDefinition: {
      buildType: 'https://example.invalid/waybill/buildtypes/workflow/v1',
      externalParameters: {
        workflow: {
          repository: 'https://github.com/acme/app',
          path: '.github/workflows/release.yml',
          ref: 'refs/heads/main',
        },
      },
      internalParameters: {
        github: { repository_id: '792829709', event_name: 'push', runner_environment: 'github-hosted' },
        waybill: { builder: 'buildx', source: stage, materials: stage, inputs: { network: 'none' } },
      },
    },
    runDetails: { builder: { id: BUILDER_ID } },
  }
  change(predicate)
  return predicate
}

function summary({ repository, digest }: Image, change: Change = () => {}): JsonObject {
  const statement = deploySummaryStatement({
    digests: [digest],
    verifierId: BUILDER_ID.replace('release', 'deploy'),
    waybillVersion: '1.0.0',
    verifiedAt: new Date(1_780_000_000_000),
    resource: repository,
    environment: 'production',
    policy: { uri: URI, digest },
    inputs: [{ uri: `oci://${repository}@${digest}`, digest }],
    sourceLevels: ['ORG_SOURCE_COMMITS_SIGNED', 'ORG_SOURCE_REVIEWED'],
  })
  const { predicate } = JSON.parse(Buffer.from(statement).toString('utf8')) as { predicate: Record<string, Json> }
  predicate.waybill_run = {
    repository: 'acme/app',
    repository_id: '792829709',
    owner_id: '39804210',
    ref: 'refs/heads/main',
    event_name: 'push',
    runner_environment: 'github-hosted',
    environment: 'production',
  }
  change(predicate)
  return predicate
}

const SIGNED_BASE = {
  attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED',
  target: { uri: 'pkg:docker/golang', digest: { sha256: 'a'.repeat(64) } },
  conditions: { keys: 'policy' },
}

function claims(change: Change = () => {}): JsonObject {
  const target = (name: string) => ({
    uri: `pkg:docker/${name}`,
    digest: { sha256: name.length.toString(16).repeat(64) },
  })
  const signed = (name: string) => ({
    attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED',
    target: target(name),
    conditions: { keys: 'policy' },
  })
  const predicate = {
    attributes: [
      { attribute: 'BASE_IMAGES_DECLARED' },
      signed('alpine'),
      { attribute: 'BASE_IMAGE_DIGEST_PINNED', target: target('alpine') },
      signed('golang:1'),
      {
        attribute: 'BUILD_SOURCES_CLOSED_WORLD',
        conditions: { network: 'none', builder: 'fresh', cache: 'none' },
      },
    ],
  }
  change(predicate)
  return predicate
}

interface Changes {
  readonly provenance?: Change
  readonly summary?: Change
  readonly claims?: Change
}

async function made(name: string, changes: Changes = {}): Promise<Image> {
  const image = await newImage(world, 'distribution', `kyverno-policy-${name}`)
  const say = (type: string, params: JsonObject, more: Omit<Attested, 'subjects' | 'predicate'> = {}) =>
    sign(world, image, { github: true, predicate: { type, params }, ...more })
  await say(PROVENANCE, provenance(changes.provenance))
  await say(SCAI_PREDICATE, claims(changes.claims))
  await say(VSA, summary(image, changes.summary), { claims: DEPLOYER })
  return image
}

test('what satisfies every item of a rule is admitted, of one repository and of many', async () => {
  const { image, repository } = await made('right')
  const images = { containers: [image] }
  expect(await bench.judged('right, one repository', policyOf(repository), images)).toMatch(ADMITTED)
  expect(await bench.judged('right, many repositories', policyOf('127.0.0.1:*/acme/**'), images)).toMatch(ADMITTED)
})

/** Sets a value below the predicate, or takes it away. */
function at(path: string, value?: Json): Change {
  return predicate => {
    const keys = path.split('.')
    const last = keys.pop() ?? ''
    const parent = keys.reduce<Record<string, Json>>((object, key) => object[key] as Record<string, Json>, predicate)
    if (value === undefined) delete parent[last]
    else parent[last] = value
  }
}

const WAYBILL = 'buildDefinition.internalParameters.waybill'
const GITHUB = 'buildDefinition.internalParameters.github'
const CASES: readonly [string, Changes, string][] = [
  ['audited source', { provenance: at(`${WAYBILL}.source.mode`, 'audit') }, 'provenance'],
  ['source that failed', { provenance: at(`${WAYBILL}.source.verdict`, 'failed') }, 'provenance'],
  ['source not judged', { provenance: at(`${WAYBILL}.source`) }, 'provenance'],
  ['materials not asked for', { provenance: at(`${WAYBILL}.materials.verdict`, 'not-asked') }, 'provenance'],
  ['unknown builder', { provenance: at(`${WAYBILL}.builder`, 'recorded') }, 'provenance'],
  [
    'only recorded',
    { provenance: at('buildDefinition.buildType', 'https://example.invalid/waybill/buildtypes/recorded/v1') },
    'provenance',
  ],
  ['other runner', { provenance: at(`${GITHUB}.runner_environment`, 'self-hosted') }, 'provenance'],
  ['other runner by name', { provenance: at('runDetails.builder.id', `${BUILDER_ID}#self-hosted`) }, 'provenance'],
  ['runners that are listed', { provenance: at(`${WAYBILL}.buildRunners`, ['self-hosted']) }, 'provenance'],
  ['pull request', { provenance: at(`${GITHUB}.event_name`, 'pull_request_target') }, 'provenance'],
  ['other repository id', { provenance: at(`${GITHUB}.repository_id`, '1') }, 'provenance'],
  ['repository id as a number', { provenance: at(`${GITHUB}.repository_id`, 792829709) }, 'provenance'],
  ['network', { provenance: at(`${WAYBILL}.inputs.network`, 'default') }, 'provenance'],
  ['cache', { provenance: at(`${WAYBILL}.inputs.cacheFrom`, ['type=gha']) }, 'provenance'],
  ['material pinned only', { claims: at('attributes.3.attribute', 'BASE_IMAGE_DIGEST_PINNED') }, 'materials-verified'],
  [
    'material by a key of the commit',
    { claims: at('attributes.3.conditions.keys', 'declared-by-commit') },
    'materials-verified',
  ],
  ['more conditions', { claims: at('attributes.3.conditions.but', 'not really') }, 'materials-verified'],
  [
    'material by another digest',
    { claims: at('attributes.2.target.digest.sha256', '0'.repeat(64)) },
    'materials-verified',
  ],
  ['material without a digest', { claims: at('attributes.2.target.digest') }, 'materials-verified'],
  ['materials not all', { claims: at('attributes', [SIGNED_BASE]) }, 'materials-verified'],
  [
    'claims that are no list',
    { claims: at('attributes', { attribute: 'BASE_IMAGES_DECLARED' }) },
    'materials-verified',
  ],
  ['world not closed', { claims: at('attributes.4.conditions.cache', 'shared') }, 'closed-world'],
  [
    'deployed as another repository',
    { summary: at('resourceUri', 'oci://127.0.0.1:1/acme/other?environment=production') },
    'deploy-verified',
  ],
  ['deployed to another environment', { summary: at('waybill_run.environment', 'staging') }, 'deploy-verified'],
  ['deployed from another branch', { summary: at('waybill_run.ref', 'refs/heads/dev') }, 'deploy-verified'],
  ['deployed for a pull request', { summary: at('waybill_run.event_name', 'pull_request') }, 'deploy-verified'],
  ['deployed by a run that is not named', { summary: at('waybill_run') }, 'deploy-verified'],
  ['deployed under another policy', { summary: at('policy.uri', `${URI}x`) }, 'deploy-verified'],
  ['deploy that failed', { summary: at('verificationResult', 'FAILED') }, 'deploy-verified'],
  [
    'source not signed',
    { summary: at('verifiedLevels', ['ORG_DEPLOY_PRODUCTION', 'ORG_SOURCE_REVIEWED']) },
    'deploy-verified',
  ],
  ['levels that are no list', { summary: at('verifiedLevels', 'ORG_SOURCE_COMMITS_SIGNED') }, 'deploy-verified'],
]

test.each(CASES)('13-adversary 30: %s is refused', async (name, changes, item) => {
  const { image } = await made(name.replaceAll(' ', '-'), changes)
  expect(await bench.judged(name, policyOf('127.0.0.1:*/acme/**'), { containers: [image] })).toMatch(
    new RegExp(`^fail: ${item} does not hold for an image of `),
  )
})

test('what the action publishes is admitted by the policy that its gate reads', async () => {
  const repository = repositoryIn(world, 'distribution', 'kyverno-published')
  const inputs = { images: repository, builder: 'layout', layout: layoutOf(world, 'kyverno-published') }
  const { code, log, outputs } = await attest(world, inputs)
  expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
  const { identity, issuer } = expectedOf(world)
  const asked = (signer: string) =>
    admissionFrom(`version: 1
deploy:
  - match: ["127.0.0.1:*/acme/**"]
    trust: {file: ${ROOT}}
    build: {builders: [buildx, buildah, layout], sigstore: {identity: "${signer}", issuer: "${issuer}"}}
    require: [signature, provenance]
`)
  const images = { containers: [pinned(repository, outputs.digest)] }
  expect(await bench.judged('published by the action', asked(identity), images)).toMatch(ADMITTED)
  const other = identity.replace('release', 'other')
  expect(await bench.judged('published by another', asked(other), images)).toMatch(/^fail: provenance /)
})
