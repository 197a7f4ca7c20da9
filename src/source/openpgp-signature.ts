import { fail } from '../core/error.ts'

/**
 * One detached OpenPGP signature packet, version 4 or 6 (RFC 9580 § 5.2.3).
 *
 *     packet   0xC2 length            (new form; one-, two- or five-octet length, never partial)
 *            | 0x88 len8 | 0x89 len16 | 0x8A len32   (old form)
 *     body     version | type | key algorithm | hash algorithm
 *              length (v4: u16, v6: u32) | hashed subpackets         these six are signed
 *              length | unhashed subpackets                           anybody may change them
 *              left 16 bits of the digest
 *              v6: salt length | salt                                 hashed first
 *              numbers of the algorithm
 *     digest = H( salt | message | version … hashed subpackets | version 0xFF u32 length of the part before )
 *
 * Traps: unhashed subpackets are the attacker's, so only the issuer, a hint for finding the key, is read from them; a
 * stream of several packets would let two programs judge two signatures, so exactly one must fill all bytes.
 */
export interface OpenpgpSignature {
  readonly version: 4 | 6
  /** 0x00 binary; 0x01 text: the message is hashed with CRLF line ends. */
  readonly type: 0 | 1
  readonly algorithm: number
  readonly hash: number
  /** From the hashed part. */
  readonly created: Date
  /** Seconds after `created` at which the signature says it ends. */
  readonly expiresAfter?: number
  /** Upper-case hex, as claimed. */
  readonly issuerFingerprint?: string
  /** Upper-case hex of the 64-bit key id, as claimed. */
  readonly issuerKeyId?: string
  /** Version up to and including the hashed subpackets. */
  readonly signedPart: Uint8Array
  readonly left16: number
  readonly salt: Uint8Array
  /** The rest: MPIs, or 64 or 114 bytes for native Ed25519 and Ed448. */
  readonly numbers: Uint8Array
}

/** Hashed subpackets that are understood or may be ignored safely even when critical. RFC 9580 § 5.2.3.7. */
const KNOWN_CRITICAL: ReadonlySet<number> = new Set([2, 3, 16, 28, 33])
const SALT_BYTES: Readonly<Record<number, number>> = { 8: 16, 9: 24, 10: 32, 11: 16, 12: 16, 14: 32 }

/** @throws `source/malformed`; `source/signature-unsupported` for versions other than 4 and 6. */
export function parseOpenpgpSignature(bytes: Uint8Array): OpenpgpSignature {
  const reader = new Reader(onlyPacket(bytes))
  const version = reader.uint(1)
  if (version !== 4 && version !== 6) {
    throw fail('source/signature-unsupported', `OpenPGP signatures of version ${version} are not judged`, {
      expected: 'version 4 or 6',
      found: `version ${version}`,
    })
  }
  const type = reader.uint(1)
  if (type !== 0 && type !== 1) throw malformed(`a signature of type 0x${type.toString(16).padStart(2, '0')}`)
  const algorithm = reader.uint(1)
  const hash = reader.uint(1)
  const width = version === 4 ? 2 : 4
  const hashed = readSubpackets(reader.take(reader.uint(width)))
  const signedPart = reader.soFar()
  const unhashed = readSubpackets(reader.take(reader.uint(width)))
  const left16 = reader.uint(2)
  const salt = version === 6 ? reader.take(reader.uint(1)) : new Uint8Array()
  if (version === 6 && salt.byteLength !== SALT_BYTES[hash]) throw malformed('a salt of the wrong length')
  const numbers = reader.rest()
  return { version, type, algorithm, hash, ...claims(hashed, unhashed), signedPart, left16, salt, numbers }
}

/** Reads `count` multiprecision integers that fill all bytes, each in its one canonical form; zero is refused. */
export function readMpis(bytes: Uint8Array, count: number): readonly Uint8Array[] {
  const reader = new Reader(bytes)
  const numbers = Array.from({ length: count }, () => {
    const bits = reader.uint(2)
    const number = reader.take((bits + 7) >> 3)
    if (bits === 0 || 32 - Math.clz32(number[0] ?? 0) !== ((bits - 1) & 7) + 1)
      throw malformed('a number in a second form')
    return number
  })
  reader.end()
  return numbers
}

/** The body of the one packet that fills all bytes. */
function onlyPacket(bytes: Uint8Array): Uint8Array {
  const reader = new Reader(bytes)
  const tag = reader.uint(1)
  const body = tag >= 0xc0 ? reader.take(newLength(reader)) : reader.take(oldLength(reader, tag))
  const kind = tag >= 0xc0 ? tag & 0x3f : (tag & 0x3c) >> 2
  if ((tag & 0x80) === 0 || kind !== 2) throw malformed(`a packet of type ${kind} where a signature must be`)
  if (reader.left() > 0) throw malformed('more than one packet')
  return body
}

function newLength(reader: Reader): number {
  const first = reader.uint(1)
  if (first < 192) return first
  if (first < 224) return ((first - 192) << 8) + reader.uint(1) + 192
  if (first === 255) return reader.uint(4)
  throw malformed('a packet of partial length')
}

function oldLength(reader: Reader, tag: number): number {
  const kind = tag & 3
  if (kind === 3) throw malformed('a packet of indeterminate length')
  return reader.uint(1 << kind)
}

interface Subpacket {
  readonly type: number
  readonly critical: boolean
  readonly data: Uint8Array
}

function readSubpackets(area: Uint8Array): readonly Subpacket[] {
  const reader = new Reader(area)
  const found: Subpacket[] = []
  while (reader.left() > 0) {
    const first = reader.uint(1)
    const more = first < 192 ? first : first < 255 ? ((first - 192) << 8) + reader.uint(1) + 192 : reader.uint(4)
    if (more === 0) throw malformed('an empty subpacket')
    const type = reader.uint(1)
    found.push({ type: type & 0x7f, critical: type >= 0x80, data: reader.take(more - 1) })
  }
  return found
}

function claims(
  hashed: readonly Subpacket[],
  unhashed: readonly Subpacket[],
): Pick<OpenpgpSignature, 'created' | 'expiresAfter' | 'issuerFingerprint' | 'issuerKeyId'> {
  const unknown = hashed.find(({ type, critical }) => critical && !KNOWN_CRITICAL.has(type))
  // "Critical" is the signer's word for: if you do not know what this means, do not accept the signature.
  if (unknown !== undefined) throw malformed(`a critical subpacket of type ${unknown.type}`)
  const created = single(hashed, 2, 4)
  if (created === undefined) throw malformed('no time of signing')
  const expires = single(hashed, 3, 4)
  const fingerprint = single(hashed, 33) ?? single(unhashed, 33)
  const keyId = single(hashed, 16, 8) ?? single(unhashed, 16, 8)
  return {
    created: new Date(numberOf(created) * 1000),
    ...(expires === undefined || numberOf(expires) === 0 ? {} : { expiresAfter: numberOf(expires) }),
    ...(fingerprint === undefined ? {} : { issuerFingerprint: hexOfFingerprint(fingerprint) }),
    ...(keyId === undefined ? {} : { issuerKeyId: hex(keyId) }),
  }
}

/** The data of the only subpacket of this type. */
function single(area: readonly Subpacket[], type: number, bytes?: number): Uint8Array | undefined {
  const [first, second] = area.filter(subpacket => subpacket.type === type)
  if (second !== undefined) throw malformed(`two subpackets of type ${type}`)
  if (first !== undefined && bytes !== undefined && first.data.byteLength !== bytes) {
    throw malformed(`a subpacket of type ${type} with ${first.data.byteLength} bytes`)
  }
  return first?.data
}

function hexOfFingerprint(data: Uint8Array): string {
  const length = data[0] === 4 ? 20 : data[0] === 6 ? 32 : -1
  if (data.byteLength !== length + 1) throw malformed('an issuer fingerprint of another version')
  return hex(data.subarray(1))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase()
}

function numberOf(bytes: Uint8Array): number {
  return bytes.reduce((number, byte) => number * 256 + byte, 0)
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(length: number): Uint8Array {
    if (length > this.left()) throw malformed('fewer bytes than it announces')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  uint(bytes: number): number {
    return numberOf(this.take(bytes))
  }

  soFar(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  rest(): Uint8Array {
    return this.take(this.left())
  }

  left(): number {
    return this.#bytes.byteLength - this.#at
  }

  end(): void {
    if (this.left() > 0) throw malformed('bytes after its end')
  }
}

function malformed(found: string): Error {
  return fail('source/malformed', `The OpenPGP signature cannot be read: it has ${found}`, {
    expected: 'one detached signature packet of type 0x00 or 0x01',
    found,
  })
}
