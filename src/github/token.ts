import { fail } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import type { Verified } from '../core/verified.ts'
import type { Environment } from '../io/environment.ts'
import type { HttpClient } from '../io/http.ts'
import { type RetryClock, withRetry } from '../io/retry.ts'
import type { TokenClaims } from './claims.ts'
import { isUntrusted, type RunEvent } from './event.ts'
import { verifyToken } from './verify.ts'

/** Who a token is for: Fulcio and its own instances accept this audience. */
const SIGSTORE_AUDIENCE = 'sigstore'
/** A token that ends sooner is fetched again before it is used: GitHub's live five minutes. */
const RENEW_MS = 60_000

export interface IdToken {
  /** Secret. Masked before it was returned. */
  readonly token: string
  readonly claims: Verified<TokenClaims>
}

export interface TokenWorld {
  readonly env: Environment
  readonly http: HttpClient
  /** Hides a value in the log; called before the token goes anywhere. */
  readonly mask: (secret: string) => void
  readonly now: () => number
  readonly clock?: RetryClock
}

/**
 * Identity tokens of this run: requested from the runner's service, masked, verified, and fetched again when they end.
 * The token in a `SIGSTORE_ID_TOKEN` variable is never used: any step could have set it.
 */
export class IdTokens {
  readonly #world: TokenWorld
  readonly #event: RunEvent | undefined
  readonly #allowedIssuers: readonly string[]
  #current: Promise<IdToken> | undefined
  #first: TokenClaims | undefined

  /**
   * @param event tells a fork's run from a job without permission, which need different remedies.
   * @param allowedIssuers exact issuers besides github.com's own.
   */
  constructor(world: TokenWorld, event?: RunEvent, allowedIssuers: readonly string[] = []) {
    this.#world = world
    this.#event = event
    this.#allowedIssuers = allowedIssuers
  }

  /** True when the job may ask for a token at all; asks nobody. */
  get available(): boolean {
    return requestOf(this.#world.env) !== undefined
  }

  /**
   * A token that lives another minute at least, with its verified claims.
   * @throws `github/id-token-missing`, `github/fork-no-token`, `github/token-refused`, `github/token-invalid`,
   *   `github/token-mismatch`, `github/keys-unreachable`
   */
  get(): Promise<IdToken> {
    const previous = this.#current
    // Callers queue up, so that two at once ask the service once.
    this.#current = this.#next(previous)
    return this.#current
  }

  async #next(previous: Promise<IdToken> | undefined): Promise<IdToken> {
    const current = await previous?.catch(() => undefined)
    const lives = current !== undefined && current.claims.expires.getTime() - this.#world.now() > RENEW_MS
    return lives ? current : this.#fetch()
  }

  async #fetch(): Promise<IdToken> {
    const request = requestOf(this.#world.env)
    if (request === undefined) throw this.#missing()
    const token = await requestToken(request, this.#world)
    const expected = { audience: SIGSTORE_AUDIENCE, allowedIssuers: this.#allowedIssuers }
    const claims = await verifyToken(token, expected, this.#world.http, new Date(this.#world.now()))
    this.#sameRun(claims)
    return { token, claims }
  }

  /** Every later token must speak of the same run as the first: the statements were made from its claims. */
  #sameRun(claims: TokenClaims): void {
    const first = this.#first
    this.#first ??= claims
    if (first === undefined) return
    for (const name of ['subject', 'repositoryId', 'sha', 'jobWorkflowRef', 'runId', 'runAttempt'] as const)
      if (first[name] !== claims[name])
        throw fail('github/token-mismatch', `A later identity token of this run has another ${name}`, {
          expected: first[name],
          found: claims[name],
        })
  }

  #missing(): Error {
    if (this.#event !== undefined && isUntrusted(this.#event))
      return fail('github/fork-no-token', 'A run for a pull request from outside gets no identity token', {
        expected: 'a run of the repository itself',
        found: this.#event.kind === 'pull_request' && this.#event.dependabot ? 'Dependabot' : 'a fork',
      })
    return fail('github/id-token-missing', 'The job may not ask for an identity token', {
      expected: 'ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN',
      found: 'neither set',
    })
  }
}

interface TokenRequest {
  readonly url: string
  readonly bearer: string
}

function requestOf(env: Environment): TokenRequest | undefined {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = env
  return url && bearer ? { url, bearer } : undefined
}

async function requestToken({ url, bearer }: TokenRequest, world: TokenWorld): Promise<string> {
  const asked = withAudience(url)
  const headers = { authorization: `Bearer ${bearer}`, accept: 'application/json' }
  const retry = world.clock === undefined ? {} : { clock: world.clock }
  const answer = await withRetry(() => world.http.send({ method: 'GET', url: asked, headers }), retry)
  if (answer.status !== 200)
    throw fail('github/token-refused', `GitHub's token service answered ${answer.status}`, {
      expected: '200',
      found: String(answer.status),
    })
  const token = tokenIn(answer.body)
  world.mask(token)
  return token
}

function withAudience(text: string): string {
  if (!URL.canParse(text))
    throw fail('github/token-refused', 'ACTIONS_ID_TOKEN_REQUEST_URL is not a URL', { kind: 'configuration' })
  const url = new URL(text)
  url.searchParams.set('audience', SIGSTORE_AUDIENCE)
  return url.href
}

/** The answer holds a secret whatever its form: nothing of it goes into an error. */
function tokenIn(body: Uint8Array): string {
  try {
    const { value } = parseJsonObject(body, 'answer of the token service')
    if (typeof value === 'string' && /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(value)) return value
  } catch {
    // Told below, without the answer's text.
  }
  throw fail('github/token-refused', "GitHub's token service answered without a token", {
    expected: '{"value": "<token>"}',
    found: 'something else',
  })
}
