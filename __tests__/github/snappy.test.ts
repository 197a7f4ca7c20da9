import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { decodeSnappy } from '../../src/github/snappy.ts'
import { encodeSnappy } from '../fakes/snappy.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const text = (value: Uint8Array) => Buffer.from(value).toString('latin1')

function codeOf(given: Uint8Array, max = 1000): string {
  try {
    return `decoded ${decodeSnappy(given, max).byteLength}`
  } catch (error) {
    return error instanceof WaybillError ? error.code : String(error)
  }
}

test.each([
  ['nothing', bytes(0), ''],
  ['a literal', bytes(3, 2 << 2, 97, 98, 99), 'abc'],
  ['a literal with its length in one byte', bytes(3, 60 << 2, 2, 97, 98, 99), 'abc'],
  ['a literal with its length in four bytes', bytes(3, 63 << 2, 2, 0, 0, 0, 97, 98, 99), 'abc'],
  ['a copy with one byte of offset', bytes(6, 1 << 2, 97, 98, 1 | (0 << 2), 2), 'ababab'],
  ['a copy with two bytes of offset', bytes(5, 0, 97, 2 | (3 << 2), 1, 0), 'aaaaa'],
  ['a copy with four bytes of offset', bytes(5, 0, 97, 3 | (3 << 2), 1, 0, 0, 0), 'aaaaa'],
])('decodeSnappy() reads %s', (_what, given, content) => {
  expect(text(decodeSnappy(given, 1000))).toBe(content)
})

test.each([
  ['no bytes', bytes()],
  ['a length without end', bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ['a length over 32 bits', bytes(0xff, 0xff, 0xff, 0xff, 0x7f)],
  ['a length over what is accepted', bytes(0xe9, 0x07)],
  ['four gigabytes announced', bytes(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 97)],
  ['less than announced', bytes(4, 2 << 2, 97, 98, 99)],
  ['more than announced', bytes(2, 2 << 2, 97, 98, 99)],
  ['a copy beyond what was announced', bytes(4, 0, 97, 2 | (3 << 2), 1, 0)],
  ['a copy from before the beginning', bytes(5, 0, 97, 2 | (3 << 2), 2, 0)],
  ['a copy of itself', bytes(5, 0, 97, 2 | (3 << 2), 0, 0)],
  ['a copy before anything', bytes(4, 2 | (3 << 2), 1, 0)],
  ['a literal that ends early', bytes(3, 2 << 2, 97)],
  ['a literal of four gigabytes', bytes(3, 63 << 2, 0xff, 0xff, 0xff, 0xff, 97)],
  ['an offset that ends early', bytes(5, 0, 97, 2 | (3 << 2), 1)],
  ['the framed format', bytes(0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59)],
])('13-adversary 43: decodeSnappy() refuses %s', (_what, given) => {
  expect(codeOf(given)).toBe('github/api-malformed')
})

test('decodeSnappy() reads what was encoded, whatever it is', () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(400)))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), pieces => {
      const content = new Uint8Array(Buffer.concat(pieces))
      expect(decodeSnappy(encodeSnappy(content), content.byteLength)).toEqual(content)
    }),
  )
  const long = new Uint8Array(Buffer.from(Array.from({ length: 20_000 }, (_, i) => `{"n":${i * i}}`).join()))
  expect(decodeSnappy(encodeSnappy(long), long.byteLength)).toEqual(long)
})

test('decodeSnappy() given any bytes decodes them or refuses them with a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), given => {
      expect(codeOf(given)).toMatch(/^(decoded \d+|github\/api-malformed)$/)
    }),
    { numRuns: 2000 },
  )
})
