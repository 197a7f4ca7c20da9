import { request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { type HttpAnswer, isLoopbackHost, readBounded, unreachable } from './http.ts'

/** How one server is reached: its authorities, a client certificate, a proxy; as node:https takes them. */
export type ServerAccess = Pick<RequestOptions, 'agent' | 'auth'> &
  Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'servername'> & {
    readonly headers?: Readonly<Record<string, string>>
  }

/** Connections to one server, with its own authorities instead of those that everything else trusts. */
export interface OwnServer {
  /**
   * Reads one answer whole, whatever its status. Redirects are returned, never followed.
   * @throws `core/unreachable` (no answer, or one that breaks off), `core/certificate-refused`, `core/answer-too-large`,
   * `core/plain-http`
   */
  get(url: string, limits: { readonly maxBytes: number; readonly signal: AbortSignal }): Promise<HttpAnswer>
  close(): void
}

/** @param access without an agent the variables HTTPS_PROXY and NO_PROXY decide, as everywhere. */
export function ownServer({ headers = {}, agent: given, ...access }: ServerAccess): OwnServer {
  // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: a server that nobody vouches for proves nothing.
  const own = new Agent({ ...access, rejectUnauthorized: true, keepAlive: true, proxyEnv: process.env })
  const agent = given ?? own
  return {
    get: async (text, { maxBytes, signal }) => {
      const url = new URL(text)
      const secure = url.protocol === 'https:'
      if (!secure && !(url.protocol === 'http:' && isLoopbackHost(url.hostname)))
        throw fail('core/plain-http', `Refusing to talk to ${url.host} without TLS`, {
          expected: 'https',
          found: url.protocol.replace(':', ''),
        })
      const options = { headers: { 'user-agent': 'waybill', ...headers }, signal, maxHeaderSize: LIMITS.headerBytes }
      const message = await new Promise<IncomingMessage>((resolve, reject) => {
        const outgoing = secure
          ? httpsRequest(url, { ...access, ...options, agent, rejectUnauthorized: true })
          : httpRequest(url, options)
        outgoing.on('error', reject)
        outgoing.on('response', resolve)
        outgoing.end()
      }).catch(error => {
        throw unreachable(url, error)
      })
      const answered = Object.entries(message.headersDistinct).map(([name, values]) => [name, values?.join(', ') ?? ''])
      const body = await readBounded(message, maxBytes, text)
      return { status: message.statusCode ?? 0, headers: Object.fromEntries(answered), body }
    },
    close: () => own.destroy(),
  }
}
