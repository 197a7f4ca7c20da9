import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { asWaybillError } from '../../../src/core/error.ts'
import { addressGuard, type Resolver } from '../../../src/io/address.ts'
import { HttpClient } from '../../../src/io/http.ts'
import type { DownloadPorts } from '../../../src/materials/fetch/answer.ts'
import { fetchBeside } from '../../../src/materials/fetch/beside.ts'
import { FetchBudget } from '../../../src/materials/fetch/budget.ts'
import { fromCache, intoCache } from '../../../src/materials/fetch/cache.ts'
import { type Downloaded, download } from '../../../src/materials/fetch/download.ts'
import type { Wanted } from '../../../src/materials/proof/byte-check.ts'
import { breaksOff, honest, type LyingServer, redirect, startLyingServer } from './lying-server.ts'

const TIMING = { idleMs: 10_000, slowMs: 60_000, slowBytes: 1, pauseMs: 1, totalMs: 600_000 }
const BYTES = randomBytes(300_000)
const OTHER = Buffer.concat([BYTES.subarray(0, -1), Buffer.from([(BYTES.at(-1) ?? 0) ^ 1])])
const within = addressGuard({ private: true, pin: true })

let server: LyingServer
let http: HttpClient
let folder: string
let count = 0

beforeEach(async () => {
  server = await startLyingServer()
  http = new HttpClient()
  folder = await mkdtemp(join(tmpdir(), 'waybill-fetch-'))
})

afterEach(async () => {
  http.close()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

function wantedOf(bytes: Uint8Array, more: Partial<Wanted> = {}): Wanted {
  const digest = new Map([['sha256', createHash('sha256').update(bytes).digest('hex')]])
  return { name: 'tini', digest, size: 1_000_000, ...more }
}

function ports(more: Partial<DownloadPorts> = {}): DownloadPorts {
  return { http, timing: TIMING, budget: new FetchBudget(), ...more }
}

interface Got extends Downloaded {
  readonly bytesRead: Buffer
}

async function get(
  paths: readonly string[],
  wanted = wantedOf(BYTES),
  more: Partial<DownloadPorts> = {},
): Promise<Got> {
  const path = join(folder, String(count++))
  const addresses = paths.map(path => ({ url: path.startsWith('http') ? path : `${server.url}${path}`, guard: within }))
  const got = await download({ wanted, addresses, path }, ports(more))
  return { ...got, bytesRead: await readFile(path) }
}

async function refusal(work: Promise<unknown>) {
  return work.then(
    () => {
      throw new Error('it was not refused')
    },
    (error: unknown) => asWaybillError(error),
  )
}

test('bytes are written and hashed, and what the signature needs besides', async () => {
  server.paths.set('/a', honest(BYTES))
  const got = await get(['/a'], wantedOf(BYTES, { also: ['blake2b512'] }))
  expect(got.bytesRead.equals(BYTES)).toBe(true)
  expect(got.bytes).toBe(BYTES.byteLength)
  expect(Buffer.from(got.digests.get('blake2b512') ?? []).equals(createHash('blake2b512').update(BYTES).digest())).toBe(
    true,
  )
  expect(got.failures).toEqual([])
  expect(got.from).toBe(`${server.url}/a`)
})

test('no login of any kind is sent, and no compressed body is asked for', async () => {
  server.paths.set('/a', honest(BYTES))
  await get(['/a'])
  const [request] = server.asked
  expect(Object.keys(request?.headers ?? {}).sort()).toEqual([
    'accept',
    'accept-encoding',
    'connection',
    'host',
    'user-agent',
  ])
  expect(request?.headers['accept-encoding']).toBe('identity')
})

test('a wrong last byte is rejected', async () => {
  server.paths.set('/a', honest(OTHER))
  const error = await refusal(get(['/a']))
  expect([error.code, error.kind]).toEqual(['materials/other-bytes', 'rejected'])
})

test('a mirror has the right bytes where the address has others, and both is told', async () => {
  server.paths.set('/a', honest(OTHER))
  server.paths.set('/b', honest(BYTES))
  const got = await get(['/a', '/b'])
  expect(got.bytesRead.equals(BYTES)).toBe(true)
  expect(got.failures.map(({ code }) => code)).toEqual(['materials/other-bytes'])
  expect(got.from).toBe(`${server.url}/b`)
})

test('other bytes weigh more than a mirror that is not there', async () => {
  server.paths.set('/a', honest(OTHER))
  expect((await refusal(get(['/gone', '/a', '/gone-too']))).code).toBe('materials/other-bytes')
})

test('what broke off is asked for from there, on condition that it is the same file', async () => {
  server.paths.set('/a', (request, response, count) =>
    (count === 1 ? breaksOff(BYTES, 100_000) : honest(BYTES))(request, response, count),
  )
  const got = await get(['/a'])
  expect(got.bytesRead.equals(BYTES)).toBe(true)
  const [, second] = server.asked
  expect(second?.headers.range).toMatch(/^bytes=[1-9][0-9]*-$/)
  expect(second?.headers['if-range']).toBe('"one"')
})

test('a weak entity tag says nothing, but the digest does', async () => {
  server.paths.set('/a', (request, response, count) =>
    (count === 1 ? breaksOff(BYTES, 100_000, { etag: 'W/"one"' }) : honest(BYTES))(request, response, count),
  )
  expect((await get(['/a'])).bytesRead.equals(BYTES)).toBe(true)
  expect(server.asked[1]?.headers['if-range']).toBeUndefined()
  expect(server.asked[1]?.headers.range).toBeDefined()
})

test('without a digest nothing is put together from two answers that no entity tag joins', async () => {
  server.paths.set('/a', (request, response, count) =>
    (count === 1 ? breaksOff(BYTES, 100_000, {}) : honest(BYTES))(request, response, count),
  )
  const got = await get(['/a'], wantedOf(BYTES, { digest: new Map() }))
  expect(got.bytesRead.equals(BYTES)).toBe(true)
  expect(server.asked[1]?.headers.range).toBeUndefined()
})

test('a server that answers the whole where the rest was asked for is begun anew', async () => {
  server.paths.set('/a', (request, response, count) => {
    if (count === 1) breaksOff(BYTES, 100_000)(request, response, count)
    else response.writeHead(200).end(BYTES)
  })
  expect((await get(['/a'])).bytesRead.equals(BYTES)).toBe(true)
})

test('the file changed between two requests: all of the new one, which the digest refuses', async () => {
  server.paths.set('/a', (request, response, count) =>
    (count === 1 ? breaksOff(BYTES, 100_000) : honest(OTHER, '"two"'))(request, response, count),
  )
  expect((await refusal(get(['/a']))).code).toBe('materials/other-bytes')
})

test.each([
  ['another offset', 'bytes 5-299999/300000'],
  ['not to the end', 'bytes 100000-200000/300000'],
  ['nonsense', 'pages 1-2/3'],
])('a part that begins or ends elsewhere is refused: %s', async (_what, range) => {
  server.paths.set('/a', (request, response, count) => {
    if (count === 1) return breaksOff(BYTES, 100_000)(request, response, count)
    response.writeHead(206, { 'content-range': range }).end(BYTES.subarray(5))
  })
  const error = await refusal(get(['/a']))
  expect([error.code, error.kind]).toEqual(['materials/fetch-failed', 'unknown'])
})

test('206 where nothing but the whole was asked for is refused', async () => {
  server.paths.set('/a', (_request, response) => {
    response.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end(BYTES.subarray(0, 10))
  })
  expect((await refusal(get(['/a']))).code).toBe('materials/fetch-failed')
})

test('a server that has no rest to give is asked for the whole', async () => {
  server.paths.set('/a', (request, response, count) => {
    if (count === 1) return breaksOff(BYTES, 100_000)(request, response, count)
    if (count === 2) return void response.writeHead(416, { 'content-range': 'bytes */5' }).end()
    honest(BYTES)(request, response, count)
  })
  expect((await get(['/a'])).bytesRead.equals(BYTES)).toBe(true)
  expect(server.asked[2]?.headers.range).toBeUndefined()
})

test('an evil first half does not spoil the good mirror: it is asked for all of it', async () => {
  const evil = Buffer.concat([randomBytes(100_000), BYTES.subarray(100_000)])
  server.paths.set('/a', breaksOff(evil, 100_000))
  server.paths.set('/b', honest(BYTES, '"b"'))
  const got = await get(['/a', '/b'])
  expect(got.bytesRead.equals(BYTES)).toBe(true)
  const atB = server.asked.filter(({ url }) => url === '/b').map(({ headers }) => headers.range)
  expect(atB[0]).toMatch(/^bytes=/)
  expect(atB.at(-1)).toBeUndefined()
})

test('an endless body is ended at the bound', async () => {
  server.paths.set('/a', (request, response) => {
    response.writeHead(200)
    const more = (): void => {
      while (!response.destroyed && response.write(BYTES));
    }
    response.on('drain', more)
    request.socket.on('error', () => {})
    more()
  })
  const error = await refusal(get(['/a']))
  expect(error.code).toBe('materials/other-bytes')
  expect(error.expected).toBe('1000000 bytes at most')
})

test('a body that is said to be too large is not read at all', async () => {
  server.paths.set(
    '/a',
    (_request, response) => void response.writeHead(200, { 'content-length': 1_000_001 }).flushHeaders(),
  )
  expect((await refusal(get(['/a']))).code).toBe('materials/other-bytes')
})

test('a length that is too short cuts the file, and the digest says so', async () => {
  server.paths.set('/a', (_request, response) => {
    response.strictContentLength = false
    response.writeHead(200, { 'content-length': 10 }).end(BYTES.subarray(0, 10))
  })
  expect((await refusal(get(['/a']))).code).toBe('materials/other-bytes')
})

test('a length that is too long is a body that breaks off', async () => {
  server.paths.set('/a', breaksOff(BYTES.subarray(0, 50), 50, {}))
  const error = await refusal(get(['/a']))
  expect(error.code).toBe('materials/other-bytes')
  server.paths.set('/b', (request, response) => {
    response.writeHead(200, { 'content-length': 900_000 })
    response.write('x', () => request.socket.destroy())
  })
  expect((await refusal(get(['/b']))).code).toBe('materials/fetch-failed')
})

test('a mirror that hangs is left for the next one', async () => {
  server.paths.set('/a', () => {})
  server.paths.set('/b', (_request, response) => void response.writeHead(200).write('half'))
  server.paths.set('/c', honest(BYTES))
  const got = await get(['/a', '/b', '/c'], wantedOf(BYTES), { timing: { ...TIMING, idleMs: 100 } })
  expect(got.bytesRead.equals(BYTES)).toBe(true)
  expect(got.failures.map(({ code }) => code)).toEqual(['core/unreachable', 'core/unreachable'])
})

test('a mirror that drips is as one that hangs', async () => {
  const timers: NodeJS.Timeout[] = []
  server.paths.set('/a', (_request, response) => {
    response.writeHead(200)
    timers.push(setInterval(() => response.destroyed || response.write('x'), 20))
  })
  server.paths.set('/c', honest(BYTES))
  const got = await get(['/a', '/c'], wantedOf(BYTES), { timing: { ...TIMING, slowMs: 200, slowBytes: 1_000 } })
  for (const timer of timers) clearInterval(timer)
  expect(got.from).toBe(`${server.url}/c`)
  expect(got.failures[0]?.found).toContain('fewer than 1000 bytes in 200 milliseconds')
})

test.each(['gzip', 'br', 'zstd'])('a compressed body is refused, however small it says it is: %s', async encoding => {
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  server.paths.set(
    '/a',
    (_request, response) => void response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
  )
  const error = await refusal(get(['/a']))
  expect([error.code, error.kind]).toEqual(['materials/fetch-failed', 'unknown'])
  expect(error.found).toContain(`content-encoding: ${encoding}`)
})

test.each([403, 404, 418, 204, 300, 304])('status %i is no file', async status => {
  server.paths.set('/a', (_request, response) => void response.writeHead(status).end())
  expect((await refusal(get(['/a']))).code).toBe('materials/fetch-failed')
  expect(server.asked).toHaveLength(1)
})

test.each([503, 429])('status %i may be another one a moment later', async status => {
  server.paths.set('/a', (request, response, count) => {
    if (count < 3) response.writeHead(status).end()
    else honest(BYTES)(request, response, count)
  })
  expect((await get(['/a'])).bytesRead.equals(BYTES)).toBe(true)
})

test('a redirect to another host is followed and told; the digest decides', async () => {
  server.paths.set('/a', redirect(`http://localhost:${server.port}/b?sig=secret`, 301))
  server.paths.set('/b', redirect('/c', 307))
  server.paths.set('/c', honest(BYTES))
  const got = await get(['/a'])
  expect(got.hosts).toEqual([`127.0.0.1:${server.port}`, `localhost:${server.port}`])
  server.paths.set('/c', honest(OTHER))
  expect((await refusal(get(['/a']))).code).toBe('materials/other-bytes')
})

test.each([
  ['without end', () => '/a'],
  ['with a login', () => `http://bob:secret@127.0.0.1:${server.port}/c`],
  ['to another scheme', () => 'ftp://127.0.0.1/c'],
  ['to a file of this machine', () => 'file:///etc/passwd'],
  ['to nowhere', () => 'http://['],
  ['without TLS', () => 'http://example.com/c'],
])('a redirect %s is refused', async (_what, to) => {
  server.paths.set('/a', redirect(to()))
  server.paths.set('/c', honest(BYTES))
  const error = await refusal(get(['/a']))
  expect(error.code).toBe('materials/fetch-failed')
  expect(error.found).not.toContain('secret')
})

test('13-adversary 39: a redirect to an address inside is not followed', async () => {
  const asked: string[] = []
  const resolve: Resolver = async host => {
    asked.push(host)
    return [{ address: host === 'inside.example' ? '10.0.0.7' : '127.0.0.1', family: 4 }]
  }
  const guard = addressGuard({ private: false, named: [`127.0.0.1:${server.port}`], pin: true }, resolve)
  for (const to of ['https://inside.example/c', 'https://169.254.169.254/latest/meta-data/', 'https://[::1]/c']) {
    server.paths.set('/a', redirect(to))
    const wanted = wantedOf(BYTES)
    const path = join(folder, String(count++))
    const error = await refusal(download({ wanted, addresses: [{ url: `${server.url}/a`, guard }], path }, ports()))
    expect([error.code, error.found]).toEqual(['materials/fetch-failed', expect.stringContaining('is not a place')])
  }
  expect(asked).toEqual(['inside.example'])
})

test('13-adversary 43: bytes of all downloads together are bounded, and the rest is unknown', async () => {
  server.paths.set('/a', honest(BYTES))
  const budget = new FetchBudget(400_000)
  await get(['/a'], wantedOf(BYTES), { budget })
  const error = await refusal(get(['/a'], wantedOf(BYTES), { budget }))
  expect([error.code, error.kind]).toEqual(['materials/out-of-bytes', 'unknown'])
})

test('13-adversary 43: the deadline ends what is under way, and asks no mirror more', async () => {
  const stop = new AbortController()
  server.paths.set('/a', () => stop.abort())
  const error = await refusal(get(['/a', '/b'], wantedOf(BYTES), { signal: stop.signal }))
  expect([error.code, error.kind]).toEqual(['materials/deadline', 'unknown'])
  expect(server.asked).toHaveLength(1)
})

test('13-adversary 39: without an address that may be asked nothing is asked', async () => {
  expect((await refusal(get([]))).code).toBe('materials/fetch-failed')
})

describe('what lies beside a material', () => {
  const beside = (path: string, maxBytes = 100, more: Partial<DownloadPorts> = {}) =>
    fetchBeside({ url: `${server.url}${path}`, guard: within }, maxBytes, ports(more))

  test('is read whole, also after a pause', async () => {
    server.paths.set('/s', (_request, response, count) => void response.writeHead(count === 1 ? 503 : 200).end('sig'))
    expect(Buffer.from(await beside('/s')).toString()).toBe('sig')
  })

  test('is rejected where there is none, and unknown where nobody answers', async () => {
    expect((await refusal(beside('/none'))).code).toBe('materials/beside-missing')
    server.paths.set('/s', (_request, response) => void response.writeHead(403).end())
    expect((await refusal(beside('/s'))).code).toBe('materials/fetch-refused')
    server.paths.set('/s', () => {})
    expect((await refusal(beside('/s', 100, { timing: { ...TIMING, idleMs: 50 } }))).code).toBe('core/unreachable')
  })

  test('is refused when it is too large, or drips', async () => {
    server.paths.set('/s', (_request, response) => void response.writeHead(200).end('x'.repeat(101)))
    expect((await refusal(beside('/s'))).code).toBe('core/answer-too-large')
    server.paths.set('/s', (_request, response) => {
      const timer = setInterval(() => (response.destroyed ? clearInterval(timer) : response.write('x')), 20)
      response.writeHead(200)
    })
    const slow = beside('/s', 100_000, { timing: { ...TIMING, slowMs: 150 } })
    expect((await refusal(slow)).code).toBe('core/unreachable')
  })
})

describe('the cache', () => {
  const wanted = wantedOf(BYTES)
  const hex = wanted.digest.get('sha256') ?? ''

  async function keep(bytes: Uint8Array): Promise<string> {
    const path = join(folder, String(count++))
    await writeFile(path, bytes)
    await intoCache(join(folder, 'cache'), wanted.digest, path)
    return join(folder, 'cache/sha256', hex)
  }

  test('gives back what it was given, hashed anew', async () => {
    await keep(BYTES)
    const path = join(folder, 'out')
    const facts = await fromCache(join(folder, 'cache'), { ...wanted, also: ['blake2b512'] }, path)
    expect(facts?.bytes).toBe(BYTES.byteLength)
    expect(facts?.digests.has('blake2b512')).toBe(true)
    expect((await readFile(path)).equals(BYTES)).toBe(true)
  })

  test('takes in nothing that is called by another digest', async () => {
    await keep(OTHER)
    expect(await readdir(join(folder, 'cache/sha256'))).toEqual([])
  })

  test('is never trusted: what somebody else put there is thrown away', async () => {
    const kept = await keep(BYTES)
    await writeFile(kept, OTHER)
    const path = join(folder, 'out')
    expect(await fromCache(join(folder, 'cache'), wanted, path)).toBeUndefined()
    expect(await readdir(join(folder, 'cache/sha256'))).toEqual([])
    await expect(readFile(path)).rejects.toThrow('ENOENT')
  })

  test('says nothing of what it does not have, of what is larger than asked for, and of what has no digest', async () => {
    const path = join(folder, 'out')
    expect(await fromCache(join(folder, 'cache'), wanted, path)).toBeUndefined()
    await keep(BYTES)
    expect(await fromCache(join(folder, 'cache'), { ...wanted, size: 10 }, path)).toBeUndefined()
    expect(await fromCache(join(folder, 'cache'), { ...wanted, digest: new Map() }, path)).toBeUndefined()
  })
})
