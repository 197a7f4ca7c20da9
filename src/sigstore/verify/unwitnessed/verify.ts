import { sha256 } from '../../../core/digest.ts'
import { fail, WaybillError } from '../../../core/error.ts'
import { mintVerified, type Verified } from '../../../core/verified.ts'
import { parseForeignStatement } from '../../../statements/parse.ts'
import { IN_TOTO_PAYLOAD_TYPE, type SignedStatement } from '../../../statements/statement.ts'
import { type BundleParts, parseBundle, partsOf } from '../../bundle.ts'
import { contentOf } from '../content.ts'
import { findKey, type KeyMaterial } from '../keys.ts'
import { preAuthEncoding } from '../log-entry.ts'

/**
 * True for a bundle of a key that no service has seen: no log entry, no timestamp, no certificate. Nothing is verified by it;
 * it says which of the two ways of verifying can apply. @throws `sigstore/bundle-malformed`, `sigstore/bundle-unsupported`
 */
export function isUnwitnessed(bytes: Uint8Array): boolean {
  return lacksWitnesses(partsOf(parseBundle(bytes)))
}

function lacksWitnesses({ content, signer, entries, timestamps }: BundleParts): boolean {
  return content.form === 'dsse' && 'hint' in signer && entries.length === 0 && timestamps.length === 0
}

/**
 * Verifies a bundle that no service has seen by the public keys that the caller names, without any trust root: who holds the
 * key signed exactly this, at a time nobody knows. So the result has no `signedAt`, and whatever asks for a time (the window
 * of a key, `max-age`, a revocation) is against it. A bundle that brings witnesses is refused: those are verified against a
 * trust root or not at all, and leaving them out must be the signer's doing.
 * @param keys without a window of validity; others are not tried.
 * @throws `sigstore/…` naming the first thing that is wrong; `statements/…` when the verified payload is no statement.
 */
export function verifyUnwitnessed(bytes: Uint8Array, keys: readonly KeyMaterial[]): Verified<SignedStatement> {
  try {
    return verified(bytes, keys)
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw fail('sigstore/bundle-malformed', 'The bundle cannot be verified: a part of it has an unexpected structure', {
      cause: error,
    })
  }
}

function verified(bytes: Uint8Array, keys: readonly KeyMaterial[]): Verified<SignedStatement> {
  const parts = partsOf(parseBundle(bytes))
  const { content, signature } = parts
  const payloadType = content.form === 'dsse' ? content.payloadType : 'a message signature'
  if (content.form !== 'dsse' || payloadType !== IN_TOTO_PAYLOAD_TYPE)
    // 1/4 what the bytes claim to be
    throw fail('sigstore/payload-type', 'The envelope does not carry an in-toto statement', {
      expected: IN_TOTO_PAYLOAD_TYPE,
      found: payloadType || 'no payload type',
    })
  if (!lacksWitnesses(parts)) throw witnessed(parts) // 2/4 nothing in it that would be left unchecked
  const signed = contentOf(preAuthEncoding(content))
  const timeless = keys.filter(({ validFor }) => validFor === undefined)
  const { fingerprint } = findKey(timeless, key => signed.signedBy(key, signature)) // 3/4 a given key, exactly these bytes
  return mintVerified({
    statement: parseForeignStatement(content.payload), // 4/4 the payload, strictly
    signer: { kind: 'key' as const, fingerprint },
    timeSources: [],
    bundle: sha256(bytes),
    payload: sha256(content.payload),
  })
}

function witnessed({ signer, entries, timestamps }: BundleParts): Error {
  return fail('sigstore/time-missing', 'The bundle names services, and no trust root was given to verify them by', {
    expected: 'a trust root, or a bundle signed with a key and seen by no service',
    found: 'hint' in signer ? `${entries.length} log entries, ${timestamps.length} timestamps` : 'a certificate',
    remedy: 'Name the trust root of these services: --trusted-root FILE',
  })
}
