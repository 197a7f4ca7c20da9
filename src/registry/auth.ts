import { asWaybillError, fail } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { optional, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import type { Pin } from '../io/address.ts'
import type { HttpAnswer, HttpClient, HttpRequest } from '../io/http.ts'
import { type RetryClock, withRetry } from '../io/retry.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { Credential, CredentialSource } from './credentials.ts'
import { mayAsk, mayCarrySecrets } from './origin.ts'
import type { Repository } from './reference.ts'

export type Action = 'pull' | 'push' | 'delete'

/** What one request needs the right to. */
export interface Need {
  readonly repository: Repository
  readonly action: Action
  /** Another repository of the same registry that a blob is mounted from. */
  readonly alsoPull?: string
}

/** Throws to refuse a URL; may say to which addresses its connection must go (`io/address.ts`). */
export type UrlGuard = (url: URL) => Pin | undefined | Promise<Pin | undefined>

export interface AuthorizerOptions {
  readonly http: HttpClient
  readonly credentials: CredentialSource
  readonly clock: RetryClock
  /** Token servers that may be asked besides the registry's own, by registry host. */
  readonly realms?: Readonly<Record<string, readonly string[]>>
  /** Asked about each URL before it is (13-adversary 32). */
  readonly guard?: UrlGuard
}

interface Token {
  readonly header: string
  /** Milliseconds since the epoch after which it is not used any more. */
  readonly until: number
}

/** What a registry said at its first 401: enough to fetch tokens for other scopes without being refused again. */
type Scheme = { readonly kind: 'basic' } | { readonly kind: 'bearer'; readonly realm: URL; readonly service?: string }

/** A token is given up this long before its end, so that it does not die on the way. */
const MARGIN_MS = 10_000
/** Lifetime of a token that does not say one. distribution token specification: 60 seconds. */
const DEFAULT_SECONDS = 60

/**
 * Knows how each registry wants to be addressed. Tokens are kept per registry and scope; many requests that start
 * together share one token fetch. Credentials travel over https or to loopback only, to the registry or its own token
 * server only.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions
  readonly #schemes = new Map<string, Scheme>()
  readonly #tokens = new Map<string, Promise<Token>>()

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /**
   * The Authorization header to send at once, if it is known what the registry wants; else undefined.
   * @throws `registry/unauthorized`, `registry/realm-refused`, `registry/unreachable` …
   */
  async header(need: Need, origin: URL): Promise<string | undefined> {
    const scheme = this.#schemes.get(origin.origin)
    if (scheme === undefined) return undefined
    for (const scope of scopesThatSuffice(need)) {
      const token = await this.#tokens.get(keyOf(origin, scope))?.catch(() => undefined)
      if (token !== undefined && token.until > this.#options.clock.now()) return token.header
    }
    return (await this.#fetchOnce(need, origin, scheme)).header
  }

  /**
   * Learns from a 401 and returns the header for the second try; undefined when there is nothing better to send.
   * @param sent the header the refused request carried.
   */
  async afterRefusal(
    need: Need,
    origin: URL,
    answer: HttpAnswer,
    sent: string | undefined,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(answer.headers['www-authenticate'] ?? '')
    const scheme = await this.#chooseScheme(challenges, need, origin)
    if (scheme === undefined) return undefined
    this.#schemes.set(origin.origin, scheme)
    await this.#forget(need, origin, sent)
    const extra = challenges.find(challenge => challenge.scheme === 'bearer')?.parameters.get('scope')
    const token = await this.#fetchOnce(need, origin, scheme, extra)
    return token.header === sent ? undefined : token.header
  }

  /** Whether a login is known for the repository; for error messages. */
  async hasLogin(repository: Repository): Promise<boolean> {
    return (await this.#options.credentials.find(repository.host, repository.repository)) !== undefined
  }

  async #chooseScheme(challenges: readonly Challenge[], need: Need, origin: URL): Promise<Scheme | undefined> {
    const bearer = challenges.find(challenge => challenge.scheme === 'bearer' && challenge.parameters.has('realm'))
    if (bearer !== undefined) {
      const text = bearer.parameters.get('realm') ?? ''
      const realm = URL.canParse(text) ? new URL(text) : undefined
      const listed = this.#options.realms?.[need.repository.host] ?? []
      if (realm === undefined || !mayAsk(realm, origin, listed)) throw realmRefused(need.repository.host, text)
      const service = bearer.parameters.get('service')
      return { kind: 'bearer', realm, ...(service === undefined ? {} : { service }) }
    }
    const basic = challenges.some(challenge => challenge.scheme === 'basic')
    return basic && (await this.hasLogin(need.repository)) ? { kind: 'basic' } : undefined
  }

  /** Drops the cached token that was just refused, not one that another request fetched meanwhile. */
  async #forget(need: Need, origin: URL, sent: string | undefined): Promise<void> {
    for (const scope of scopesThatSuffice(need)) {
      const key = keyOf(origin, scope)
      const token = await this.#tokens.get(key)?.catch(() => undefined)
      if (token !== undefined && token.header === sent) this.#tokens.delete(key)
    }
  }

  #fetchOnce(need: Need, origin: URL, scheme: Scheme, extraScope?: string): Promise<Token> {
    const scope = scopeOf(need)
    const key = keyOf(origin, scope)
    const running = this.#tokens.get(key)
    const fresh = async (): Promise<Token> => {
      const known = await running?.catch(() => undefined)
      if (known !== undefined && known.until > this.#options.clock.now()) return known
      return this.#fetch(need, origin, scheme, scope, extraScope)
    }
    const fetched = running === undefined ? this.#fetch(need, origin, scheme, scope, extraScope) : fresh()
    this.#tokens.set(key, fetched)
    fetched.catch(() => {
      if (this.#tokens.get(key) === fetched) this.#tokens.delete(key)
    })
    return fetched
  }

  async #fetch(need: Need, origin: URL, scheme: Scheme, scope: string, extraScope?: string): Promise<Token> {
    const { host, repository } = need.repository
    const credential = mayCarrySecrets(origin) ? await this.#options.credentials.find(host, repository) : undefined
    if (credential?.kind === 'bearer') return { header: `Bearer ${headerSafe(credential.token)}`, until: Infinity }
    if (scheme.kind === 'basic') {
      if (credential?.kind !== 'password') throw loginRefused(host, scope, 'no user name and password for Basic login')
      return { header: basicHeader(credential), until: Infinity }
    }
    const scopes = mergeScopes([...scope.split(' '), ...(extraScope?.split(' ') ?? [])])
    const request = tokenRequest(scheme, scopes, mayCarrySecrets(scheme.realm) ? credential : undefined)
    const pin = await this.#options.guard?.(new URL(request.url))
    const { http, clock } = this.#options
    const answer = await withRetry(() => http.send({ ...request, ...(pin === undefined ? {} : { pin }) }), {
      clock,
    }).catch(error => {
      throw tokenServerSilent(scheme.realm, error)
    })
    return readToken(answer, host, scope, this.#options.clock.now())
  }
}

/** distribution token specification § Resource scope: what removes a tag or manifest is a right of its own. */
const RIGHTS = { pull: 'pull', push: 'pull,push', delete: 'pull,push,delete' } as const satisfies Record<Action, string>

/** `repository:a/b:pull`, the way the token specification spells rights; several separated by spaces. */
export function scopeOf(need: Need): string {
  const own = `repository:${need.repository.repository}:${RIGHTS[need.action]}`
  return need.alsoPull === undefined ? own : `${own} repository:${need.alsoPull}:pull`
}

/**
 * One entry for each resource, with all its actions: some token servers grant only the last of two entries for one
 * repository. What is not `type:name:actions` is passed on as it is.
 */
export function mergeScopes(scopes: readonly string[]): readonly string[] {
  const merged = new Map<string, readonly string[]>()
  for (const scope of scopes.filter(part => part !== '')) {
    const colon = scope.lastIndexOf(':')
    const resource = colon < 0 ? scope : scope.slice(0, colon)
    const actions = colon < 0 ? [] : scope.slice(colon + 1).split(',')
    merged.set(resource, [...new Set([...(merged.get(resource) ?? []), ...actions])])
  }
  return [...merged].map(([resource, actions]) =>
    actions.length === 0 ? resource : `${resource}:${actions.join(',')}`,
  )
}

/** A token for push also pulls: one login serves a whole run. */
function scopesThatSuffice(need: Need): readonly string[] {
  if (need.action !== 'pull' || need.alsoPull !== undefined) return [scopeOf(need)]
  return [scopeOf({ ...need, action: 'push' }), scopeOf(need)]
}

function keyOf(origin: URL, scope: string): string {
  return `${origin.origin} ${scope}`
}

function tokenRequest(
  scheme: Scheme & { kind: 'bearer' },
  scopes: readonly string[],
  credential?: Credential,
): HttpRequest {
  const fields = new URLSearchParams(scheme.service === undefined ? [] : [['service', scheme.service]])
  if (credential?.kind === 'refresh') {
    fields.set('client_id', 'waybill')
    fields.set('grant_type', 'refresh_token')
    fields.set('refresh_token', credential.refreshToken)
    fields.set('scope', scopes.join(' '))
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
    return { method: 'POST', url: scheme.realm.href, headers, body: new TextEncoder().encode(fields.toString()) }
  }
  for (const scope of scopes) fields.append('scope', scope)
  const url = new URL(scheme.realm)
  for (const [name, value] of fields) url.searchParams.append(name, value)
  const login = credential?.kind === 'password' ? { authorization: basicHeader(credential) } : {}
  return { method: 'GET', url: url.href, headers: { accept: 'application/json', ...login } }
}

function readToken(answer: HttpAnswer, host: string, scope: string, now: number): Token {
  if (answer.status === 429) throw fail('registry/rate-limited', `The token server of ${host} refuses for now`)
  if (answer.status >= 500) throw fail('registry/unavailable', `The token server of ${host} answered ${answer.status}`)
  if (answer.status !== 200) throw loginRefused(host, scope, `status ${answer.status} of its token server`)
  try {
    const object = parseJsonObject(answer.body, 'token answer')
    const token = optional(object.token, stringAt, 'token') ?? stringAt(object.access_token, 'access_token')
    const seconds = typeof object.expires_in === 'number' && object.expires_in > 0 ? object.expires_in : DEFAULT_SECONDS
    // A very short life still allows one use.
    return { header: `Bearer ${headerSafe(token)}`, until: now + Math.max(1000, seconds * 1000 - MARGIN_MS) }
  } catch (error) {
    if (asWaybillError(error).code.startsWith('registry/')) throw error
    throw fail('registry/unexpected-answer', `The token server of ${host} gave no token`, { expected: '{"token": …}' })
  }
}

function basicHeader(credential: Credential & { kind: 'password' }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`
}

/** A token with a line break would write further headers. */
function headerSafe(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw fail('registry/unexpected-answer', 'A registry token holds characters that no header may have')
}

function loginRefused(host: string, scope: string, found: string): Error {
  return fail('registry/unauthorized', `${printable(host)} does not accept the login for ${printable(scope)}`, {
    expected: `a login with the right ${scope}`,
    found,
    remedy: loginRemedy(host),
  })
}

export function loginRemedy(host: string): string {
  const remedy = `Log in before this step: skopeo login ${host}, or the action docker/login-action with registry: ${host}`
  return host === 'ghcr.io' ? `${remedy} and permissions: packages: write (read for pulls only)` : remedy
}

function realmRefused(host: string, realm: string): Error {
  return fail('registry/realm-refused', `${printable(host)} names a token server that is not its own`, {
    expected: 'https on the registry’s own domain',
    found: realm,
  })
}

function tokenServerSilent(realm: URL, error: unknown): unknown {
  const known = asWaybillError(error)
  if (known.code !== 'core/unreachable' && known.code !== 'core/plain-http') return error
  return fail('registry/unreachable', `The token server ${realm.origin} does not answer`, {
    ...(known.found === undefined ? {} : { found: known.found }),
    cause: error,
  })
}
