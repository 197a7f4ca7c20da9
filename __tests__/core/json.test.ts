import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { parseJson, parseJsonObject } from '../../src/core/json.ts'
import { LIMITS } from '../../src/core/limits.ts'

const MALFORMED = expect.objectContaining({ code: 'core/json-malformed' })

test('parseJson() reads what JSON.stringify() writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      expect(parseJson(utf8(text), 'x')).toEqual(JSON.parse(text))
    }),
  )
})

test('parseJson() accepts no text that JSON.parse() refuses, and throws nothing but its own code', () => {
  const noise = fc.string({
    unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', 'a', '1', ' ', 'u', '0', '\n'),
  })
  fc.assert(
    fc.property(fc.oneof(noise, fc.string({ unit: 'binary' })), text => {
      const ours = attempt(() => parseJson(text, 'x'))
      if (ours.ok) expect(ours.value).toEqual(JSON.parse(text))
      else expect(ours.code).toBe('core/json-malformed')
    }),
    { numRuns: 2000 },
  )
})

test.each([
  { given: 'a duplicate key', text: '{"a":1,"a":2}' },
  { given: 'a duplicate key spelled with an escape', text: '{"a":1,"\\u0061":2}' },
  { given: 'a duplicate key deep inside', text: '[{"b":{"a":1,"c":[],"a":1}}]' },
  { given: 'a duplicate empty key', text: '{"":1,"":1}' },
  { given: 'a byte order mark', text: '\ufeff{}' },
  { given: 'a comment', text: '{}//' },
  { given: 'a trailing comma', text: '[1,]' },
  { given: 'two documents', text: '{}{}' },
  { given: 'nothing', text: '' },
  { given: 'a single quote', text: "{'a':1}" },
])('parseJson() refuses $given', ({ text }) => {
  expect(() => parseJson(text, 'x')).toThrow(MALFORMED)
  expect(() => parseJson(utf8(text), 'x')).toThrow(MALFORMED)
})

test.each([
  '{"a":{"a":1}}',
  '[{"a":1},{"a":2}]',
  '{"a":"a","b":"a"}',
  '{"a":["a","a"]}',
  '{"a":"}","b":"{\\"b\\":1}"}',
])('parseJson() does not take %s for a duplicate key', text => {
  expect(parseJson(text, 'x')).toEqual(JSON.parse(text))
})

test('parseJson() accepts the deepest nesting allowed and refuses one more', () => {
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  expect(parseJson(deep(LIMITS.jsonDepth), 'x')).toBeDefined()
  expect(() => parseJson(deep(LIMITS.jsonDepth + 1), 'x')).toThrow(MALFORMED)
  expect(() => parseJson('['.repeat(1_000_000), 'x')).toThrow(MALFORMED)
})

test('parseJson() refuses bytes that are not UTF-8', () => {
  expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 'x')).toThrow(MALFORMED)
  expect(() => parseJson(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'x')).toThrow(MALFORMED)
})

test('parseJson() keeps a key named __proto__ as an ordinary key', () => {
  const value = parseJson('{"__proto__":{"polluted":true}}', 'x')
  expect(Object.hasOwn(value as object, '__proto__')).toBe(true)
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

test.each(['[]', '1', 'null', '"a"'])('parseJsonObject() refuses %s', text => {
  expect(() => parseJsonObject(text, 'x')).toThrow(MALFORMED)
})

function attempt<T>(work: () => T): { ok: true; value: T } | { ok: false; code: string } {
  try {
    return { ok: true, value: work() }
  } catch (error) {
    return { ok: false, code: error instanceof WaybillError ? error.code : `not typed: ${String(error)}` }
  }
}
