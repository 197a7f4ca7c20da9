import type { Digest } from '../core/digest.ts'

/**
 * What cosign ≤ 2 writes beside an image: one layer of the manifest tagged `sha256-<hex>.sig` or `sha256-<hex>.att`.
 *
 *     signature    payload: simple signing JSON, {"critical": {"type": "cosign container image signature", "image": {"docker-manifest-digest": …}, …}}
 *     attestation  payload: DSSE envelope JSON
 *     annotations  dev.cosignproject.cosign/signature, dev.sigstore.cosign/{certificate, chain, bundle, rfc3161timestamp}
 *
 * Unverified bytes and texts, whoever may push chose them. Source: cosign SIGNATURE_SPEC.md.
 */
export interface LegacySignature {
  readonly form: 'signature' | 'attestation'
  readonly payload: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
  /** The manifest that lists it. */
  readonly manifest: Digest
}
