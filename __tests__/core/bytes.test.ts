import fc from 'fast-check'
import { concatBytes, decodeBase64, decodeUtf8, encodeBase64, equalBytes, latin1, utf8 } from '../../src/core/bytes.ts'

test('base64 goes there and back for any bytes, also inside a larger buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(5), (bytes, at) => {
      const inside = concatBytes([new Uint8Array(at), bytes]).subarray(at)
      expect(equalBytes(decodeBase64(encodeBase64(inside), 'x'), bytes)).toBe(true)
    }),
  )
})

test('decodeBase64() gives every byte string one spelling only', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('A', 'B', 'Q', '=', '+', '/', '-', '_', ' ', '\n') }), text => {
      try {
        expect(encodeBase64(decodeBase64(text, 'x'))).toBe(text)
      } catch (error) {
        expect(error).toMatchObject({ code: 'core/base64-malformed' })
      }
    }),
  )
})

test.each(['QQ', 'QQ=', 'QR==', 'QQ==\n', ' QQ==', 'Q Q==', '-_-_', 'QQ==QQ=='])('decodeBase64() refuses %j', text => {
  expect(() => decodeBase64(text, 'x')).toThrow(expect.objectContaining({ code: 'core/base64-malformed' }))
})

test('decodeUtf8() never replaces a byte', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), bytes => {
      const text = decodeUtf8(bytes)
      if (text !== undefined) expect(equalBytes(utf8(text), bytes)).toBe(true)
    }),
  )
  expect(decodeUtf8(Uint8Array.of(0xff))).toBeUndefined()
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe('\ufeff')
})

test('latin1() keeps every byte', () => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      expect([...latin1(bytes)].map(c => c.charCodeAt(0))).toEqual([...bytes])
    }),
  )
})

test.each([
  { a: [], b: [], equal: true },
  { a: [1], b: [1], equal: true },
  { a: [1], b: [2], equal: false },
  { a: [1], b: [1, 0], equal: false },
])('equalBytes($a, $b) is $equal', ({ a, b, equal }) => {
  expect(equalBytes(Uint8Array.from(a), Uint8Array.from(b))).toBe(equal)
})
