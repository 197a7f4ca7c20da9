import type { SignatureFact } from '../core/facts.ts'
import type { Keyring } from './keyring.ts'
import { checkArmored } from './verify.ts'

/** SSHSIG namespace that keeps a signature on a review from being shown as one on a commit, and the other way round. */
export const REVIEW_NAMESPACE = 'waybill-review'

/**
 * Checks the signature of a review statement with the engines that check commits.
 * @param bytes what was signed: the pre-authentication encoding of the envelope.
 */
export function checkReviewSignature(armor: string, bytes: Uint8Array, keyring: Keyring): Promise<SignatureFact> {
  const scheme = armor.startsWith('-----BEGIN SSH SIGNATURE-----') ? 'ssh' : 'openpgp'
  return checkArmored({ scheme, armor, payload: bytes, namespace: REVIEW_NAMESPACE }, keyring)
}
