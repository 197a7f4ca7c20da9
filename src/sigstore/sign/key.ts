import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { decodeBase64, latin1 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import type { KeySigner } from '../../core/signer.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { keyFingerprint } from '../verify/keys.ts'
import { COSIGN_KEY_LABELS, openCosignKey } from './cosign-key.ts'
import type { Signer } from './credential.ts'

/** A private key somebody keeps, ready to sign. Only the public half and what it signs ever leave it. */
export interface SigningKey extends Signer {
  readonly publicKey: KeyObject
  readonly signer: KeySigner
  /** `publicKey.hint` of a bundle: SHA-256 of the DER SubjectPublicKeyInfo in base64, as cosign 3 writes it. */
  readonly hint: string
  /** `PublicKeyDetails` of sigstore_common.proto; absent where a Rekor v2 log has no entry for this kind. */
  readonly details?: string
}

interface Kind {
  /** What is signed is this hash of the bytes; null: the bytes themselves. */
  readonly hash: 'sha256' | null
  readonly details?: string
}

/**
 * SHA-256 with every curve: cosign 3.1 verifies bundles of keys so and not otherwise, Rekor v1 and sigstore-js, too. (That
 * cosign signs with SHA-384 where the curve is P-384, which it does not verify itself.)
 */
const CURVES: Readonly<Record<string, Kind>> = {
  prime256v1: { hash: 'sha256', details: 'PKIX_ECDSA_P256_SHA_256' },
  secp384r1: { hash: 'sha256' },
}
const RSA_DETAILS: Readonly<Record<number, string>> = {
  2048: 'PKIX_RSA_PKCS1V15_2048_SHA256',
  3072: 'PKIX_RSA_PKCS1V15_3072_SHA256',
  4096: 'PKIX_RSA_PKCS1V15_4096_SHA256',
}
const LEAST_RSA_BITS = 2048

/**
 * Reads a private key: one PEM block, PKCS#8 (also encrypted) or cosign's encrypted key. ECDSA P-256 and P-384, Ed25519,
 * RSA of 2048 bits or more. Nothing of the key or the password is in any error.
 * @param password absent: the key must not be encrypted.
 * @throws `sigstore/signing-key-unusable`, `sigstore/signing-key-locked`
 */
export async function loadSigningKey(pem: Uint8Array, password?: string): Promise<SigningKey> {
  const { label, der } = blockOf(pem)
  if (!label.startsWith('ENCRYPTED')) {
    if (password !== undefined) throw unusable('not encrypted, but a password was given', 'no password for this key')
    return signingKey(privateKeyOf(der))
  }
  if (password === undefined)
    throw fail('sigstore/signing-key-locked', 'The signing key is encrypted, and no password was given')
  if (COSIGN_KEY_LABELS.includes(label)) return signingKey(privateKeyOf(await openCosignKey(der, password)))
  return signingKey(unlocked(der, password))
}

/** RFC 7468: one block and nothing else, so that no other program takes another key out of the same file. */
function blockOf(pem: Uint8Array): { readonly label: string; readonly der: Uint8Array } {
  if (pem.byteLength > SIGSTORE_LIMITS.signingKeyBytes) throw unusable('too large to be a key')
  const text = latin1(pem).trim().replaceAll('\r\n', '\n')
  const block = /^-----BEGIN ([A-Z0-9 ]{1,60})-----\n([A-Za-z0-9+/=\n]+)\n-----END \1-----$/.exec(text)
  const [, label = '', body = ''] = block ?? []
  const known = ['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', ...COSIGN_KEY_LABELS]
  if (known.includes(label)) return { label, der: decoded(body.replaceAll('\n', '')) }
  if (label === 'EC PRIVATE KEY' || label === 'RSA PRIVATE KEY')
    throw fail('sigstore/signing-key-unusable', 'The signing key is in the older form of one algorithm', {
      expected: 'PKCS#8: -----BEGIN PRIVATE KEY-----',
      found: `-----BEGIN ${label}-----`,
      remedy: 'Convert it: openssl pkcs8 -topk8 -in KEY.pem -out KEY8.pem',
    })
  throw unusable(label === '' ? 'not one PEM block' : `a PEM block of another kind (${label})`)
}

/** The decoder's own message could quote what it cannot read. */
function decoded(body: string): Uint8Array {
  try {
    return decodeBase64(body, 'key')
  } catch {
    throw unusable('not base64 inside its PEM block')
  }
}

function privateKeyOf(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
  } catch {
    throw unusable('not a PKCS#8 private key')
  }
}

function unlocked(der: Uint8Array, passphrase: string): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8', passphrase })
  } catch {
    throw fail('sigstore/signing-key-locked', 'The password does not open the signing key', {
      expected: 'the password of this key, and an encryption that OpenSSL knows',
    })
  }
}

function signingKey(key: KeyObject): SigningKey {
  const publicKey = createPublicKey(key)
  const { hash, details } = kindOf(publicKey)
  const fingerprint = keyFingerprint(publicKey)
  return {
    publicKey,
    signer: { kind: 'key', fingerprint },
    hint: Buffer.from(fingerprint, 'hex').toString('base64'),
    ...(details === undefined ? {} : { details }),
    sign: bytes => sign(hash, bytes, key),
  }
}

function kindOf({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject): Kind {
  const { namedCurve = '', modulusLength = 0 } = details
  if (type === 'ed25519') return { hash: null }
  const curve = type === 'ec' && Object.hasOwn(CURVES, namedCurve) ? CURVES[namedCurve] : undefined
  if (curve !== undefined) return curve
  if (type === 'rsa' && modulusLength >= LEAST_RSA_BITS && modulusLength <= SIGSTORE_LIMITS.rsaBits) {
    const rsa = RSA_DETAILS[modulusLength]
    return { hash: 'sha256', ...(rsa === undefined ? {} : { details: rsa }) }
  }
  const bits = modulusLength === 0 ? '' : ` of ${modulusLength} bits`
  throw unusable(`a key of another kind: ${type ?? 'unknown'} ${namedCurve}${bits}`.trim())
}

function unusable(found: string, expected = 'ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more'): Error {
  return fail('sigstore/signing-key-unusable', `The signing key cannot be used: it is ${found}`, { expected, found })
}
