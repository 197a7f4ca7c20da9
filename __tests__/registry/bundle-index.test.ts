import { utf8 } from '../../src/core/bytes.ts'
import { BUNDLE_INDEX_TYPE, pointBundleIndex, readBundleIndex } from '../../src/registry/bundle-index.ts'
import { attachBundles, type BundleToAttach } from '../../src/registry/bundles.ts'
import { OCI_INDEX } from '../../src/registry/manifest.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { ALICE, closeAll, codeOf, connect, keep, pushImage } from './support.ts'

afterEach(closeAll)

const TAG = 'waybill-source.0123456789ab'

async function setUp() {
  const registry = keep(await startRegistry({}))
  const connection = connect(registry.host, { credentials: ALICE })
  const image = await pushImage(connection, 'image')
  const item = (text: string): BundleToAttach => {
    const created = new Date('2026-03-04T05:06:07Z')
    return { subject: image.descriptor, bundle: utf8(text), predicateType: 'https://example.com/p', created }
  }
  const attach = async (...texts: readonly string[]) => {
    const items = texts.map(item)
    await attachBundles(connection.client, connection.repository, items)
    return items
  }
  return { registry, image, attach, ...connection }
}

test('readBundleIndex() reads the bundles pointBundleIndex() named, without knowing the image; again moves nothing', async () => {
  const { client, repository, attach } = await setUp()
  const items = await attach('one', 'two')
  expect(await pointBundleIndex(client, repository, TAG, items)).toMatchObject({ changed: true })
  const read = await readBundleIndex(client, repository, TAG)
  expect(read.map(bytes => Buffer.from(bytes).toString())).toEqual(['one', 'two'])
  expect(await pointBundleIndex(client, repository, TAG, items)).toMatchObject({ changed: false })
  await pointBundleIndex(client, repository, TAG, await attach('three'))
  expect((await readBundleIndex(client, repository, TAG)).map(bytes => Buffer.from(bytes).toString())).toEqual([
    'three',
  ])
})

test('readBundleIndex() of a tag that does not exist is empty', async () => {
  const { client, repository } = await setUp()
  expect(await readBundleIndex(client, repository, TAG)).toEqual([])
})

test('13-adversary 25: a tag that is something else is neither overwritten nor read', async () => {
  const { client, repository, image, attach } = await setUp()
  const items = await attach('one')
  await client.putManifest(repository, TAG, image.descriptor.mediaType, image.bytes)
  expect(await codeOf(pointBundleIndex(client, repository, TAG, items))).toBe('registry/tag-not-ours')
  expect(await codeOf(readBundleIndex(client, repository, TAG))).toBe('registry/tag-not-ours')
})

test('13-adversary 26: an index that is too long, or names what is no bundle, is not read', async () => {
  const { client, repository, image, attach } = await setUp()
  const put = (manifests: readonly object[]) =>
    client.putManifest(
      repository,
      TAG,
      OCI_INDEX,
      utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, artifactType: BUNDLE_INDEX_TYPE, manifests })),
    )
  await put([image.descriptor])
  expect(await codeOf(readBundleIndex(client, repository, TAG))).toBe('registry/bundle-skipped')
  await attach('one')
  await put(Array.from({ length: 17 }, () => image.descriptor))
  expect(await codeOf(readBundleIndex(client, repository, TAG))).toBe('registry/tag-not-ours')
})
