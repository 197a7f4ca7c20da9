import { type CommitId, hexOf, sha256 } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import {
  type AcceptedEarlier,
  acceptEarlier,
  type EarlierEvidence,
  type EarlierExpected,
  evidenceOf,
} from '../policy/earlier-vsa.ts'
import type { Revocation } from '../policy/policy.ts'
import { pointBundleIndex, readBundleIndex } from '../registry/bundle-index.ts'
import type { RegistryClient } from '../registry/client.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import { isSourceSummary } from '../statements/source-vsa.ts'
import { PROVENANCE_PREDICATE, type SignedStatement, VERIFICATION_SUMMARY_PREDICATE } from '../statements/statement.ts'
import { SOURCE_VERIFICATION_PREDICATE } from '../statements/uris.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { ServedImage } from './digest-stage.ts'
import type { RunRecord } from './run.ts'
import type { Signed } from './sign-stage.ts'
import type { VerifyBundle } from './verify-request.ts'

/** What a run asks of the summaries that earlier runs of its branch left. */
export interface EarlierQuestion {
  /** The protected branch, in full. */
  readonly ref: string
  /** As summaries name it, `git+<server>/<owner>/<name>#.github/waybill.yml`. */
  readonly policyUri: string
  readonly anchor: CommitId
  /** `source-workflows` and `revoked` of the accepted policy. */
  readonly workflows: readonly string[]
  readonly revoked: readonly Revocation[]
}

/** Who asks, and where earlier statements lie. */
export interface EarlierWorld {
  readonly registry: RegistryClient
  /** The first of `images`. */
  readonly repository: Repository
  readonly run: Omit<EarlierExpected, keyof EarlierQuestion>
  verifier(): Promise<VerifyBundle>
}

/** Begins with `waybill-`, so that no user's tag can be one; the ref itself may hold what a tag may not. */
export function sourceIndexTag(ref: string): string {
  return `waybill-source.${hexOf(sha256(ref)).slice(0, 12)}`
}

/**
 * Finds what the newest earlier run of this branch stated. Never throws: what cannot be found, read or used is told in
 * `notes` and gives no evidence, so that a lost or planted index can deny a time and never lend one.
 */
export async function findEarlier(question: EarlierQuestion, world: EarlierWorld): Promise<EarlierEvidence> {
  const notes: Finding[] = []
  const note = (error: unknown): void => {
    notes.push(findingOf(asWaybillError(error), sourceIndexTag(question.ref), 'note'))
  }
  try {
    const bundles = await readBundleIndex(world.registry, world.repository, sourceIndexTag(question.ref))
    if (bundles.length === 0) return evidenceOf([], [])
    const found = verified(bundles, await world.verifier(), note)
    const accepted = found
      .filter(({ statement }) => isSourceSummary(statement))
      .flatMap((summary): readonly AcceptedEarlier[] => {
        const judged = acceptEarlier(summary, found, { ...world.run, ...question })
        if ('detail' in judged) return [judged]
        notes.push(judged.refused)
        return []
      })
    return evidenceOf(
      [...accepted].sort((a, b) => b.time.getTime() - a.time.getTime()),
      notes,
    )
  } catch (error) {
    note(error)
    return evidenceOf([], notes)
  }
}

function verified(
  bundles: readonly Uint8Array[],
  verify: VerifyBundle,
  note: (error: unknown) => void,
): readonly Verified<SignedStatement>[] {
  return bundles.flatMap(bytes => {
    try {
      return [verify(bytes)]
    } catch (error) {
      note(error)
      return []
    }
  })
}

/**
 * Lets later runs of this branch find what was stated, without knowing the image. Only convenience rests on it, so the run waits for
 * it at its end, and what fails here is told and ends nothing.
 */
export function beginLeaving(
  request: AttestRequest,
  ports: AttestPorts,
  image: ServedImage,
  signed: Signed,
  record: RunRecord,
): void {
  const left = leaveForLaterRuns(request, ports, image, signed, record)
  record.onEnd(() => left)
}

async function leaveForLaterRuns(
  request: AttestRequest,
  ports: AttestPorts,
  image: ServedImage,
  signed: Signed,
  record: RunRecord,
): Promise<void> {
  const { ref } = request.source
  // Nobody but a run by its own identity is believed about the past (13-adversary 2).
  if (signed.signer.kind === 'key') return
  // A tag does not move on: what is stated at one is no branch's past.
  if (signed.source === undefined || !ref.startsWith('refs/heads/')) return
  const [repository] = image.repositories
  const tag = sourceIndexTag(ref)
  // The provenance tells a later run which base images this one had.
  const types = [VERIFICATION_SUMMARY_PREDICATE, SOURCE_VERIFICATION_PREDICATE, PROVENANCE_PREDICATE]
  const items = signed.bundles
    .filter(({ predicateType }) => types.includes(predicateType))
    .map(({ bytes, predicateType, signedAt }) => {
      return { subject: image.descriptor, bundle: bytes, predicateType, created: signedAt }
    })
  try {
    await pointBundleIndex(ports.registry, repository, tag, items)
  } catch (error) {
    const { code, message } = asWaybillError(error)
    const name = formatReference({ ...repository, tag })
    record.notices.push(`Later runs will not find this run’s source summary by ${name}: ${message} (${code})`)
  }
}
