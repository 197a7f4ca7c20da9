import fc from 'fast-check'
import { columnsOf, cut, padded } from '../../src/report/width.ts'

test.each([
  ['Fix login', 9],
  ['登录', 4],
  ['e\u0301', 1],
  ['ﾊﾝ', 2],
  ['🚀', 2],
  ['', 0],
])('columnsOf(%s) is %d', (text, columns) => {
  expect(columnsOf(text)).toBe(columns)
})

test('cut() and padded() keep to their columns for any text', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 })
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 30 }), (given, columns) => {
      expect(columnsOf(cut(given, columns))).toBeLessThanOrEqual(columns)
      expect(columnsOf(padded(given, columns))).toBe(columns)
      if (columnsOf(given) <= columns) expect(cut(given, columns)).toBe(given)
    }),
  )
})
