import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asWaybillError } from '../../src/core/error.ts'
import { addressGuard } from '../../src/io/address.ts'
import { HttpClient } from '../../src/io/http.ts'
import { FetchBudget } from '../../src/materials/fetch/budget.ts'
import { LfsObjects, type LfsPlace } from '../../src/pipeline/lfs-objects.ts'
import { type LfsPointer, parseLfsPointer } from '../../src/source/lfs-pointer.ts'
import { type GitServer, startGitServer } from '../fakes/git-server.ts'
import type { LfsObject } from '../fakes/lfs-store.ts'
import { TIMING } from './materials-fetch-world.ts'

const TOKEN = 'ghs_example'
const ROOT = mkdtempSync(join(tmpdir(), 'waybill-lfs-'))
const http = new HttpClient()
let server: GitServer
let parts = 0

beforeEach(async () => {
  server = await startGitServer({ folder: ROOT, token: TOKEN })
})
afterEach(() => server.close())
afterAll(() => {
  http.close()
  rmSync(ROOT, { recursive: true, force: true })
})

function objects(over: Partial<LfsPlace> = {}): LfsObjects {
  const place = { remote: `${server.url}/acme/app`, token: TOKEN, inside: true, ...over }
  return new LfsObjects(place, {
    http,
    guard: inside => addressGuard({ private: inside, pin: true }),
    part: () => join(ROOT, `part-${parts++}`),
    download: { http, timing: TIMING, budget: new FetchBudget() },
    retry: { attempts: 1 },
  })
}

function added(content: string): LfsPointer {
  const pointer = parseLfsPointer(Buffer.from(server.lfs.add(content)), 'x')
  if (pointer === undefined) throw new Error('no pointer')
  return pointer
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'passed',
    error => asWaybillError(error).code,
  )

test('what a pointer names is fetched, and questions that come together are one', async () => {
  const pointers = ['one', 'two', 'three'].map(added)
  const source = objects()
  const files = await Promise.all(pointers.map(pointer => source.obtain(pointer, 'model.bin')))
  expect(files.map(file => readFileSync(file, 'utf8'))).toEqual(['one', 'two', 'three'])
  expect(server.log.filter(({ path }) => path.endsWith('/batch'))).toHaveLength(1)
})

test('13-adversary 17: the token goes to the service of the repository alone, fields of the answer to its address alone', async () => {
  await objects().obtain(added('one'), 'model.bin')
  const [batch, storage] = server.log
  expect(batch?.path).toBe('/acme/app.git/info/lfs/objects/batch')
  expect(batch?.headers.authorization).toBe(`Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`)
  expect(batch?.headers['x-storage']).toBeUndefined()
  expect(storage?.headers['x-storage']).toBe('opened')
  expect(storage?.headers.authorization).toBeUndefined()
})

test('content with another digest, or another size, is refused', async () => {
  const pointer = added('the right bytes')
  for (const lie of ['the wrong bytes', 'the right bytes and more', 'short']) {
    server.lfs.lie = Buffer.from(lie)
    expect(await codeOf(objects().obtain(pointer, 'model.bin'))).toBe('materials/other-bytes')
  }
  server.lfs.lie = undefined
  const other = { ...pointer, size: pointer.size + 1 }
  server.lfs.change = object => ({ ...object, size: pointer.size })
  expect(await codeOf(objects().obtain(other, 'model.bin'))).toBe('source/lfs-answer-malformed')
})

test('an object that the server does not have is missing, and others come all the same', async () => {
  const source = objects()
  const gone = { oid: 'a'.repeat(64), size: 3 }
  const [first, second] = await Promise.allSettled([source.obtain(gone, 'gone'), source.obtain(added('one'), 'there')])
  expect(first).toMatchObject({
    status: 'rejected',
    reason: { code: 'source/lfs-missing', kind: 'unknown', message: expect.stringMatching(/^gone: /) },
  })
  expect(second.status).toBe('fulfilled')
})

const href = (url: string) => (object: LfsObject) => ({ ...object, actions: { download: { href: url } } })
const fields = (header: unknown) => (object: LfsObject) => {
  const { download } = object.actions as { download: object }
  return { ...object, actions: { download: { ...download, header } } }
}

test.each<[string, (object: LfsObject) => unknown, string]>([
  ['an address without TLS', href('http://storage.example/x'), 'source/lfs-answer-malformed'],
  ['a file', href('file:///etc/passwd'), 'source/lfs-answer-malformed'],
  ['a login in the address', href('https://a:b@storage.example/x'), 'source/lfs-answer-malformed'],
  ['an address inside', href('https://10.0.0.1/x'), 'core/address-refused'],
  ['the metadata service', href('https://169.254.169.254/latest'), 'core/address-refused'],
  ['no actions', ({ oid, size }) => ({ oid, size }), 'source/lfs-answer-malformed'],
  ['another object', object => ({ ...object, oid: 'b'.repeat(64) }), 'source/lfs-answer-malformed'],
  ['a size that is no number', object => ({ ...object, size: '3' }), 'source/lfs-answer-malformed'],
  ['a field that chooses the host', fields({ Host: 'inside.example' }), 'source/lfs-answer-malformed'],
  ['a field with a line end', fields({ 'X-A': 'a\r\nHost: b' }), 'source/lfs-answer-malformed'],
  ['a field twice', fields({ 'X-A': 'a', 'x-a': 'b' }), 'source/lfs-answer-malformed'],
  [
    'a flood of fields',
    fields(Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`X-${at}`, '']))),
    'source/lfs-answer-malformed',
  ],
  [
    'a removed object',
    ({ oid, size }) => ({ oid, size, error: { code: 410, message: 'Removed' } }),
    'source/lfs-missing',
  ],
  ['a limit', ({ oid, size }) => ({ oid, size, error: { code: 429, message: 'Slow' } }), 'source/lfs-unavailable'],
])('13-adversary 32: an answer with %s is not obeyed', async (_what, change, code) => {
  server.lfs.change = change
  expect(await codeOf(objects().obtain(added('one'), 'model.bin'))).toBe(code)
  expect(server.log.filter(({ path }) => path.startsWith('/lfs-storage/'))).toEqual([])
})

test.each<[string, Record<string, unknown>, string]>([
  ['another transfer', { transfer: 'multipart-basic', objects: [] }, 'source/lfs-unavailable'],
  ['another hash', { hash_algo: 'sha512', objects: [] }, 'source/lfs-answer-malformed'],
  ['no objects', { transfer: 'basic' }, 'source/lfs-answer-malformed'],
  ['nothing about what was asked', { objects: [] }, 'source/lfs-answer-malformed'],
  ['401', { status: 401 }, 'source/lfs-unavailable'],
  ['403', { status: 403 }, 'source/lfs-unavailable'],
  ['404', { status: 404 }, 'source/lfs-unavailable'],
  ['429', { status: 429 }, 'source/lfs-unavailable'],
  ['503', { status: 503 }, 'source/lfs-unavailable'],
  ['a redirect', { status: 307, headers: { location: 'https://mallory.example/' } }, 'source/lfs-unavailable'],
  ['no JSON', { status: 200, body: '<html>' }, 'source/lfs-answer-malformed'],
])('an answer that is %s leaves it open', async (_what, answer, code) => {
  server.lfs.whole = () => answer
  expect(await codeOf(objects().obtain(added('one'), 'model.bin'))).toBe(code)
})

test('a server that wants a login gets none from a run without a token', async () => {
  const { token: _, ...anonymous } = { token: undefined, remote: `${server.url}/acme/app`, inside: true }
  const source = new LfsObjects(anonymous, {
    http,
    guard: inside => addressGuard({ private: inside, pin: true }),
    part: () => join(ROOT, `part-${parts++}`),
    download: { http, timing: TIMING, budget: new FetchBudget() },
    retry: { attempts: 1 },
  })
  expect(await codeOf(source.obtain(added('one'), 'model.bin'))).toBe('source/lfs-unavailable')
})
