import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { parseDigest } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import type { ContentReader } from '../../src/registry/bundle-manifest.ts'
import { OCI_MANIFEST, parseManifest } from '../../src/registry/manifest.ts'
import { type BuiltImage, compareBuilds } from '../../src/reproducible/compare.ts'
import type { Difference } from '../../src/reproducible/difference.ts'
import { pax, type TarPart, tar } from '../materials/unpack/archives.ts'

/** What one build gave: layers as archives or packed, and what stands beside them. */
interface Made {
  readonly layers: readonly Buffer[]
  readonly config?: Readonly<Record<string, unknown>>
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Layers that cannot be read, by their number from 0. */
  readonly lost?: readonly number[]
  /** How the manifest is spelled. */
  readonly indent?: number
}

const sha = (bytes: string | Uint8Array) => parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
const REPOSITORY = { host: 'registry.example', repository: 'acme/app' }
const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip'

function imageOf({ layers, config = {}, manifest = {}, lost = [], indent }: Made): BuiltImage {
  const blobs = new Map(layers.map(bytes => [sha(bytes), bytes]))
  const diffs = layers.map(bytes => sha(bytes))
  const history = layers.map((_, at) => ({ created_by: `RUN step ${at + 1}` }))
  const written = Buffer.from(
    JSON.stringify({ os: 'linux', history, ...config, rootfs: { type: 'layers', diff_ids: diffs } }),
  )
  blobs.set(sha(written), written)
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha(written), size: written.byteLength },
    layers: layers.map(bytes => ({ mediaType: GZIP, digest: sha(bytes), size: bytes.byteLength })),
    ...manifest,
  }
  const bytes = Buffer.from(JSON.stringify(document, null, indent))
  const descriptor = { mediaType: OCI_MANIFEST, digest: sha(bytes), size: bytes.byteLength }
  const reader: ContentReader = {
    getManifest: async () => ({ descriptor, bytes, manifest: parseManifest(bytes, OCI_MANIFEST) }),
    getRaw: async () => undefined,
    getBlob: async (_, digest) => blobs.get(digest) ?? new Uint8Array(),
    blobExists: async (_, digest) => blobs.has(digest),
  }
  const platform = { platform: 'linux/amd64', digest: descriptor.digest, size: 1, contentBytes: 1, descriptor }
  return {
    image: { platforms: [platform] },
    reader,
    repository: REPOSITORY,
    layer: async function* ({ digest }) {
      if (lost.some(at => diffs[at] === digest)) throw fail('registry/not-found', 'gone')
      yield blobs.get(digest) ?? new Uint8Array()
    },
  }
}

async function differences(first: Made, second: Made): Promise<readonly Difference[]> {
  const [platform, ...more] = await compareBuilds(imageOf(first), imageOf(second))
  expect(more).toEqual([])
  return platform?.differences ?? []
}

const layer = (...parts: readonly TarPart[]) => tar(...parts)
const file = (body: string, name = 'app/made.txt') => layer({ name, body })
const BASE = file('base', 'base')

test('the same manifest is not looked into', async () => {
  const image = imageOf({ layers: [file('x')] })
  const unread = { ...image, reader: { ...image.reader, getManifest: () => Promise.reject(new Error('read')) } }
  expect(await compareBuilds(unread, unread)).toMatchObject([{ platform: 'linux/amd64', differences: [] }])
})

test('the first differing file is named with its layer and the instruction that made it', async () => {
  expect(await differences({ layers: [BASE, file('one')] }, { layers: [BASE, file('two')] })).toEqual([
    {
      kind: 'file',
      layer: 2,
      madeBy: 'RUN step 2',
      path: 'app/made.txt',
      what: 'content',
      first: `${sha('one')}, 3 bytes`,
      second: `${sha('two')}, 3 bytes`,
    },
  ])
})

test('instructions without a layer are not counted', async () => {
  const history = [{ created_by: 'ENV A=1', empty_layer: true }, { created_by: 'COPY . /' }]
  const [found] = await differences(
    { layers: [file('1')], config: { history } },
    { layers: [file('2')], config: { history } },
  )
  expect(found?.madeBy).toBe('COPY . /')
})

test('a differing field of the configuration is named; that layers differ, by the layers alone', async () => {
  const first = { layers: [BASE], config: { config: { Env: ['A=1'] } } }
  const second = { layers: [BASE], config: { config: { Env: ['A=2'] } } }
  expect(await differences(first, second)).toEqual([
    { kind: 'config', path: 'config.Env[0]', first: '"A=1"', second: '"A=2"' },
  ])
  const kinds = (await differences({ layers: [file('1')] }, { layers: [file('2')] })).map(({ kind }) => kind)
  expect(kinds).toEqual(['file'])
})

test('another number of layers is told, and the ones before it are compared', async () => {
  const found = await differences({ layers: [file('1'), BASE] }, { layers: [file('2')], config: { history: [] } })
  expect(found.map(({ kind }) => kind)).toEqual(['config', 'layers', 'file'])
  expect(found[1]).toEqual({ kind: 'layers', first: '2', second: '1' })
})

test('the same archive compressed in another way is told apart from other content', async () => {
  const content = file('same '.repeat(1000))
  const config = { history: [] }
  const found = await differences(
    { layers: [gzipSync(content, { level: 1 })], config },
    { layers: [gzipSync(content, { level: 9 })], config },
  )
  expect(found).toContainEqual({ kind: 'packing', layer: 1 })
  expect(found.every(({ kind }) => kind === 'packing')).toBe(true)
})

test('the same files in another archive format are told apart from other files', async () => {
  const plain = layer({ name: 'x', body: 'y' })
  const long = layer(pax({ path: 'x' }), { name: 'x', body: 'y' })
  const found = await differences({ layers: [plain] }, { layers: [long] })
  expect(found).toEqual([{ kind: 'format', layer: 1, madeBy: 'RUN step 1' }])
})

test('annotations and media types of the manifest are named', async () => {
  const first = { layers: [BASE], manifest: { annotations: { a: '1' } } }
  const second = { layers: [BASE], manifest: { annotations: { a: '2' } } }
  expect(await differences(first, second)).toEqual([
    { kind: 'manifest', path: 'annotations.a', first: '"1"', second: '"2"' },
  ])
})

test('the same fields spelled in another way are no bit for bit', async () => {
  expect(await differences({ layers: [BASE] }, { layers: [BASE], indent: 2 })).toEqual([
    expect.objectContaining({ kind: 'manifest', path: '' }),
  ])
})

test('a layer that cannot be read still differs', async () => {
  expect(await differences({ layers: [file('1')], lost: [0] }, { layers: [file('2')] })).toEqual([
    { kind: 'unread', layer: 1, madeBy: 'RUN step 1', second: 'registry/not-found' },
  ])
  expect(await differences({ layers: [Buffer.from('no tar at all'.repeat(99))] }, { layers: [file('2')] })).toEqual([
    { kind: 'unread', layer: 1, madeBy: 'RUN step 1', second: 'materials/archive-malformed' },
  ])
})

test('of many layers the first few are looked into, and said so', async () => {
  const layers = (word: string) => Array.from({ length: 9 }, (_, at) => file(`${word}${at}`))
  const found = await differences({ layers: layers('a') }, { layers: layers('b') })
  expect(found).toHaveLength(3)
  expect(found.at(-1)?.more).toBe(true)
})

test('names and values that a build chose are printable and short', async () => {
  const name = `app/${'\u001b[31m'}::error::${'x'.repeat(90)}`
  const [found] = await differences({ layers: [file('1', name)] }, { layers: [file('2', name)] })
  expect(found?.path).not.toContain('\u001b')
  const long = { layers: [BASE], config: { config: { Labels: { a: 'x'.repeat(100_000) } } } }
  const [field] = await differences(long, { layers: [BASE] })
  expect(field?.first?.length).toBeLessThan(1000)
})

test('a platform that one build did not make is a difference', async () => {
  const image = imageOf({ layers: [BASE] })
  const both = { ...image, image: { platforms: [...image.image.platforms, ...image.image.platforms] } }
  const compared = await compareBuilds(both, image)
  expect(compared.map(({ differences: found }) => found)).toEqual([[], [{ kind: 'platform' }]])
})
