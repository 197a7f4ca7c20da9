import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { checkAttachable } from '../../src/registry/attachable.ts'
import { fetchLegacy, legacyTag } from '../../src/registry/legacy.ts'
import { appendLegacy, type LegacyContent } from '../../src/registry/legacy-append.ts'
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { type Connection, closeAll, codeOf, connect, keep, pushImage } from './support.ts'

afterEach(closeAll)

const SUBJECT = sha256('an image')
const SIG = { subject: SUBJECT, form: 'signature' } as const
const DSSE = 'application/vnd.dsse.envelope.v1+json'
const SIMPLE = 'application/vnd.dev.cosign.simplesigning.v1+json'

const content = (signature: string, text = '{"critical":1}'): LegacyContent => ({
  payload: utf8(text),
  annotations: { 'dev.cosignproject.cosign/signature': signature },
})

async function open(options: Parameters<typeof startRegistry>[0] = {}): Promise<Connection> {
  return connect(keep(await startRegistry(options)).host)
}

interface Document {
  readonly config: { readonly digest: `sha256:${string}`; readonly mediaType: string }
  readonly layers: readonly Record<string, unknown>[]
}

async function document({ client, repository }: Connection): Promise<Document & Record<string, unknown>> {
  const raw = await client.getRaw(repository, legacyTag(SUBJECT, 'signature'))
  return JSON.parse(Buffer.from(raw?.bytes ?? []).toString())
}

const signatures = async (at: Connection): Promise<readonly unknown[]> =>
  (await fetchLegacy(at.client, at.repository, SUBJECT)).legacy.map(
    ({ annotations }) => annotations['dev.cosignproject.cosign/signature'],
  )

test('a first signature makes a manifest of cosign’s shape, whose config lists its layers', async () => {
  const at = await open()
  const done = await appendLegacy(at.client, at.repository, SIG, [content('MEQ=')])
  expect(done).toMatchObject({ tag: `sha256-${SUBJECT.slice(7)}.sig`, added: 1 })
  const { config, ...manifest } = await document(at)
  const [layer] = [content('MEQ=').payload]
  expect(manifest).toEqual({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    layers: [
      {
        mediaType: SIMPLE,
        digest: sha256(layer ?? ''),
        size: layer?.byteLength,
        annotations: content('MEQ=').annotations,
      },
    ],
  })
  const read = JSON.parse(
    Buffer.from(await at.client.getBlob(at.repository, config.digest as never, 10_000)).toString(),
  )
  expect(config.mediaType).toBe('application/vnd.oci.image.config.v1+json')
  expect(read.rootfs).toEqual({ type: 'layers', diff_ids: [sha256(layer ?? '')] })
  expect(read.history).toHaveLength(1)
})

test('repeating it writes nothing; one payload signed by two is two layers', async () => {
  const at = await open()
  const first = await appendLegacy(at.client, at.repository, SIG, [content('MEQ=')])
  expect(await appendLegacy(at.client, at.repository, SIG, [content('MEQ=')])).toEqual({ ...first, added: 0 })
  expect((await appendLegacy(at.client, at.repository, SIG, [content('MEU=')])).added).toBe(1)
  expect(await signatures(at)).toEqual(['MEQ=', 'MEU='])
})

test('what others put there stays byte for byte, with fields and layers nobody here knows', async () => {
  const at = await open()
  const { client, repository } = at
  const [theirs, odd] = [utf8('{"critical":2}'), utf8('something else')]
  for (const bytes of [theirs, odd, utf8('{}')]) await client.putBlob(repository, bytes)
  const layers = [
    { mediaType: SIMPLE, digest: sha256(theirs), size: theirs.byteLength, annotations: { x: 'y' }, unknown: { a: 1 } },
    { mediaType: 'application/octet-stream', digest: sha256(odd), size: odd.byteLength },
  ]
  const config = { mediaType: 'application/vnd.docker.container.image.v1+json', digest: sha256('{}'), size: 2 }
  const manifest = { schemaVersion: 2, mediaType: DOCKER_MANIFEST, config, layers, annotations: { their: 'own' } }
  await client.putManifest(repository, legacyTag(SUBJECT, 'signature'), DOCKER_MANIFEST, utf8(JSON.stringify(manifest)))
  await appendLegacy(client, repository, SIG, [content('MEQ=')])
  const after = await document(at)
  expect(after).toMatchObject({ mediaType: DOCKER_MANIFEST, annotations: { their: 'own' } })
  expect(after.layers.slice(0, 2)).toEqual(layers)
  expect(after.layers).toHaveLength(3)
})

test.each([
  ['with ETags', 2, { etags: true }],
  ['without ETags', 2, {}],
  ['with ETags', 10, { etags: true }],
  ['without ETags', 10, {}],
])('on a registry %s %i writers at once all land', async (_, writers, options) => {
  const at = await open(options)
  const names = Array.from({ length: writers }, (_, at) => `signature ${at}`)
  await Promise.all(
    names.map(name => appendLegacy(at.client, at.repository, SIG, [content(name)], { settleMs: 40, rounds: 60 })),
  )
  expect([...(await signatures(at))].sort()).toEqual([...names].sort())
})

test('13-adversary 25: a tag that holds anything but signatures is never written over', async () => {
  const at = await open()
  const { client, repository } = at
  const tag = legacyTag(SUBJECT, 'signature')
  const append = () => appendLegacy(client, repository, SIG, [content('MEQ=')])
  const image = await pushImage(at, 'x')
  await client.putManifest(repository, tag, OCI_MANIFEST, image.bytes)
  expect(await codeOf(append)).toBe('registry/tag-not-ours')
  const index = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }))
  await client.putManifest(repository, tag, OCI_INDEX, index)
  expect(await codeOf(append)).toBe('registry/tag-not-ours')
})

test('an immutable tag takes what is new once, and then says which tag it is', async () => {
  const at = await open({ immutableTags: true })
  await appendLegacy(at.client, at.repository, SIG, [content('MEQ=')])
  expect((await appendLegacy(at.client, at.repository, SIG, [content('MEQ=')])).added).toBe(0)
  expect(await codeOf(() => appendLegacy(at.client, at.repository, SIG, [content('MEU=')]))).toBe(
    'registry/tag-immutable',
  )
})

test('more signatures than are read are refused: one more would be seen by nobody', async () => {
  const at = await open()
  const many = Array.from({ length: LIMITS.legacyLayers }, (_, number) => content(`signature ${number}`))
  await appendLegacy(at.client, at.repository, SIG, many)
  expect(await codeOf(() => appendLegacy(at.client, at.repository, SIG, [content('one more')]))).toBe(
    'registry/legacy-full',
  )
})

test('a registry that forgets what it took is given up, and the error names the tag', async () => {
  const registry = keep(await startRegistry())
  const at = connect(registry.host)
  registry.faults.add({ method: 'GET', path: /\.sig$/, times: Number.POSITIVE_INFINITY, fault: { status: 404 } })
  const append = () => appendLegacy(at.client, at.repository, SIG, [content('MEQ=')], { rounds: 3 })
  expect(await codeOf(append)).toBe('registry/legacy-contended')
})

describe('before anything is signed', () => {
  const fill = async (at: Connection, form: 'signature' | 'attestation', count: number, filler = '') => {
    await at.client.putBlob(at.repository, utf8('{}'))
    const layer = { mediaType: form === 'signature' ? SIMPLE : DSSE, digest: sha256('{}'), size: 2 }
    const layers = Array.from({ length: count }, (_, n) => ({ ...layer, annotations: { n: `${n}${filler}` } }))
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256('{}'), size: 2 }
    const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }))
    await at.client.putManifest(at.repository, legacyTag(SUBJECT, form), OCI_MANIFEST, bytes)
  }
  const check = (at: Connection, legacy = true) => checkAttachable(at.client, at.repository, SUBJECT, { legacy })

  test.each(['signature', 'attestation'] as const)('a full tag of the form %s is told', async form => {
    const at = await open()
    await fill(at, form, LIMITS.legacyLayers - 1)
    await check(at)
    await fill(at, form, LIMITS.legacyLayers)
    expect(await codeOf(check(at))).toBe('registry/legacy-full')
    await check(at, false)
  })

  test('a tag that is full of bytes is told', async () => {
    const at = await open()
    await fill(at, 'signature', 3, 'x'.repeat(LIMITS.fallbackIndexBytes / 3))
    expect(await codeOf(check(at))).toBe('registry/legacy-full')
  })

  test('a tag that holds something else is told, one that does not exist is not', async () => {
    const at = await open()
    await check(at)
    const { bytes } = await pushImage(at, 'other')
    await at.client.putManifest(at.repository, legacyTag(SUBJECT, 'attestation'), OCI_MANIFEST, bytes)
    expect(await codeOf(check(at))).toBe('registry/tag-not-ours')
  })
})
