import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { BUNDLE_TYPE } from '../../src/registry/bundles.ts'
import { FILE_DIGEST_ANNOTATION, fileTag, pushFileBundles } from '../../src/registry/file-bundles.ts'
import { EMPTY_CONFIG, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { type Connection, closeAll, codeOf, connect, keep, pushImage } from './support.ts'

afterEach(closeAll)

const FILE = sha256('the file')
const bundle = (name: string) => utf8(`{"bundle":"${name}"}`)

async function layersOf({ client, repository }: Connection): Promise<readonly string[]> {
  const raw = await client.getRaw(repository, fileTag(FILE))
  return JSON.parse(Buffer.from(raw?.bytes ?? []).toString()).layers.map(({ digest }: { digest: string }) => digest)
}

async function open(options: Parameters<typeof startRegistry>[0] = {}): Promise<Connection> {
  return connect(keep(await startRegistry(options)).host)
}

test('bundles of a file are one artifact under its digest, of the documented shape', async () => {
  const at = await open()
  const stored = await pushFileBundles(at.client, at.repository, FILE, [bundle('a'), bundle('b'), bundle('a')])
  expect(stored).toMatchObject({ tag: `file-sha256-${FILE.slice(7)}`, changed: true })
  const raw = await at.client.getRaw(at.repository, stored.tag)
  expect(raw?.digest).toBe(stored.manifest)
  expect(JSON.parse(Buffer.from(raw?.bytes ?? []).toString())).toEqual({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: { ...EMPTY_CONFIG },
    layers: [bundle('a'), bundle('b')].map(bytes => ({
      mediaType: BUNDLE_TYPE,
      digest: sha256(bytes),
      size: bytes.byteLength,
    })),
    annotations: { [FILE_DIGEST_ANNOTATION]: FILE },
  })
})

test('repeating it changes nothing, and adding keeps what others put there', async () => {
  const at = await open()
  await pushFileBundles(at.client, at.repository, FILE, [bundle('theirs')])
  const added = await pushFileBundles(at.client, at.repository, FILE, [bundle('ours')])
  expect(added.changed).toBe(true)
  expect(await layersOf(at)).toEqual([sha256(bundle('theirs')), sha256(bundle('ours'))])
  const again = await pushFileBundles(at.client, at.repository, FILE, [bundle('ours')])
  expect(again).toEqual({ ...added, changed: false })
})

test.each([
  ['with ETags', {}],
  ['without ETags', { etags: false }],
])('five writers at once all land, on a registry %s', async (_, options) => {
  const at = await open(options)
  const names = ['a', 'b', 'c', 'd', 'e']
  await Promise.all(
    names.map(name => pushFileBundles(at.client, at.repository, FILE, [bundle(name)], { settleMs: 40 })),
  )
  expect([...(await layersOf(at))].sort()).toEqual(names.map(name => sha256(bundle(name))).sort())
})

test('a tag that holds an image, or bundles of another file, is never written over', async () => {
  const at = await open()
  const image = await pushImage(at, 'x')
  await at.client.putManifest(at.repository, fileTag(FILE), OCI_MANIFEST, image.bytes)
  const push = () => pushFileBundles(at.client, at.repository, FILE, [bundle('a')])
  expect(await codeOf(push)).toBe('registry/tag-not-ours')
  const other = sha256('another file')
  const { manifest } = await pushFileBundles(at.client, at.repository, other, [bundle('a')])
  const theirs = await at.client.getRaw(at.repository, manifest)
  await at.client.putManifest(at.repository, fileTag(FILE), OCI_MANIFEST, theirs?.bytes ?? new Uint8Array())
  expect(await codeOf(push)).toBe('registry/tag-not-ours')
})

test('more bundles than a gate examines are refused: one more would hide another', async () => {
  const at = await open()
  const many = Array.from({ length: LIMITS.subjectBundles }, (_, at) => bundle(String(at)))
  await pushFileBundles(at.client, at.repository, FILE, many)
  const push = () => pushFileBundles(at.client, at.repository, FILE, [bundle('one more')])
  expect(await codeOf(push)).toBe('registry/file-bundles-full')
})

test('writers that keep removing ours end in unknown, not in success', async () => {
  const at = await open()
  const fighting = new Proxy(at.client, {
    get: (client, name) =>
      name === 'putManifest'
        ? async (...args: Parameters<typeof client.putManifest>) => {
            const answer = await client.putManifest(...args)
            const empty = { ...JSON.parse(Buffer.from(args[3]).toString()), layers: [] }
            await client.putManifest(args[0], args[1], args[2], utf8(JSON.stringify(empty)))
            return answer
          }
        : typeof Reflect.get(client, name) === 'function'
          ? Reflect.get(client, name).bind(client)
          : Reflect.get(client, name),
  })
  const push = () => pushFileBundles(fighting, at.repository, FILE, [bundle('a')], { rounds: 3, settleMs: 1 })
  expect(await codeOf(push)).toBe('registry/file-bundles-contended')
})
