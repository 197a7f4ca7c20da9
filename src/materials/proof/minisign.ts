import { createPublicKey, verify } from 'node:crypto'
import { concatBytes, decodeBase64, decodeUtf8, equalBytes, utf8 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'

/** What a signature says that holds. */
export interface MinisignFact {
  /** Upper-case hex, as minisign prints it. */
  readonly keyId: string
  /** Signed as well: minisign writes time and file name. */
  readonly trustedComment: string
}

/**
 * A minisign signature over bytes of which only the BLAKE2b-512 digest is needed, so that they can be streamed.
 *
 *     untrusted comment: …
 *     base64("ED" | key id, 8 bytes | Ed25519 signature over the digest, 64 bytes)
 *     trusted comment: …
 *     base64(Ed25519 signature over those 64 bytes and the trusted comment)
 *
 * The older form "Ed" signs the bytes themselves and is refused by name: `minisign -S` has not made it by default since 0.10.
 * Source: jedisct1.github.io/minisign § Signature format, Public key format.
 * @throws `materials/signature-malformed`, `materials/signature-wrong`
 */
export function verifyMinisign(signature: Uint8Array, publicKey: Uint8Array, blake2b512: Uint8Array): MinisignFact {
  const key = readKey(publicKey)
  const [untrusted = '', first = '', trusted = '', second = '', ...more] = linesOf(signature, 'signature')
  if (!untrusted.startsWith('untrusted comment: ') || !trusted.startsWith('trusted comment: ') || more.length > 0)
    throw malformed('signature is not of four lines, two of them comments')
  const bytes = fixed(first, 74, 'signature')
  const global = fixed(second, 64, 'signature of the trusted comment')
  const algorithm = Buffer.from(bytes.subarray(0, 2)).toString('latin1')
  if (algorithm === 'Ed')
    throw malformed(
      'signature is of the older form, over the bytes and not over their digest',
      'minisign 0.10 or newer',
    )
  if (algorithm !== 'ED') throw malformed('signature is of an unknown algorithm', 'ED')
  const id = bytes.subarray(2, 10)
  if (!equalBytes(id, key.id)) throw wrong('is by another key', idText(key.id), idText(id))
  const raw = bytes.subarray(10)
  const keyObject = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key.point).toString('base64url') },
    format: 'jwk',
  })
  if (!verify(null, blake2b512, keyObject, raw)) throw wrong('is over other bytes')
  const trustedComment = trusted.slice('trusted comment: '.length)
  if (!verify(null, concatBytes([raw, utf8(trustedComment)]), keyObject, global))
    throw wrong('has another trusted comment')
  return { keyId: idText(id), trustedComment }
}

/**
 * The id of a minisign public key file, upper-case hex as minisign prints it.
 * @throws `materials/signature-malformed` for anything else.
 */
export function minisignKeyId(publicKey: Uint8Array): string {
  return idText(readKey(publicKey).id)
}

/** With its comment line, or the one line that `minisign -P` takes. */
function readKey(bytes: Uint8Array): { readonly id: Uint8Array; readonly point: Uint8Array } {
  const lines = linesOf(bytes, 'key')
  const [text = '', second] = lines[0]?.startsWith('untrusted comment: ') ? lines.slice(1) : lines
  if (second !== undefined) throw malformed('key has more lines than a comment and itself')
  const key = fixed(text, 42, 'key')
  if (Buffer.from(key.subarray(0, 2)).toString('latin1') !== 'Ed')
    throw malformed('key is of an unknown algorithm', 'Ed')
  return { id: key.subarray(2, 10), point: key.subarray(10) }
}

function linesOf(bytes: Uint8Array, what: string): readonly string[] {
  if (bytes.byteLength > LIMITS.detachedBytes) throw malformed(`${what} is too large`, `${LIMITS.detachedBytes} bytes`)
  const text = decodeUtf8(bytes)
  if (text === undefined) throw malformed(`${what} is not UTF-8`)
  return text.replace(/\r?\n$/, '').split(/\r?\n/)
}

function fixed(text: string, length: number, what: string): Uint8Array {
  // 4 characters for 3 bytes: longer ones are not even decoded.
  const bytes = text.length <= length * 2 ? decodeBase64(text, `minisign ${what}`) : undefined
  if (bytes?.byteLength === length) return bytes
  throw malformed(`${what} has another length`, `${length} bytes in base64`)
}

/** The id is a number, lowest byte first. */
function idText(id: Uint8Array): string {
  return Buffer.from(id).reverse().toString('hex').toUpperCase()
}

function malformed(why: string, expected?: string): Error {
  return fail('materials/signature-malformed', `The minisign ${why}`, expected === undefined ? {} : { expected })
}

function wrong(why: string, expected?: string, found?: string): Error {
  return fail('materials/signature-wrong', `The minisign signature ${why}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
  })
}
