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

/** What a stored statement comes to: a fact when its signature is valid, else why it does not count; named, never evidence. */
export type CheckedReview = { readonly fact: ReviewFact } | { readonly refused: Finding }

/**
 * Turns what stands behind one of `refs/waybill/reviews/*` into a fact. Anybody may write there, so a bad statement refuses
 * itself alone. Whether the signer may review is for the policy; the name in the ref is never believed.
 */
export async function checkReview({ ref, head, bytes }: StoredReview, keyring: Keyring): Promise<CheckedReview> {
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
    return { fact: { ...claims, signature, digest: sha256(bytes) } }
  } catch (error) {
    return { refused: findingOf(asWaybillError(error), ref, 'note') }
  }
}
