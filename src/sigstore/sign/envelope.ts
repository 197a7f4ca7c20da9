import type { KeyObject } from 'node:crypto'

/** What the witnesses are asked to witness: one signed DSSE envelope. */
export interface SignedEnvelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  readonly publicKey: KeyObject
  /** DER of the leaf certificate. */
  readonly certificate: Uint8Array
}

export function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
