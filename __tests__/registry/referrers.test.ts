import { utf8 } from '../../src/core/bytes.ts'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { checkAttachable } from '../../src/registry/attachable.ts'
import { appendToFallback, checkFallbackSize, fallbackTag } from '../../src/registry/fallback.ts'
import { type Descriptor, EMPTY_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { attachReferrers, listReferrers, type Referrer } from '../../src/registry/referrers.ts'
import { type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { type Connection, closeAll, codeOf, connect, keep, pushImage } from './support.ts'

afterEach(closeAll)

const TYPE = 'application/vnd.example+json'

async function setUp(options: RegistryOptions) {
  const registry = keep(await startRegistry(options))
  const connection = connect(registry.host)
  const { descriptor: subject } = await pushImage(connection, 'image')
  await connection.client.putBlob(connection.repository, utf8('{}'))
  return { registry, connection, subject, ...connection }
}

function referrer(subject: Descriptor, name: string, artifactType = TYPE): Referrer {
  const annotations = { name }
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: EMPTY_CONFIG,
    layers: [EMPTY_CONFIG],
    subject,
    annotations,
  }
  return { subject, manifest: utf8(JSON.stringify(manifest)), artifactType, annotations }
}

async function indexEntries({ client, repository }: Connection, subject: Digest): Promise<Descriptor[]> {
  const raw = await client.getRaw(repository, fallbackTag(subject))
  return raw === undefined ? [] : JSON.parse(Buffer.from(raw.bytes).toString()).manifests
}

async function putIndex({ client, repository }: Connection, subject: Digest, index: object): Promise<void> {
  await client.putManifest(
    repository,
    fallbackTag(subject),
    OCI_INDEX,
    utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, ...index })),
  )
}

test.each([
  ['two writers', 2, {}],
  ['two writers with ETags', 2, { etags: true }],
  ['ten writers', 10, {}],
  ['ten writers with ETags', 10, { etags: true }],
  ['ten writers far away', 10, { latencyMs: 30 }],
])('%s on one fallback index all land', async (_what, count, options) => {
  const { registry, connection, repository, subject } = await setUp({ referrers: false, ...options })
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const writer = connect(registry.host, { clock: undefined as never })
      return attachReferrers(writer.client, repository, [referrer(subject, `writer ${i}`)])
    }),
  )
  const names = (await indexEntries(connection, subject.digest)).map(entry => entry.annotations?.name)
  expect(names.sort()).toEqual(Array.from({ length: count }, (_, i) => `writer ${i}`).sort())
})

test('one update writes all of a run’s referrers, with artifact type and annotations', async () => {
  const { registry, connection, client, repository, subject } = await setUp({ referrers: false })
  registry.log.length = 0
  await attachReferrers(
    client,
    repository,
    ['a', 'b', 'c'].map(name => referrer(subject, name)),
    { settleMs: 1 },
  )
  const updates = registry.log.filter(entry => entry.method === 'PUT' && entry.path.includes('sha256-'))
  expect(updates).toHaveLength(1)
  const entries = await indexEntries(connection, subject.digest)
  expect(entries.map(entry => [entry.artifactType, entry.annotations?.name])).toEqual([
    [TYPE, 'a'],
    [TYPE, 'b'],
    [TYPE, 'c'],
  ])
})

test('unknown entries and fields of a fallback index are kept', async () => {
  const { connection, client, repository, subject } = await setUp({ referrers: false })
  const other = await pushImage(connection, 'other')
  const entry = { ...other.descriptor, 'org.example.unknown': [1, { deep: true }], data: 'e30=' }
  await putIndex(connection, subject.digest, { annotations: { kept: 'yes' }, manifests: [entry], 'x-unknown': 7 })
  await attachReferrers(client, repository, [referrer(subject, 'mine')], { settleMs: 1 })
  const raw = await client.getRaw(repository, fallbackTag(subject.digest))
  const document = JSON.parse(Buffer.from(raw?.bytes ?? '').toString())
  expect(document).toMatchObject({ annotations: { kept: 'yes' }, 'x-unknown': 7 })
  expect(document.manifests[0]).toEqual(entry)
  expect(document.manifests).toHaveLength(2)
})

test('an entry that another writer removes is appended again; a writer that never stops is told', async () => {
  const { connection, client, repository, subject } = await setUp({ referrers: false })
  const mine = referrer(subject, 'mine')
  const [attached] = await attachReferrers(client, repository, [mine], { settleMs: 1 })
  await putIndex(connection, subject.digest, { manifests: [] })
  const entry = { mediaType: OCI_MANIFEST, digest: attached?.manifest ?? sha256(''), size: mine.manifest.byteLength }
  await appendToFallback(client, repository, subject.digest, [entry], { settleMs: 1 })
  expect(await indexEntries(connection, subject.digest)).toHaveLength(1)
  let stop = false
  const eraser = (async () => {
    while (!stop) await putIndex(connection, subject.digest, { manifests: [] })
  })()
  const code = await codeOf(appendToFallback(client, repository, subject.digest, [entry], { settleMs: 40, rounds: 3 }))
  stop = true
  await eraser
  expect(code).toBe('registry/fallback-contended')
})

test.each([409, 412])('status %i on the index makes the writer read again', async status => {
  const { registry, connection, client, repository, subject } = await setUp({ referrers: false })
  registry.faults.add({ method: 'PUT', path: /sha256-/, times: 3, fault: { status } })
  await attachReferrers(client, repository, [referrer(subject, 'mine')], { settleMs: 1 })
  expect(await indexEntries(connection, subject.digest)).toHaveLength(1)
})

test('GitLab: the subject behind its own tag is never appended to', async () => {
  const { connection, client, repository, subject } = await setUp({ referrers: false, gitlab: true })
  expect((await client.getRaw(repository, fallbackTag(subject.digest)))?.digest).toBe(subject.digest)
  expect(await listReferrers(client, repository, subject.digest)).toMatchObject({
    descriptors: [],
    complete: true,
    sources: [],
  })
  await attachReferrers(client, repository, [referrer(subject, 'mine')], { settleMs: 1 })
  const entries = await indexEntries(connection, subject.digest)
  expect(entries).toHaveLength(1)
})

test('a registry that does not keep the tag is told', async () => {
  const { registry, client, repository, subject } = await setUp({ referrers: false })
  registry.faults.add({ method: 'PUT', path: /sha256-/, times: Infinity, fault: { status: 201 } })
  const work = attachReferrers(client, repository, [referrer(subject, 'mine')], { settleMs: 1 })
  expect(await codeOf(work)).toBe('registry/fallback-unavailable')
})

test('an immutable fallback tag gives a clear error at the second write', async () => {
  const { client, repository, subject } = await setUp({ referrers: false, immutableTags: true })
  await attachReferrers(client, repository, [referrer(subject, 'one')], { settleMs: 1 })
  const work = attachReferrers(client, repository, [referrer(subject, 'two')], { settleMs: 1 })
  expect(await codeOf(work)).toBe('registry/tag-immutable')
})

test('13-adversary 25: a fallback tag that holds an image is not overwritten', async () => {
  const { connection, client, repository, subject } = await setUp({ referrers: false })
  const image = await pushImage(connection, 'a branch called sha256-…')
  await client.putManifest(repository, fallbackTag(subject.digest), OCI_MANIFEST, image.bytes)
  const work = attachReferrers(client, repository, [referrer(subject, 'mine')], { settleMs: 1 })
  expect(await codeOf(work)).toBe('registry/tag-not-ours')
  expect(await listReferrers(client, repository, subject.digest)).toMatchObject({ complete: false })
})

test('13-adversary 25: an index of platforms under the fallback tag is not appended to', async () => {
  const { connection, client, repository, subject } = await setUp({ referrers: false })
  const image = await pushImage(connection, 'other')
  const entry = { ...image.descriptor, platform: { os: 'linux', architecture: 'amd64' } }
  await putIndex(connection, subject.digest, { manifests: [entry] })
  const work = attachReferrers(client, repository, [referrer(subject, 'mine')], { settleMs: 1 })
  expect(await codeOf(work)).toBe('registry/tag-not-ours')
})

test('13-adversary 26: an index over 3 MB is refused before anything is signed', async () => {
  const { connection, client, repository, subject } = await setUp({ referrers: false })
  await checkFallbackSize(client, repository, subject.digest)
  await putIndex(connection, subject.digest, {
    manifests: [],
    annotations: { x: 'y'.repeat(LIMITS.fallbackIndexBytes) },
  })
  expect(await codeOf(checkFallbackSize(client, repository, subject.digest))).toBe('registry/fallback-too-large')
  const work = attachReferrers(client, repository, [referrer(subject, 'mine')], { settleMs: 1 })
  expect(await codeOf(work)).toBe('registry/fallback-too-large')
})

test.each([
  ['without the referrers API', { referrers: false }, 'registry/fallback-too-large'],
  ['with it, where no index is appended to', {}, 'nothing'],
] as const)(
  '13-adversary 26: whether an index over 3 MB stops a run, on a registry %s',
  async (_what, options, code) => {
    const { connection, client, repository, subject } = await setUp(options)
    const annotations = { x: 'y'.repeat(LIMITS.fallbackIndexBytes) }
    await putIndex(connection, subject.digest, { manifests: [], annotations })
    const found = await checkAttachable(client, repository, subject.digest).then(
      () => 'nothing',
      error => error.code,
    )
    expect(found).toBe(code)
  },
)

test('listReferrers() merges the API and a tag from the time before it, each digest once', async () => {
  const { registry, connection, client, repository, subject } = await setUp({})
  const [api] = await attachReferrers(client, repository, [referrer(subject, 'api')])
  const old = await pushImage(connection, 'old')
  const doubled = { mediaType: OCI_MANIFEST, digest: api?.manifest, size: 1 }
  await putIndex(connection, subject.digest, { manifests: [old.descriptor, doubled] })
  const list = await listReferrers(client, repository, subject.digest)
  expect(list.descriptors.map(entry => entry.digest).sort()).toEqual([api?.manifest, old.descriptor.digest].sort())
  expect(list).toMatchObject({ complete: true, sources: ['api', 'fallback'] })
  expect(registry.faults.injected).toBe(0)
})

test('listReferrers() follows pages and asks with the artifact type first', async () => {
  const { registry, client, repository, subject } = await setUp({ pageSize: 2 })
  const all = ['a', 'b', 'c', 'd', 'e'].map(name => referrer(subject, name))
  await attachReferrers(client, repository, [...all, referrer(subject, 'other', 'application/other')])
  registry.log.length = 0
  const list = await listReferrers(client, repository, subject.digest, TYPE)
  expect(list.descriptors).toHaveLength(5)
  expect(list.complete).toBe(true)
  expect(
    registry.log
      .filter(entry => entry.path.includes('/referrers/'))
      .every(entry => entry.path.includes('artifactType=')),
  ).toBe(true)
})

test('listReferrers() puts entries that claim the type first where the registry does not filter', async () => {
  const { client, repository, subject } = await setUp({ filterReferrers: false })
  await attachReferrers(client, repository, [
    referrer(subject, 'other', 'application/other'),
    referrer(subject, 'mine'),
  ])
  const list = await listReferrers(client, repository, subject.digest, TYPE)
  expect(list.descriptors.map(entry => entry.artifactType)).toEqual([TYPE, 'application/other'])
})

const good = { mediaType: OCI_MANIFEST, digest: sha256('x'), size: 1 }
test.each([
  ['an answer that is no JSON', { status: 200, body: '<html>' }],
  ['an entry that nobody can read', { status: 200, body: JSON.stringify({ manifests: [good, { digest: 'x' }] }) }],
  [
    'a next page at another host',
    {
      status: 200,
      body: JSON.stringify({ manifests: [good] }),
      headers: { link: '<https://attacker.example/v2/>; rel="next"' },
    },
  ],
  [
    'a next page outside the API',
    { status: 200, body: JSON.stringify({ manifests: [good] }), headers: { link: '</admin>; rel=next' } },
  ],
  [
    'a page without end',
    {
      status: 200,
      body: JSON.stringify({ manifests: [good] }),
      headers: { link: '</v2/acme/app/referrers/x>; rel="next"' },
    },
  ],
  [
    'more entries than are read',
    {
      status: 200,
      body: JSON.stringify({
        manifests: Array.from({ length: 1001 }, (_, i) => ({ ...good, digest: sha256(`${i}`) })),
      }),
    },
  ],
  ['a refusal', { status: 403 }],
])('13-adversary 26: %s makes the list incomplete', async (_what, fault) => {
  const { registry, client, repository, subject } = await setUp({})
  registry.faults.add({ path: /referrers/, times: Infinity, fault })
  await putIndex({ client, repository } as Connection, subject.digest, { manifests: [subject] })
  const list = await listReferrers(client, repository, subject.digest)
  expect(list.complete).toBe(false)
  expect(list.descriptors.length).toBeGreaterThan(0)
  expect(list.descriptors.length).toBeLessThanOrEqual(LIMITS.referrers)
  expect(list.problems[0]?.kind).toBe('unknown')
})

test('when no list can be asked at all, that is an error and never an empty list', async () => {
  const { registry, client, repository, subject } = await setUp({})
  registry.faults.add({ times: Infinity, fault: { status: 503 } })
  expect(await codeOf(listReferrers(client, repository, subject.digest))).toBe('registry/unavailable')
})
