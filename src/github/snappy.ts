import { fail } from '../core/error.ts'

/**
 * Decodes one block of the raw Snappy format, as GitHub keeps bundles; the framed format is another one.
 *
 *     length of the content as base-128 number | elements: literal  (tag & 3 = 0) bytes as they are
 *                                                          copy     (tag & 3 = 1, 2, 3) an earlier part again, offset of 1, 2 or 4 bytes
 *
 * Source: github.com/google/snappy, format_description.txt. An attacker would announce more than he sends, or point before
 * the beginning; both are refused, and nothing larger than `maxBytes` is ever allocated.
 * @throws `github/api-malformed`
 */
export function decodeSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const input = new Input(bytes)
  const size = input.varint()
  if (size > maxBytes) throw malformed(`${size} bytes announced, ${maxBytes} accepted`)
  const output = new Uint8Array(size)
  let filled = 0
  while (!input.atEnd()) {
    const tag = input.number(1)
    if ((tag & 3) === 0) {
      const literal = input.bytes(literalLength(tag >> 2, input))
      if (filled + literal.byteLength > size) throw malformed('more than was announced')
      output.set(literal, filled)
      filled += literal.byteLength
      continue
    }
    const { length, offset } = copyOf(tag, input)
    if (offset === 0 || offset > filled) throw malformed('a copy from before the beginning')
    if (filled + length > size) throw malformed('more than was announced')
    // Byte by byte: a copy may read what it has just written.
    for (const end = filled + length; filled < end; filled++) output[filled] = output[filled - offset] ?? 0
  }
  if (filled !== size) throw malformed('less than was announced')
  return output
}

function literalLength(code: number, input: Input): number {
  return code < 60 ? code + 1 : input.number(code - 59) + 1
}

function copyOf(tag: number, input: Input): { length: number; offset: number } {
  if ((tag & 3) === 1) return { length: ((tag >> 2) & 7) + 4, offset: ((tag >> 5) << 8) | input.number(1) }
  return { length: (tag >> 2) + 1, offset: input.number((tag & 3) === 2 ? 2 : 4) }
}

class Input {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  atEnd(): boolean {
    return this.#at >= this.#bytes.byteLength
  }

  bytes(count: number): Uint8Array {
    const part = this.#bytes.subarray(this.#at, this.#at + count)
    if (part.byteLength < count) throw malformed('an end in the middle')
    this.#at += count
    return part
  }

  /** Little-endian, up to four bytes. */
  number(count: number): number {
    return this.bytes(count).reduce((sum, byte, i) => sum + byte * 256 ** i, 0)
  }

  /** At most 32 bits. */
  varint(): number {
    let value = 0
    for (let i = 0; i < 5; i++) {
      const byte = this.number(1)
      value += (byte & 0x7f) * 128 ** i
      if (byte < 0x80 && value < 2 ** 32) return value
    }
    throw malformed('a length that is no 32-bit number')
  }
}

function malformed(found: string): Error {
  return fail('github/api-malformed', 'A bundle of the attestation store is not Snappy data that can be read', {
    expected: 'one raw Snappy block',
    found,
  })
}
