import type { Readable } from 'node:stream'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { HttpAnswer, HttpClient, HttpRequest } from '../io/http.ts'
import { type RetryClock, realClock, retryAfterMs, withRetry } from '../io/retry.ts'
import { type Action, Authorizer, type Need, type UrlGuard } from './auth.ts'
import type { CredentialSource } from './credentials.ts'
import { headersForHop, mayRedirect, originOf } from './origin.ts'
import { Patience } from './patience.ts'
import type { Repository } from './reference.ts'
import { refusal } from './refusal.ts'

export interface TransportOptions {
  readonly http: HttpClient
  readonly credentials: CredentialSource
  /** Registry hosts spoken to without TLS (`insecure-registries`); the `HttpClient` must have the same list. */
  readonly plainHttpHosts?: readonly string[]
  readonly clock?: RetryClock
  /** Token servers that may be asked besides a registry's own, by registry host. */
  readonly realms?: Readonly<Record<string, readonly string[]>>
  /** Asked about every URL before it is, redirects and token servers too (13-adversary 32, 39). */
  readonly guard?: UrlGuard
}

export interface RegistryRequest {
  readonly method: HttpRequest['method']
  readonly repository: Repository
  readonly action: Action
  readonly alsoPull?: string
  /** A path below `/v2/<repository>/`, or a URL the registry gave (upload location, next page). */
  readonly path: string | URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | (() => Readable)
  readonly maxBytes?: number
  readonly timeoutMs?: number
  /** Tries altogether; 1 for a request that must not be repeated blindly (the end of an upload). */
  readonly attempts?: number
  /** False: a redirect is an answer like any other. */
  readonly follow?: boolean
}

/**
 * Carries requests to registries: login, retries with Retry-After, redirects by hand, one kind of error.
 * Safe to use concurrently; connections and tokens are shared.
 */
export class RegistryTransport {
  readonly clock: RetryClock
  readonly #options: TransportOptions
  readonly #authorizer: Authorizer
  readonly #patience = new Map<string, Patience>()

  constructor(options: TransportOptions) {
    this.#options = options
    this.clock = options.clock ?? realClock
    const { http, credentials, realms, guard } = options
    this.#authorizer = new Authorizer({
      http,
      credentials,
      clock: this.clock,
      ...(realms === undefined ? {} : { realms }),
      ...(guard === undefined ? {} : { guard }),
    })
  }

  /**
   * The answer if its status is one of `accepted`.
   * @throws `registry/unauthorized`, `registry/forbidden`, `registry/not-found`, `registry/rate-limited`,
   * `registry/unavailable`, `registry/unreachable`, `registry/unexpected-answer`, `registry/redirect-refused`, …
   */
  async request(request: RegistryRequest, accepted: readonly number[]): Promise<HttpAnswer> {
    const answer = await this.send(request)
    if (accepted.includes(answer.status)) return answer
    throw refusal(request, answer, await this.#authorizer.hasLogin(request.repository))
  }

  /** The answer whatever its status, after login and retries. @throws `registry/unreachable`, `registry/redirect-refused` … */
  async send(request: RegistryRequest): Promise<HttpAnswer> {
    const patience = this.#patienceWith(request.repository)
    const { attempts } = request
    const attempt = async (): Promise<HttpAnswer> => {
      await patience.turn()
      const answer = await this.#authorized(request)
      patience.heed(answer)
      return answer
    }
    try {
      const { clock, leftMs: budgetMs } = patience
      return await withRetry(attempt, { clock, budgetMs, ...(attempts === undefined ? {} : { attempts }) })
    } catch (error) {
      throw unreachable(request.repository.host, error)
    }
  }

  /** Waits before something that is not repeated blindly is tried once more; as long as `answer` asks for, if it does. */
  async pause(repository: Repository, round: number, answer?: HttpAnswer): Promise<void> {
    const { clock, leftMs } = this.#patienceWith(repository)
    const asked = retryAfterMs(answer?.headers['retry-after'], clock.now()) ?? 0
    await clock.sleep(Math.min(leftMs, asked + Math.round(clock.random() * 200 * round)))
  }

  /** Opens connections ahead of their first request; none under a guard, which has not spoken yet. */
  warm(repository: Repository, connections: number): void {
    if (this.#options.guard !== undefined) return
    this.#options.http.warm(this.originOf(repository).href, connections)
  }

  originOf(repository: Repository): URL {
    return originOf(repository, this.#options.plainHttpHosts ?? [])
  }

  /** @param path below `/v2/<repository>/` */
  urlOf(repository: Repository, path: string): URL {
    return new URL(`/v2/${repository.repository}/${path}`, this.originOf(repository))
  }

  /**
   * The URL a registry gave in a header, resolved; undefined when it is none that may be asked.
   * @param base where the answer came from; default: the registry's API root.
   */
  resolveLocation(
    repository: Repository,
    location: string | undefined,
    base: URL = this.originOf(repository),
  ): URL | undefined {
    const origin = this.originOf(repository)
    if (location === undefined || !URL.canParse(location, base.href)) return undefined
    const url = new URL(location, base)
    // Behind a front end that ends TLS some registries write http; it is the same place, asked as it must be.
    if (url.host === origin.host && url.protocol === 'http:') url.protocol = origin.protocol
    // A foreign host must not choose what the registry is asked with our login.
    if (url.origin === origin.origin) return base.origin === origin.origin ? url : undefined
    return mayRedirect(base, url) && mayRedirect(origin, url) ? url : undefined
  }

  #patienceWith({ host }: Repository): Patience {
    const known = this.#patience.get(host) ?? new Patience(this.clock)
    this.#patience.set(host, known)
    return known
  }

  async #authorized(request: RegistryRequest): Promise<HttpAnswer> {
    const { repository, action, alsoPull } = request
    const home = this.originOf(repository)
    const need: Need = { repository, action, ...(alsoPull === undefined ? {} : { alsoPull }) }
    const url = request.path instanceof URL ? request.path : this.urlOf(repository, request.path)
    // A foreign upload host never asks for the registry's login.
    if (url.origin !== home.origin) return this.#follow(request, url, home, undefined)
    const sent = await this.#authorizer.header(need, home)
    const answer = await this.#follow(request, url, home, sent)
    if (answer.status !== 401 || answer.headers['www-authenticate'] === undefined) return answer
    const better = await this.#authorizer.afterRefusal(need, home, answer, sent)
    return better === undefined ? answer : this.#follow(request, url, home, better)
  }

  async #follow(
    request: RegistryRequest,
    start: URL,
    home: URL,
    authorization: string | undefined,
  ): Promise<HttpAnswer> {
    let url = start
    let hasLeftHome = false
    for (let hop = 0; hop <= LIMITS.redirects; hop++) {
      hasLeftHome ||= url.origin !== home.origin
      const pin = await this.#options.guard?.(url)
      const headers = headersForHop(url, home, hasLeftHome, request.headers ?? {}, authorization)
      const answer = await this.#options.http.send({
        method: request.method,
        url: url.href,
        headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(request.maxBytes === undefined ? {} : { maxBytes: request.maxBytes }),
        ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
        ...(pin === undefined ? {} : { pin }),
      })
      if (request.follow === false || !isRedirect(answer, request.method)) {
        // A storage host's 401 says nothing about the registry's login.
        return hasLeftHome && answer.status === 401 ? { ...answer, status: 403 } : answer
      }
      url = nextHop(url, answer, request.repository.host)
    }
    throw fail('registry/redirect-refused', `${request.repository.host} redirects too often`, {
      expected: `at most ${LIMITS.redirects} redirects`,
    })
  }
}

/** 301–303 would turn a write into a read, so only 307 and 308 move those. */
function isRedirect(answer: HttpAnswer, method: string): boolean {
  if (answer.headers.location === undefined) return false
  const kept = answer.status === 307 || answer.status === 308
  return kept || ((method === 'GET' || method === 'HEAD') && answer.status >= 301 && answer.status <= 303)
}

function nextHop(from: URL, answer: HttpAnswer, host: string): URL {
  const location = answer.headers.location ?? ''
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (url !== undefined && mayRedirect(from, url)) return url
  throw fail('registry/redirect-refused', `${host} redirects to a place that is not followed`, {
    expected: 'an https URL outside this machine',
    // Query strings of storage URLs are secrets for as long as they live.
    found: location.split('?', 1)[0] ?? '',
  })
}

function unreachable(host: string, error: unknown): unknown {
  const known = asWaybillError(error)
  if (known.code !== 'core/unreachable') return error
  return fail('registry/unreachable', `${host} does not answer`, {
    ...(known.found === undefined ? {} : { found: known.found }),
    cause: error,
  })
}
