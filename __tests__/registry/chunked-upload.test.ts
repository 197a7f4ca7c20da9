import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import type { TransportOptions } from '../../src/registry/transport.ts'
import type { FaultRule } from '../fakes/registry/faults.ts'
import { type EmbeddedRegistry, type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { ALICE, closeAll, codeOf, connect, keep } from './support.ts'

afterEach(closeAll)

const CHUNK = 1000
/** Ten pieces, the last one short. */
const BYTES = randomBytes(9 * CHUNK + 500)
const DIGEST = sha256(BYTES)

/** Opens the same bytes again and again, in parts that fit no piece. */
function sourceOf(bytes: Uint8Array): { open: () => Readable; opens: () => number } {
  let opens = 0
  const open = (): Readable => {
    opens++
    const parts = Array.from({ length: Math.ceil(bytes.byteLength / 300) }, (_, i) =>
      bytes.subarray(i * 300, (i + 1) * 300),
    )
    return Readable.from(parts)
  }
  return { open, opens: () => opens }
}

type Options = Partial<TransportOptions> & { chunkBytes?: number }

async function push(options: RegistryOptions, faults: readonly FaultRule[] = [], transport: Options = {}) {
  const registry = keep(await startRegistry(options))
  for (const rule of faults) registry.faults.add(rule)
  const { client, repository } = connect(registry.host, { chunkBytes: CHUNK, ...transport } as Options)
  const source = sourceOf(BYTES)
  await client.putBlob(repository, { open: source.open, size: BYTES.byteLength, digest: DIGEST })
  return { registry, client, repository, opens: source.opens() }
}

function stored(registry: EmbeddedRegistry, digest: Digest = DIGEST): Buffer | undefined {
  return registry.storage.open('acme/app').blobs.get(digest)
}

function count(registry: EmbeddedRegistry, method: string, status?: number | 'cut'): number {
  return registry.log.filter(entry => entry.method === method && (status === undefined || entry.status === status))
    .length
}

test('a large blob goes in pieces, each with its range, and the source is read once', async () => {
  const { registry, opens } = await push({})
  expect(stored(registry)).toEqual(BYTES)
  expect([count(registry, 'POST'), count(registry, 'PATCH', 202), count(registry, 'PUT', 201)]).toEqual([1, 10, 1])
  expect(opens).toBe(1)
})

test('a blob of one piece goes with one PUT', async () => {
  const { registry } = await push({}, [], { chunkBytes: BYTES.byteLength })
  expect(registry.log.map(entry => entry.method)).toEqual(['POST', 'PUT'])
})

const chunkPath = /blobs\/uploads\/[0-9a-f]+$/
test.each<[string, FaultRule]>([
  ['is cut', { method: 'PATCH', after: 3, fault: 'cut' }],
  ['is stored and its answer lost', { method: 'PATCH', after: 3, fault: 'cut-after' }],
  ['is answered with 500', { method: 'PATCH', after: 3, fault: { status: 500 } }],
  ['is answered with 429', { method: 'PATCH', after: 3, fault: { status: 429, headers: { 'retry-after': '1' } } }],
  ['is answered with 416', { method: 'PATCH', after: 3, fault: { status: 416 } }],
  ['is cut, and the question after it, too', { path: chunkPath, after: 3, times: 2, fault: 'cut' }],
])('where a piece %s the upload goes on, and nothing before it is sent again', async (_what, rule) => {
  const { registry } = await push({}, [rule])
  expect(stored(registry)).toEqual(BYTES)
  expect(count(registry, 'POST')).toBe(1)
  expect(count(registry, 'PATCH')).toBeLessThanOrEqual(11)
  expect(count(registry, 'GET', 204)).toBe(1)
})

test('pieces that break off again and again without a byte more end as unknown', async () => {
  const rule: FaultRule = { method: 'PATCH', after: 3, times: Infinity, fault: { status: 503 } }
  expect(await codeOf(push({}, [rule]))).toBe('registry/unavailable')
})

test.each<[string, RegistryOptions]>([
  ['forgets the session', { lostSessions: 2 }],
  ['cannot say how far it is', { uploadStatus: false }],
])('a registry that %s gets the blob from its beginning', async (_what, options) => {
  const { registry } = await push(options, [{ method: 'PATCH', after: 5, fault: 'cut' }])
  expect(stored(registry)).toEqual(BYTES)
  expect(count(registry, 'POST')).toBeGreaterThan(1)
})

test('a registry that loses every session is told apart from one that is down', async () => {
  expect(await codeOf(push({ lostSessions: Infinity }))).toBe('registry/unavailable')
})

test('a registry that takes less of a piece than was sent gets the rest', async () => {
  const { registry } = await push({ chunkTaken: 700 })
  expect(stored(registry)).toEqual(BYTES)
  expect(count(registry, 'POST')).toBe(1)
})

test('a range that stays at the first piece is doubted once and then not believed', async () => {
  const { registry, opens } = await push({ staleRange: true })
  expect(stored(registry)).toEqual(BYTES)
  expect([count(registry, 'POST'), count(registry, 'PATCH', 416)]).toEqual([1, 1])
  expect(opens).toBe(2)
})

test('pieces are as large as the registry wants them at least', async () => {
  const { registry } = await push({ chunkMinimum: 4000 })
  expect(stored(registry)).toEqual(BYTES)
  expect([count(registry, 'POST'), count(registry, 'PATCH', 202)]).toEqual([1, 3])
})

test.each<[string, RegistryOptions]>([
  ['no pieces', { chunks: false }],
  ['no pieces of this size', { chunkLimit: 400 }],
])('a registry that takes %s gets the blob whole, and is not asked again', async (_what, options) => {
  const { registry, client, repository } = await push(options)
  expect(stored(registry)).toEqual(BYTES)
  registry.log.length = 0
  const other = randomBytes(3 * CHUNK)
  await client.putBlob(repository, { open: sourceOf(other).open, size: other.byteLength, digest: sha256(other) })
  expect(registry.log.map(entry => entry.method)).toEqual(['POST', 'PUT'])
})

test('a front end that bounds bodies gets smaller pieces', async () => {
  const registry = keep(await startRegistry({ bodyLimit: 1_500_000 }))
  const { client, repository } = connect(registry.host)
  const bytes = randomBytes(5_000_000)
  await client.putBlob(repository, {
    open: () => Readable.from([bytes]),
    size: bytes.byteLength,
    digest: sha256(bytes),
  })
  expect(stored(registry, sha256(bytes))?.equals(bytes)).toBe(true)
  expect([count(registry, 'PUT', 413), count(registry, 'PUT', 201)]).toEqual([1, 1])
})

test('a front end that bounds bodies at a tenth gets pieces that are smaller still, and is not asked again', async () => {
  const registry = keep(await startRegistry({ bodyLimit: 2_000_000 }))
  const { client, repository } = connect(registry.host)
  const put = async (bytes: Buffer): Promise<void> => {
    const open = () => Readable.from([bytes])
    await client.putBlob(repository, { open, size: bytes.byteLength, digest: sha256(bytes) })
    expect(stored(registry, sha256(bytes))?.equals(bytes)).toBe(true)
  }
  await put(randomBytes(20_000_000))
  expect([count(registry, 'PUT', 413), count(registry, 'PATCH', 413)]).toEqual([1, 1])
  registry.log.length = 0
  await put(randomBytes(4_000_000))
  expect(registry.log.some(({ status }) => status === 413)).toBe(false)
})

test('where even the smallest piece is too large that is the error', async () => {
  const registry = keep(await startRegistry({ bodyLimit: 1000 }))
  const { client, repository } = connect(registry.host)
  const error = await client.putBlob(repository, new Uint8Array(200_000)).catch(e => e)
  expect(error.code).toBe('registry/body-too-large')
  expect(error.remedy).toContain('client_max_body_size')
})

test.each([50_000, 1_000_000])(
  'an answer lost after a large blob was stored does not send it again (pieces of %d bytes)',
  async chunkBytes => {
    const registry = keep(await startRegistry())
    const options: Options = { chunkBytes }
    const { client, repository } = connect(registry.host, options)
    registry.faults.add({ method: 'PUT', fault: 'cut-after' })
    const bytes = randomBytes(200_000)
    await client.putBlob(repository, { open: sourceOf(bytes).open, size: bytes.byteLength, digest: sha256(bytes) })
    expect(stored(registry, sha256(bytes))?.equals(bytes)).toBe(true)
    expect([count(registry, 'POST'), count(registry, 'HEAD', 200)]).toEqual([1, 1])
  },
)

test.each([{}, { refusesEarly: true }])(
  'a token that ends between two pieces is fetched anew, and no byte is lost (%j)',
  async options => {
    const access = { auth: 'bearer', tokenUses: 4, ...options } as const
    const { registry, opens } = await push(access, [], { credentials: ALICE })
    expect(stored(registry)).toEqual(BYTES)
    expect(count(registry, 'PATCH', 401)).toBeGreaterThan(1)
    expect(registry.access.tokensIssued).toBeGreaterThan(2)
    expect(count(registry, 'POST', 202)).toBe(1)
    expect(opens).toBe(1 + count(registry, 'PATCH', 401))
  },
)

test.each([
  { tokenUses: 1 },
  // The early look at a request counts as a use.
  { tokenUses: 2, refusesEarly: true },
])('a token that ends before one large PUT, too (%j)', async options => {
  const registry = keep(await startRegistry({ auth: 'bearer', ...options }))
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  const bytes = randomBytes(3_000_000)
  await client.putBlob(repository, { open: sourceOf(bytes).open, size: bytes.byteLength, digest: sha256(bytes) })
  expect(stored(registry, sha256(bytes))?.equals(bytes)).toBe(true)
  expect(count(registry, 'PUT', 401)).toBe(1)
})

test('an upload that moves to another host goes on there without the login', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const uploads = keep(await startRegistry({ storage: registry.storage }))
  const front = keep(await startRegistry({ auth: 'bearer', storage: registry.storage, uploadOrigin: uploads.url }))
  const options: Options = { credentials: ALICE, chunkBytes: CHUNK }
  const { client, repository } = connect(front.host, options)
  uploads.faults.add({ method: 'PATCH', after: 3, fault: 'cut-after' })
  await client.putBlob(repository, { open: sourceOf(BYTES).open, size: BYTES.byteLength, digest: DIGEST })
  expect(stored(registry)).toEqual(BYTES)
  expect(front.log.some(entry => entry.authorization === 'Bearer')).toBe(true)
  expect(uploads.log.length).toBeGreaterThan(10)
  expect(uploads.log.every(entry => entry.authorization === 'none')).toBe(true)
})

test('a foreign upload host cannot lead back to the registry', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const uploads = keep(await startRegistry({ storage: registry.storage, uploadOrigin: registry.url }))
  const front = keep(await startRegistry({ auth: 'bearer', storage: registry.storage, uploadOrigin: uploads.url }))
  // Its answers name the front itself, where our login counts.
  uploads.faults.add({
    method: 'PATCH',
    times: Infinity,
    fault: { status: 202, headers: { location: `${front.url}/v2/acme/secret/blobs/uploads/x` } },
  })
  const options: Options = { credentials: ALICE, chunkBytes: CHUNK }
  const { client, repository } = connect(front.host, options)
  const work = client.putBlob(repository, { open: sourceOf(BYTES).open, size: BYTES.byteLength, digest: DIGEST })
  await work.catch(() => {})
  expect(front.log.some(entry => entry.path.includes('secret'))).toBe(false)
})

test.each([
  ['is shorter', BYTES.subarray(0, 8000)],
  ['is longer', Buffer.concat([BYTES, Buffer.from('x')])],
  ['is another', randomBytes(BYTES.byteLength)],
])('a source that %s than its digest says is never stored, in pieces or whole', async (_what, bytes) => {
  for (const chunkBytes of [CHUNK, 1_000_000]) {
    const registry = keep(await startRegistry())
    const options: Options = { chunkBytes }
    const { client, repository } = connect(registry.host, options)
    const blob = { open: sourceOf(bytes).open, size: BYTES.byteLength, digest: DIGEST }
    expect(await codeOf(client.putBlob(repository, blob))).toBe('registry/digest-mismatch')
    expect(registry.storage.open('acme/app').blobs.size).toBe(0)
  }
})

test.each<[string, RegistryOptions]>([
  ['mounts nothing', { mount: false }],
  ['forbids the question', { mount: 'forbidden' }],
  ['lets nobody read the other one', { auth: 'bearer' }],
])('where a registry %s the blob is sent', async (_what, options) => {
  const registry = keep(await startRegistry(options))
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  await client.putBlob(repository, Buffer.from('layer'), { from: 'acme/other' })
  expect(stored(registry, sha256('layer'))?.toString()).toBe('layer')
})
