import { hexOf } from '../core/digest.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { together } from '../core/together.ts'
import { formatReference } from '../registry/reference.ts'
import { type Comparison, reproducibleStatement } from '../statements/comparison.ts'
import { provenanceStatement } from '../statements/provenance.ts'
import { SCAI_PREDICATE } from '../statements/scai.ts'
import { signatureStatement } from '../statements/signature.ts'
import {
  COSIGN_SIGN_PREDICATE,
  PROVENANCE_PREDICATE,
  type Subject,
  VERIFICATION_SUMMARY_PREDICATE,
} from '../statements/statement.ts'
import { imageSubjects } from '../statements/subjects.ts'
import { SOURCE_VERIFICATION_PREDICATE } from '../statements/uris.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { type Document, receiptOf, type SignedDocument, signMissing } from './kept-statements.ts'
import { type LegacySigned, legacyReceipt, signLegacy } from './legacy-signatures.ts'
import { materialsStatement } from './materials-statements.ts'
import { claimsOf, type Ready } from './preflight.ts'
import { provenanceFacts } from './provenance-facts.ts'
import type { EarlierBundles } from './resume.ts'
import type { RunRecord } from './run.ts'
import { beginSavingState } from './saved-state.ts'
import { sbomStatements } from './sbom.ts'
import { claimant, type Hand, handOf } from './signing-hand.ts'
import type { SourceOutcome } from './source-stage.ts'
import { type SourceDocuments, sourceStatements } from './source-statements.ts'

export type { SignedDocument } from './kept-statements.ts'

export interface Signed {
  readonly signer: ObservedSigner
  readonly bundles: readonly [SignedDocument, ...SignedDocument[]]
  /** What was stated about the source, if anything. */
  readonly source?: SourceDocuments
  /** What the claim that the image can be built again rests on; absent: nobody claims it. */
  readonly comparison?: Comparison
  /** Signatures for tags as cosign ≤ 2 reads them; absent: nobody asked for them. */
  readonly legacy?: readonly LegacySigned[]
}

export interface SignInput {
  readonly ready: Ready
  readonly source: SourceOutcome
  readonly built: Built
  readonly image: ServedImage | undefined
  /** Of a second build that gave the same image; absent: nothing is claimed. */
  readonly comparison?: Comparison | undefined
  readonly earlier: EarlierBundles
}

/**
 * Signs every statement about the image and its commit with one certificate or key, but for those that an earlier attempt signed;
 * each bundle is on disk the moment it exists.
 * @returns undefined when this run signs nothing.
 */
export async function signStatements(
  request: AttestRequest,
  ports: AttestPorts,
  input: SignInput,
  record: RunRecord,
): Promise<Signed | undefined> {
  const { image, ready, earlier } = input
  if (!request.sign || image === undefined || claimsOf(ready) === undefined) return undefined
  return record.stages.run('sign', undefined, async () => {
    const subjects = statedSubjects(image)
    const stated = await sourceStatements(request, ports, input, record.policy)
    if (stated !== undefined) await keepReviews(input.source, ports)
    const facts = provenanceFacts(request, { ...input, ...claimant(ready), image }, subjects)
    const materials = materialsStatement(input.built, subjects)
    const documents: readonly [Document, ...Document[]] = [
      { name: 'signature', predicateType: COSIGN_SIGN_PREDICATE, statement: signatureStatement(subjects) },
      { name: 'provenance', predicateType: PROVENANCE_PREDICATE, statement: provenanceStatement(facts) },
      ...(materials === undefined
        ? []
        : [{ name: 'materials', predicateType: SCAI_PREDICATE, statement: materials } as const]),
      ...reproducibleDocuments(subjects, input.comparison),
      ...(await sbomStatements(request, ports, { ready, built: input.built, image }, subjects, record)),
      ...(stated === undefined ? [] : sourceDocuments(stated)),
    ]
    const world = { request, ports, image, earlier, record, hand: handWhenNeeded(request, ports, ready, record) }
    const [{ signer, bundles }, legacy] = await together([
      signMissing(documents, world),
      request.legacySignatures === true ? signLegacy(world) : undefined,
    ] as const).finally(() => beginSavingState(ports, record))
    record.attestations = [
      ...bundles.map(bundle => receiptOf(bundle, image)),
      ...(legacy ?? []).map(one => legacyReceipt(one, false)),
    ]
    const { comparison } = input
    const further = {
      ...(stated === undefined ? {} : { source: stated }),
      ...(comparison === undefined ? {} : { comparison }),
      ...(legacy === undefined ? {} : { legacy }),
    }
    return { state: 'passed', value: { signer, bundles, ...further } }
  })
}

/** One for all that is signed. */
function handWhenNeeded(...about: Parameters<typeof handOf>): () => Promise<Hand> {
  let hand: Promise<Hand> | undefined
  return () => {
    hand ??= handOf(...about)
    return hand
  }
}

/** The summary names them by digest alone; their refs may be gone tomorrow (13-adversary 11). */
async function keepReviews({ reviews = new Map() }: SourceOutcome, ports: AttestPorts): Promise<void> {
  for (const [digest, bytes] of reviews) await ports.keep(`bundles/reviews/${hexOf(digest)}.json`, bytes)
}

/** They are about the commit, and lie beside the image only to be found (3-source § 8). */
function sourceDocuments({ summary, detail }: SourceDocuments): readonly Document[] {
  return [
    { name: 'source-summary', predicateType: VERIFICATION_SUMMARY_PREDICATE, statement: summary },
    { name: 'source-verification', predicateType: SOURCE_VERIFICATION_PREDICATE, statement: detail },
  ]
}

/** A statement of its own: whoever only asks whether the image can be built again reads nothing else. */
function reproducibleDocuments(
  subjects: readonly [Subject, ...Subject[]],
  comparison: Comparison | undefined,
): readonly Document[] {
  if (comparison === undefined) return []
  return [
    {
      name: 'reproducible',
      predicateType: SCAI_PREDICATE,
      statement: reproducibleStatement(subjects, comparison),
    },
  ]
}

/** What every statement about the image is about. */
export function statedSubjects(image: ServedImage): readonly [Subject, ...Subject[]] {
  return imageSubjects({
    repositories: namesOf(image),
    digest: image.descriptor.digest,
    platforms: image.kind === 'index' ? image.platforms : [],
  })
}

function namesOf(image: ServedImage): readonly [string, ...string[]] {
  const [first, ...others] = image.repositories
  return [formatReference(first), ...others.map(formatReference)]
}
