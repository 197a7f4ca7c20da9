import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkStored, storedConfig, storedImages } from '../../src/build/buildah-inventory.ts'
import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { DIGEST, errorOf, temporaryFolder } from './support.ts'

const OCI = 'application/vnd.oci.image'

interface Written {
  readonly store: { graphRoot: string; driver: 'vfs' }
  readonly image: Awaited<ReturnType<typeof storedImages>>[number]
  readonly manifest: Digest
  readonly index: Digest
}

/** A storage of one image as buildah 1.28 writes it. */
async function written(
  over: { readonly config?: unknown; readonly manifestBytes?: string; readonly platform?: string } = {},
): Promise<Written> {
  const store = { graphRoot: temporaryFolder(), driver: 'vfs' as const }
  const config = JSON.stringify(over.config ?? { config: { Env: ['A=b'], OnBuild: ['COPY a b'] } })
  const id = hexOf(sha256(config))
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, id })
  const [os, architecture] = (over.platform ?? 'linux/amd64').split('/')
  const child = {
    mediaType: `${OCI}.manifest.v1+json`,
    digest: sha256(manifest),
    size: 1,
    platform: { os, architecture },
  }
  const index = JSON.stringify({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests: [child] })
  const place = join(store.graphRoot, 'vfs-images', id)
  mkdirSync(place, { recursive: true })
  const keep = (name: string, text: string) =>
    writeFileSync(join(place, name === 'manifest' ? name : `=${Buffer.from(name).toString('base64')}`), text)
  keep('manifest', over.manifestBytes ?? manifest)
  keep(`manifest-${sha256(index)}`, index)
  keep(`manifest-${DIGEST}`, index)
  keep(`sha256:${id}`, config)
  const record = {
    id,
    names: ['x.example/a:1'],
    'names-history': null,
    'big-data-digests': { manifest: sha256(manifest) },
  }
  writeFileSync(join(store.graphRoot, 'vfs-images', 'images.json'), JSON.stringify([record]))
  const [image] = await storedImages(store)
  if (image === undefined) throw new Error('the storage holds one image')
  return { store, image, manifest: sha256(manifest), index: sha256(index) }
}

test('an image of the storage is that of its manifest, and of the index that lists it', async () => {
  const { store, image, manifest, index } = await written()
  expect(image).toMatchObject({ names: ['x.example/a:1'], history: [], manifest })
  await expect(checkStored(store, image, manifest, 'linux/amd64')).resolves.toBeUndefined()
  await expect(checkStored(store, image, index, 'linux/amd64/v1')).resolves.toBeUndefined()
  expect(await storedConfig(store, image)).toEqual({ Env: ['A=b'], OnBuild: ['COPY a b'] })
})

test('13-adversary 21: another digest, another platform or other bytes are another image', async () => {
  const { store, image, index } = await written()
  for (const [digest, platform] of [
    [DIGEST, 'linux/amd64'],
    [index, 'linux/arm64'],
  ] as const)
    expect((await errorOf(checkStored(store, image, digest, platform))).code).toBe('materials/undeclared')
  const changed = await written({ manifestBytes: '{}' })
  for (const digest of [changed.manifest, changed.index])
    expect((await errorOf(checkStored(changed.store, changed.image, digest, 'linux/amd64'))).code).toBe(
      'materials/undeclared',
    )
})

test.each(['', '{}', '[1]', '[{}]', '[{"id":"../../etc"}]', `[{"id":"${'a'.repeat(64)}"}]`, '[{"id":1,"names":[1]}]'])(
  'a list of images that cannot be read is unknown: %j',
  async text => {
    const graphRoot = temporaryFolder()
    mkdirSync(join(graphRoot, 'vfs-images'))
    writeFileSync(join(graphRoot, 'vfs-images', 'images.json'), text)
    expect(await errorOf(storedImages({ graphRoot, driver: 'vfs' }))).toMatchObject({
      code: 'materials/store-unreadable',
      kind: 'unknown',
    })
  },
)

test('a config that cannot be read is unknown, and one that says nothing is empty', async () => {
  const empty = await written({ config: {} })
  expect(await storedConfig(empty.store, empty.image)).toEqual({})
  for (const config of [{ config: 1 }, { config: { OnBuild: 'COPY' } }, { config: { Env: [1] } }]) {
    const { store, image } = await written({ config })
    expect((await errorOf(storedConfig(store, image))).code).toBe('materials/store-unreadable')
  }
  const gone = { ...empty.image, id: 'b'.repeat(64) }
  expect((await errorOf(storedConfig(empty.store, gone))).code).toBe('materials/store-unreadable')
})
