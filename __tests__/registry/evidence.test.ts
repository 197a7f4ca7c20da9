import { sha256 } from '../../src/core/digest.ts'
import { fetchBundles } from '../../src/registry/bundles.ts'
import { registryEvidence } from '../../src/registry/evidence.ts'
import { EvidenceBudget } from '../../src/registry/evidence-budget.ts'
import { fallbackTag } from '../../src/registry/fallback.ts'
import { EMPTY_CONFIG, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { evidenceWorld, indexOf, putBundle, putLegacy, putManifest, textsOf } from './evidence-world.ts'
import { closeAll, codeOf } from './support.ts'

afterEach(closeAll)

const OLD_TYPE = 'application/vnd.dev.sigstore.bundle+json;version=0.2'
const entryOf = (digest: string) => ({ mediaType: OCI_MANIFEST, digest, size: 500 })

test('a good image costs no request for what older tools write', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  putBundle(store, subject, 'one')
  const { attached } = registryEvidence(client, repository, subject.digest)
  expect(textsOf((await attached()).bundles)).toEqual(['one'])
  expect(await attached()).toMatchObject({ complete: true })
  expect(registry.log).toHaveLength(4)
  expect(registry.requests().some(line => /\.(sig|att) /.test(line))).toBe(false)
})

test('what older tools wrote is found in the second step, once', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  putBundle(store, subject, 'new')
  putBundle(store, subject, 'old', { artifactType: OLD_TYPE })
  putLegacy(store, subject.digest, 'sig', [{ text: 'payload' }])
  const { attached, older } = registryEvidence(client, repository, subject.digest)
  expect(textsOf((await attached()).bundles)).toEqual(['new'])
  const before = registry.log.length
  const more = await older()
  expect(textsOf(more.bundles)).toEqual(['old'])
  expect(more.legacy?.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['payload'])
  expect(more).toMatchObject({ complete: true, skipped: [] })
  await older()
  // Three lists; and the manifest and the bundle, and the payload, that they name.
  expect(registry.log.length - before).toBe(6)
})

test('a registry that does not filter is not listed again', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld({ filterReferrers: false })
  putBundle(store, subject, 'old', { artifactType: OLD_TYPE })
  const { attached, older } = registryEvidence(client, repository, subject.digest)
  expect(textsOf((await attached()).bundles)).toEqual(['old'])
  expect(textsOf((await older()).bundles)).toEqual([])
  expect(registry.requests().filter(line => line.includes('/referrers/'))).toHaveLength(1)
})

test('the second step alone asks the first too, and a first that failed does not silence it', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  putLegacy(store, subject.digest, 'att', [{ text: 'envelope' }])
  registry.faults.add({ path: /referrers|sha256-[0-9a-f]{64}$/, times: Infinity, fault: { status: 500 } })
  const { attached, older } = registryEvidence(client, repository, subject.digest)
  const more = await older()
  expect(more.legacy).toHaveLength(1)
  expect(more.complete).toBe(false)
  expect(await codeOf(attached())).toBe('registry/unavailable')
})

test('a bundle whose manifest names no subject is found by the fallback tag, as actions/attest leaves it where none is known', async () => {
  const { client, repository, store, subject } = await evidenceWorld()
  const config = { ...EMPTY_CONFIG, mediaType: 'application/vnd.oci.image.config.v1+json' }
  const nameless = putBundle(store, undefined, 'nameless', { artifactType: undefined, config })
  const foreign = putBundle(store, { digest: sha256('another image') }, 'foreign')
  putManifest(store, indexOf([nameless, foreign].map(entryOf)), fallbackTag(subject.digest))
  const fetched = await fetchBundles(client, repository, subject.digest)
  expect(textsOf(fetched.bundles)).toEqual(['nameless'])
  expect(fetched).toMatchObject({ complete: true, skipped: [{ code: 'registry/bundle-skipped' }] })
})

test('13-adversary 43: bundles and legacy signatures take from one budget', async () => {
  const { client, repository, store, subject } = await evidenceWorld()
  for (const text of ['a', 'b']) putBundle(store, subject, text)
  putLegacy(store, subject.digest, 'sig', [{ text: 'c' }, { text: 'dd' }])
  const { attached, older } = registryEvidence(client, repository, subject.digest, { bundles: 3 })
  expect((await attached()).complete).toBe(true)
  const more = await older()
  expect(more.legacy).toHaveLength(1)
  expect(more).toMatchObject({ complete: false, skipped: [{ code: 'registry/referrers-incomplete', found: '1 more' }] })
})

test.each([
  ['the referrers API', /\/referrers\//],
  ['the fallback tag', /\/manifests\/sha256-[0-9a-f]{64}$/],
])('13-adversary 26: when %s answers 500 the rest counts and the answer is incomplete', async (_what, path) => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  const digest = putBundle(store, subject, 'one')
  putManifest(store, indexOf([entryOf(digest)]), fallbackTag(subject.digest))
  registry.faults.add({ path, times: Infinity, fault: { status: 500 } })
  const fetched = await fetchBundles(client, repository, subject.digest)
  expect(textsOf(fetched.bundles)).toEqual(['one'])
  expect(fetched).toMatchObject({ complete: false, skipped: [{ code: 'registry/unavailable' }] })
})

test('13-adversary 26: when both lists answer 500 nothing is known, which is not a refusal', async () => {
  const { client, repository, subject, registry } = await evidenceWorld()
  registry.faults.add({ path: /referrers|sha256-/, times: Infinity, fault: { status: 500 } })
  const error = await fetchBundles(client, repository, subject.digest).catch(caught => caught)
  expect(error).toMatchObject({ code: 'registry/unavailable', kind: 'unknown' })
})

test.each(['cut', 'cut-body', { status: 503 }] as const)(
  '13-adversary 26: a second page that ends as %j keeps the first, and the answer is incomplete',
  async fault => {
    const { client, repository, store, subject, registry } = await evidenceWorld({ pageSize: 1 })
    putBundle(store, subject, 'one')
    putBundle(store, subject, 'two')
    registry.faults.add({ path: /referrers/, after: 1, times: Infinity, fault })
    const fetched = await fetchBundles(client, repository, subject.digest)
    expect(fetched.bundles).toHaveLength(1)
    expect(fetched).toMatchObject({ complete: false, skipped: [{ code: 'registry/referrers-incomplete' }] })
  },
)

test('13-adversary 26: bundles known by digest come first, before any list is asked', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  const known = putBundle(store, subject, 'a rather long bundle that is known')
  putBundle(store, subject, 'short')
  const fetched = await fetchBundles(client, repository, subject.digest, { known: [known, known] })
  expect(textsOf(fetched.bundles)).toEqual(['a rather long bundle that is known', 'short'])
  const paths = registry.log.map(entry => entry.path)
  expect(paths.filter(path => path.endsWith(`manifests/${known}`))).toHaveLength(1)
  expect(paths.findIndex(path => path.includes('/blobs/'))).toBeLessThan(
    paths.findIndex(path => path.includes('referrers')),
  )
})

test('13-adversary 26: 5,000 planted referrers hide no known bundle, and are never taken for all there is', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld({ pageSize: 500 })
  for (let i = 0; i < 5_000; i++) putBundle(store, subject, String(i))
  const known = putBundle(store, subject, 'the one that counts')
  const flooded = await fetchBundles(client, repository, subject.digest)
  expect(flooded.bundles).toHaveLength(200)
  expect(flooded.complete).toBe(false)
  expect(flooded.skipped.every(({ severity }) => severity === 'note')).toBe(true)
  expect(flooded.skipped.length).toBeLessThan(5)
  const opened = registry.log.filter(entry => entry.path.includes('/manifests/sha256:')).length
  expect(opened).toBeLessThanOrEqual(1_000)
  const found = await fetchBundles(client, repository, subject.digest, { known: [known] })
  expect(textsOf(found.bundles)[0]).toBe('the one that counts')
  expect(found.complete).toBe(false)
})

test('13-adversary 26: a known digest proves nothing by itself: gone, foreign or of another subject is said', async () => {
  const { client, repository, store, subject } = await evidenceWorld()
  const elsewhere = putBundle(store, { digest: sha256('another image') }, 'foreign')
  const gone = sha256('gone')
  const fetched = await fetchBundles(client, repository, subject.digest, { known: [gone, elsewhere, subject.digest] })
  expect(fetched.bundles).toEqual([])
  expect(fetched.complete).toBe(true)
  expect(fetched.skipped.map(({ code }) => code).sort()).toEqual(['registry/bundle-skipped', 'registry/not-found'])
})

test('13-adversary 26: known bundles count although no list can be had, and the answer is incomplete', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  const known = putBundle(store, subject, 'one')
  registry.faults.add({ path: /referrers|sha256-/, times: Infinity, fault: { status: 500 } })
  const fetched = await fetchBundles(client, repository, subject.digest, { known: [known] })
  expect(textsOf(fetched.bundles)).toEqual(['one'])
  expect(fetched).toMatchObject({ complete: false, skipped: [{ code: 'registry/unavailable' }] })
})

test('13-adversary 43: a manifest that announces a gigabyte is not read, and spares the others', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  const huge = putBundle(store, subject, 'huge')
  putBundle(store, subject, 'good')
  registry.faults.add({ path: new RegExp(huge), times: Infinity, fault: { status: 200, announce: 1024 ** 3 } })
  const fetched = await fetchBundles(client, repository, subject.digest)
  expect(textsOf(fetched.bundles)).toEqual(['good'])
  expect(fetched).toMatchObject({ complete: false, skipped: [{ code: 'core/answer-too-large' }] })
})

test('13-adversary 43: a manifest of an endless answer is cut off', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  const huge = putBundle(store, subject, 'huge')
  registry.faults.add({
    path: new RegExp(huge),
    times: Infinity,
    fault: { status: 200, body: Buffer.alloc(5 * 1024 ** 2) },
  })
  const fetched = await fetchBundles(client, repository, subject.digest)
  expect(fetched).toMatchObject({ bundles: [], complete: false, skipped: [{ code: 'core/answer-too-large' }] })
})

test('EvidenceBudget takes the smallest, and what is taken is gone', () => {
  const budget = new EvidenceBudget({ bundles: 3, bytes: 10 })
  const sizes = (...all: number[]) => all.map(size => ({ layer: { size } }))
  const first = budget.choose(sizes(5, 1, 9))
  expect(first.chosen.map(({ layer }) => layer.size)).toEqual([1, 5])
  expect(first.left.map(({ layer }) => layer.size)).toEqual([9])
  expect(budget.choose(sizes(4, 4)).chosen).toHaveLength(1)
  expect(budget.choose(sizes(0)).chosen).toEqual([])
})
