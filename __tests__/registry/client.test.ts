import { Readable } from 'node:stream'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/digest.ts'
import { OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { startRegistry } from '../fakes/registry/registry.ts'
import { ALICE, always, BOB, closeAll, codeOf, connect, errorOf, keep, pushImage, quickClock } from './support.ts'

afterEach(closeAll)

test('resolve() turns a tag into digest, bytes and manifest with one request', async () => {
  const registry = keep(await startRegistry())
  const connection = connect(registry.host)
  const image = await pushImage(connection, 'one')
  await connection.client.putManifest(connection.repository, 'v1', OCI_MANIFEST, image.bytes)
  registry.log.length = 0
  const resolved = await connection.client.resolve(parseReference(`${registry.host}/acme/app:v1`))
  expect(resolved.digest).toBe(image.descriptor.digest)
  expect(resolved.size).toBe(image.bytes.byteLength)
  expect(resolved.manifest.kind).toBe('image')
  expect(registry.requests()).toHaveLength(1)
})

test('resolve() asks for the digest when there are tag and digest', async () => {
  const registry = keep(await startRegistry())
  const connection = connect(registry.host)
  const image = await pushImage(connection, 'one')
  const reference = parseReference(`${registry.host}/acme/app:never@${image.descriptor.digest}`)
  expect((await connection.client.resolve(reference)).digest).toBe(image.descriptor.digest)
})

test('requests come over few connections, also when answers are refused unread', async () => {
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  for (let i = 0; i < 10; i++) {
    expect(await codeOf(client.getManifest(repository, sha256(`none ${i}`)))).toBe('registry/not-found')
    expect(await client.blobExists(repository, sha256(`none ${i}`))).toBe(false)
    await client.putBlob(repository, utf8(`blob ${i}`))
  }
  expect(new Set(registry.log.map(entry => entry.connection)).size).toBe(1)
})

test('other bytes than asked for are refused, for manifests, tags and blobs', async () => {
  const registry = keep(await startRegistry())
  const connection = connect(registry.host)
  const { client, repository } = connection
  const image = await pushImage(connection, 'one')
  await client.putManifest(repository, 'v1', OCI_MANIFEST, image.bytes)
  registry.faults.lie(image.descriptor.digest, Buffer.from(image.bytes).toString().replace('layers', 'layerz'))
  registry.faults.lie(image.config, 'other')
  expect(await codeOf(client.getManifest(repository, image.descriptor.digest))).toBe('registry/digest-mismatch')
  expect(await codeOf(client.resolve(parseReference(`${registry.host}/acme/app:v1`)))).toBe('registry/digest-mismatch')
  const error = await errorOf(client.getBlob(repository, image.config, 1000))
  expect(error).toMatchObject({ code: 'registry/digest-mismatch', kind: 'rejected', found: sha256('other') })
})

test('a blob larger than accepted is not read', async () => {
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  const { digest } = await client.putBlob(repository, new Uint8Array(5000))
  expect(await codeOf(client.getBlob(repository, digest, 4999))).toBe('core/answer-too-large')
})

test.each([
  ['401 without a login', { auth: 'bearer' } as const, {}, 'registry/unauthorized'],
  [
    '401 for a wrong password',
    { auth: 'bearer' } as const,
    { credentials: always({ kind: 'password', username: 'alice', password: 'x' }) },
    'registry/unauthorized',
  ],
  ['401 of Basic without a login', { auth: 'basic' } as const, {}, 'registry/unauthorized'],
  [
    '401 of Basic for a wrong password',
    { auth: 'basic' } as const,
    { credentials: always({ kind: 'password', username: 'alice', password: 'x' }) },
    'registry/forbidden',
  ],
  ['a read-only login, answered 403', { auth: 'bearer' } as const, { credentials: BOB }, 'registry/forbidden'],
  [
    'a read-only login, answered 401',
    { auth: 'bearer', denial: 401 } as const,
    { credentials: BOB },
    'registry/forbidden',
  ],
  ['a read-only Basic login', { auth: 'basic' } as const, { credentials: BOB }, 'registry/forbidden'],
  [
    'an anonymous push where pulls are free',
    { auth: 'bearer', anonymousPull: true } as const,
    {},
    'registry/unauthorized',
  ],
])('checkPush() tells %s', async (_what, options, client, code) => {
  const registry = keep(await startRegistry(options))
  const connection = connect(registry.host, client)
  const error = await errorOf(connection.client.checkPush(connection.repository))
  expect(error).toMatchObject({ code, kind: 'unknown' })
  expect(`${error.message} ${error.remedy}`).toContain(registry.host)
})

test('checkPush() begins and cancels one upload', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  await client.checkPush(repository)
  expect(registry.log.map(entry => `${entry.method} ${entry.status}`)).toEqual([
    'POST 401',
    'GET 200',
    'POST 202',
    'DELETE 204',
  ])
})

test('429 with Retry-After is waited for, 5xx is repeated, and both give up as unknown', async () => {
  const registry = keep(await startRegistry())
  const clock = quickClock()
  const { client, repository } = connect(registry.host, { clock })
  registry.faults.add({ path: /blobs/, fault: { status: 429, headers: { 'retry-after': '2' } } })
  registry.faults.add({ path: /blobs/, times: 2, fault: { status: 503 } })
  expect(await client.blobExists(repository, sha256('x'))).toBe(false)
  expect(clock.slept).toContain(2000)
  expect(registry.faults.injected).toBe(3)
  registry.faults.add({ times: Infinity, fault: { status: 429 } })
  expect((await errorOf(client.blobExists(repository, sha256('x')))).code).toBe('registry/rate-limited')
  registry.faults.clear()
  registry.faults.add({ times: Infinity, fault: { status: 502 } })
  expect((await errorOf(client.blobExists(repository, sha256('x')))).code).toBe('registry/unavailable')
})

test('a Retry-After beyond the budget ends at once as unknown', async () => {
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  registry.faults.add({ times: Infinity, fault: { status: 429, headers: { 'retry-after': '3600' } } })
  expect(await codeOf(client.getManifest(repository, sha256('x')))).toBe('registry/rate-limited')
  expect(registry.log).toHaveLength(1)
})

test.each(['cut', 'cut-body'] as const)('a connection that is %s is tried again', async fault => {
  const registry = keep(await startRegistry())
  const connection = connect(registry.host)
  const image = await pushImage(connection, 'one')
  registry.faults.add({ method: 'GET', times: 2, fault })
  const fetched = await connection.client.getManifest(connection.repository, image.descriptor.digest)
  expect(fetched.descriptor.digest).toBe(image.descriptor.digest)
})

test('a registry that never answers is unreachable, which is unknown', async () => {
  const registry = await startRegistry()
  await registry.close()
  const { client, repository } = connect(registry.host)
  expect(await errorOf(client.getManifest(repository, sha256('x')))).toMatchObject({
    code: 'registry/unreachable',
    kind: 'unknown',
  })
})

test('a slow registry is waited for', async () => {
  const registry = keep(await startRegistry({ latencyMs: 150 }))
  const { client, repository } = connect(registry.host)
  expect(await client.blobExists(repository, sha256('x'))).toBe(false)
})

test.each(['cut', 'cut-after', { status: 500 }, { status: 404 }] as const)(
  'putBlob() begins the upload again when its end is answered with %j',
  async fault => {
    const registry = keep(await startRegistry({ singlePost: false }))
    const { client, repository } = connect(registry.host)
    registry.faults.add({ method: 'PUT', path: /uploads/, fault })
    const { digest } = await client.putBlob(repository, utf8('hello'))
    expect(registry.faults.injected).toBe(1)
    expect(Buffer.from(await client.getBlob(repository, digest, 10)).toString()).toBe('hello')
  },
)

test.each([
  [true, ['POST 201']],
  [false, ['POST 202', 'PUT 201']],
])('putBlob() sends a small blob with the first request (the registry takes it: %p)', async (singlePost, requests) => {
  const registry = keep(await startRegistry({ singlePost }))
  const { client, repository } = connect(registry.host)
  const twice = [client.putBlob(repository, utf8('hello')), client.putBlob(repository, utf8('hello'))] as const
  const [{ digest }] = await Promise.all(twice)
  expect(registry.log.map(({ method, status }) => `${method} ${status}`)).toEqual(requests)
  expect(await client.blobExists(repository, digest)).toBe(true)
})

test.each([
  'cut',
  'cut-after',
  { status: 400 },
  { status: 404 },
  { status: 411 },
  { status: 415 },
  { status: 500 },
] as const)('putBlob() begins an upload without the blob where one with it is answered with %j', async fault => {
  const registry = keep(await startRegistry({ singlePost: false }))
  const { client, repository } = connect(registry.host)
  registry.faults.add({ method: 'POST', path: /uploads/, fault })
  const { digest } = await client.putBlob(repository, utf8('hello'))
  expect(registry.faults.injected).toBe(1)
  expect(await client.blobExists(repository, digest)).toBe(true)
})

test('putBlob() streams, opens the stream again for each try, and refuses one that is not its digest', async () => {
  const registry = keep(await startRegistry())
  const { client, repository } = connect(registry.host)
  const bytes = Buffer.alloc(3_000_000, 'waybill')
  let opens = 0
  const open = (): Readable => {
    opens++
    return Readable.from(bytes.length > 0 ? [bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)] : [])
  }
  registry.faults.add({ method: 'PUT', path: /uploads/, fault: 'cut' })
  const blob = { open, size: bytes.byteLength, digest: sha256(bytes) }
  await client.putBlob(repository, blob)
  expect(opens).toBe(2)
  expect(await client.blobExists(repository, blob.digest)).toBe(true)
  for (const wrong of [{ digest: sha256('other') }, { size: bytes.byteLength - 1 }, { size: bytes.byteLength + 1 }]) {
    const fresh = connect(registry.host).client
    expect(await codeOf(fresh.putBlob(repository, { ...blob, ...wrong }))).toBe('registry/digest-mismatch')
  }
  expect(registry.storage.open('acme/app').blobs.size).toBe(1)
})

test('putBlob() pushes nothing that is there, mounts what another repository has, and knows what it pushed', async () => {
  const registry = keep(await startRegistry({ auth: 'bearer' }))
  const { client, repository } = connect(registry.host, { credentials: ALICE })
  await client.putBlob({ ...repository, repository: 'acme/base' }, utf8('layer'))
  await client.putBlob(repository, utf8('layer'), { from: 'acme/base' })
  registry.log.length = 0
  await client.putBlob(repository, utf8('layer'))
  expect(registry.log).toHaveLength(0)
  const other = connect(registry.host, { credentials: ALICE })
  await other.client.putBlob(repository, utf8('layer'), { unlessPresent: true })
  expect(registry.log.some(entry => entry.method === 'PUT' || entry.method === 'POST')).toBe(false)
  await other.client.putBlob(repository, utf8('absent'), { from: 'acme/base' })
  expect(await other.client.blobExists(repository, sha256('absent'))).toBe(true)
})

test('headTag() gives digest and type, also from a registry without the digest header', async () => {
  const registry = keep(await startRegistry())
  const connection = connect(registry.host)
  const { client, repository } = connection
  const image = await pushImage(connection, 'one')
  await client.putManifest(repository, 'v1', OCI_MANIFEST, image.bytes)
  const expected = { digest: image.descriptor.digest, mediaType: OCI_MANIFEST }
  expect(await client.headTag(repository, 'v1')).toMatchObject(expected)
  expect(await client.headTag(repository, 'v2')).toBeUndefined()
  registry.faults.add({ method: 'HEAD', fault: { status: 200, headers: { 'content-type': OCI_MANIFEST } } })
  expect(await client.headTag(repository, 'v1')).toMatchObject(expected)
})

test('putManifest() tells a conflict from an immutable tag', async () => {
  const registry = keep(await startRegistry({ immutableTags: true, etags: true }))
  const connection = connect(registry.host)
  const { client, repository } = connection
  const one = await pushImage(connection, 'one')
  const two = await pushImage(connection, 'two')
  await client.putManifest(repository, 'v1', OCI_MANIFEST, one.bytes)
  expect(await codeOf(client.putManifest(repository, 'v1', OCI_MANIFEST, two.bytes))).toBe('registry/tag-immutable')
  const conflict = client.putManifest(repository, 'v1', OCI_MANIFEST, two.bytes, { ifNoneMatch: '*' })
  expect(await codeOf(conflict)).toBe('registry/precondition-failed')
  expect(await codeOf(client.putManifest(repository, '../x', OCI_MANIFEST, one.bytes))).toBe('core/digest-malformed')
})
