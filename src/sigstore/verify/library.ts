import { type SignedEntity, toSignedEntity, VerificationError, Verifier } from '@sigstore/verify'
import { equalBytes } from '../../core/bytes.ts'
import { type ErrorCode, fail, WaybillError } from '../../core/error.ts'
import { remembered } from '../remembered.ts'
import type { TrustRoot } from '../trust/root.ts'
import type { Evidence } from './checks.ts'
import type { FoundKey } from './keys.ts'

/**
 * Runs `@sigstore/verify` over the bundle: chain, certificate log promises, log inclusion, timestamps, signature.
 * Never called with a threshold of 0 times (it would end in a TypeError), never with its identity policy (a string SAN
 * is an unanchored regular expression there); subject digests are for the caller (its artifact argument is ignored).
 * @throws one `sigstore/…` error, whatever the library threw.
 */
export function runLibrary(
  evidence: Evidence,
  trust: TrustRoot,
  key: FoundKey | undefined,
  thresholds: { readonly timestamps: number; readonly scts: number },
): void {
  const publicKey = () => {
    if (key === undefined) throw fail('sigstore/key-unknown', 'The bundle was signed with a key, and none was given')
    return { publicKey: key.key, validFor: key.validFor }
  }
  try {
    const verifier = new Verifier(
      { ...trust.material, publicKey },
      {
        tlogThreshold: 0, // counted before
        timestampThreshold: Math.max(1, thresholds.timestamps),
        ctlogThreshold: thresholds.scts,
      },
    )
    verifier.verify(entityOf(evidence))
  } catch (error) {
    throw mapped(error)
  }
}

/**
 * The bundle as the library sees it, with two differences: what an entry is about is compared by `log-entry.ts`, for every
 * hash and with the key, and `intoto` 0.0.1, which the library does not know, is left to `inclusion.ts` alone.
 */
function entityOf({ bundle, signature, signed, stamped }: Evidence): SignedEntity {
  const entity = toSignedEntity(bundle)
  if (entity.key.$case === 'certificate') remembered(entity.key.certificate)
  const yes = () => true
  return {
    ...entity,
    signature: {
      signature: stamped ?? signature, // the library takes it for what timestamps are about, and for nothing else
      compareSignature: given => equalBytes(given, signature),
      compareDigest: yes,
      compareSignedDigest: yes,
      verifySignature: key => signed.signedBy(key, signature),
    },
    tlogEntries: entity.tlogEntries.filter(
      ({ kindVersion }) => kindVersion.kind !== 'intoto' || kindVersion.version !== '0.0.1',
    ),
  }
}

const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['TIMESTAMP_ERROR', 'sigstore/timestamp-invalid'],
  ['PUBLIC_KEY_ERROR', 'sigstore/certificate-expired'],
  ['CERTIFICATE_ERROR', 'sigstore/certificate-untrusted'],
  ['SIGNATURE_ERROR', 'sigstore/signature-invalid'],
  ['TLOG_ERROR', 'sigstore/log-entry-invalid'],
  ['TLOG_BODY_ERROR', 'sigstore/log-entry-invalid'],
  ['TLOG_MISSING_INCLUSION_ERROR', 'sigstore/log-entry-invalid'],
  ['TLOG_INCLUSION_PROMISE_ERROR', 'sigstore/log-entry-invalid'],
  ['TLOG_INCLUSION_PROOF_ERROR', 'sigstore/log-entry-invalid'],
])

/** Whatever the library threw, as one of ours. */
export function mapped(error: unknown): WaybillError {
  if (error instanceof WaybillError) return error
  if (!(error instanceof VerificationError)) {
    // A TypeError or RangeError of the library means that it met a structure it did not expect.
    return fail(
      'sigstore/bundle-malformed',
      'The bundle cannot be verified: a part of it has an unexpected structure',
      {
        found: error instanceof Error ? error.message : 'unreadable',
        cause: error,
      },
    )
  }
  const code = /\bSCTs?\b/.test(error.message) ? sctCode(error.message) : CODES.get(error.code)
  return fail(code ?? 'sigstore/bundle-malformed', sentence(code), { found: error.message, cause: error })
}

function sctCode(message: string): ErrorCode {
  return message.startsWith('expected') ? 'sigstore/sct-missing' : 'sigstore/sct-invalid'
}

function sentence(code: ErrorCode | undefined): string {
  switch (code) {
    case 'sigstore/timestamp-invalid':
      return 'A signed timestamp does not verify with the trust root'
    case 'sigstore/certificate-expired':
      return 'The key was not valid when the signature was made'
    case 'sigstore/certificate-untrusted':
      return 'The signing certificate does not lead to a certificate authority of the trust root'
    case 'sigstore/sct-missing':
      return 'The signing certificate has too few certificate log promises'
    case 'sigstore/sct-invalid':
      return 'A certificate log promise does not verify with the trust root'
    case 'sigstore/signature-invalid':
      return 'The signature does not belong to this payload and key'
    case 'sigstore/log-entry-invalid':
      return 'A transparency log entry does not verify'
    default:
      return 'The bundle does not verify'
  }
}
