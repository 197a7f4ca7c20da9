import fc from 'fast-check'
import type { Json } from '../../src/core/json.ts'
import { firstField } from '../../src/reproducible/fields.ts'

test.each<[string, Json, Json, string, string, string]>([
  ['a value', { a: 1, b: 2 }, { a: 1, b: 3 }, 'b', '2', '3'],
  [
    'an entry of a list',
    { config: { Env: ['A=1', 'B=2'] } },
    { config: { Env: ['A=1', 'B=3'] } },
    'config.Env[1]',
    '"B=2"',
    '"B=3"',
  ],
  ['a longer list', [1], [1, 2], '[1]', 'nothing', '2'],
  ['a key that only the second has', { a: 1 }, { a: 1, b: null }, 'b', 'nothing', 'null'],
  ['a key that only the first has', { a: 1, b: {} }, { a: 1 }, 'b', '{}', 'nothing'],
  ['another kind', { a: [] }, { a: {} }, 'a', '[]', '{}'],
  ['a key of another name', { constructor: 1 }, {}, 'constructor', '1', 'nothing'],
])('%s is named', (_, first, second, path, x, y) => {
  expect(firstField(first, second)).toEqual({ path, first: x, second: y })
})

test('the order of keys says nothing', () => {
  expect(firstField({ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } })).toBeUndefined()
})

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>

test('a document never differs from itself', () => {
  fc.assert(fc.property(json, value => expect(firstField(value, structuredClone(value))).toBeUndefined()))
})

test('two documents differ in both directions, or in none', () => {
  fc.assert(
    fc.property(json, json, (first, second) => {
      const there = firstField(first, second)
      const back = firstField(second, first)
      expect(there === undefined).toBe(back === undefined)
    }),
  )
})
