import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { inspectImage } from '../../src/registry/image.ts'
import { OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, codeOf, connect, keep, pushImage, pushIndex } from './support.ts'

afterEach(closeAll)

async function setUp() {
  const registry = keep(await startRegistry())
  const connection = connect(registry.host)
  const amd = await pushImage(connection, 'amd', 'linux/amd64')
  const arm = await pushImage(connection, 'arm', 'linux/arm64')
  const entries = [
    { ...amd.descriptor, platform: { os: 'linux', architecture: 'amd64' } },
    { ...arm.descriptor, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
  ]
  return { registry, connection, ...connection, amd, arm, entries }
}

test('inspectImage() of a plain image reads its platform from the config', async () => {
  const { client, repository, arm } = await setUp()
  const image = await inspectImage(client, repository, arm.descriptor.digest)
  expect(image).toMatchObject({
    kind: 'image',
    platforms: [{ platform: 'linux/arm64', digest: arm.descriptor.digest }],
    attestationManifests: [],
  })
})

test('inspectImage() of an index lists platforms and tells attestation manifests apart', async () => {
  const { connection, client, repository, entries, amd, arm } = await setUp()
  const attestation = await pushImage(connection, 'attestation', 'unknown/unknown')
  const marked = {
    ...attestation.descriptor,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': amd.descriptor.digest,
    },
  }
  const nested = await pushIndex(connection, [entries[1] ?? {}])
  const index = await pushIndex(connection, [entries[0] ?? {}, nested.descriptor, marked])
  const image = await inspectImage(client, repository, index.descriptor.digest)
  expect(image.kind).toBe('index')
  expect(image.platforms.map(({ platform, digest }) => [platform, digest])).toEqual([
    ['linux/amd64', amd.descriptor.digest],
    ['linux/arm/v7', arm.descriptor.digest],
  ])
  expect(image.attestationManifests).toEqual([attestation.descriptor.digest])
  const stated = JSON.parse(Buffer.from(amd.bytes).toString())
  expect(image.platforms[0]?.contentBytes).toBe(stated.config.size + stated.layers[0].size)
})

test('a child or config that does not exist is told, a registry that fails is not taken for that', async () => {
  const { registry, connection, client, repository, entries, amd } = await setUp()
  const index = await pushIndex(connection, entries)
  const store = registry.storage.open('acme/app')
  registry.faults.add({ path: new RegExp(amd.descriptor.digest), times: Infinity, fault: { status: 503 } })
  expect(await codeOf(inspectImage(client, repository, index.descriptor.digest))).toBe('registry/unavailable')
  registry.faults.clear()
  store.blobs.delete(amd.config)
  expect(await codeOf(inspectImage(client, repository, index.descriptor.digest))).toBe('registry/child-missing')
  expect(await codeOf(inspectImage(client, repository, amd.descriptor.digest))).toBe('registry/child-missing')
  store.manifests.delete(amd.descriptor.digest)
  expect(await codeOf(inspectImage(client, repository, index.descriptor.digest))).toBe('registry/child-missing')
  expect(await codeOf(inspectImage(client, repository, sha256('none')))).toBe('registry/not-found')
})

test('13-adversary 21: an index that describes a child wrongly is refused', async () => {
  const { connection, client, repository, amd } = await setUp()
  for (const change of [{ size: 1 }, { mediaType: OCI_INDEX }]) {
    const index = await pushIndex(connection, [{ ...amd.descriptor, ...change }])
    expect(await codeOf(inspectImage(client, repository, index.descriptor.digest))).toBe('registry/manifest-malformed')
  }
})

test('13-adversary 43: endless nesting and flooding end as unknown', async () => {
  const { registry, connection, client, repository, amd } = await setUp()
  let inner = await pushIndex(connection, [amd.descriptor])
  for (let i = 0; i < 6; i++) inner = await pushIndex(connection, [inner.descriptor])
  expect(await codeOf(inspectImage(client, repository, inner.descriptor.digest))).toBe('registry/image-too-large')
  const flood = Array.from({ length: 300 }, (_, i) => ({ mediaType: OCI_MANIFEST, digest: sha256(`${i}`), size: 1 }))
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: flood }))
  registry.storage
    .open('acme/app')
    .manifests.set(sha256(bytes), { mediaType: OCI_INDEX, bytes: Buffer.from(bytes), digest: sha256(bytes) })
  registry.log.length = 0
  expect(await codeOf(inspectImage(client, repository, sha256(bytes)))).toBe('registry/image-too-large')
  expect(registry.log).toHaveLength(1)
})

test('13-adversary 21: what is called an attestation in one place is a platform where another place calls it one', async () => {
  const { connection, client, repository, entries, amd, arm } = await setUp()
  const hidden = {
    ...amd.descriptor,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  }
  const nested = await pushIndex(connection, [entries[0] ?? {}])
  const index = await pushIndex(connection, [hidden, nested.descriptor, entries[1] ?? {}])
  const image = await inspectImage(client, repository, index.descriptor.digest)
  expect(image.platforms.map(({ digest }) => digest)).toEqual([amd.descriptor.digest, arm.descriptor.digest])
})
