import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { EMPTY_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { checkTagName, confirmTags, moveTag } from '../../src/registry/tags.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, codeOf, connect, errorOf, keep, pushImage, pushIndex, quickClock } from './support.ts'

afterEach(closeAll)

const HEX = 'a'.repeat(64)

test.each(['latest', 'v1.2.3', '_x', 'sha256-short', 'sha-abc', '2026.01', 'a'.repeat(128)])(
  'the tag %s is accepted',
  tag => {
    expect(checkTagName(tag)).toBe(tag)
  },
)

test.each([
  [`sha256-${HEX}`, 'registry/tag-reserved'],
  [`sha256-${HEX}.sig`, 'registry/tag-reserved'],
  [`SHA256-${HEX.toUpperCase()}`, 'registry/tag-reserved'],
  [`file-sha256-${HEX}`, 'registry/tag-reserved'],
  ['waybill-state', 'registry/tag-reserved'],
  ['feature/x', 'registry/tag-malformed'],
  ['-x', 'registry/tag-malformed'],
  ['.x', 'registry/tag-malformed'],
  ['', 'registry/tag-malformed'],
  ['a b', 'registry/tag-malformed'],
  ['a\nb', 'registry/tag-malformed'],
  ['a'.repeat(129), 'registry/tag-malformed'],
  [`sha256:${HEX}`, 'registry/tag-malformed'],
])('13-adversary 25: the tag %j is refused', async (tag, code) => {
  expect(await codeOf(() => checkTagName(tag))).toBe(code)
})

async function setUp(options = {}) {
  const registry = keep(await startRegistry(options))
  const connection = connect(registry.host)
  const one = await pushImage(connection, 'one')
  const two = await pushImage(connection, 'two')
  return { registry, connection, ...connection, one, two }
}

const asTarget = (image: { bytes: Uint8Array }) => ({ mediaType: OCI_MANIFEST, bytes: image.bytes })

test.each([{}, { etags: true }])('moveTag() makes, moves and leaves a tag (%j)', async options => {
  const { client, repository, one, two } = await setUp(options)
  const first = await moveTag(client, repository, 'v1', asTarget(one))
  expect(first).toMatchObject({ tag: 'v1', digest: one.descriptor.digest, changed: true })
  expect(first.previous).toBeUndefined()
  const second = await moveTag(client, repository, 'v1', asTarget(two))
  expect(second).toMatchObject({ previous: one.descriptor.digest, changed: true })
  expect(await moveTag(client, repository, 'v1', asTarget(two))).toMatchObject({ changed: false })
  expect((await client.headTag(repository, 'v1'))?.digest).toBe(two.descriptor.digest)
})

test('moveTag() replaces an index of platforms', async () => {
  const { connection, client, repository, one, two } = await setUp()
  const index = await pushIndex(connection, [{ ...one.descriptor, platform: { os: 'linux', architecture: 'amd64' } }])
  await moveTag(client, repository, 'v1', { mediaType: OCI_INDEX, bytes: index.bytes })
  expect(await moveTag(client, repository, 'v1', asTarget(two))).toMatchObject({ previous: index.descriptor.digest })
})

const artifact = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: EMPTY_CONFIG, layers: [EMPTY_CONFIG] }
test.each([
  ['an artifact', OCI_MANIFEST, { ...artifact, artifactType: 'application/x' }],
  ['an artifact by its config', OCI_MANIFEST, artifact],
  ['an index of artifacts', OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }],
  ['a manifest that is not strict', OCI_MANIFEST, { ...artifact, mediaType: undefined }],
])('13-adversary 25: moveTag() never overwrites %s', async (_what, type, value) => {
  const { client, repository, one } = await setUp()
  await client.putBlob(repository, utf8('{}'))
  await client.putManifest(repository, 'v1', type, utf8(JSON.stringify(value)))
  expect(await codeOf(moveTag(client, repository, 'v1', asTarget(one)))).toBe('registry/tag-not-ours')
})

test('moveTag() of a file artifact replaces its own kind only', async () => {
  const { client, repository, one } = await setUp()
  await client.putBlob(repository, utf8('{}'))
  const file = utf8(JSON.stringify({ ...artifact, artifactType: 'application/x' }))
  const tag = `file-sha256-${HEX}`
  await client.putManifest(repository, tag, OCI_MANIFEST, file)
  const target = {
    mediaType: OCI_MANIFEST,
    bytes: utf8(JSON.stringify({ ...artifact, artifactType: 'application/x', annotations: { a: 'b' } })),
  }
  expect(await moveTag(client, repository, tag, target, { artifactType: 'application/x' })).toMatchObject({
    changed: true,
  })
  await client.putManifest(repository, tag, OCI_MANIFEST, one.bytes)
  expect(await codeOf(moveTag(client, repository, tag, target, { artifactType: 'application/x' }))).toBe(
    'registry/tag-not-ours',
  )
})

test('13-adversary 25: a tag that moved since it was judged is left alone', async () => {
  const { client, repository, one, two } = await setUp()
  await moveTag(client, repository, 'v1', asTarget(one))
  const stale = moveTag(client, repository, 'v1', asTarget(two), { judged: { digest: sha256('older') } })
  expect(await codeOf(stale)).toBe('registry/tag-changed')
  const absent = moveTag(client, repository, 'v1', asTarget(two), { judged: { digest: undefined } })
  expect(await codeOf(absent)).toBe('registry/tag-changed')
  await moveTag(client, repository, 'v1', asTarget(two), { judged: { digest: one.descriptor.digest } })
})

test('moveTag() on an immutable tag gives a clear error', async () => {
  const { client, repository, one, two } = await setUp({ immutableTags: true })
  await moveTag(client, repository, 'v1', asTarget(one))
  expect(await codeOf(moveTag(client, repository, 'v1', asTarget(two)))).toBe('registry/tag-immutable')
})

describe('13-adversary 25: two runs that move one tag at once', () => {
  test.each([{}, { etags: true }])('whoever is written over is told, and nobody else (%j)', async options => {
    const { registry, connection, client, repository, one, two } = await setUp(options)
    await moveTag(client, repository, 'v1', asTarget(one))
    const three = await pushImage(connection, 'three')
    const moves = [connect(registry.host).client, connect(registry.host).client].map(async (own, at) => {
      const judged = { digest: one.descriptor.digest }
      const moved = await moveTag(own, repository, 'v1', asTarget(at === 0 ? two : three), { judged })
      await confirmTags(own, [{ ...moved, repository }])
      return moved.digest
    })
    const ends = await Promise.allSettled(moves)
    expect(ends.flatMap(end => (end.status === 'fulfilled' ? [end.value] : []))).toEqual([
      (await client.headTag(repository, 'v1'))?.digest,
    ])
    expect(ends.flatMap(end => (end.status === 'rejected' ? [end.reason.code] : []))).toEqual(['registry/tag-changed'])
  })

  test('what a slower one wrote while ours settled is told, and left as it is', async () => {
    const { registry, repository, one, two } = await setUp()
    const { tags } = registry.storage.open(repository.repository)
    const slept: number[] = []
    const clock = {
      ...quickClock(),
      sleep: async (ms: number) => {
        slept.push(ms)
        tags.set('v1', one.descriptor.digest)
      },
    }
    const { client } = connect(registry.host, { clock })
    const moved = await moveTag(client, repository, 'v1', asTarget(two))
    const error = await errorOf(confirmTags(client, [{ ...moved, repository }]))
    expect(error).toMatchObject({ code: 'registry/tag-changed', kind: 'unknown', found: one.descriptor.digest })
    expect([tags.get('v1'), slept.length]).toEqual([one.descriptor.digest, 1])
    expect(slept[0]).toBeGreaterThanOrEqual(250)
  })

  test('a registry that accepts and forgets where the tag leads is told', async () => {
    const { registry, client, repository, one, two } = await setUp()
    await moveTag(client, repository, 'v1', asTarget(one))
    registry.faults.add({ method: 'PUT', path: /\/manifests\/v1$/, fault: { status: 201 } })
    const moved = await moveTag(client, repository, 'v1', asTarget(two))
    expect(await codeOf(confirmTags(client, [{ ...moved, repository }]))).toBe('registry/tag-changed')
  })

  test('a tag that was there already is not waited for', async () => {
    const { registry, client, repository, one } = await setUp()
    await moveTag(client, repository, 'v1', asTarget(one))
    const again = await moveTag(client, repository, 'v1', asTarget(one))
    registry.log.length = 0
    await confirmTags(client, [{ ...again, repository }])
    expect(registry.log).toEqual([])
  })
})
