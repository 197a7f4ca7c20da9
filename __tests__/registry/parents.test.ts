import { type Digest, sha256 } from '../../src/core/digest.ts'
import { fetchBundles } from '../../src/registry/bundles.ts'
import { OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { parentsOf } from '../../src/registry/parents.ts'
import { evidenceWorld, indexOf, putBundle, putManifest, textsOf } from './evidence-world.ts'
import { closeAll } from './support.ts'

afterEach(closeAll)

const part = (digest: Digest, more: object = {}) => ({
  mediaType: OCI_MANIFEST,
  digest,
  size: 500,
  platform: { os: 'linux', architecture: 'amd64' },
  ...more,
})

test('13-adversary 21: the index under the tag beside the digest is a parent when its own bytes list the manifest', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  const index = putManifest(store, indexOf([part(sha256('arm64')), part(subject.digest)]), 'v1')
  putBundle(store, { digest: index }, 'about the index')
  const { parents, ...rest } = await parentsOf(client, repository, subject.digest, { tag: 'v1' })
  expect(parents).toEqual([index])
  expect(rest).toEqual({ complete: true, skipped: [] })
  expect(registry.log).toHaveLength(1)
  const { bundles } = await fetchBundles(client, repository, parents[0] as Digest)
  expect(textsOf(bundles)).toEqual(['about the index'])
})

test('indexes that the caller names come first, each once', async () => {
  const { client, repository, store, subject } = await evidenceWorld()
  const a = putManifest(store, indexOf([part(subject.digest)]), 'v1')
  const b = putManifest(store, indexOf([part(sha256('arm64')), part(subject.digest)]))
  const found = await parentsOf(client, repository, subject.digest, { tag: 'v1', indexes: [b, a, b] })
  expect(found).toEqual({ parents: [b, a], complete: true, skipped: [] })
})

test.each([
  ['lists other manifests only', (_: Digest) => indexOf([part(sha256('other'))])],
  ['lists it as an attestation of BuildKit', (child: Digest) => indexOf([part(child, ATTESTATION)])],
  [
    'only names it as its subject',
    (child: Digest) => indexOf([], { subject: { mediaType: OCI_MANIFEST, digest: child, size: 500 } }),
  ],
  ['only names it in an annotation', (child: Digest) => indexOf([], { annotations: { child } })],
])('13-adversary 21: an index that %s is no parent, and that is said', async (_what, document) => {
  const { client, repository, store, subject } = await evidenceWorld()
  const index = putManifest(store, document(subject.digest), 'v1')
  const found = await parentsOf(client, repository, subject.digest, { tag: 'v1', indexes: [index] })
  expect(found).toMatchObject({ parents: [], complete: true })
  expect(found.skipped.map(({ code }) => code)).toEqual(['registry/not-a-parent', 'registry/not-a-parent'])
})

const ATTESTATION = {
  platform: { os: 'unknown', architecture: 'unknown' },
  annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
}

test('a tag that is gone, or is the manifest itself, is no index and no finding', async () => {
  const { client, repository, store, subject } = await evidenceWorld()
  store.tags.set('v1', subject.digest)
  const nothing = { parents: [], complete: true, skipped: [] }
  expect(await parentsOf(client, repository, subject.digest, { tag: 'v1' })).toEqual(nothing)
  expect(await parentsOf(client, repository, subject.digest, { tag: 'gone' })).toEqual(nothing)
  expect(await parentsOf(client, repository, subject.digest, {})).toEqual(nothing)
})

test('13-adversary 21: an index of another digest than asked for is not believed', async () => {
  const { client, repository, store, subject, registry } = await evidenceWorld()
  const index = putManifest(store, indexOf([part(sha256('other'))]))
  registry.faults.lie(index, JSON.stringify(indexOf([part(subject.digest)])))
  const found = await parentsOf(client, repository, subject.digest, { indexes: [index] })
  expect(found).toMatchObject({ parents: [], complete: false, skipped: [{ code: 'registry/digest-mismatch' }] })
})

test('13-adversary 26: a tag that answers 500 may be a parent, so what is known is not complete', async () => {
  const { client, repository, subject, registry } = await evidenceWorld()
  registry.faults.add({ path: /v1$/, times: Infinity, fault: { status: 500 } })
  const found = await parentsOf(client, repository, subject.digest, { tag: 'v1' })
  expect(found).toMatchObject({ parents: [], complete: false, skipped: [{ code: 'registry/unavailable' }] })
})

test('13-adversary 43: a flood of named indexes is cut', async () => {
  const { client, repository, subject, registry } = await evidenceWorld()
  const indexes = Array.from({ length: 100 }, (_, i) => sha256(String(i)))
  const found = await parentsOf(client, repository, subject.digest, { indexes })
  expect(registry.log).toHaveLength(16)
  expect(found.complete).toBe(false)
})
