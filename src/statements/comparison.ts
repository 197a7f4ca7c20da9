import { utf8 } from '../core/bytes.ts'
import { type CommitId, type Digest, hexOf, sha256 } from '../core/digest.ts'
import { scaiStatement } from './scai.ts'
import type { Subject } from './statement.ts'

/**
 * What two builds of a commit were compared in, where both gave the same image. It is no attestation by itself; the SCAI statement of
 * the image names it by digest. docs/reproducible.md
 */
export const COMPARISON_TYPE = 'application/vnd.waybill.comparison.v1+json'
/** On disk, and as the name of the evidence. */
export const COMPARISON_NAME = 'waybill-comparison.json'

export interface Comparison {
  readonly bytes: Uint8Array
  readonly digest: Digest
}

export interface ComparedBuilds {
  readonly commit: CommitId
  /** Seconds since the epoch that both builds were given as the time. */
  readonly sourceDateEpoch: number
  readonly builder: string
  /** The manifest that both builds gave, platform by platform. */
  readonly platforms: readonly { readonly platform: string; readonly digest: Digest }[]
}

/** The same comparison gives the same bytes: no time, no machine. Another attempt of the run finds it by its digest. */
export function comparisonDocument({ commit, sourceDateEpoch, builder, platforms }: ComparedBuilds): Comparison {
  const document = {
    schemaVersion: 1,
    commit,
    sourceDateEpoch,
    builder,
    platforms: platforms.map(({ platform, digest }) => ({ platform, first: digest, second: digest })),
  }
  const bytes = utf8(`${JSON.stringify(document, null, 2)}\n`)
  return { bytes, digest: sha256(bytes) }
}

/**
 * The claim that a second build gave the same bytes, as the gate's item `reproducible` takes it. Ready to be signed.
 * @param subjects the image, as in its provenance. @throws `statements/malformed`
 */
export function reproducibleStatement(
  subjects: readonly [Subject, ...Subject[]],
  { digest }: Pick<Comparison, 'digest'>,
): Uint8Array {
  const evidence = { name: COMPARISON_NAME, digest: { sha256: hexOf(digest) } }
  return scaiStatement(subjects, [{ attribute: 'REPRODUCIBLE', evidence }])
}
