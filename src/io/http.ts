import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { type Pin, pinnedLookup } from './address.ts'
import { pinName, WarmHttpAgent, WarmHttpsAgent } from './warm-agent.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes, or a function that opens a fresh stream for each attempt (with `content-length` given in `headers`). */
  readonly body?: Uint8Array | (() => Readable)
  /** Largest answer kept, in bytes; default `LIMITS.serviceAnswerBytes`. */
  readonly maxBytes?: number
  /** Until the answer's headers and (for `send`) the whole body have arrived; default `LIMITS.requestMs`. */
  readonly timeoutMs?: number
  /** Where this host is: only these addresses are connected to, and only connections of the same pin are used again. */
  readonly pin?: Pin
}

export interface HttpAnswer {
  readonly status: number
  /** Lower-case names; repeated headers joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface HttpStream {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
}

/** One line of what was asked, for request counts and debugging. Never headers or bodies. */
export interface HttpRecord {
  readonly method: string
  readonly origin: string
  readonly path: string
  readonly status: number | 'failed'
  readonly ms: number
}

/** Connections to one host at the same time. */
const MAX_SOCKETS = 16

/**
 * The one HTTP door: keep-alive pool, bounded answers, timeouts; redirects are returned, never followed, because
 * credentials belong to an origin and only the caller knows which.
 * Plain `http:` is refused unless the host is loopback or listed, so that a digest or token never crosses in the clear.
 */
export class HttpClient {
  readonly records: HttpRecord[] = []
  readonly #plainHosts: ReadonlySet<string>
  readonly #http: WarmHttpAgent
  readonly #https: WarmHttpsAgent

  /** @param options.plainHttpHosts `host[:port]` where plain http is accepted besides loopback (`insecure-registries`). */
  constructor(options: { plainHttpHosts?: readonly string[] } = {}) {
    this.#plainHosts = new Set(options.plainHttpHosts ?? [])
    const pool = { keepAlive: true, maxSockets: MAX_SOCKETS, proxyEnv: process.env }
    this.#http = new WarmHttpAgent(pool)
    this.#https = new WarmHttpsAgent(pool)
  }

  /**
   * Sends and reads the whole answer, whatever its status.
   * @throws `core/unreachable` (no answer), `core/certificate-refused`, `core/answer-too-large`, `core/plain-http`
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = AbortSignal.timeout(request.timeoutMs ?? LIMITS.requestMs)
    const answer = await this.stream(request, deadline)
    const maxBytes = request.maxBytes ?? LIMITS.serviceAnswerBytes
    // Said to be too large is too large: nothing of it is fetched.
    if (request.method !== 'HEAD' && Number(answer.headers['content-length'] ?? 0) > maxBytes) {
      answer.body.destroy()
      throw tooLarge(request.url, maxBytes)
    }
    return { ...answer, body: await readBounded(answer.body, maxBytes, request.url) }
  }

  /** Sends and returns the answer with its body unread; the caller must consume or destroy it. */
  async stream(request: HttpRequest, signal?: AbortSignal): Promise<HttpStream> {
    const url = this.#checkedUrl(request.url)
    const started = performance.now()
    try {
      const message = await this.#exchange(url, request, signal)
      this.#record(request, url, message.statusCode ?? 0, started)
      return { status: message.statusCode ?? 0, headers: joinHeaders(message), body: message }
    } catch (error) {
      this.#record(request, url, 'failed', started)
      throw unreachable(url, error)
    }
  }

  /**
   * Opens connections ahead of their first request and asks nothing; whatever goes wrong is told by the request itself.
   * Does nothing behind a proxy, where only the proxy knows the way.
   */
  warm(text: string, connections: number): void {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || !this.#mayAsk(url) || hasProxy(process.env)) return
    const secure = url.protocol === 'https:'
    const target = { host: url.hostname, port: Number(url.port) || (secure ? 443 : 80) }
    const agent = secure ? this.#https : this.#http
    agent.warm(target, Math.min(connections, MAX_SOCKETS))
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  #exchange(url: URL, request: HttpRequest, signal?: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:'
      const begin = secure ? httpsRequest : httpRequest
      const body = request.body
      const headers: Record<string, string | number> = { 'user-agent': 'waybill', ...request.headers }
      if (body instanceof Uint8Array) headers['content-length'] = body.byteLength
      const outgoing = begin(url, {
        method: request.method,
        headers,
        agent: secure ? this.#https : this.#http,
        maxHeaderSize: LIMITS.headerBytes,
        timeout: request.timeoutMs ?? LIMITS.requestMs,
        ...(request.pin === undefined ? {} : { lookup: pinnedLookup(request.pin), pinnedTo: pinName(request.pin) }),
        ...(signal === undefined ? {} : { signal }),
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
      outgoing.on('error', reject)
      outgoing.on('response', message => {
        // Answered before all was sent: nobody reads the rest, and waiting for that would hold the connection.
        message.once('end', () => outgoing.writableFinished || outgoing.destroy())
        resolve(message)
      })
      if (typeof body === 'function') {
        const source = body()
        source.on('error', error => outgoing.destroy(error))
        // An exchange that ends early (refused upload, cut connection) must not leave a file open.
        outgoing.on('close', () => source.destroy())
        source.pipe(outgoing)
      } else outgoing.end(body)
    })
  }

  #checkedUrl(text: string): URL {
    let url: URL
    try {
      url = new URL(text)
    } catch {
      throw fail('core/plain-http', `${printable(text, 200)} is not a URL`, { expected: 'an https URL' })
    }
    if (this.#mayAsk(url)) return url
    throw fail('core/plain-http', `Refusing to talk to ${url.host} without TLS`, {
      expected: 'https',
      found: url.protocol.replace(':', ''),
    })
  }

  #mayAsk(url: URL): boolean {
    const isPlain = url.protocol === 'http:'
    return url.protocol === 'https:' || (isPlain && (isLoopbackHost(url.hostname) || this.#plainHosts.has(url.host)))
  }

  #record(request: HttpRequest, url: URL, status: number | 'failed', started: number): void {
    this.records.push({
      method: request.method,
      origin: url.origin,
      path: url.pathname,
      status,
      ms: Math.round(performance.now() - started),
    })
  }
}

function hasProxy(env: NodeJS.ProcessEnv): boolean {
  return Object.keys(env).some(name => /^(https?|all)_proxy$/i.test(name) && env[name] !== '')
}

/** `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`. */
export function isLoopbackHost(hostname: string): boolean {
  return /^(127(\.\d{1,3}){3}|\[::1\]|::1|localhost|[a-z0-9-]+\.localhost)$/.test(hostname)
}

/** @throws `core/answer-too-large`, `core/unreachable` when the body breaks off. */
export async function readBounded(body: Readable, maxBytes: number, url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of body) {
      size += (part as Uint8Array).byteLength
      if (size > maxBytes) {
        body.destroy()
        throw tooLarge(url, maxBytes)
      }
      parts.push(part as Uint8Array)
    }
  } catch (error) {
    throw unreachable(new URL(url), error)
  }
  return new Uint8Array(Buffer.concat(parts, size))
}

function tooLarge(url: string, maxBytes: number): Error {
  return fail('core/answer-too-large', `The answer of ${new URL(url).origin} is larger than accepted`, {
    expected: `at most ${maxBytes} bytes`,
  })
}

function joinHeaders(message: IncomingMessage): Record<string, string> {
  const joined: Record<string, string> = {}
  for (const [name, values] of Object.entries(message.headersDistinct)) joined[name] = (values ?? []).join(', ')
  return joined
}

/** Codes of node:tls about the other side's certificate, which are OpenSSL's names and its own check of host names. */
const CERTIFICATE_REFUSED = /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA$|ERR_TLS_CERT_)/

/** `core/unreachable` or `core/certificate-refused` for what node:http and node:tls throw; ours stay what they are. */
export function unreachable(url: URL, error: unknown): unknown {
  if (error instanceof Error && error.name === 'WaybillError') return error
  const reason = error instanceof Error ? error.message : String(error)
  // Asking again changes nothing, and what to do is another thing.
  if (error instanceof Error && CERTIFICATE_REFUSED.test(String((error as NodeJS.ErrnoException).code)))
    return fail('core/certificate-refused', `The certificate of ${url.host} is not one this machine trusts`, {
      expected: 'a certificate for this host by an authority that is trusted here',
      found: reason,
      cause: error,
    })
  return fail('core/unreachable', `No usable answer from ${url.origin}${url.pathname}`, { found: reason, cause: error })
}
