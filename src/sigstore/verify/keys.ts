import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { fail } from '../../core/error.ts'
import type { HashName } from '../bundle.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'

/** A public key somebody is willing to believe. */
export interface KeyMaterial {
  /** PEM, or DER SubjectPublicKeyInfo. */
  readonly publicKey: string | Uint8Array
  readonly validFor?: { readonly start?: Date; readonly end?: Date }
}

export interface FoundKey {
  readonly key: KeyObject
  /** SHA-256 over the DER SubjectPublicKeyInfo, lower-case hex. */
  readonly fingerprint: string
  readonly validFor: (date: Date) => boolean
}

/**
 * The key among those given that verifies the signature. The bundle's hint is not asked: it is not signed, programs
 * spell it differently, and the signature itself says which key it is of.
 * @throws `sigstore/key-unknown` when none does.
 */
export function findKey(keys: readonly KeyMaterial[], signedBy: (key: KeyObject) => boolean): FoundKey {
  for (const material of keys.slice(0, SIGSTORE_LIMITS.keys)) {
    const key = readKey(material)
    if (!signedBy(key)) continue
    const { start, end } = material.validFor ?? {}
    return {
      key,
      fingerprint: keyFingerprint(key),
      validFor: date => (start === undefined || start <= date) && (end === undefined || date <= end),
    }
  }
  throw fail('sigstore/key-unknown', 'None of the public keys given verifies the signature', {
    expected:
      keys.length === 0
        ? 'a certificate, since no public key was given'
        : keys.length === 1
          ? 'the public key given'
          : `one of ${keys.length} public keys`,
    found: 'a signature of another key, or changed bytes',
  })
}

/** SHA-256 over the DER SubjectPublicKeyInfo, lower-case hex. */
export function keyFingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
}

/** @throws `sigstore/key-unknown`, of kind configuration, when it is no public key. */
export function readKey({ publicKey }: KeyMaterial): KeyObject {
  try {
    return typeof publicKey === 'string'
      ? createPublicKey(publicKey)
      : createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
  } catch (error) {
    throw fail('sigstore/key-unknown', 'A public key that was given cannot be read', {
      kind: 'configuration',
      expected: 'PEM or DER SubjectPublicKeyInfo',
      cause: error,
    })
  }
}

/** True when the signature is over these bytes; a key that cannot verify at all gives false, not an exception. */
export function verifies(key: KeyObject, signed: Uint8Array, signature: Uint8Array): boolean {
  return hashesOf(key).some(algorithm => {
    try {
      return verify(algorithm, signed, key, signature)
    } catch {
      return false
    }
  })
}

/**
 * Hashes that signers use with a key. Undefined: what belongs to it (nothing for Ed25519, SHA-256 otherwise). Larger curves are used
 * with SHA-256 by older programs and with the hash of their own size by newer ones; neither lets anybody forge the other.
 */
function hashesOf(key: KeyObject): readonly (HashName | undefined)[] {
  const curve = key.asymmetricKeyDetails?.namedCurve
  if (curve === 'secp384r1') return [undefined, 'sha384']
  if (curve === 'secp521r1') return [undefined, 'sha512']
  return [undefined]
}
