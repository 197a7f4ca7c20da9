import type { KeyObject } from 'node:crypto'
import { encodeBase64 } from '../../core/bytes.ts'

/** What the witnesses are asked to witness: one signed DSSE envelope. */
export interface SignedEnvelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  readonly publicKey: KeyObject
  /** DER of the leaf certificate; absent when a key that somebody keeps signed. */
  readonly certificate?: Uint8Array
  /** `PublicKeyDetails` of such a key (sigstore_common.proto), where a Rekor v2 log takes it. */
  readonly keyDetails?: string
}

/**
 * The text whose SHA-256 a Rekor v1 log records as `envelopeHash`. A bundle does not keep it, a tag of cosign ≤ 2 does: the two
 * must be the same bytes.
 */
export function envelopeText({
  payload,
  payloadType,
  signature,
}: Pick<SignedEnvelope, 'payload' | 'payloadType' | 'signature'>): string {
  const signatures = [{ sig: encodeBase64(signature) }]
  return JSON.stringify({ payload: encodeBase64(payload), payloadType, signatures })
}

/** PEM of that with which a log verifies the envelope: the certificate, or the public key itself. */
export function verifierPem({ certificate, publicKey }: Pick<SignedEnvelope, 'certificate' | 'publicKey'>): string {
  if (certificate !== undefined) return certificatePem(certificate)
  return publicKey.export({ format: 'pem', type: 'spki' }).toString()
}

/** RFC 7468, lines of 64 characters. */
export function certificatePem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
