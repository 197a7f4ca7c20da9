import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { createRemoteJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose'
import {
  type Authority,
  alternativeEmail,
  alternativeUri,
  authorityKeyId,
  CODE_SIGNING,
  extendedUsage,
  mintAuthority,
  mintCertificate,
  NO_NAME,
  name,
  randomSerial,
  subjectKeyId,
  tbsCertificate,
  toPem,
  usageSignature,
} from './certificate.ts'
import { CtLog } from './ct-log.ts'
import { githubExtensions, issuerExtensions, subjectAlternativeName } from './fulcio-extensions.ts'
import { p256, p384, spki } from './keys.ts'
import { type Service, type ServiceAnswer, type ServiceOptions, type ServiceRequest, startService } from './service.ts'

export interface FulcioOptions extends ServiceOptions {
  /** Accepted issuers: the `iss` claim, and the URL where its discovery document is really served. */
  readonly issuers: ReadonlyMap<string, string>
  /** The platform's address in certificates, as in Fulcio's `config.yaml`; default `https://github.com`. */
  readonly platform?: string
  /** Added to the clock that dates certificates and SCTs; tokens are judged by the true time. */
  readonly clockOffsetMs?: number
}

export interface Fulcio extends Service {
  readonly root: Authority
  readonly intermediate: Authority
  /** Another one in its place promises what no trust root knows. */
  ctLog: Pick<CtLog, 'keys' | 'logId' | 'logPrecertificate'>
  platform: string
  clockOffsetMs: number
  /** False: leaves carry no promise of the certificate log. */
  promises: boolean
  /** Of the next certificates; default ten minutes. */
  lifetimeMs: number
  /** DER of every leaf issued, oldest first. */
  readonly issued: Buffer[]
}

const LIFETIME_MS = 10 * 60_000
const YEAR_MS = 365 * 24 * 3600_000

/**
 * Fulcio's `POST /api/v2/signingCert` for GitHub tokens and for persons' (with an `email`) (and `GET /api/v2/trustBundle`).
 *
 * Checks: the token's signature against the JWKS its issuer publishes, `iss` (listed), `aud` (`sigstore`), times; and the
 * proof of possession, a SHA-256 signature over the token's subject, or its e-mail address where it has one.
 * Issues: ten minutes, P-384 chain leaf ← intermediate ← root, Fulcio's GitHub extensions, one embedded SCT.
 * Does not check: anything about the claims beyond their presence, so what a token forges, the certificate says.
 * Does not speak: certificate signing requests (400), other identity providers, gRPC.
 */
export async function startFulcio(options: FulcioOptions): Promise<Fulcio> {
  const [rootKeys, intermediateKeys, logKeys] = await Promise.all([p384(), p384(), p256()])
  const validity = { notBefore: new Date(Date.now() - 10 * YEAR_MS), notAfter: new Date(Date.now() + 10 * YEAR_MS) }
  const root = mintAuthority({ name: name('waybill.test', 'fulcio root'), keys: rootKeys, pathLength: 1, ...validity })
  const intermediate = mintAuthority({
    name: name('waybill.test', 'fulcio intermediate'),
    keys: intermediateKeys,
    issuer: root,
    pathLength: 0,
    extensions: [extendedUsage(CODE_SIGNING)],
    ...validity,
  })
  const keySets = new KeySets(options.issuers)
  const service = await startService('fulcio', request => answer(fulcio, keySets, request), options)
  const fulcio: Fulcio = Object.assign(service, {
    root,
    intermediate,
    ctLog: new CtLog(logKeys),
    platform: options.platform ?? 'https://github.com',
    clockOffsetMs: options.clockOffsetMs ?? 0,
    promises: true,
    lifetimeMs: LIFETIME_MS,
    issued: [],
  })
  return fulcio
}

async function answer(fulcio: Fulcio, keySets: KeySets, request: ServiceRequest): Promise<ServiceAnswer> {
  const chain = [toPem(fulcio.intermediate.certificate), toPem(fulcio.root.certificate)]
  if (request.method === 'GET' && request.path === '/api/v2/trustBundle') {
    return { status: 200, body: { chains: [{ certificates: chain }] } }
  }
  if (request.method !== 'POST' || request.path !== '/api/v2/signingCert') {
    return refusal(404, 5, 'Not Found')
  }
  const asked = readRequest(request)
  if (asked === undefined) return refusal(400, 3, 'The request could not be understood')
  const claims = await keySets.verify(asked.token).catch(() => undefined)
  if (claims === undefined || subjectOf(claims) === '')
    return refusal(400, 3, 'There was an error processing the identity token')
  if (!verify('sha256', Buffer.from(subjectOf(claims)), asked.key, asked.proof)) {
    return refusal(400, 3, 'The signature supplied in the request could not be verified')
  }
  try {
    const leaf = issue(fulcio, asked.key, claims)
    fulcio.issued.push(leaf)
    return { status: 200, body: { signedCertificateEmbeddedSct: { chain: { certificates: [toPem(leaf), ...chain] } } } }
  } catch (error) {
    return refusal(400, 3, `There was an error processing the identity token: ${String(error)}`)
  }
}

/** The shape of gRPC gateway errors. */
function refusal(status: number, code: number, message: string): ServiceAnswer {
  return { status, body: { code, message, details: [] } }
}

/** The token stands in the body, or, as sigstore-go sends it, in the Authorization header. */
function readRequest(request: ServiceRequest): { token: string; key: KeyObject; proof: Buffer } | undefined {
  try {
    const json = JSON.parse(request.body.toString())
    const [, bearer] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
    const token: unknown = json.credentials?.oidcIdentityToken ?? bearer
    const proof: unknown = json.publicKeyRequest.proofOfPossession
    if (typeof token !== 'string' || typeof proof !== 'string') return undefined
    return { token, key: createPublicKey(json.publicKeyRequest.publicKey.content), proof: Buffer.from(proof, 'base64') }
  } catch {
    return undefined
  }
}

function issue(fulcio: Fulcio, publicKey: KeyObject, claims: JWTPayload): Buffer {
  const now = new Date(Date.now() + fulcio.clockOffsetMs)
  const issuer = fulcio.intermediate
  const facts = { ...claims, url: fulcio.platform }
  const fields = {
    issuer: { name: issuer.name, key: issuer.keys.privateKey },
    subject: NO_NAME,
    publicKey,
    serial: randomSerial(),
    notBefore: now,
    notAfter: new Date(now.getTime() + fulcio.lifetimeMs),
    extensions: [
      usageSignature(),
      extendedUsage(CODE_SIGNING),
      subjectKeyId(publicKey),
      authorityKeyId(issuer.keys.publicKey),
      ...identityOf(facts),
    ],
  }
  if (!fulcio.promises) return mintCertificate(fields)
  const sct = fulcio.ctLog.logPrecertificate(tbsCertificate(fields), spki(issuer.keys.publicKey), now)
  return mintCertificate({ ...fields, extensions: [...fields.extensions, sct] })
}

/** What the proof of possession is over. */
function subjectOf({ email, sub = '' }: JWTPayload): string {
  return typeof email === 'string' ? email : sub
}

/** A token with an e-mail address is a person's, as from Fulcio's `email` issuers; else it is a workflow's. */
function identityOf(facts: Readonly<Record<string, unknown>>): readonly Buffer[] {
  const { email, iss } = facts
  if (typeof email === 'string') return [alternativeEmail(email), ...issuerExtensions(String(iss))]
  return [alternativeUri(subjectAlternativeName(facts)), ...githubExtensions(facts)]
}

/** Key sets of the accepted issuers, found by discovery over HTTP at the first token. */
class KeySets {
  readonly #issuers: ReadonlyMap<string, string>
  readonly #sets = new Map<string, ReturnType<typeof createRemoteJWKSet>>()

  constructor(issuers: ReadonlyMap<string, string>) {
    this.#issuers = issuers
  }

  async verify(token: string): Promise<JWTPayload> {
    const issuer = decodeJwt(token).iss ?? ''
    const keys = this.#sets.get(issuer) ?? (await this.#discover(issuer))
    return (await jwtVerify(token, keys, { issuer, audience: 'sigstore', algorithms: ['RS256'] })).payload
  }

  async #discover(issuer: string): Promise<ReturnType<typeof createRemoteJWKSet>> {
    const base = this.#issuers.get(issuer)
    if (base === undefined) throw new Error(`issuer ${issuer} is not accepted`)
    const answer = await fetch(`${base}/.well-known/openid-configuration`)
    const document = (await answer.json()) as { issuer: string; jwks_uri: string }
    if (document.issuer !== issuer) throw new Error('the discovery document names another issuer')
    const keys = createRemoteJWKSet(new URL(document.jwks_uri))
    this.#sets.set(issuer, keys)
    return keys
  }
}
