import { constants, createHash, type KeyObject } from 'node:crypto'
import { equalBytes } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import type { CmsSignature } from './cms.ts'
import { verifies } from './public-key.ts'

/** Curves by OpenSSL's names. */
const CURVES: Readonly<Record<string, { readonly name: string; readonly bits: number }>> = {
  prime256v1: { name: 'ecdsa-p256', bits: 256 },
  secp384r1: { name: 'ecdsa-p384', bits: 384 },
  secp521r1: { name: 'ecdsa-p521', bits: 521 },
}

/** Kind and size of a key, in the words of the facts. @throws `source/signature-unsupported` */
export function describeKey(key: KeyObject): { readonly algorithm: string; readonly bits: number } {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  const type = key.asymmetricKeyType
  if (type === 'rsa' || type === 'rsa-pss') return { algorithm: 'rsa', bits: modulusLength }
  if (type === 'ed25519') return { algorithm: 'ed25519', bits: 256 }
  const curve = type === 'ec' && Object.hasOwn(CURVES, namedCurve) ? CURVES[namedCurve] : undefined
  if (curve !== undefined) return { algorithm: curve.name, bits: curve.bits }
  const found = [type, namedCurve].filter(Boolean).join(' ')
  throw fail('source/signature-unsupported', `Signatures by certificates with a key of type ${found} are not judged`, {
    expected: 'RSA, ECDSA on P-256, P-384 or P-521, Ed25519',
    found,
  })
}

/** True when the signed attributes are about exactly this message. */
export function isAbout(cms: CmsSignature, message: Uint8Array): boolean {
  return equalBytes(createHash(cms.hash).update(message).digest(), cms.messageDigest)
}

/** True when the signer's key made the signature over the signed attributes. */
export async function isSignedBySigner(cms: CmsSignature): Promise<boolean> {
  try {
    return await isRight(cms)
  } catch {
    // OpenSSL refuses numbers that no honest signature has, such as a modulus of a megabit, before it computes.
    return false
  }
}

async function isRight({ signer, algorithm, hash, signed, signature }: CmsSignature): Promise<boolean> {
  const { key } = signer
  const type = key.asymmetricKeyType
  const { family, saltLength = 0 } = algorithm
  if (family === 'ed25519') return type === 'ed25519' && verifies(null, signed, key, signature)
  if (family === 'ecdsa') return type === 'ec' && verifies(hash, signed, key, signature)
  if (family === 'rsa') return type === 'rsa' && verifies(hash, signed, key, signature)
  if (family !== 'rsa-pss' || (type !== 'rsa' && type !== 'rsa-pss')) return false
  return verifies(hash, signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
}
