import { type AsnType, BaseBlock, fromBER } from 'asn1js'
import { equalBytes } from '../core/bytes.ts'
import { LIMITS } from '../core/limits.ts'

/**
 * Strict reading of ASN.1 over a lenient library (X.690). Its functions throw plain Errors with a sentence; the caller
 * gives them its code.
 *
 * Traps: (1) `pkijs` takes what it knows out of a structure and silently skips what follows, so two programs could each
 * see another signer: what it read is written again here, and must be the tree that came; (2) indefinite lengths are
 * allowed in the outer parts of a signature (gpgsm writes them) and nowhere else.
 */
interface Readable {
  toSchema(): AsnType
}

/** The one block that fills all of `bytes`. */
export function parseBer(bytes: Uint8Array, what: string): BaseBlock {
  const options = { parseEmbedded: false, maxDepth: LIMITS.asn1Depth, maxNodes: LIMITS.asn1Nodes }
  const { offset, result } = fromBER(bytes, options)
  if (offset === -1) throw new Error(`${what} cannot be read: ${result.error}`)
  if (offset !== bytes.byteLength) throw new Error(`bytes after ${what}`)
  if (!(result instanceof BaseBlock) || !isClosed(result)) throw new Error(`${what} cannot be read`)
  return result
}

/** Reads a structure with a class of `pkijs`, and refuses when that left anything out. */
export function readWhole<T extends Readable>(
  type: new (parameters: { schema: AsnType }) => T,
  bytes: Uint8Array,
  what: string,
): T {
  const read = attempt(() => new type({ schema: parseBer(bytes, what) }), what)
  const again = attempt(() => parseBer(new Uint8Array(read.toSchema().toBER()), what), what)
  if (!sameTree(parseBer(bytes, what), again)) throw new Error(`${what} has parts that do not belong there`)
  return read
}

function attempt<T>(read: () => T, what: string): T {
  try {
    return read()
  } catch {
    throw new Error(`${what} is not built as it must be`)
  }
}

/** Same tags, same number of parts, same bytes in the leaves; lengths may be written in two ways. */
function sameTree(one: BaseBlock, other: BaseBlock): boolean {
  if (one.idBlock.tagClass !== other.idBlock.tagClass || one.idBlock.tagNumber !== other.idBlock.tagNumber) return false
  if (one.idBlock.isConstructed !== other.idBlock.isConstructed) return false
  if (!one.idBlock.isConstructed) return equalBytes(contentOf(one), contentOf(other))
  const [left, right] = [childrenOf(one), childrenOf(other)]
  return left.length === right.length && left.every((child, at) => sameTree(child, right[at] ?? child))
}

/** The library only warns when an indefinite length has no end. */
function isClosed(block: BaseBlock): boolean {
  const raw = block.valueBeforeDecodeView
  if (block.lenBlock.isIndefiniteForm && (raw.at(-1) !== 0 || raw.at(-2) !== 0)) return false
  return childrenOf(block).every(isClosed)
}

/** Parts of a constructed block, in order; none for a primitive one. */
export function childrenOf(block: BaseBlock | undefined): readonly BaseBlock[] {
  const value: unknown = block?.valueBlock === undefined ? undefined : Reflect.get(block.valueBlock, 'value')
  return Array.isArray(value) ? value.filter(child => child instanceof BaseBlock) : []
}

/** Bytes of the whole block as they came, tag and length included. */
export function rawOf(block: BaseBlock): Uint8Array {
  return new Uint8Array(block.valueBeforeDecodeView)
}

/** Bytes after tag and length. Of a primitive block that is its value. */
export function contentOf(block: BaseBlock): Uint8Array {
  return new Uint8Array(block.valueBeforeDecodeView.subarray(block.idBlock.blockLength + block.lenBlock.blockLength))
}

/** True for a block of this context-specific tag. */
export function isContext(block: BaseBlock, tag: number): boolean {
  return block.idBlock.tagClass === 3 && block.idBlock.tagNumber === tag
}

/** True for a constructed SEQUENCE. */
export function isSequence(block: BaseBlock | undefined): boolean {
  return block !== undefined && isUniversal(block, 16) && block.idBlock.isConstructed
}

export function isUniversal(block: BaseBlock, tag: number): boolean {
  return block.idBlock.tagClass === 1 && block.idBlock.tagNumber === tag
}

/** Dotted text of an OBJECT IDENTIFIER; anything else is no text. */
export function objectId(block: BaseBlock | undefined): string | undefined {
  return block !== undefined && isUniversal(block, 6) ? block.valueBlock.toString() : undefined
}

/**
 * True when `bytes` is exactly one value in DER: every length definite and minimal, strings in one piece, booleans and
 * integers in their one spelling, sets in order. What is encoded inside OCTET STRINGs is not looked at.
 */
export function isDer(bytes: Uint8Array): boolean {
  return derEnd(bytes, 0, bytes.byteLength, 0) === bytes.byteLength
}

/** Offset behind the value at `at`, or -1. */
function derEnd(bytes: Uint8Array, at: number, limit: number, depth: number): number {
  const tag = bytes[at] ?? 0x1f
  const length = derLength(bytes, at + 1, limit)
  if (length === undefined || depth > LIMITS.asn1Depth || (tag & 0x1f) === 0x1f) return -1
  const { start, end } = length
  const content = bytes.subarray(start, end)
  if ((tag & 0x20) === 0) return primitiveIsDer(tag, content) ? end : -1
  // Universal constructed types are SEQUENCE and SET; a string in pieces is BER.
  if ((tag & 0xc0) === 0 && tag !== 0x30 && tag !== 0x31) return -1
  let last: Uint8Array | undefined
  for (let child = start; child < end; ) {
    const next = derEnd(bytes, child, end, depth + 1)
    if (next === -1) return -1
    const value = bytes.subarray(child, next)
    if (tag === 0x31 && last !== undefined && Buffer.compare(last, value) > 0) return -1
    last = value
    child = next
  }
  return end
}

function derLength(bytes: Uint8Array, at: number, limit: number): { start: number; end: number } | undefined {
  const first = bytes[at]
  if (first === undefined || at >= limit) return undefined
  let length = first
  let start = at + 1
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 3 || start + count > limit) return undefined
    length = Buffer.from(bytes.subarray(start, start + count)).readUIntBE(0, count)
    if (length < 0x80 || length < 2 ** (8 * (count - 1))) return undefined
    start += count
  }
  return start + length > limit ? undefined : { start, end: start + length }
}

function primitiveIsDer(tag: number, content: Uint8Array): boolean {
  const [first = 0, second = 0] = content
  if (tag === 0x30 || tag === 0x31 || tag === 0x10 || tag === 0x11 || tag === 0) return false
  if (tag === 0x01) return content.byteLength === 1 && (first === 0 || first === 0xff)
  if (tag === 0x05) return content.byteLength === 0
  if (tag !== 0x02) return true
  const padded = content.byteLength > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  return content.byteLength > 0 && !padded
}
