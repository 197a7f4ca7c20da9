import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { HttpClient } from '../../src/io/http.ts'

let server: Server
let base: string
let client: HttpClient
let accepted: Socket[]
let used: Set<Socket>

beforeEach(async () => {
  accepted = []
  used = new Set()
  server = createServer((request, response) => {
    used.add(request.socket)
    response.end('hello')
  })
  server.on('connection', socket => accepted.push(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  client = new HttpClient()
})

afterEach(async () => {
  client.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const get = () => client.send({ method: 'GET', url: `${base}/` })

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}

test('connections opened ahead ask nothing and carry the first requests', async () => {
  client.warm(base, 2)
  await until(() => accepted.length === 2)
  expect(used.size).toBe(0)
  expect(client.records).toEqual([])
  const answers = await Promise.all([get(), get()])
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect(used).toEqual(new Set(accepted))
  await get()
  expect(accepted).toHaveLength(2)
})

test('what is open already counts, so that warming twice opens nothing more', async () => {
  await get()
  client.warm(base, 2)
  client.warm(base, 2)
  await until(() => accepted.length >= 2)
  await Promise.all([get(), get()])
  expect(accepted).toHaveLength(2)
})

test('a waiting connection that the server closed is passed over', async () => {
  client.warm(base, 1)
  await until(() => accepted.length === 1)
  accepted[0]?.destroy()
  await new Promise(resolve => setTimeout(resolve, 50))
  expect((await get()).status).toBe(200)
  expect(accepted).toHaveLength(2)
})

test('a host that does not answer is told by the request, not by the warming', async () => {
  const gone = base.replace(/\d+$/, '1')
  client.warm(gone, 1)
  await new Promise(resolve => setTimeout(resolve, 50))
  await expect(client.send({ method: 'GET', url: gone })).rejects.toMatchObject({ code: 'core/unreachable' })
})

test.each(['http://example.com', 'not a url', 'ftp://127.0.0.1', ''])('warming %j does nothing', url => {
  client.warm(url, 3)
  expect(client.records).toEqual([])
})

test('close() ends the connections that waited', async () => {
  client.warm(base, 3)
  await until(() => accepted.length === 3)
  client.close()
  await until(() => accepted.every(socket => socket.destroyed || socket.readableEnded))
  expect(used.size).toBe(0)
})
