import { sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isRefused } from '../core/facts.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { ReviewFact } from '../policy/evidence.ts'
import { preAuthEncoding } from '../sigstore/verify/log-entry.ts'
import type { Keyring } from '../source/keyring.ts'
import type { StoredReview } from '../source/review-refs.ts'
import { checkReviewSignature } from '../source/review-signature.ts'
import { parseEnvelope } from '../statements/envelope.ts'
import { parseStatement } from '../statements/parse.ts'
import { readReview } from '../statements/review.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../statements/statement.ts'

/** A review statement whose signature is valid, with the bytes that will be kept beside the source VSA. */
export interface KeptReview {
  readonly fact: ReviewFact
  readonly ref: string
  /** As found, byte for byte. */
  readonly bytes: Uint8Array
}

export interface ReadReviews {
  readonly valid: readonly KeptReview[]
  /** Why others do not count, one finding each; named, never evidence. */
  readonly refused: readonly Finding[]
}

/**
 * Turns what stands behind `refs/waybill/reviews/*` into facts. Anybody may write there, so one bad statement refuses
 * itself alone. Whether the signer may review is for the policy; the name in the ref is never believed.
 */
export async function checkReviews(stored: readonly StoredReview[], keyring: Keyring): Promise<ReadReviews> {
  const read = await Promise.all(stored.map(review => checkReview(review, keyring)))
  return {
    valid: read.flatMap(result => ('fact' in result ? [result] : [])),
    refused: read.flatMap(result => ('code' in result ? [result] : [])),
  }
}

async function checkReview({ ref, head, bytes }: StoredReview, keyring: Keyring): Promise<KeptReview | Finding> {
  try {
    const { payload, armor } = parseEnvelope(bytes)
    const claims = readReview(parseStatement(payload))
    if (claims.head !== head)
      throw fail('source/review-invalid', `The statement behind ${ref} is about another commit`, {
        expected: head,
        found: claims.head,
      })
    const pae = preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload })
    const signature = await checkReviewSignature(armor, pae, keyring)
    if (signature.kind === 'none' || isRefused(signature))
      throw fail('source/review-invalid', `The signature of the statement behind ${ref} is not valid`, {
        found: signature.kind === 'none' ? 'no signature' : signature.message,
      })
    return { ref, bytes, fact: { ...claims, signature, digest: sha256(bytes) } }
  } catch (error) {
    return findingOf(asWaybillError(error), ref, 'note')
  }
}
