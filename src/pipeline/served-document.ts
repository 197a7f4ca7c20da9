import { sha256 } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { printable } from '../core/text.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import type { HttpAnswer } from '../io/http.ts'
import type { ExpectedSigner } from '../policy/expected.ts'
import { matchSigner, observedText } from '../policy/signer.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import { parseBundle, partsOf } from '../sigstore/bundle.ts'
import type { Deployment } from '../statements/deployment.ts'
import { readDeploymentStatement } from '../statements/deployment-document.ts'
import { parseForeignStatement } from '../statements/parse.ts'
import { IN_TOTO_PAYLOAD_TYPE, type SignedStatement } from '../statements/statement.ts'
import type { ApplicationUrl } from '../subjects/url.ts'

/** What a host is asked for, and by whom its answer must be signed. */
export interface DocumentRequest {
  readonly url: ApplicationUrl
  /** Who signs for the cluster, as the caller knows; absent: he knows nobody. */
  readonly server?: ExpectedSigner
}

export interface DocumentPorts {
  /** Bounded, anonymous, at checked addresses only. Throws when there is no answer. */
  ask(url: URL): Promise<HttpAnswer>
  /** Verifies the bundle against the root and keys that the caller named. Throws `sigstore/…`, `statements/…`. */
  verify(bundle: Uint8Array): Promise<Verified<SignedStatement>>
  now(): Date
}

/** The document as something that was judged, and what is in it if that may be acted upon. */
export interface ServedDocument {
  readonly receipt: SubjectReceipt
  /** Absent: nothing in it is looked at, and no reference of it is asked for. */
  readonly deployment?: Deployment
}

/**
 * Asks an application what it runs and judges the answer (13-adversary 32): signed by whom the caller expects, made for exactly
 * this host, at most five minutes ago. Without an expected signer its form is checked, and it stays the host's own claim.
 */
export async function askDocument(request: DocumentRequest, ports: DocumentPorts): Promise<ServedDocument> {
  const name = request.url.document.href
  let digest = ''
  try {
    const bytes = bodyOf(await ports.ask(request.url.document), request.url)
    digest = sha256(bytes)
    const { deployment, signer, signedAt } = await read(bytes, request, ports)
    if (deployment.images.length > LIMITS.servedReferences) throw tooMany(deployment.images.length)
    requireOfHost(deployment, request.url)
    requireFresh(deployment, ports.now(), signedAt)
    if (signer === undefined) return { receipt: ownClaim(name, digest, request.url), deployment }
    const differences = matchSigner(serverOf(request), signer, name)
    if (differences.length > 0) return { receipt: { name, digest, verdict: 'rejected', findings: differences } }
    return {
      receipt: { name, digest, verdict: 'passed', basis: 'signed', by: observedText(signer), findings: [] },
      deployment,
    }
  } catch (error) {
    const known = asWaybillError(error)
    if (known.kind === 'configuration' && !known.code.startsWith('core/')) throw known
    return { receipt: refused(name, digest, known) }
  }
}

interface Read {
  readonly deployment: Deployment
  /** Verified; absent: nobody looked who signed. */
  readonly signer?: ObservedSigner
  /** By a service's word. */
  readonly signedAt?: Date
}

async function read(bytes: Uint8Array, { server }: DocumentRequest, ports: DocumentPorts): Promise<Read> {
  if (server === undefined) return { deployment: readDeploymentStatement(unverifiedStatement(bytes)) }
  const { statement, signer, signedAt } = await ports.verify(bytes)
  return { deployment: readDeploymentStatement(statement), signer, ...(signedAt === undefined ? {} : { signedAt }) }
}

/** Nobody is known who could vouch for it; only its form is the same. */
function unverifiedStatement(bytes: Uint8Array) {
  const { content } = partsOf(parseBundle(bytes))
  if (content.form === 'dsse' && content.payloadType === IN_TOTO_PAYLOAD_TYPE)
    return parseForeignStatement(content.payload)
  throw fail('sigstore/payload-type', 'The envelope does not carry an in-toto statement', {
    expected: IN_TOTO_PAYLOAD_TYPE,
    found: content.form === 'dsse' ? printable(content.payloadType, 200) : 'a message signature',
  })
}

function serverOf({ server }: DocumentRequest): ExpectedSigner {
  if (server === undefined) throw new TypeError('a signer was read, and none was expected')
  return server
}

function bodyOf({ status, body }: HttpAnswer, { audience }: ApplicationUrl): Uint8Array {
  if (status === 200) return body
  throw fail('verify/document-unavailable', `${printable(audience)} does not say what it runs`, {
    expected: 'status 200 with a signed document',
    found: `status ${status}`,
  })
}

function requireOfHost({ audience }: Deployment, url: ApplicationUrl): void {
  if (audience === url.audience) return
  throw fail('verify/document-audience', 'The document was made for another host', {
    expected: url.audience,
    found: audience ?? 'no audience',
  })
}

/**
 * A recorded document shows what ran then. With a service's time the signer cannot have dated it ahead either: who had the key for
 * an hour would otherwise sign for a year.
 */
function requireFresh({ issuedAt }: Deployment, now: Date, signedAt: Date | undefined): void {
  const issued = new Date(issuedAt).getTime()
  const stale = (by: number, of: string): Error =>
    fail('verify/document-stale', `The document was not issued ${of}`, {
      expected: `at most ${LIMITS.servedAgeMs / 60_000} minutes before ${new Date(by).toISOString()}, and not after it`,
      found: issuedAt,
    })
  const near = (time: number): boolean => issued <= time + LIMITS.servedSkewMs && time - issued <= LIMITS.servedAgeMs
  if (!near(now.getTime())) throw stale(now.getTime(), 'just now')
  if (signedAt !== undefined && !near(signedAt.getTime())) throw stale(signedAt.getTime(), 'when it was signed')
}

function ownClaim(name: string, digest: string, { audience }: ApplicationUrl): SubjectReceipt {
  const error = fail(
    'verify/host-own-claim',
    `That these run is this host’s own claim: nobody was named who signs for it`,
    {
      expected: '--server-key FILE, or --server-identity IDENTITY with --server-oidc-issuer URL',
      found: `a document of ${audience} whose signature nobody checked`,
    },
  )
  return { name, digest, verdict: 'unknown', findings: [findingOf(error, name)] }
}

function refused(name: string, digest: string, error: WaybillError): SubjectReceipt {
  const finding: Finding = findingOf(error, name)
  return { name, digest, verdict: error.kind === 'rejected' ? 'rejected' : 'unknown', findings: [finding] }
}

function tooMany(found: number): WaybillError {
  return fail('verify/document-too-many', `The document names ${found} images`, {
    expected: `at most ${LIMITS.servedReferences}`,
    found: String(found),
  })
}
