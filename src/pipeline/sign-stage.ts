import { type Digest, hexOf, sha256 } from '../core/digest.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { formatReference } from '../registry/reference.ts'
import type { AttestationReceipt } from '../report/receipt.ts'
import { provenanceStatement } from '../statements/provenance.ts'
import { SCAI_PREDICATE } from '../statements/scai.ts'
import { signatureStatement } from '../statements/signature.ts'
import { COSIGN_SIGN_PREDICATE, PROVENANCE_PREDICATE, VERIFICATION_SUMMARY_PREDICATE } from '../statements/statement.ts'
import { imageSubjects } from '../statements/subjects.ts'
import { SOURCE_VERIFICATION_PREDICATE } from '../statements/uris.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { type LegacySigned, legacyReceipt, signLegacy } from './legacy-signatures.ts'
import { materialsStatement } from './materials-statements.ts'
import { claimsOf, type Ready } from './preflight.ts'
import { provenanceFacts } from './provenance-facts.ts'
import type { RunRecord } from './run.ts'
import { sbomStatements } from './sbom.ts'
import { type Hand, handOf } from './signing-hand.ts'
import type { SourceOutcome } from './source-stage.ts'
import { type SourceDocuments, sourceStatements } from './source-statements.ts'
import { subjectsOf } from './subjects-of.ts'

export interface Signed {
  readonly signer: ObservedSigner
  readonly bundles: readonly [SignedDocument, ...SignedDocument[]]
  /** What was stated about the source, if anything. */
  readonly source?: SourceDocuments
  /** Signatures for tags as cosign ≤ 2 reads them; absent: nobody asked for them. */
  readonly legacy?: readonly LegacySigned[]
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
 * Signs every statement about the image and its commit with one certificate or key; each bundle is on disk the moment it
 * exists.
 * @returns undefined when this run signs nothing.
 */
export async function signStatements(
  request: AttestRequest,
  ports: AttestPorts,
  input: SignInput,
  record: RunRecord,
): Promise<Signed | undefined> {
  const { image, ready } = input
  if (!request.sign || image === undefined || claimsOf(ready) === undefined) return undefined
  return record.stages.run('sign', undefined, async () => {
    const hand = await handOf(request, ports, ready, record)
    const subjects = imageSubjects({
      repositories: namesOf(image),
      digest: image.descriptor.digest,
      platforms: image.kind === 'index' ? image.platforms : [],
    })
    const facts = provenanceFacts(request, { ...input, ...hand, image }, subjects)
    const stated = await sourceStatements(request, ports, input, record.policy)
    const source = stated === undefined ? [] : sourceDocuments(stated)
    if (stated !== undefined) await keepReviews(input.source, ports)
    const materials = materialsStatement(input.built, subjects)
    const claims = materials === undefined ? [] : [['materials', SCAI_PREDICATE, materials] as const]
    const sboms = await sbomStatements(request, ports, { ready, built: input.built, image }, subjects, record)
    const signing = Promise.all([
      sign('signature', COSIGN_SIGN_PREDICATE, signatureStatement(subjects), hand, ports),
      sign('provenance', PROVENANCE_PREDICATE, provenanceStatement(facts), hand, ports),
      ...[...claims, ...sboms, ...source].map(([name, predicateType, statement]) =>
        sign(name, predicateType, statement, hand, ports),
      ),
    ] as const)
    const [bundles, legacy] = await Promise.all([
      signing,
      request.legacySignatures === true ? signLegacy(ports, placesOf(image), hand) : undefined,
    ])
    record.attestations = [
      ...bundles.map(bundle => receiptOf(bundle, image)),
      ...(legacy ?? []).map(one => legacyReceipt(one, false)),
    ]
    const further = { ...(stated === undefined ? {} : { source: stated }), ...(legacy === undefined ? {} : { legacy }) }
    return { state: 'passed', value: { signer: hand.signer, bundles, ...further } }
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
  hand: Pick<Hand, 'sign'>,
  ports: AttestPorts,
): Promise<SignedDocument> {
  const { bundle, signedAt, log } = await hand.sign(statement)
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

function placesOf(image: ServedImage): Parameters<typeof signLegacy>[1] {
  return { repositories: image.repositories, subjects: subjectsOf(image) }
}

function namesOf(image: ServedImage): readonly [string, ...string[]] {
  const [first, ...others] = image.repositories
  return [formatReference(first), ...others.map(formatReference)]
}
