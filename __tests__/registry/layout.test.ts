import { execFileSync } from 'node:child_process'
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { hexOf, sha256 } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import { inspectImage } from '../../src/registry/image.ts'
import { chooseManifest, pushLayout, readLayout } from '../../src/registry/layout.ts'
import { indexTar } from '../../src/registry/layout-tar.ts'
import { OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { closeAll, codeOf, connect, keep } from './support.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layout-'))
})
afterEach(async () => {
  await closeAll()
  await rm(folder, { recursive: true })
})

async function blob(root: string, content: string | Buffer, mediaType: string) {
  const bytes = Buffer.from(content as string)
  await mkdir(join(root, 'blobs/sha256'), { recursive: true })
  await writeFile(join(root, 'blobs/sha256', hexOf(sha256(bytes))), bytes)
  return { mediaType, digest: sha256(bytes), size: bytes.byteLength }
}

/** A layout of a two-platform image with one shared layer and an empty one. */
async function makeLayout(root: string) {
  const layer = await blob(root, Buffer.alloc(2_000_000, 'layer'), 'application/vnd.oci.image.layer.v1.tar')
  const empty = await blob(root, '', 'application/vnd.oci.image.layer.v1.tar')
  const children = []
  for (const architecture of ['amd64', 'arm64']) {
    const config = await blob(
      root,
      JSON.stringify({ os: 'linux', architecture }),
      'application/vnd.oci.image.config.v1+json',
    )
    const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer, empty] }
    children.push({
      ...(await blob(root, JSON.stringify(manifest), OCI_MANIFEST)),
      platform: { os: 'linux', architecture },
    })
  }
  const top = await blob(
    root,
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: children }),
    OCI_INDEX,
  )
  await writeFile(join(root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(join(root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [top] }))
  return { top, layer, children }
}

test('pushLayout() pushes a folder by digest, all parts first', async () => {
  const { top } = await makeLayout(folder)
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  expect(await pushLayout(client, repository, folder)).toEqual(top)
  const image = await inspectImage(client, repository, top.digest)
  expect(image.platforms.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64'])
  expect(registry.storage.open('acme/app').tags.size).toBe(0)
})

test.each(['ustar', 'gnu', 'pax'])(
  'pushLayout() pushes a %s tar, with and without ./ before the names',
  async format => {
    const { top } = await makeLayout(join(folder, 'l'))
    for (const names of [['.'], ['oci-layout', 'index.json', 'blobs']]) {
      const tar = join(folder, 'layout.tar')
      execFileSync('tar', [`--format=${format}`, '-cf', tar, '-C', join(folder, 'l'), ...names])
      const registry = keep(await startRegistry())
      const { client, repository } = connect(registry.host)
      expect(await pushLayout(client, repository, tar)).toEqual(top)
      expect((await inspectImage(client, repository, top.digest)).platforms).toHaveLength(2)
    }
  },
)

test('pushLayout() mounts from another repository and pushes nothing twice', async () => {
  await makeLayout(folder)
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  await pushLayout(client, repository, folder)
  registry.log.length = 0
  await pushLayout(client, { ...repository, repository: 'acme/second' }, folder, { from: repository.repository })
  expect(registry.log.filter(entry => entry.method === 'PUT' && entry.path.includes('uploads'))).toHaveLength(0)
})

test('a damaged layer or manifest is refused and nothing is pulled that was not signed', async () => {
  const { layer, children } = await makeLayout(folder)
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  const path = join(folder, 'blobs/sha256', hexOf(layer.digest))
  const bytes = await readFile(path)
  await writeFile(path, Buffer.from(bytes).fill('x', 1_999_999))
  expect(await codeOf(pushLayout(client, repository, folder))).toBe('registry/digest-mismatch')
  await writeFile(path, bytes)
  await appendFile(join(folder, 'blobs/sha256', hexOf(children[0]?.digest ?? layer.digest)), ' ')
  expect(await codeOf(pushLayout(client, repository, folder))).toBe('registry/digest-mismatch')
  expect(
    [...registry.storage.open('acme/app').manifests.values()].some(({ mediaType }) => mediaType === OCI_INDEX),
  ).toBe(false)
})

test('a layout with no image or several needs a name', async () => {
  const { top, children } = await makeLayout(folder)
  const named = (name: string) => ({ annotations: { 'org.opencontainers.image.ref.name': name } })
  const write = (manifests: unknown) =>
    writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  await write([])
  expect(await codeOf(readLayout(folder).then(layout => chooseManifest(layout)))).toBe('registry/layout-ambiguous')
  await write([
    { ...top, ...named('a') },
    { ...children[0], ...named('b') },
  ])
  const layout = await readLayout(folder)
  expect(await codeOf(() => chooseManifest(layout))).toBe('registry/layout-ambiguous')
  expect(await codeOf(() => chooseManifest(layout, 'c'))).toBe('registry/layout-ambiguous')
  expect(chooseManifest(layout, 'a').digest).toBe(top.digest)
})

test.each([
  ['no such path', async () => join(folder, 'none')],
  ['a folder without oci-layout', async () => folder],
  ['a file that is no tar', async () => writeFile(join(folder, 'x'), 'x'.repeat(5000)).then(() => join(folder, 'x'))],
  ['an empty file', async () => writeFile(join(folder, 'x'), '').then(() => join(folder, 'x'))],
  [
    'another version',
    async () => writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0"}').then(() => folder),
  ],
  [
    'a broken index',
    async () => {
      await makeLayout(folder)
      await writeFile(join(folder, 'index.json'), '{"manifests":{}}')
      return folder
    },
  ],
])('readLayout() given %s throws registry/layout-malformed', async (_what, make) => {
  expect(await codeOf(readLayout(await make()))).toBe('registry/layout-malformed')
})

test('indexTar() refuses a name that comes twice', async () => {
  await makeLayout(join(folder, 'l'))
  const tar = join(folder, 't.tar')
  execFileSync('tar', ['-cf', tar, '-C', join(folder, 'l'), 'index.json'])
  await cp(join(folder, 'l/oci-layout'), join(folder, 'l/index.json'))
  execFileSync('tar', ['-rf', tar, '-C', join(folder, 'l'), 'index.json'])
  expect(await codeOf(indexTar(tar))).toBe('registry/layout-malformed')
})

test('indexTar() given a tar with any byte changed, or any bytes, returns entries or a typed error', async () => {
  await makeLayout(join(folder, 'l'))
  const tar = join(folder, 't.tar')
  execFileSync('tar', ['--format=pax', '-cf', tar, '-C', join(folder, 'l'), 'oci-layout', 'index.json'])
  const good = await readFile(tar)
  const changed = fc.tuple(fc.nat(3000), fc.nat(255)).map(([at, value]) => {
    const bytes = Buffer.from(good)
    bytes[at] = value
    return bytes
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(changed, fc.uint8Array({ maxLength: 2000 })), async bytes => {
      await writeFile(tar, bytes)
      try {
        expect(await indexTar(tar)).toBeInstanceOf(Map)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
    { numRuns: 150 },
  )
})
