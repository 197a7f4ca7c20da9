import { sha256 } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
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
export async function checkReview(stored: StoredReview, keyring: Keyring): Promise<CheckedReview> {
  try {
    return { fact: await factOf(stored, keyring) }
  } catch (error) {
    return { refused: findingOf(refusal(stored, asWaybillError(error)), stored.ref, 'note') }
  }
}

async function factOf({ head, bytes }: StoredReview, keyring: Keyring): Promise<ReviewFact> {
  if (bytes === undefined) throw invalid('it is no file, or a larger one than a statement', 'a statement')
  const { payload, armor } = parseEnvelope(bytes)
  const claims = readReview(parseStatement(payload))
  if (claims.head !== head) throw invalid(`it is about the commit ${claims.head}`, head)
  const pae = preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload })
  const signature = await checkReviewSignature(armor, pae, keyring)
  if (signature.kind === 'none' || isRefused(signature))
    throw invalid(signature.kind === 'none' ? 'it is not signed' : signature.message, 'a valid signature')
  return { ...claims, signature, digest: sha256(bytes) }
}

function invalid(why: string, expected: string): WaybillError {
  return fail('source/review-invalid', why, { expected, found: why })
}

/** Each names its ref: of many statements nobody could else tell which. */
function refusal({ ref }: StoredReview, error: WaybillError): WaybillError {
  const { code, message, expected, found, cause } = error
  const why = code === 'source/review-invalid' ? message : [message, found].filter(Boolean).join(': ')
  return fail('source/review-invalid', `The statement behind ${ref} does not count`, {
    ...(expected === undefined ? {} : { expected }),
    found: why,
    cause,
  })
}
