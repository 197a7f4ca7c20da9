import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import { imageValidatingPolicies } from '../../src/admission/kyverno.ts'
import type { KyvernoTrust } from '../../src/admission/kyverno-attestor.ts'
import type { Admission, AdmissionLink, AdmissionRule } from '../../src/admission/link.ts'
import type { ExpectedGithub } from '../../src/policy/expected.ts'
import { compilePattern } from '../../src/policy/match.ts'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import { type Attested, attestedBundle, PROVENANCE } from './attested.ts'
import { kyvernoApply, type PodImages, podOf } from './kyverno.ts'
import { Matrix } from './matrix.ts'
import { startTufMirror, type TufMirror } from './tuf.ts'
import { attachAll, clientFor, moveTag, openWorld, pinned, pushStranger, repositoryIn, type World } from './world.ts'

jest.setTimeout(180_000)

const VSA = 'https://slsa.dev/verification_summary/v1'
const ROOT = 'trusted_root.json'

const matrix = new Matrix('kyverno')
let world: World
let mirror: TufMirror
let trust: ReadonlyMap<string, KyvernoTrust>
beforeAll(async () => {
  world = await openWorld()
  mirror = await startTufMirror(ROOT, readFileSync(world.stack.trustedRootFile))
  trust = new Map([[ROOT, { tuf: { mirror: mirror.url, root: mirror.root } }]])
})
afterAll(async () => {
  matrix.write()
  await mirror?.close()
  await world?.close()
})

function workflow(file: string): ExpectedGithub {
  const { git, oidc } = world.stack
  const path = `acme/app/.github/workflows/${file}`
  const ref = compilePattern('refs/heads/main')
  if (ref === undefined) throw new Error('no pattern')
  return {
    kind: 'github',
    repository: 'acme/app',
    repositoryId: '792829709',
    signer: { path, at: { ref }, text: `${path}@refs/heads/main` },
    sourceRef: [ref],
    issuer: oidc.issuer,
    server: git.url,
  }
}

function provenanceLink(): AdmissionLink {
  const workflowPath = ['buildDefinition', 'externalParameters', 'workflow'] as const
  return {
    item: 'provenance',
    signer: workflow('release.yml'),
    predicateTypes: [PROVENANCE],
    conditions: [
      { path: [...workflowPath, 'repository'], is: 'equal', value: `${world.stack.git.url}/acme/app` },
      { path: [...workflowPath, 'ref'], is: 'matching', patterns: ['refs/heads/main', 'refs/tags/v*'] },
      { path: ['buildDefinition', 'internalParameters', 'github', 'repository_id'], is: 'equal', value: '792829709' },
    ],
  }
}

function deployLink(environment = 'production'): AdmissionLink {
  return {
    item: 'deploy-verified',
    signer: workflow('deploy.yml'),
    predicateTypes: [VSA],
    conditions: [
      { path: ['verificationResult'], is: 'equal', value: 'PASSED' },
      { path: ['waybill_run', 'environment'], is: 'equal', value: environment },
      { path: ['verifiedLevels'], is: 'containing', value: 'ORG_SOURCE_COMMITS_SIGNED' },
    ],
  }
}

function admission(links: readonly AdmissionLink[], quarantined: readonly string[] = []): Admission {
  return { rules: [rule('127.0.0.1:*/acme/**', links)], quarantined, notes: [] }
}

function rule(pattern: string, links: readonly AdmissionLink[]): AdmissionRule {
  const match = compilePattern(pattern)
  if (match === undefined) throw new Error('no pattern')
  return { match: [{ ...match, of: 'image' }], trust: { file: ROOT }, links }
}

async function newImage(registry: RegistryName, name: string) {
  const repository = repositoryIn(world, registry, name)
  const digest = await pushStranger(world, registry, repository, name)
  return { registry, repository, digest, image: pinned(repository, digest) }
}
type Image = Awaited<ReturnType<typeof newImage>>

const DEPLOY = 'acme/app/.github/workflows/deploy.yml@refs/heads/main'
const DEPLOYER = { workflow_ref: DEPLOY, job_workflow_ref: DEPLOY, environment: 'production' }

/** Attached as Waybill does it, several to one image, also where only the fallback tag leads to them. */
async function sign(image: Image, attested: Omit<Attested, 'subjects'>): Promise<void> {
  const subjects = [{ name: image.repository, digest: image.digest }]
  const bytes = await attestedBundle(world, { subjects, ...attested })
  const { client, close } = clientFor(image.registry)
  try {
    const predicateType = attested.predicate?.type ?? PROVENANCE
    await attachAll(client, image.repository, image.digest, [{ bytes, predicateType }])
  } finally {
    close()
  }
}

function vsa(environment = 'production', result = 'PASSED'): NonNullable<Attested['predicate']> {
  return {
    type: VSA,
    params: {
      verificationResult: result,
      verifiedLevels: ['SLSA_BUILD_LEVEL_2', 'ORG_SOURCE_COMMITS_SIGNED'],
      waybill_run: { environment, repository_id: '792829709' },
    },
  }
}

const ADMITTED = /^pass: success$/
const REFUSED = {
  provenance: /^fail: provenance does not hold for an image of /,
  deploy: /^fail: deploy-verified does not hold for an image of /,
  unnamed: /^fail: No rule of the policy admits an image of this pod\.$/,
  quarantined: /^fail: An image of this pod is in quarantine\.$/,
}

/** The one result there must be, and its message. What could not be evaluated is `error`, and never taken for a refusal. */
async function judged(row: string, asked: Admission, images: PodImages): Promise<string> {
  const files = imageValidatingPolicies(asked, { header: ['A test wrote this.'], trust })
  const { counts, message } = await kyvernoApply(world, files, podOf(images))
  const results = Object.entries(counts).filter(([, count]) => count > 0)
  matrix.record(`${row} (${message})`, Object.fromEntries(results))
  return `${results.map(([name, count]) => (count === 1 ? name : `${count} ${name}`)).join(' and ')}: ${message}`
}

const both = (environment?: string) => admission([provenanceLink(), deployLink(environment)])

async function admitted(registry: RegistryName, name: string): Promise<Image> {
  const image = await newImage(registry, name)
  await sign(image, {})
  await sign(image, { claims: DEPLOYER, predicate: vsa() })
  return image
}

test.each(REGISTRIES)('registry %s: what was built and deployed is admitted', async registry => {
  const { image } = await admitted(registry, 'kyverno-right')
  expect(await judged(`${registry}, right image`, both(), { containers: [image] })).toMatch(ADMITTED)
})

describe('the matrix of what is refused', () => {
  const STRANGER = { repository: 'mallory/app', repository_id: '66' }
  const SAN = (file: string, ref = 'refs/heads/main') => {
    const workflow = `acme/app/.github/workflows/${file}@${ref}`
    return { workflow_ref: workflow, job_workflow_ref: workflow }
  }
  /** Claims of a run in another repository that calls a workflow of ours: the subject is ours. */
  const called = (file: string) => ({ ...STRANGER, job_workflow_ref: SAN(file).job_workflow_ref })

  type Signings = readonly Omit<Attested, 'subjects'>[]
  const DEPLOYED = { claims: DEPLOYER, predicate: vsa() }
  const ROWS: readonly [string, Signings, RegExp][] = [
    ['unsigned', [], REFUSED.provenance],
    ['built by another workflow', [{ claims: SAN('other.yml') }, DEPLOYED], REFUSED.provenance],
    ['built from another branch', [{ claims: SAN('release.yml', 'refs/heads/dev') }, DEPLOYED], REFUSED.provenance],
    [
      'built for another repository by the same signer',
      [{ claims: called('release.yml') }, DEPLOYED],
      REFUSED.provenance,
    ],
    ['provenance only', [{}], REFUSED.deploy],
    ['deploy VSA only', [DEPLOYED], REFUSED.provenance],
    ['provenance by the deployer', [{ claims: SAN('deploy.yml') }, DEPLOYED], REFUSED.provenance],
    ['deploy VSA by the builder', [{}, { predicate: vsa() }], REFUSED.deploy],
    ['each by the identity of the other', [{ claims: SAN('deploy.yml') }, { predicate: vsa() }], REFUSED.provenance],
    ['deployed elsewhere', [{}, { claims: DEPLOYER, predicate: vsa('staging') }], REFUSED.deploy],
    ['deploy VSA that failed', [{}, { claims: DEPLOYER, predicate: vsa('production', 'FAILED') }], REFUSED.deploy],
    ['provenance by nobody we know', [{ claims: STRANGER }, DEPLOYED], REFUSED.provenance],
  ]
  test.each(ROWS)('%s', async (name, signings, reason) => {
    const image = await newImage('referrers', `kyverno-${name.toLowerCase().replaceAll(' ', '-')}`)
    for (const signing of signings) await sign(image, signing)
    expect(await judged(name, both(), { containers: [image.image] })).toMatch(reason)
  })

  test('in quarantine', async () => {
    const { image, digest } = await admitted('referrers', 'kyverno-quarantined')
    const quarantined = (other: string) => admission([provenanceLink(), deployLink()], [other])
    expect(await judged('quarantined', quarantined(digest), { containers: [image] })).toMatch(REFUSED.quarantined)
    const another = `sha256:${'0'.repeat(64)}`
    expect(await judged('another digest quarantined', quarantined(another), { containers: [image] })).toMatch(ADMITTED)
  })

  test('without a condition on the content, another repository behind the same signer would be admitted', async () => {
    const image = await newImage('referrers', 'kyverno-unconditional')
    await sign(image, { claims: called('release.yml') })
    const weaker = admission([{ ...provenanceLink(), conditions: [] }])
    expect(await judged('same signer, no condition', weaker, { containers: [image.image] })).toMatch(ADMITTED)
  })
})

/** A condition must see the statement whose signature was checked, whatever else is attached to the image. */
describe('13-adversary 30: statements beside each other', () => {
  const STAGING = { claims: DEPLOYER, predicate: vsa('staging') }
  const PRODUCTION = { claims: DEPLOYER, predicate: vsa() }
  const PLANTED = { claims: { repository: 'mallory/app' }, predicate: vsa() }

  test('a planted statement by a stranger satisfies no condition', async () => {
    for (const signings of [
      [STAGING, PLANTED],
      [PLANTED, STAGING],
    ]) {
      const image = await newImage('referrers', `kyverno-planted-${signings.indexOf(PLANTED)}`)
      for (const signing of [{}, ...signings]) await sign(image, signing)
      expect(await judged('planted beside another environment', both(), { containers: [image.image] })).toMatch(
        REFUSED.deploy,
      )
    }
  })

  test('nor does a bad one by a stranger spoil the good one', async () => {
    const mallory = { repository: 'mallory/app' }
    const bad = { claims: mallory, predicate: vsa('staging', 'FAILED') }
    for (const signings of [
      [PRODUCTION, bad],
      [bad, PRODUCTION],
    ]) {
      const image = await newImage('referrers', `kyverno-beside-${signings.indexOf(bad)}`)
      for (const signing of [{}, { claims: mallory }, ...signings]) await sign(image, signing)
      expect(
        await judged('a bad one by a stranger beside the good one', both(), { containers: [image.image] }),
      ).toMatch(ADMITTED)
    }
  })

  test('two links of one type each see what their own signer said', async () => {
    const links = (builder: string, deployer: string): Admission =>
      admission([
        { ...deployLink(builder), item: 'signature', signer: workflow('release.yml') },
        deployLink(deployer),
        { ...deployLink(builder), item: 'signature', signer: workflow('release.yml') },
      ])
    const image = await newImage('referrers', 'kyverno-two-links')
    for (const signing of [{ predicate: vsa('staging') }, PRODUCTION]) await sign(image, signing)
    const images = { containers: [image.image] }
    expect(await judged('two links of one type', links('staging', 'production'), images)).toMatch(ADMITTED)
    expect(await judged('two links, crossed', links('production', 'staging'), images)).toMatch(/^fail: signature /)
    expect(await judged('two links, one by the other', links('staging', 'staging'), images)).toMatch(REFUSED.deploy)
  })

  test('of two statements by one signer a condition sees one', async () => {
    const seen: string[] = []
    for (const signings of [
      [STAGING, PRODUCTION],
      [PRODUCTION, STAGING],
    ]) {
      const image = await newImage('referrers', `kyverno-two-environments-${signings.indexOf(STAGING)}`)
      for (const signing of [{}, ...signings]) await sign(image, signing)
      seen.push(await judged('production and staging by one signer', both(), { containers: [image.image] }))
    }
    expect(seen).toEqual([])
  })
})

describe('images of a pod', () => {
  test('named by a tag', async () => {
    const { repository, digest } = await admitted('referrers', 'kyverno-tagged')
    await moveTag('referrers', repository, 'v1', digest)
    expect(await judged('by tag', both(), { containers: [`${repository}:v1`] })).toMatch(
      /^fail: image .*:v1 does not have a digest$/,
    )
  })

  test('of no rule, or of one that denies', async () => {
    const { image } = await admitted('referrers', 'kyverno-other')
    const other = 'docker.io/library/alpine@sha256:'.padEnd(96, '0')
    expect(await judged('one of no rule', both(), { containers: [image, other] })).toMatch(REFUSED.unnamed)
    expect(await judged('no reference', both(), { containers: [image, 'Not An Image'] })).toMatch(REFUSED.unnamed)
    const denied = { ...both(), rules: [...both().rules, rule('docker.io/library/**', [])] }
    const reason = /^fail: The policy denies docker\.io\/library\/\*\*\.$/
    for (const spelling of [other, other.replace('docker.io/library/', ''), other.replace('docker', 'index.docker')])
      expect(await judged('denied', denied, { containers: [image, spelling] })).toMatch(reason)
    expect(
      await judged('nothing admitted', { rules: [], quarantined: [], notes: [] }, { containers: [image] }),
    ).toMatch(REFUSED.unnamed)
  })

  test('13-adversary 33: in every place of a pod', async () => {
    const { image } = await admitted('referrers', 'kyverno-places')
    const { image: unsigned } = await newImage('referrers', 'kyverno-places-unsigned')
    for (const place of ['containers', 'initContainers', 'ephemeralContainers', 'volumes'] as const) {
      const images = { containers: [image], [place]: [image, unsigned] }
      expect(await judged(`unsigned in ${place}`, both(), images)).toMatch(REFUSED.provenance)
    }
    const { image: second } = await admitted('distribution', 'kyverno-places-second')
    const rules = [rule(`${image.split('@')[0]}`, [provenanceLink()]), rule(`${second.split('@')[0]}`, [deployLink()])]
    const everywhere = [image, image, second, second]
    const images = { containers: everywhere, initContainers: everywhere, volumes: everywhere }
    expect(await judged('two rules, images repeated', { rules, quarantined: [], notes: [] }, images)).toMatch(ADMITTED)
  })
})

test.each([
  ['ends its literal', 'production" || true || "'],
  ['escapes the end', 'production\\" || true || \\"\\'],
  ['has lines', 'production\n|| true\r\u2028\u0085'],
  ['is beyond ASCII', '\u{1f680} pröduction \u0000'],
])('a value that %s is compared and nothing else', async (name, environment) => {
  const image = await newImage('referrers', `kyverno-${name.toLowerCase().replaceAll(' ', '-')}`)
  await sign(image, { claims: DEPLOYER, predicate: vsa(environment) })
  const of = (wanted: string) => admission([deployLink(wanted)])
  expect(await judged(`value ${name}`, of(environment), { containers: [image.image] })).toMatch(ADMITTED)
  expect(await judged(`value ${name}, other`, of(`${environment}x`), { containers: [image.image] })).toMatch(
    REFUSED.deploy,
  )
})
