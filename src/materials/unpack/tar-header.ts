import { equalBytes, latin1 } from '../../core/bytes.ts'
import { malformed } from './bounds.ts'

export const BLOCK = 512

/** One header block of a tar, before anything that stands in front of it has a say. */
export interface TarHeader {
  readonly type: string
  readonly path: Uint8Array
  readonly target: Uint8Array
  readonly size: number
  readonly executable: boolean
}

/**
 * POSIX.1-2017 pax § ustar Interchange Format, and the form that GNU tar wrote before it (`ustar  `, no prefix):
 *
 *     name 100 · mode 8 · uid 8 · gid 8 · size 12 · mtime 12 · checksum 8 · type 1 · target 100 · magic 8 ·
 *     uname 32 · gname 32 · devmajor 8 · devminor 8 · prefix 155 · 12 zeros
 *
 * @throws `materials/archive-malformed` also for the form without magic: what follows its 257 bytes nobody has said.
 */
export function readHeader(block: Uint8Array): TarHeader {
  const magic = latin1(block.subarray(257, 265))
  if (magic !== 'ustar\x0000' && magic !== 'ustar  \0') throw malformed('a block that is no header of a tar')
  if (octal(block.subarray(148, 156), 'checksum') !== sumOf(block)) throw malformed('a header with a wrong checksum')
  const name = until0(block.subarray(0, 100))
  const prefix = magic === 'ustar\x0000' ? until0(block.subarray(345, 500)) : new Uint8Array()
  return {
    type: latin1(block.subarray(156, 157)),
    path: prefix.byteLength === 0 ? name : new Uint8Array(Buffer.concat([prefix, Buffer.from('/'), name])),
    target: until0(block.subarray(157, 257)),
    size: number(block.subarray(124, 136), 'size'),
    executable: (octal(block.subarray(100, 108), 'mode') & 0o100) !== 0,
  }
}

const ZEROS = new Uint8Array(BLOCK)

export function isZeros(block: Uint8Array): boolean {
  return equalBytes(block, ZEROS.subarray(0, block.byteLength))
}

/** The field itself counts as eight spaces. */
function sumOf(block: Uint8Array): number {
  let sum = 8 * 0x20
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte
  return sum
}

function until0(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0)
  return end === -1 ? field : field.subarray(0, end)
}

function octal(field: Uint8Array, what: string): number {
  const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(latin1(field)) ?? []
  if (digits === undefined) throw malformed(`a ${what} that is no number`)
  return Number.parseInt(digits, 8)
}

/** Octal, or as GNU tar writes what is larger: 0x80, then the number with the highest byte first. */
function number(field: Uint8Array, what: string): number {
  if (field[0] !== 0x80) return octal(field, what)
  const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0)
  if (Number.isSafeInteger(value)) return value
  throw malformed(`a ${what} that is too large`)
}

/** Bytes behind content of this size, up to the next block. */
export function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}
