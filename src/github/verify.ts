import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, jsonText, parseJsonObject } from '../core/json.ts'
import { printable } from '../core/text.ts'
import { mintVerified, type Verified } from '../core/verified.ts'
import { type HttpClient, isLoopbackHost } from '../io/http.ts'
import { withRetry } from '../io/retry.ts'
import { readClaims, type TokenClaims } from './claims.ts'

/** The issuer of github.com. */
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'

/** Seconds of clock difference to the issuer that are forgiven. */
const TOLERANCE_SECONDS = 60
/** GitHub signs RS256; own issuers in tests and servers may use ES256. Never `none`, never a shared secret. */
const ALGORITHMS = ['RS256', 'ES256']

export interface TokenExpectation {
  readonly audience: string
  /** Exact issuers besides github.com's own: those of the signing config. */
  readonly allowedIssuers: readonly string[]
}

/**
 * Checks signature (against the issuer's published keys), issuer, audience and times of an identity token.
 * No message, cause or field of an error holds the token or part of it.
 * @throws `github/token-invalid`, `github/keys-unreachable`
 */
export async function verifyToken(
  token: string,
  expected: TokenExpectation,
  http: HttpClient,
  now: Date,
): Promise<Verified<TokenClaims>> {
  const issuer = issuerOf(token, expected.allowedIssuers)
  const keys = await issuerKeys(issuer, http)
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      issuer,
      audience: expected.audience,
      algorithms: ALGORITHMS,
      currentDate: now,
      clockTolerance: TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'iat', 'sub'],
    })
    return mintVerified(readClaims(payload as JsonObject))
  } catch (error) {
    throw reasonOf(error)
  }
}

/** The issuer the token claims, if it is an expected one. Nothing else of the unverified token is looked at. */
function issuerOf(token: string, allowed: readonly string[]): string {
  let claimed: unknown
  try {
    claimed = decodeJwt(token).iss
  } catch {
    throw fail('github/token-invalid', 'The identity token is no JSON web token', { expected: 'a signed token' })
  }
  const accepted = [GITHUB_ISSUER, ...allowed]
  if (typeof claimed === 'string' && accepted.includes(claimed)) return claimed
  throw fail('github/token-invalid', 'The identity token comes from another issuer', {
    expected: accepted.join(' or '),
    found: typeof claimed === 'string' ? printable(claimed, 200) : 'no issuer',
  })
}

/** OpenID Connect Discovery 1.0 § 4: `<issuer>/.well-known/openid-configuration` names `jwks_uri`. */
async function issuerKeys(issuer: string, http: HttpClient): Promise<JSONWebKeySet> {
  try {
    const discovery = await fetchJson(`${issuer}/.well-known/openid-configuration`, http)
    if (discovery.issuer !== issuer) throw new RangeError('the discovery document names another issuer')
    const uri = new URL(jsonText(discovery.jwks_uri))
    // The keys decide what is believed: they come from the issuer itself, over TLS or loopback.
    if (uri.origin !== new URL(issuer).origin) throw new RangeError('jwks_uri is on another origin')
    if (uri.protocol !== 'https:' && !isLoopbackHost(uri.hostname)) throw new RangeError('jwks_uri has no TLS')
    const { keys } = await fetchJson(uri.href, http)
    if (!isKeyList(keys)) throw new RangeError('the answer holds no keys')
    return { keys: keys as unknown as JSONWebKeySet['keys'] }
  } catch (error) {
    throw fail('github/keys-unreachable', `The keys of ${issuer} cannot be had`, {
      found: asWaybillError(error).message,
      cause: error,
    })
  }
}

async function fetchJson(url: string, http: HttpClient): Promise<JsonObject> {
  const answer = await withRetry(() => http.send({ method: 'GET', url, headers: { accept: 'application/json' } }))
  if (answer.status !== 200) throw new RangeError(`${new URL(url).origin} answered ${answer.status}`)
  return parseJsonObject(answer.body, 'answer of the token issuer')
}

function isKeyList(value: Json | undefined): value is readonly JsonObject[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject)
}

/** jose's errors carry the payload: only their code goes on. */
function reasonOf(error: unknown): Error {
  if (error instanceof Error && error.name === 'WaybillError') return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return fail('github/token-invalid', 'The identity token does not verify', {
    expected: 'a token signed by its issuer for this audience, not expired',
    found: printable(code, 100),
  })
}
