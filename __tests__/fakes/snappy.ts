/**
 * Encodes one raw Snappy block, with literals of every length form and copies with one- and two-byte offsets, so that a
 * decoder meets what the store really sends. Compresses badly; source: google/snappy format_description.txt.
 */
export function encodeSnappy(bytes: Uint8Array): Uint8Array {
  const parts: number[] = varint(bytes.byteLength)
  const seen = new Map<string, number>()
  let start = 0
  for (let at = 0; at + 4 <= bytes.byteLength; ) {
    const word = bytes.subarray(at, at + 4).join(',')
    const before = seen.get(word)
    seen.set(word, at)
    if (before === undefined || at - before > 0xffff) {
      at++
      continue
    }
    literal(parts, bytes.subarray(start, at))
    let length = 4
    while (length < 64 && at + length < bytes.byteLength && bytes[before + length] === bytes[at + length]) length++
    copy(parts, at - before, length)
    at += length
    start = at
  }
  literal(parts, bytes.subarray(start))
  return Uint8Array.from(parts)
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

function literal(parts: number[], bytes: Uint8Array): void {
  const size = bytes.byteLength - 1
  if (size < 0) return
  if (size < 60) parts.push(size << 2)
  else if (size < 0x100) parts.push(60 << 2, size)
  else if (size < 0x10000) parts.push(61 << 2, size & 0xff, size >> 8)
  else parts.push(62 << 2, size & 0xff, (size >> 8) & 0xff, size >> 16)
  for (const byte of bytes) parts.push(byte)
}

function copy(parts: number[], offset: number, length: number): void {
  if (length < 12 && offset < 2048) parts.push(1 | ((length - 4) << 2) | ((offset >> 8) << 5), offset & 0xff)
  else parts.push(2 | ((length - 1) << 2), offset & 0xff, offset >> 8)
}
