import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** One request that went through, in order of arrival. */
export interface Passed {
  readonly method: string
  readonly path: string
  /** Who asked, as it says. */
  readonly agent: string
  /** Number of the connection it came on. */
  readonly connection: number
  /** What the answer said in `Location`. */
  location?: string
}

export interface DelayProxy {
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly url: string
  readonly passed: readonly Passed[]
  /** Connections that carried a request or were only opened. */
  connections(): number
  /** Forgets what was counted, and closes idle connections so that nobody begins warm. */
  reset(): void
  close(): Promise<void>
}

/**
 * A reverse proxy that makes a service on this machine as far away as a real one: each request waits `delayMs`, and
 * a new connection takes `delayMs` before its first request begins to wait.
 */
export async function startDelayProxy(target: string, delayMs: number): Promise<DelayProxy> {
  const upstream = new Agent({ keepAlive: true })
  const readyAt = new WeakMap<Socket, number>()
  const numbers = new WeakMap<Socket, number>()
  const passed: Passed[] = []
  let connections = 0
  const server = createServer((incoming, response) => {
    const { socket } = incoming
    const record: Passed = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      agent: incoming.headers['user-agent'] ?? '',
      connection: numbers.get(socket) ?? 0,
    }
    passed.push(record)
    const handshake = Math.max(0, (readyAt.get(socket) ?? 0) - performance.now())
    setTimeout(() => forward(target, upstream, incoming, response, record), handshake + delayMs)
  })
  server.on('connection', socket => {
    readyAt.set(socket, performance.now() + delayMs)
    numbers.set(socket, ++connections)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    url: `http://${host}`,
    passed,
    connections: () => connections,
    reset: () => {
      passed.length = 0
      connections = 0
      server.closeIdleConnections()
    },
    close: () =>
      new Promise(resolve => {
        upstream.destroy()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The Host header stays the client's, so that every address the service gives leads back through the proxy. */
function forward(
  target: string,
  agent: Agent,
  incoming: IncomingMessage,
  response: ServerResponse,
  record: Passed,
): void {
  const { method, url, headers } = incoming
  const outgoing = request(new URL(url ?? '/', target), { method, headers, agent }, answer => {
    if (answer.headers.location !== undefined) record.location = answer.headers.location
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    answer.pipe(response)
  })
  outgoing.on('error', () => incoming.socket.destroy())
  incoming.pipe(outgoing)
}
