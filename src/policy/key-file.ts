import { createHash, createPublicKey } from 'node:crypto'
import { latin1 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'

/**
 * Reads one public key: PEM `PUBLIC KEY` (DER SubjectPublicKeyInfo, RFC 7468 § 13), as `cosign generate-key-pair` writes it.
 * @returns SHA-256 over the DER, lower-case hex: what `KeySigner.fingerprint` holds.
 * @throws `policy/unusable` for anything else; a private key is refused by name, it has no business in a policy.
 */
export function keyFingerprint(bytes: Uint8Array, path: string): string {
  const text = latin1(bytes)
  if (text.includes('PRIVATE KEY')) throw unusable(path, 'a private key')
  const body = /^\s*-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----\s*$/.test(text)
  if (!body) throw unusable(path, 'something other than one PEM public key')
  try {
    const key = createPublicKey({ key: text, format: 'pem' })
    return createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest('hex')
  } catch (error) {
    throw unusable(path, 'a PEM block that holds no key', error)
  }
}

function unusable(path: string, found: string, cause?: unknown): Error {
  return fail('policy/unusable', `${path} is not a usable public key: it holds ${found}`, {
    expected: 'one block: -----BEGIN PUBLIC KEY-----',
    found,
    remedy: `Put the public key alone into ${path}, for example: openssl pkey -in private.pem -pubout`,
    cause,
  })
}
