import { type Digest, hexOf, sha256 } from '../core/digest.ts'
import type { CertificateSigner } from '../core/signer.ts'
import { together } from '../core/together.ts'
import { formatReference } from '../registry/reference.ts'
import type { AttestationReceipt } from '../report/receipt.ts'
import { assertCertificateMatchesClaims } from '../sigstore/sign/claims.ts'
import type { SigningSession } from '../sigstore/sign/session.ts'
import { provenanceStatement } from '../statements/provenance.ts'
import { signatureStatement } from '../statements/signature.ts'
import { COSIGN_SIGN_PREDICATE, PROVENANCE_PREDICATE, VERIFICATION_SUMMARY_PREDICATE } from '../statements/statement.ts'
import { imageSubjects } from '../statements/subjects.ts'
import { SOURCE_VERIFICATION_PREDICATE } from '../statements/uris.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import type { Ready } from './preflight.ts'
import { provenanceFacts } from './provenance-facts.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'
import { type SourceDocuments, sourceStatements } from './source-statements.ts'

export interface Signed {
  readonly signer: CertificateSigner
  readonly bundles: readonly [SignedDocument, ...SignedDocument[]]
  /** What was stated about the source, if anything. */
  readonly source?: SourceDocuments
}

export interface SignedDocument {
  readonly predicateType: string
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly signedAt: Date
  readonly path: string
  readonly log?: { readonly url: string; readonly index: string }
}

export interface SignInput {
  readonly ready: Ready
  readonly source: SourceOutcome
  readonly built: Built
  readonly image: ServedImage | undefined
}

/**
 * Signs every statement about the image and its commit with one certificate; each bundle is on disk the moment it exists.
 * @returns undefined when this run signs nothing.
 */
export async function signStatements(
  request: AttestRequest,
  ports: AttestPorts,
  input: SignInput,
  record: RunRecord,
): Promise<Signed | undefined> {
  const { image } = input
  const identity = input.ready.identity
  if (!request.sign || image === undefined || identity === undefined) return undefined
  return record.stages.run('sign', undefined, async () => {
    const session = await ports.session()
    const signer = await session.certificate()
    assertCertificateMatchesClaims(signer, identity.certified, request.serverUrl)
    record.identity = { san: signer.san.value, issuer: signer.issuer }
    const subjects = imageSubjects({
      repositories: namesOf(image),
      digest: image.descriptor.digest,
      platforms: image.kind === 'index' ? image.platforms : [],
    })
    const facts = provenanceFacts(request, { ...input, image, claims: identity.claims }, subjects)
    const stated = await sourceStatements(request, ports, input, record.policy)
    const source = stated === undefined ? [] : sourceDocuments(stated)
    if (stated !== undefined) await keepReviews(input.source, ports)
    // All are waited for: each that was signed is kept, whatever happens to another.
    const bundles = await together([
      sign('signature', COSIGN_SIGN_PREDICATE, signatureStatement(subjects), session, ports),
      sign('provenance', PROVENANCE_PREDICATE, provenanceStatement(facts), session, ports),
      ...source.map(([name, predicateType, statement]) => sign(name, predicateType, statement, session, ports)),
    ] as const)
    record.attestations = bundles.map(bundle => receiptOf(bundle, image))
    return { state: 'passed', value: { signer, bundles, ...(stated === undefined ? {} : { source: stated }) } }
  })
}

/** The summary names them by digest alone; their refs may be gone tomorrow (13-adversary 11). */
async function keepReviews({ reviews = new Map() }: SourceOutcome, ports: AttestPorts): Promise<void> {
  for (const [digest, bytes] of reviews) await ports.keep(`bundles/reviews/${hexOf(digest)}.json`, bytes)
}

/** They are about the commit, and lie beside the image only to be found (3-source § 8). */
function sourceDocuments({ summary, detail }: SourceDocuments) {
  return [
    ['source-summary', VERIFICATION_SUMMARY_PREDICATE, summary],
    ['source-verification', SOURCE_VERIFICATION_PREDICATE, detail],
  ] as const
}

async function sign(
  name: string,
  predicateType: string,
  statement: Uint8Array,
  session: SigningSession,
  ports: AttestPorts,
): Promise<SignedDocument> {
  const { bundle, signedAt, log } = await session.sign(statement)
  const path = await ports.keep(`bundles/${name}.sigstore.json`, bundle)
  return { predicateType, bytes: bundle, digest: sha256(bundle), signedAt, path, ...(log === undefined ? {} : { log }) }
}

function receiptOf(document: SignedDocument, image: ServedImage): AttestationReceipt {
  const { predicateType, path, log } = document
  return {
    predicateType,
    subject: image.descriptor.digest,
    bundle: path,
    ...(log === undefined ? {} : { log }),
  }
}

function namesOf(image: ServedImage): readonly [string, ...string[]] {
  const [first, ...others] = image.repositories
  return [formatReference(first), ...others.map(formatReference)]
}
