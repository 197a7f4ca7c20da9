import type { KeyObject } from 'node:crypto'

/** ECDSA over a digest that somebody else computed: node:crypto verifies over messages only. Undefined: no such curve. */
export type PrehashedCheck = (key: KeyObject, digest: Uint8Array, signature: Uint8Array) => boolean | undefined

/** Loads the curves; they are needed only where a digest is all there is. FIPS 186-5 § 6.4.2. */
export async function prehashedCheck(): Promise<PrehashedCheck> {
  const { p256, p384, p521 } = await import('@noble/curves/nist.js')
  const curves = { 'P-256': p256, 'P-384': p384, 'P-521': p521 }
  return (key, digest, signature) => {
    if (key.asymmetricKeyType !== 'ec') return undefined
    const { crv = '', x = '', y = '' } = key.export({ format: 'jwk' })
    const curve = Object.hasOwn(curves, crv) ? curves[crv as keyof typeof curves] : undefined
    if (curve === undefined) return undefined
    const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
    try {
      // High S is as good as low S: OpenSSL and every signer of this world write either.
      return curve.verify(signature, digest, point, { prehash: false, lowS: false, format: 'der' })
    } catch {
      return false
    }
  }
}
