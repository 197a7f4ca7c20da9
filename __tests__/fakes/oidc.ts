import { createHash, randomUUID } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import { type ClaimOverrides, type Claims, githubClaims } from './claims.ts'
import { type KeyPair, rsa2048 } from './keys.ts'
import { type Service, type ServiceAnswer, type ServiceOptions, type ServiceRequest, startService } from './service.ts'

export interface OidcOptions extends ServiceOptions {
  /** Over the defaults of `githubClaims`, for every token of this issuer. */
  readonly claims?: ClaimOverrides
  /**
   * The `iss` of tokens and of the discovery document. Default: the service's own URL. Another one cannot be
   * discovered at its own address; whoever is to accept it must be told that it is served from here.
   */
  readonly issuer?: string
  readonly clockOffsetMs?: number
  /** How long a token lives; GitHub's last five minutes and more. Negative: expired at birth. */
  readonly lifetimeSeconds?: number
}

/** Where and with what a job asks for its token: `ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`. */
export interface TokenRequest {
  readonly url: string
  readonly token: string
}

export interface Oidc extends Service {
  readonly issuer: string
  clockOffsetMs: number
  lifetimeSeconds: number
  /** The claims a token would carry now, without times. */
  claims(overrides?: ClaimOverrides): Claims
  /** A token without asking over HTTP. Any claim can be forged; `aud` defaults to `sigstore`. */
  mint(overrides?: ClaimOverrides): Promise<string>
  /** Registers a job: tokens asked for with this request carry these claims. */
  tokenRequest(overrides?: ClaimOverrides): TokenRequest
  /** Changes the claims of all later tokens, jobs registered earlier included. */
  setClaims(overrides: ClaimOverrides): void
}

/** One RSA key for all issuers of the process, made in the background: RSA generation is what would make a start slow. */
let signingKey: Promise<KeyPair> | undefined
const KEY_ID = '38826b17-6a30-5f9b-b169-8beb8202f723'

interface State {
  readonly jobs: Map<string, { token: string; claims: ClaimOverrides }>
  claims: ClaimOverrides
}

/**
 * GitHub's token issuer and the runner's token endpoint in one server:
 *
 *     GET /.well-known/openid-configuration   GET /.well-known/jwks
 *     GET /jobs/<job>/idtoken?api-version=2.0&audience=<audience>   Authorization: bearer <request token>
 *
 * Tokens are RS256. Checks: the job exists and the bearer token is that job's (else 401).
 * Does not check: that claims make sense together, that a job asks only once, or any `permissions:`.
 */
export async function startOidc(options: OidcOptions = {}): Promise<Oidc> {
  signingKey ??= rsa2048()
  const key = signingKey
  const state: State = { jobs: new Map(), claims: options.claims ?? {} }
  const service = await startService('oidc', request => answer(oidc, state, key, request), options)
  const oidc: Oidc = Object.assign(service, {
    issuer: options.issuer ?? service.url,
    clockOffsetMs: options.clockOffsetMs ?? 0,
    lifetimeSeconds: options.lifetimeSeconds ?? 300,
    claims: (overrides: ClaimOverrides = {}) => githubClaims({ ...state.claims, ...overrides }),
    mint: (overrides: ClaimOverrides = {}) => mint(oidc, key, { ...state.claims, ...overrides }),
    tokenRequest: (overrides: ClaimOverrides = {}) => register(oidc, state, overrides),
    setClaims: (overrides: ClaimOverrides) => {
      state.claims = overrides
    },
  })
  return oidc
}

async function answer(
  oidc: Oidc,
  state: State,
  key: Promise<KeyPair>,
  request: ServiceRequest,
): Promise<ServiceAnswer> {
  if (request.method !== 'GET') return { status: 405 }
  if (request.path === '/.well-known/openid-configuration') return { status: 200, body: discovery(oidc) }
  if (request.path === '/.well-known/jwks') return { status: 200, body: await jwks(key) }
  const job = state.jobs.get(/^\/jobs\/([^/]+)\/idtoken$/.exec(request.path)?.[1] ?? '')
  if (job === undefined) return { status: 404, body: { message: 'Not Found' } }
  const [scheme, token] = (request.headers.authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'bearer' || token !== job.token)
    return { status: 401, body: { message: 'Unauthorized' } }
  const audience = request.query.get('audience')
  const own: ClaimOverrides =
    audience === null ? { aud: `https://github.com/${oidc.claims().repository_owner}` } : { aud: audience }
  const value = await mint(oidc, key, { ...state.claims, ...own, ...job.claims })
  return { status: 200, body: { count: value.length, value } }
}

function discovery(oidc: Oidc): object {
  return {
    issuer: oidc.issuer,
    jwks_uri: `${oidc.url}/.well-known/jwks`,
    subject_types_supported: ['public', 'pairwise'],
    response_types_supported: ['id_token'],
    claims_supported: ['sub', 'aud', 'exp', 'iat', 'iss', 'jti', 'nbf', ...Object.keys(oidc.claims())],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
  }
}

async function jwks(key: Promise<KeyPair>): Promise<object> {
  return { keys: [{ ...(await exportJWK((await key).publicKey)), kid: KEY_ID, use: 'sig', alg: 'RS256' }] }
}

async function mint(oidc: Oidc, key: Promise<KeyPair>, overrides: ClaimOverrides): Promise<string> {
  const now = Math.floor((Date.now() + oidc.clockOffsetMs) / 1000)
  const times = {
    jti: randomUUID(),
    iss: oidc.issuer,
    aud: 'sigstore',
    iat: now,
    nbf: now - 300,
    exp: now + oidc.lifetimeSeconds,
  }
  const forged = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== null))
  const claims: Record<string, unknown> = { ...githubClaims(overrides), ...times, ...forged }
  for (const [name, value] of Object.entries(overrides)) if (value === null) delete claims[name]
  return new SignJWT(claims).setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: KEY_ID }).sign((await key).privateKey)
}

function register(oidc: Oidc, state: State, claims: ClaimOverrides): TokenRequest {
  const job = randomUUID()
  const token = createHash('sha256').update(`request ${job}`).digest('base64url')
  state.jobs.set(job, { token, claims })
  return { url: `${oidc.url}/jobs/${job}/idtoken?api-version=2.0`, token }
}
