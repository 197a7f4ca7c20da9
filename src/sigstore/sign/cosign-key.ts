import { scrypt } from 'node:crypto'
import { decodeBase64, utf8 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import { type JsonObject, parseJsonObject } from '../../core/json.ts'
import { integerAt, objectAt, stringAt } from '../../core/shape.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'

/** Labels of the PEM block, as cosign 1 and as cosign 2 and later write it. */
export const COSIGN_KEY_LABELS: readonly string[] = ['ENCRYPTED COSIGN PRIVATE KEY', 'ENCRYPTED SIGSTORE PRIVATE KEY']

/**
 * Opens a private key as `cosign generate-key-pair` and `import-key-pair` keep it:
 *
 *     { "kdf": {"name": "scrypt", "params": {"N", "r", "p"}, "salt": base64},
 *       "cipher": {"name": "nacl/secretbox", "nonce": base64 of 24 bytes}, "ciphertext": base64 }
 *
 * scrypt makes 32 bytes of the password, secretbox (XSalsa20-Poly1305) holds PKCS#8 DER. As written by cosign 2.6 and 3.1.
 * Neither the document nor the password is in any error.
 * @returns PKCS#8 DER. @throws `sigstore/signing-key-unusable`, `sigstore/signing-key-locked`
 */
export async function openCosignKey(document: Uint8Array, password: string): Promise<Uint8Array> {
  const box = boxOf(document)
  const key = await derived(utf8(password), box)
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js')
  try {
    return xsalsa20poly1305(key, box.nonce).decrypt(box.ciphertext)
  } catch {
    throw fail('sigstore/signing-key-locked', 'The password does not open the signing key')
  }
}

interface Box {
  readonly cost: { readonly N: number; readonly r: number; readonly p: number }
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
}

function boxOf(document: Uint8Array): Box {
  try {
    const json = parseJsonObject(document, 'key')
    const [kdf, cipher] = [objectAt(json.kdf, 'kdf'), objectAt(json.cipher, 'cipher')]
    if (kdf.name !== 'scrypt' || cipher.name !== 'nacl/secretbox') throw new Error('another kind')
    const box = {
      cost: costOf(objectAt(kdf.params, 'kdf.params')),
      salt: decodeBase64(stringAt(kdf.salt, 'kdf.salt'), 'salt'),
      nonce: decodeBase64(stringAt(cipher.nonce, 'cipher.nonce'), 'nonce'),
      ciphertext: decodeBase64(stringAt(json.ciphertext, 'ciphertext'), 'ciphertext'),
    }
    if (box.nonce.byteLength !== 24 || box.salt.byteLength < 16) throw new Error('another length')
    return box
  } catch {
    throw unusable('an encrypted key of another form')
  }
}

/** A file that asks for gigabytes or hours is refused, not obeyed. RFC 7914 § 2: N is a power of two above 1. */
function costOf(params: JsonObject): Box['cost'] {
  const cost = { N: integerAt(params.N, 'N'), r: integerAt(params.r, 'r'), p: integerAt(params.p, 'p') }
  const { N, r, p } = cost
  const power = N > 1 && Number.isInteger(Math.log2(N))
  if (!power || r < 1 || p < 1 || 128 * N * r > SIGSTORE_LIMITS.scryptBytes || p > SIGSTORE_LIMITS.scryptRuns)
    throw new Error('a cost out of bounds')
  return cost
}

function derived(password: Uint8Array, { cost, salt }: Box): Promise<Uint8Array> {
  const options = { ...cost, maxmem: 2 * SIGSTORE_LIMITS.scryptBytes }
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, options, (error, key) => {
      if (error === null) resolve(new Uint8Array(key))
      else reject(unusable('a cost that this machine cannot pay'))
    })
  })
}

function unusable(found: string): Error {
  return fail('sigstore/signing-key-unusable', `The signing key cannot be used: it is ${found}`, {
    expected: 'a key as cosign generate-key-pair writes it: scrypt, nacl/secretbox',
    found,
  })
}
