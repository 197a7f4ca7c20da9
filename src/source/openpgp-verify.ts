import { createHash, createVerify, type KeyObject, type VerifyKeyObjectInput } from 'node:crypto'
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
  const hash = hashOf(signature, key)
  if (hash === undefined || key.keyObject === undefined) return false
  const signed = signedBytes(signature, message)
  const digest = createHash(hash).update(signed).digest()
  if (digest.readUInt16BE(0) !== signature.left16) return false
  const check: NumbersCheck = (by, numbers) => verifies(hash, signed, by, numbers)
  return checkNumbers(signature, digest, check, key, key.keyObject)
}

/** As `matchesOpenpgp`, for a message that is too large to be held. */
export async function matchesOpenpgpStream(
  signature: OpenpgpSignature,
  message: AsyncIterable<Uint8Array>,
  key: SigningKey,
): Promise<boolean> {
  const name = hashOf(signature, key)
  if (name === undefined || key.keyObject === undefined) return false
  const [hash, verifier] = [createHash(name), createVerify(name)]
  const take = (bytes: Uint8Array): void => {
    hash.update(bytes)
    verifier.update(bytes)
  }
  take(signature.salt)
  const lines = new CrlfLines()
  for await (const chunk of message) take(signature.type === 1 ? lines.next(chunk) : chunk)
  take(signature.signedPart)
  take(trailerOf(signature))
  const digest = hash.digest()
  if (digest.readUInt16BE(0) !== signature.left16) return false
  const check: NumbersCheck = async (by, numbers) => verifier.verify(by, numbers)
  return checkNumbers(signature, digest, check, key, key.keyObject)
}

/** Undefined: the key cannot have made it, or the hash is weak. */
function hashOf(signature: OpenpgpSignature, key: SigningKey): string | undefined {
  const same = key.version === signature.version && key.algorithmNumber === signature.algorithm
  return same ? hashName(signature.hash) : undefined
}

/** Whether the key made these numbers over the signed bytes. */
type NumbersCheck = (key: KeyObject | VerifyKeyObjectInput, numbers: Uint8Array) => Promise<boolean>

function checkNumbers(
  signature: OpenpgpSignature,
  digest: Uint8Array,
  check: NumbersCheck,
  key: SigningKey,
  keyObject: KeyObject,
): Promise<boolean> {
  if (key.algorithm === 'rsa') {
    const [number] = readMpis(signature.numbers, 1)
    const padded = leftPad(number, Math.ceil(key.bits / 8))
    return padded === undefined ? no : check(keyObject, padded)
  }
  if (signature.algorithm === 19) {
    const pair = readPair(signature.numbers, Math.ceil(key.bits / 8))
    return pair === undefined ? no : check({ key: keyObject, dsaEncoding: 'ieee-p1363' }, pair)
  }
  // EdDSA in OpenPGP signs the digest, not the message.
  const plain = signature.algorithm === 22 ? readPair(signature.numbers, 32) : signature.numbers
  const length = key.algorithm === 'ed448' ? 114 : 64
  return plain?.byteLength === length ? verifies(null, digest, keyObject, plain) : no
}

const no = Promise.resolve(false)

function signedBytes(signature: OpenpgpSignature, message: Uint8Array): Uint8Array {
  const text = signature.type === 1 ? withCrlf(message) : message
  return concatBytes([signature.salt, text, signature.signedPart, trailerOf(signature)])
}

function trailerOf({ version, signedPart }: OpenpgpSignature): Uint8Array {
  const trailer = Buffer.alloc(6)
  trailer.writeUInt8(version, 0)
  trailer.writeUInt8(0xff, 1)
  trailer.writeUInt32BE(signedPart.byteLength, 2)
  return trailer
}

/** As `withCrlf`, for text that comes in pieces: a line end may be cut in two. */
class CrlfLines {
  #lastIsCr = false

  next(chunk: Uint8Array): Uint8Array {
    if (chunk.byteLength === 0) return chunk
    const text = withCrlf(chunk)
    const broken = this.#lastIsCr && chunk[0] === 0x0a
    this.#lastIsCr = chunk.at(-1) === 0x0d
    return broken ? text.subarray(1) : text
  }
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
