import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import {
  attachBundles,
  BUNDLE_TYPE,
  type BundleToAttach,
  bundleReferrer,
  fetchBundles,
} from '../../src/registry/bundles.ts'
import { fallbackTag } from '../../src/registry/fallback.ts'
import { type Descriptor, EMPTY_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { ALICE, type Connection, closeAll, codeOf, connect, keep, pushImage } from './support.ts'

afterEach(closeAll)

const CREATED = new Date('2026-03-04T05:06:07.890Z')
const QUICK = { settleMs: 10 }

function item(subject: Descriptor, text: string): BundleToAttach {
  return { subject, bundle: utf8(text), predicateType: 'https://slsa.dev/provenance/v1', created: CREATED }
}

async function setUp(options: RegistryOptions) {
  const registry = keep(await startRegistry(options))
  const connection = connect(registry.host, { credentials: ALICE })
  const { descriptor: subject } = await pushImage(connection, 'image')
  return { registry, connection, subject, ...connection }
}

async function textsOf({ client, repository }: Connection, subject: Descriptor): Promise<string[]> {
  const { bundles } = await fetchBundles(client, repository, subject.digest)
  return bundles.map(({ bytes }) => Buffer.from(bytes).toString()).sort()
}

/** Attaches an own manifest, as an attacker or another tool would. */
async function attachRaw({ client, repository }: Connection, subject: Descriptor, change: object): Promise<void> {
  await client.putBlob(repository, utf8('{}'))
  await client.putBlob(repository, utf8('foreign'))
  const layer = { mediaType: BUNDLE_TYPE, digest: sha256('foreign'), size: 7 }
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: EMPTY_CONFIG,
    layers: [layer],
    subject,
    ...change,
  }
  const bytes = utf8(JSON.stringify(manifest))
  await client.putManifest(repository, sha256(bytes), OCI_MANIFEST, bytes)
}

test('bundleReferrer() writes exactly the manifest other tools read, and the same bytes each time', () => {
  const subject = { mediaType: OCI_INDEX, digest: sha256('s'), size: 5, annotations: { not: 'copied' } }
  const { manifest } = bundleReferrer(item(subject, '{"bundle":1}'))
  expect(JSON.parse(Buffer.from(manifest).toString())).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    config: {
      mediaType: 'application/vnd.oci.empty.v1+json',
      size: 2,
      digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
    },
    layers: [{ mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json', digest: sha256('{"bundle":1}'), size: 12 }],
    subject: { mediaType: OCI_INDEX, digest: sha256('s'), size: 5 },
    annotations: {
      'org.opencontainers.image.created': '2026-03-04T05:06:07Z',
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1',
    },
  })
  expect(bundleReferrer(item(subject, '{"bundle":1}')).manifest).toEqual(manifest)
})

test.each([
  ['the referrers API', {}, 'referrers'],
  ['the API without OCI-Subject', { ociSubject: false }, 'referrers'],
  ['no API', { referrers: false }, 'fallback'],
  ['no API, ETags', { referrers: false, etags: true }, 'fallback'],
  ['ECR: the header without the API', { ecr: true }, 'fallback'],
  ['GitLab: the tag resolves to the subject', { referrers: false, gitlab: true }, 'fallback'],
  ['pages of one entry', { pageSize: 1 }, 'referrers'],
  ['no filter by artifact type', { filterReferrers: false }, 'referrers'],
  ['Bearer login', { auth: 'bearer' } as const, 'referrers'],
  ['Basic login and no API', { auth: 'basic', referrers: false } as const, 'fallback'],
  ['chunked uploads of its own kind', { latencyMs: 5 }, 'referrers'],
])('attachBundles() and fetchBundles() agree on a registry with %s', async (_what, options, stored) => {
  const { registry, client, repository, connection, subject } = await setUp(options)
  const items = [item(subject, 'one'), item(subject, 'two')]
  const attached = await attachBundles(client, repository, items, QUICK)
  expect(attached.map(result => result.stored)).toEqual([stored, stored])
  expect(attached.map(result => result.tag)).toEqual(
    Array(2).fill(stored === 'fallback' ? fallbackTag(subject.digest) : undefined),
  )
  expect(await textsOf(connection, subject)).toEqual(['one', 'two'])
  expect((await fetchBundles(client, repository, subject.digest)).complete).toBe(true)
  const before = registry.storage.open('acme/app').manifests.size
  expect(await attachBundles(connect(registry.host, { credentials: ALICE }).client, repository, items, QUICK)).toEqual(
    attached,
  )
  expect(registry.storage.open('acme/app').manifests.size).toBe(before)
})

test('bundles for an index and its platforms are attached to each of them', async () => {
  const { client, repository, connection, subject } = await setUp({ referrers: false })
  const { descriptor: other } = await pushImage(connection, 'other')
  await attachBundles(client, repository, [item(subject, 'one'), item(other, 'one'), item(other, 'two')], QUICK)
  expect(await textsOf(connection, subject)).toEqual(['one'])
  expect(await textsOf(connection, other)).toEqual(['one', 'two'])
})

test.each([
  ['with the referrers API', {}, 12],
  ['with the fallback tag', { referrers: false }, 14],
  ['with the API that sends no header', { ociSubject: false }, 12],
])('two bundles %s need few requests', async (_what, options, goal) => {
  const { registry, repository, subject } = await setUp({ auth: 'bearer', ...options })
  const { client } = connect(registry.host, { credentials: ALICE })
  await client.checkPush(repository)
  registry.log.length = 0
  await attachBundles(client, repository, [item(subject, 'one'), item(subject, 'two')], QUICK)
  expect(registry.log.length).toBeLessThanOrEqual(goal)
  expect(registry.log.some(entry => entry.status === 401)).toBe(false)
})

test('the list may say anything: artifact type and subject are read from the manifest itself', async () => {
  const { client, repository, connection, subject } = await setUp({ referrers: false })
  const [attached] = await attachBundles(client, repository, [item(subject, 'hidden')], QUICK)
  const { descriptor: other } = await pushImage(connection, 'other')
  await attachBundles(client, repository, [item(other, 'of another image')], QUICK)
  const foreign = await client.getRaw(repository, fallbackTag(other.digest))
  const [entry] = JSON.parse(Buffer.from(foreign?.bytes ?? '').toString()).manifests
  const own = { mediaType: OCI_MANIFEST, digest: attached?.manifest, size: 900, artifactType: 'application/spdx+json' }
  const index = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry, own] }))
  await client.putManifest(repository, fallbackTag(subject.digest), OCI_INDEX, index)
  const fetched = await fetchBundles(client, repository, subject.digest)
  expect(fetched.bundles.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['hidden'])
  expect(fetched.skipped.map(finding => finding.code)).toEqual(['registry/bundle-skipped'])
})

test('artifacts of other kinds are no bundles and no findings', async () => {
  const { client, repository, connection, subject } = await setUp({ filterReferrers: false })
  const layer = { mediaType: 'application/spdx+json', digest: sha256('foreign'), size: 7 }
  await attachRaw(connection, subject, { artifactType: 'application/spdx+json', layers: [layer] })
  const fetched = await fetchBundles(client, repository, subject.digest)
  expect(fetched).toEqual({ bundles: [], complete: true, skipped: [] })
})

test.each([
  [
    'two layers',
    {
      layers: [
        { mediaType: BUNDLE_TYPE, digest: sha256('foreign'), size: 7 },
        { mediaType: BUNDLE_TYPE, digest: sha256('{}'), size: 2 },
      ],
    },
  ],
  ['no layer', { layers: [] }],
  ['a layer over the limit', { layers: [{ mediaType: BUNDLE_TYPE, digest: sha256('foreign'), size: 20_000_000 }] }],
])('13-adversary 26: a bundle manifest with %s is counted and named, never fatal', async (_what, change) => {
  const { client, repository, connection, subject } = await setUp({})
  await attachRaw(connection, subject, change)
  await attachBundles(client, repository, [item(subject, 'good')], QUICK)
  const fetched = await fetchBundles(client, repository, subject.digest)
  expect(fetched.bundles).toHaveLength(1)
  expect(fetched.complete).toBe(true)
  expect(fetched.skipped).toMatchObject([{ code: 'registry/bundle-skipped', severity: 'note' }])
})

test('13-adversary 26: a bundle that is not served as named is skipped, and the answer is incomplete', async () => {
  const { registry, client, repository, subject } = await setUp({})
  await attachBundles(client, repository, [item(subject, 'one'), item(subject, 'two')], QUICK)
  registry.faults.lie(sha256('one'), 'two')
  const fetched = await fetchBundles(client, repository, subject.digest)
  expect(fetched.bundles.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['two'])
  expect(fetched.complete).toBe(false)
  expect(fetched.skipped).toMatchObject([{ code: 'registry/digest-mismatch' }])
})

test('13-adversary 43: over the limits the smallest are taken first and the answer is incomplete', async () => {
  const { client, repository, subject } = await setUp({})
  const items = [10, 30, 20].map(size => item(subject, 'x'.repeat(size)))
  await attachBundles(client, repository, items, QUICK)
  const byCount = await fetchBundles(client, repository, subject.digest, { bundles: 2 })
  expect(byCount.bundles.map(({ bytes }) => bytes.byteLength)).toEqual([10, 20])
  const byBytes = await fetchBundles(client, repository, subject.digest, { bytes: 29 })
  expect(byBytes.bundles.map(({ bytes }) => bytes.byteLength)).toEqual([10])
  for (const { complete, skipped } of [byCount, byBytes]) {
    expect(complete).toBe(false)
    expect(skipped[0]?.code).toBe('registry/referrers-incomplete')
  }
})

test('a publish that is cut at any request and repeated ends as an undisturbed one', async () => {
  for (const options of [{}, { referrers: false }] as const) {
    for (let at = 0; at < 16; at++) {
      const { registry, repository, connection, subject } = await setUp(options)
      const items = [item(subject, 'one'), item(subject, 'two')]
      registry.faults.add({ after: at, times: Infinity, fault: at % 2 === 0 ? 'cut' : 'cut-after' })
      const first = connect(registry.host)
      await attachBundles(first.client, repository, items, { settleMs: 1 }).catch(() => undefined)
      registry.faults.clear()
      await attachBundles(connect(registry.host).client, repository, items, { settleMs: 1 })
      expect(await textsOf(connection, subject)).toEqual(['one', 'two'])
      expect(registry.storage.open('acme/app').blobs.size).toBe(5)
      await registry.close()
    }
  }
})

test('a read-only login attaches nothing and says so', async () => {
  const { registry, repository, subject } = await setUp({ auth: 'bearer' })
  const reader = connect(registry.host, {
    credentials: { find: () => Promise.resolve({ kind: 'password', username: 'bob', password: 'bob-password' }) },
  })
  expect(await codeOf(attachBundles(reader.client, repository, [item(subject, 'one')], QUICK))).toBe(
    'registry/forbidden',
  )
})
