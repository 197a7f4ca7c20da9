import { hexOf, sha256 } from '../../src/core/digest.ts'
import { BUNDLE_TYPE } from '../../src/registry/bundles.ts'
import { fetchFileBundles } from '../../src/registry/file-bundles-read.ts'
import { EMPTY_CONFIG, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { evidenceWorld, indexOf, putBlob, putBundle, putManifest, textsOf } from './evidence-world.ts'
import { closeAll, codeOf } from './support.ts'

afterEach(closeAll)

const FILE = sha256('the file')
const TAG = `file-sha256-${hexOf(FILE)}`
const ABOUT = 'dev.waybill.file.digest'

type World = Awaited<ReturnType<typeof evidenceWorld>>

/** As `pushFileBundles` leaves it: one layer for each bundle. */
function document({ store }: World, texts: readonly string[], more: object = {}): object {
  const layers = texts.map(text => ({ mediaType: BUNDLE_TYPE, ...putBlob(store, text) }))
  const annotations = { [ABOUT]: FILE }
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: EMPTY_CONFIG,
    layers,
    annotations,
    ...more,
  }
}

const entry = (digest: string) => ({ mediaType: OCI_MANIFEST, digest, size: 500 })

test('fetchFileBundles() reads every layer of the manifest under the file’s tag', async () => {
  const world = await evidenceWorld()
  const manifest = putManifest(world.store, document(world, ['one', 'two']), TAG)
  const fetched = await fetchFileBundles(world.client, world.repository, FILE)
  expect(textsOf(fetched.bundles)).toEqual(['one', 'two'])
  expect(fetched.bundles[0]?.manifest).toBe(manifest)
  expect(fetched).toMatchObject({ complete: true, skipped: [] })
  // The tag, the two lists, and the two bundles.
  expect(world.registry.log).toHaveLength(5)
})

test('a file that nobody signed has no bundles, which is complete', async () => {
  const { client, repository } = await evidenceWorld()
  expect(await fetchFileBundles(client, repository, FILE)).toEqual({ bundles: [], complete: true, skipped: [] })
})

test('a manifest without the annotation, an index of manifests and referrers of the digest are read too', async () => {
  const world = await evidenceWorld()
  const { store, client, repository } = world
  const one = putManifest(store, document(world, ['a', 'bb'], { annotations: {} }))
  const two = putManifest(store, document(world, ['ccc']))
  putManifest(store, indexOf([entry(one), entry(two), entry(two)]), TAG)
  putBundle(store, { digest: FILE }, 'attached')
  const fetched = await fetchFileBundles(client, repository, FILE)
  expect(textsOf(fetched.bundles)).toEqual(['a', 'bb', 'ccc', 'attached'])
  expect(fetched).toMatchObject({ complete: true, skipped: [] })
})

test.each([
  ['bundles of another file', { annotations: { [ABOUT]: sha256('another file') } }],
  ['an artifact of another kind', { artifactType: 'application/spdx+json', layers: [] }],
  ['a bundle of a gigabyte', { layers: [{ mediaType: BUNDLE_TYPE, digest: sha256('x'), size: 1024 ** 3 }] }],
])('13-adversary 26: %s under the tag is named and no evidence', async (_what, change) => {
  const world = await evidenceWorld()
  putManifest(world.store, document(world, ['one'], change), TAG)
  const fetched = await fetchFileBundles(world.client, world.repository, FILE)
  expect(fetched).toMatchObject({
    bundles: [],
    complete: true,
    skipped: [{ code: 'registry/bundle-skipped', severity: 'note' }],
  })
})

test('13-adversary 26: a manifest of the index that is gone or wrong spares the others', async () => {
  const world = await evidenceWorld()
  const one = putManifest(world.store, document(world, ['one']))
  putManifest(world.store, indexOf([entry(one), entry(sha256('gone')), entry(world.subject.digest)]), TAG)
  const fetched = await fetchFileBundles(world.client, world.repository, FILE)
  expect(textsOf(fetched.bundles)).toEqual(['one'])
  expect(fetched.complete).toBe(false)
  expect(fetched.skipped.map(({ code }) => code).sort()).toEqual(['registry/bundle-skipped', 'registry/not-found'])
})

test.each([
  ['the tag', /file-sha256-/],
  ['the referrers', /referrers/],
])('13-adversary 26: when %s answers 500 the rest counts and the answer is incomplete', async (_what, path) => {
  const world = await evidenceWorld()
  putManifest(world.store, document(world, ['tagged']), TAG)
  putBundle(world.store, { digest: FILE }, 'attached')
  world.registry.faults.add({ path, times: Infinity, fault: { status: 500 } })
  const fetched = await fetchFileBundles(world.client, world.repository, FILE)
  expect(fetched.bundles).toHaveLength(1)
  expect(fetched.complete).toBe(false)
})

test('13-adversary 26: when nothing answers it is unknown', async () => {
  const { client, repository, registry } = await evidenceWorld()
  registry.faults.add({ times: Infinity, fault: { status: 503 } })
  expect(await codeOf(fetchFileBundles(client, repository, FILE))).toBe('registry/unavailable')
})

test('13-adversary 43: of 1,000 layers 200 are read, and of an index of 1,000 manifests 200', async () => {
  const world = await evidenceWorld()
  const texts = Array.from({ length: 1_000 }, (_, i) => `bundle ${i}`)
  putManifest(world.store, document(world, texts), TAG)
  const flat = await fetchFileBundles(world.client, world.repository, FILE)
  expect(flat.bundles).toHaveLength(200)
  expect(flat).toMatchObject({ complete: false, skipped: [{ code: 'registry/referrers-incomplete' }] })
  const manifests = texts.map(text => putManifest(world.store, document(world, [text])))
  putManifest(world.store, indexOf(manifests.map(entry)), TAG)
  world.registry.log.length = 0
  const deep = await fetchFileBundles(world.client, world.repository, FILE)
  expect(deep.bundles).toHaveLength(200)
  expect(deep.complete).toBe(false)
  expect(world.registry.log.length).toBeLessThan(410)
})
