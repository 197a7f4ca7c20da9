import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { HttpClient, isLoopbackHost } from '../../src/io/http.ts'

let server: Server
let base: string
let client: HttpClient
let sockets: Set<unknown>
const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  '/hello': (_request, response) => response.setHeader('x-a', ['1', '2']).end('hello'),
  '/echo': (request, response) => request.pipe(response),
  '/headers': (request, response) => response.end(JSON.stringify(request.headers)),
  '/redirect': (_request, response) => response.writeHead(302, { location: '/hello' }).end(),
  '/large': (_request, response) => response.end(Buffer.alloc(2000)),
  '/endless': (_request, response) =>
    void Readable.from(chunks())
      .on('error', () => {})
      .pipe(response),
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('half', () => response.destroy())
  },
  '/silent': () => {},
  '/announced': (_request, response) => {
    response.writeHead(200, { 'content-length': String(1024 ** 3) })
    response.write('{')
  },
  '/trickle': (_request, response) => {
    response.write('a')
    const timer = setInterval(() => response.write('a'), 20)
    response.on('close', () => clearInterval(timer))
  },
  '/long-header': (_request, response) => response.writeHead(200, { 'x-long': 'a'.repeat(40_000) }).end(),
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(16_384)
}

beforeEach(async () => {
  sockets = new Set()
  server = createServer((request, response) => {
    sockets.add(request.socket)
    const route = routes[request.url ?? '']
    if (route === undefined) response.writeHead(404).end('no such route')
    else route(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  client = new HttpClient()
})

afterEach(async () => {
  client.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const get = (path: string, more: object = {}) => client.send({ method: 'GET', url: `${base}${path}`, ...more })
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

test('send() gives status, joined headers and body, whatever the status', async () => {
  const answer = await get('/hello')
  expect([answer.status, answer.headers['x-a'], text(answer.body)]).toEqual([200, '1, 2', 'hello'])
  expect((await get('/nowhere')).status).toBe(404)
})

test('send() sends bytes with their length and streams opened afresh', async () => {
  const bytes = await client.send({ method: 'POST', url: `${base}/echo`, body: new TextEncoder().encode('grüße') })
  expect(text(bytes.body)).toBe('grüße')
  const open = () => Readable.from([Buffer.from('one '), Buffer.from('two')])
  const stream = await client.send({
    method: 'PUT',
    url: `${base}/echo`,
    headers: { 'content-length': '7' },
    body: open,
  })
  expect(text(stream.body)).toBe('one two')
})

test('send() keeps one connection alive for requests after each other', async () => {
  for (let i = 0; i < 5; i++) await get('/hello')
  expect(sockets.size).toBe(1)
})

test('send() returns a redirect instead of following it', async () => {
  const answer = await get('/redirect')
  expect([answer.status, answer.headers.location]).toEqual([302, '/hello'])
})

test('send() stops reading above the bound', async () => {
  expect((await get('/large', { maxBytes: 2000 })).body.byteLength).toBe(2000)
  await expect(get('/large', { maxBytes: 1999 })).rejects.toMatchObject({ code: 'core/answer-too-large' })
  await expect(get('/endless', { maxBytes: 100_000 })).rejects.toMatchObject({ code: 'core/answer-too-large' })
})

test('13-adversary 43: an answer that announces a gigabyte is refused before it comes', async () => {
  await expect(get('/announced')).rejects.toMatchObject({ code: 'core/answer-too-large' })
})

test.each(['/silent', '/trickle', '/cut'])('send() of %s ends as unreachable, in time', async path => {
  const started = performance.now()
  await expect(get(path, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'core/unreachable', kind: 'unknown' })
  expect(performance.now() - started).toBeLessThan(60_000)
})

test('send() to nobody is unreachable', async () => {
  await new Promise(resolve => server.close(resolve))
  await expect(get('/hello')).rejects.toMatchObject({ code: 'core/unreachable' })
})

test('send() refuses headers above the limit', async () => {
  await expect(get('/long-header')).rejects.toMatchObject({ code: 'core/unreachable' })
})

test.each([
  'http://registry.example/',
  'http://127.0.0.1.evil.example/',
  'http://10.0.0.1/',
  'ftp://127.0.0.1/',
  'file:///etc/passwd',
  'not a url',
  '',
])('send() refuses %j without talking to anybody', async url => {
  await expect(client.send({ method: 'GET', url })).rejects.toMatchObject({ code: 'core/plain-http' })
  expect(client.records).toEqual([])
})

test('plain http is allowed for a listed host, with exactly its port', async () => {
  const listed = new HttpClient({ plainHttpHosts: ['registry.example:5000'] })
  const asked = (url: string) => listed.send({ method: 'GET', url, timeoutMs: 500 })
  await expect(asked('http://registry.example/')).rejects.toMatchObject({ code: 'core/plain-http' })
  await expect(asked('http://registry.example:5000/')).rejects.not.toMatchObject({ code: 'core/plain-http' })
  listed.close()
})

test('records hold method, origin, path and status, and neither query nor headers', async () => {
  await client.send({ method: 'GET', url: `${base}/hello?token=secret`, headers: { authorization: 'secret' } })
  expect(client.records).toEqual([{ method: 'GET', origin: base, path: '/hello', status: 404, ms: expect.any(Number) }])
})

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['[::1]', true],
  ['localhost', true],
  ['a.localhost', true],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['evil-localhost', false],
  ['0.0.0.0', false],
  ['[::]', false],
])('isLoopbackHost(%s) is %s', (host, is) => {
  expect(isLoopbackHost(host)).toBe(is)
})
