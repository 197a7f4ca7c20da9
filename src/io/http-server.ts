import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'

/** All that an answer may depend on. */
export interface ServedRequest {
  readonly method: string
  /** Without query. */
  readonly path: string
  /** The Host header as sent. */
  readonly host: string | undefined
}

export interface ServedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** A server that listens. */
export interface HttpListener {
  /** `127.0.0.1:8080` */
  readonly address: string
  /** Takes no more connections, lets requests under way end, and cuts what is left after `LIMITS.serveStopMs`. */
  stop(): Promise<void>
}

/**
 * Serves small answers to anybody: headers, time, connections and requests bounded, bodies of requests refused unread.
 * @param answer what it throws is answered with 500 and no word about why, and given to `failed`.
 * @throws `serve/not-listening`
 */
export async function listen(
  at: { readonly host: string; readonly port: number },
  answer: (request: ServedRequest) => Promise<ServedAnswer>,
  failed: (error: unknown) => void,
): Promise<HttpListener> {
  const all = new Allowance(LIMITS.serveRequests)
  const each = new WeakMap<object, Allowance>()
  const allowed = (connection: object): boolean => {
    const own = each.get(connection) ?? new Allowance(LIMITS.serveRequestsOfOne)
    each.set(connection, own)
    return own.take() && all.take()
  }
  const server = createServer(
    {
      maxHeaderSize: LIMITS.serveHeaderBytes,
      headersTimeout: LIMITS.serveHeaderMs,
      requestTimeout: LIMITS.serveHeaderMs,
      keepAliveTimeout: LIMITS.serveHeaderMs,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      respond(request, response, { answer, failed, allowed: allowed(request.socket) })
    },
  )
  server.maxConnections = LIMITS.serveConnections
  server.maxHeadersCount = 50
  // What is no HTTP is not answered with words about it.
  server.on('clientError', (_error, socket) => socket.destroy())
  const address = await begun(server, at)
  return { address, stop: () => stopped(server) }
}

interface Answering {
  readonly answer: (request: ServedRequest) => Promise<ServedAnswer>
  readonly failed: (error: unknown) => void
  readonly allowed: boolean
}

async function respond(request: IncomingMessage, response: ServerResponse, how: Answering): Promise<void> {
  const { method = '', url = '', headers } = request
  response.on('error', () => {})
  const body = Number(headers['content-length'] ?? 0) !== 0 || headers['transfer-encoding'] !== undefined
  if (body) return write(response, method, { status: 413, headers: { connection: 'close' }, body: 'no body\n' })
  if (!how.allowed)
    return write(response, method, { status: 429, headers: { 'retry-after': '1' }, body: 'too many requests\n' })
  try {
    const [path = ''] = url.split('?', 1)
    write(response, method, await how.answer({ method, path, host: headers.host }))
  } catch (error) {
    how.failed(error)
    write(response, method, { status: 500, body: 'not available\n' })
  }
}

function write(response: ServerResponse, method: string, { status, headers, body = '' }: ServedAnswer): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-length': bytes.byteLength,
    ...headers,
  })
  response.end(method === 'HEAD' ? undefined : bytes)
}

/** So many a second, and at once no more than that. */
class Allowance {
  readonly #most: number
  #left: number
  #at = performance.now()

  constructor(most: number) {
    this.#most = most
    this.#left = most
  }

  take(): boolean {
    const now = performance.now()
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1_000) * this.#most)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

function begun(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', error => {
      const found = printable((error as NodeJS.ErrnoException).code ?? error.message)
      reject(fail('serve/not-listening', `Cannot listen on ${printable(host)}:${port}`, { found, cause: error }))
    })
    server.listen({ host, port, exclusive: true }, () => {
      const { address, family, port: taken } = server.address() as AddressInfo
      resolve(`${family === 'IPv6' ? `[${address}]` : address}:${taken}`)
    })
  })
}

function stopped(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), LIMITS.serveStopMs)
  return new Promise(resolve => {
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}
