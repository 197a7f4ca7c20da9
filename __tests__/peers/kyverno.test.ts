import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import type { KyvernoTrust } from '../../src/admission/kyverno-attestor.ts'
import type { Admission } from '../../src/admission/link.ts'
import { REGISTRIES } from '../../tools/peers/registries.ts'
import type { Attested } from './attested.ts'
import { admission, admitted, DEPLOYER, deployLink, newImage, provenanceLink, sign, vsa, workflow } from './deployed.ts'
import { ADMITTED, type KyvernoBench, openKyverno, ROOT } from './kyverno.ts'
import { attest, layoutOf, pinned, repositoryIn, type World } from './world.ts'

/** Policies for Kyverno judged by its own engine: who must have said what of an image. */
jest.setTimeout(180_000)

let bench: KyvernoBench
let world: World
beforeAll(async () => {
  bench = await openKyverno('kyverno')
  world = bench.world
})
afterAll(() => bench?.close())

const REFUSED = {
  provenance: /^fail: provenance does not hold for an image of /,
  deploy: /^fail: deploy-verified does not hold for an image of /,
  unnamed: /^fail: No rule of the policy admits an image of this pod\.$/,
  quarantined: /^fail: An image of this pod is in quarantine\.$/,
}

const both = (environment?: string) => admission([provenanceLink(world), deployLink(world, environment)])

test.each(REGISTRIES)('registry %s: what was built and deployed is admitted', async registry => {
  const { image } = await admitted(world, registry, 'kyverno-right')
  expect(await bench.judged(`${registry}, right image`, both(), { containers: [image] })).toMatch(ADMITTED)
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
    const image = await newImage(world, 'referrers', `kyverno-${name.toLowerCase().replaceAll(' ', '-')}`)
    for (const signing of signings) await sign(world, image, signing)
    expect(await bench.judged(name, both(), { containers: [image.image] })).toMatch(reason)
  })

  test('in quarantine', async () => {
    const { image, digest } = await admitted(world, 'referrers', 'kyverno-quarantined')
    const quarantined = (other: string) => admission([provenanceLink(world), deployLink(world)], [other])
    expect(await bench.judged('quarantined', quarantined(digest), { containers: [image] })).toMatch(REFUSED.quarantined)
    const another = `sha256:${'0'.repeat(64)}`
    expect(await bench.judged('another digest quarantined', quarantined(another), { containers: [image] })).toMatch(
      ADMITTED,
    )
  })

  test('without a condition on the content, another repository behind the same signer would be admitted', async () => {
    const image = await newImage(world, 'referrers', 'kyverno-unconditional')
    await sign(world, image, { claims: called('release.yml') })
    const weaker = admission([{ ...provenanceLink(world), conditions: [] }])
    expect(await bench.judged('same signer, no condition', weaker, { containers: [image.image] })).toMatch(ADMITTED)
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
      const image = await newImage(world, 'referrers', `kyverno-planted-${signings.indexOf(PLANTED)}`)
      for (const signing of [{}, ...signings]) await sign(world, image, signing)
      expect(await bench.judged('planted beside another environment', both(), { containers: [image.image] })).toMatch(
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
      const image = await newImage(world, 'referrers', `kyverno-beside-${signings.indexOf(bad)}`)
      for (const signing of [{}, { claims: mallory }, ...signings]) await sign(world, image, signing)
      expect(
        await bench.judged('a bad one by a stranger beside the good one', both(), { containers: [image.image] }),
      ).toMatch(ADMITTED)
    }
  })

  test('two links of one type each see what their own signer said', async () => {
    const links = (builder: string, deployer: string): Admission =>
      admission([
        { ...deployLink(world, builder), item: 'signature', signer: workflow(world, 'release.yml') },
        deployLink(world, deployer),
        { ...deployLink(world, builder), item: 'signature', signer: workflow(world, 'release.yml') },
      ])
    const image = await newImage(world, 'referrers', 'kyverno-two-links')
    for (const signing of [{ predicate: vsa('staging') }, PRODUCTION]) await sign(world, image, signing)
    const images = { containers: [image.image] }
    expect(await bench.judged('two links of one type', links('staging', 'production'), images)).toMatch(ADMITTED)
    expect(await bench.judged('two links, crossed', links('production', 'staging'), images)).toMatch(
      /^fail: signature /,
    )
    expect(await bench.judged('two links, one by the other', links('staging', 'staging'), images)).toMatch(
      REFUSED.deploy,
    )
  })

  /** Stricter than the policy, never weaker: which of the two it is, the registry's order tells. docs/admission-kyverno.md */
  test('of two statements by one signer a condition sees the last', async () => {
    const seen: string[] = []
    for (const signings of [
      [STAGING, PRODUCTION],
      [PRODUCTION, STAGING],
    ]) {
      const image = await newImage(world, 'distribution', `kyverno-two-environments-${signings.indexOf(STAGING)}`)
      for (const signing of [{}, ...signings]) await sign(world, image, signing)
      seen.push(await bench.judged('production and staging by one signer', both(), { containers: [image.image] }))
    }
    expect(seen).toEqual([expect.stringMatching(ADMITTED), expect.stringMatching(REFUSED.deploy)])
  })
})

type Root = Record<'tlogs' | 'ctlogs' | 'certificateAuthorities' | 'timestampAuthorities', unknown[]>

test('13-adversary 29: keys come from the trust root of the rule alone', async () => {
  const { image } = await admitted(world, 'referrers', 'kyverno-roots')
  const own = readFileSync(world.stack.trustedRootFile, 'utf8')
  const judged = async (row: string, trust: KyvernoTrust) =>
    bench.judged(row, both(), { containers: [image] }, new Map([[ROOT, trust]]))
  const root = JSON.parse(own) as Root
  const changed = (change: Partial<Root>) => JSON.stringify({ ...root, ...change })
  for (const part of ['tlogs', 'ctlogs', 'certificateAuthorities'] as const) {
    const poorer = await bench.serve(Buffer.from(changed({ [part]: [] })))
    expect(await judged(`no ${part} in the trust root`, poorer)).toMatch(REFUSED.provenance)
  }
  // Complete, and nobody's: every key is one of another service.
  const foreign = changed({
    tlogs: root.ctlogs,
    ctlogs: root.tlogs,
    certificateAuthorities: root.timestampAuthorities,
  })
  const strange = await bench.serve(Buffer.from(foreign))
  expect(await judged('foreign keys by TUF', strange)).toMatch(REFUSED.provenance)
  expect(await judged('foreign keys by TUF, the right ones in the policy', { ...strange, trustedRoot: own })).toMatch(
    ADMITTED,
  )
  const right = bench.trust.get(ROOT) ?? {}
  expect(await judged('the right keys by TUF, foreign ones in the policy', { ...right, trustedRoot: foreign })).toMatch(
    REFUSED.provenance,
  )
})

test('bundles with an entry of Rekor v2 are read', async () => {
  const config = await world.stack.signingConfig('kyverno-v2.json', {
    rekor: { url: world.stack.rekorV2.url, version: 2 },
  })
  const repository = repositoryIn(world, 'referrers', 'kyverno-rekor-v2')
  const inputs = { images: repository, builder: 'layout', layout: layoutOf(world, 'kyverno-rekor-v2') }
  const { code, log, outputs } = await attest(world, { ...inputs, 'signing-config': config })
  expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
  const asked = admission([{ ...provenanceLink(world), conditions: [] }])
  const images = { containers: [pinned(repository, outputs.digest)] }
  expect(await bench.judged('Rekor v2', asked, images)).toMatch(ADMITTED)
})

test('an index and its platforms', async () => {
  const repository = repositoryIn(world, 'distribution', 'kyverno-index')
  const layout = layoutOf(world, 'kyverno-index', ['linux/amd64', 'linux/arm64'])
  const { code, log, outputs, result } = await attest(world, { images: repository, builder: 'layout', layout })
  expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
  const digests = [outputs.digest, ...(result.image?.platforms ?? []).map(({ digest }) => digest)]
  expect(digests).toHaveLength(3)
  const asked = admission([{ ...provenanceLink(world), conditions: [] }])
  const images = { containers: digests.map(digest => pinned(repository, digest)) }
  expect(await bench.judged('index and platforms', asked, images)).toMatch(ADMITTED)
})
