import { createHash, type KeyObject } from 'node:crypto'
import { concatBytes } from '../core/bytes.ts'
import type { SigningKey } from './openpgp-key.ts'
import { type OpenpgpSignature, readMpis } from './openpgp-signature.ts'
import { verifies } from './public-key.ts'

/** RFC 9580 § 9.5, without MD5, SHA-1 and RIPEMD-160. */
const HASHES: Readonly<Record<number, string>> = {
  8: 'sha256',
  9: 'sha384',
  10: 'sha512',
  11: 'sha224',
  12: 'sha3-256',
  14: 'sha3-512',
}
export const WEAK_HASHES: Readonly<Record<number, string>> = { 1: 'MD5', 2: 'SHA-1', 3: 'RIPEMD-160' }

/** Name of the hash for node:crypto; undefined: weak or unknown. */
export function hashName(number: number): string | undefined {
  return HASHES[number]
}

/**
 * True when `key` made `signature` over exactly `message`. Nothing about time, purpose or ownership.
 * Runs on the thread pool, so several calls at once use several cores.
 */
export async function matchesOpenpgp(
  signature: OpenpgpSignature,
  message: Uint8Array,
  key: SigningKey,
): Promise<boolean> {
  const hash = hashName(signature.hash)
  if (hash === undefined || key.keyObject === undefined) return false
  if (key.version !== signature.version || key.algorithmNumber !== signature.algorithm) return false
  const signed = signedBytes(signature, message)
  const digest = createHash(hash).update(signed).digest()
  if (digest.readUInt16BE(0) !== signature.left16) return false
  return checkNumbers(signature, { signed, digest, hash }, key, key.keyObject)
}

function checkNumbers(
  signature: OpenpgpSignature,
  what: { signed: Uint8Array; digest: Uint8Array; hash: string },
  key: SigningKey,
  keyObject: KeyObject,
): Promise<boolean> {
  if (key.algorithm === 'rsa') {
    const [number] = readMpis(signature.numbers, 1)
    const padded = leftPad(number, Math.ceil(key.bits / 8))
    return padded === undefined ? no : verifies(what.hash, what.signed, keyObject, padded)
  }
  if (signature.algorithm === 19) {
    const pair = readPair(signature.numbers, Math.ceil(key.bits / 8))
    return pair === undefined
      ? no
      : verifies(what.hash, what.signed, { key: keyObject, dsaEncoding: 'ieee-p1363' }, pair)
  }
  // EdDSA in OpenPGP signs the digest, not the message.
  const plain = signature.algorithm === 22 ? readPair(signature.numbers, 32) : signature.numbers
  const length = key.algorithm === 'ed448' ? 114 : 64
  return plain?.byteLength === length ? verifies(null, what.digest, keyObject, plain) : no
}

const no = Promise.resolve(false)

function signedBytes(signature: OpenpgpSignature, message: Uint8Array): Uint8Array {
  const trailer = Buffer.alloc(6)
  trailer.writeUInt8(signature.version, 0)
  trailer.writeUInt8(0xff, 1)
  trailer.writeUInt32BE(signature.signedPart.byteLength, 2)
  const text = signature.type === 1 ? withCrlf(message) : message
  return concatBytes([signature.salt, text, signature.signedPart, trailer])
}

/** Canonical text form: every line end is CR LF (RFC 9580 § 5.2.4). */
function withCrlf(message: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(message).toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1')
}

function readPair(numbers: Uint8Array, size: number): Uint8Array | undefined {
  const [r, s] = readMpis(numbers, 2)
  const left = leftPad(r, size)
  const right = leftPad(s, size)
  return left === undefined || right === undefined ? undefined : concatBytes([left, right])
}

/** MPIs lose their leading zero bytes; node:crypto wants them back. */
function leftPad(number: Uint8Array | undefined, size: number): Uint8Array | undefined {
  if (number === undefined || number.byteLength > size) return undefined
  const padded = new Uint8Array(size)
  padded.set(number, size - number.byteLength)
  return padded
}
