import { arrayAt, integerAt, objectAt, optional, stringAt, stringMapAt } from '../../src/core/shape.ts'

const SHAPE = expect.objectContaining({ code: 'core/shape', expected: expect.stringContaining('a.b') })

test('readers give back a value of their kind', () => {
  expect(objectAt({ a: 1 }, 'a.b')).toEqual({ a: 1 })
  expect(arrayAt([1], 'a.b')).toEqual([1])
  expect(stringAt('', 'a.b')).toBe('')
  expect(integerAt(0, 'a.b')).toBe(0)
  expect(stringMapAt({ a: 'b' }, 'a.b')).toEqual({ a: 'b' })
})

test.each([undefined, null, [], 'x', 1, true])('objectAt(%j) names path and finding', value => {
  expect(() => objectAt(value, 'a.b')).toThrow(SHAPE)
})

test.each([undefined, null, {}, 'x'])('arrayAt(%j) is refused', value => {
  expect(() => arrayAt(value, 'a.b')).toThrow(SHAPE)
})

test.each([undefined, null, 1, [], {}])('stringAt(%j) is refused', value => {
  expect(() => stringAt(value, 'a.b')).toThrow(SHAPE)
})

test.each([-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined])(
  'integerAt(%p) is refused',
  value => {
    expect(() => integerAt(value, 'a.b')).toThrow(SHAPE)
  },
)

test('stringMapAt() is empty when absent and refuses a value that is no text', () => {
  expect([stringMapAt(undefined, 'a.b'), stringMapAt(null, 'a.b')]).toEqual([{}, {}])
  expect(() => stringMapAt({ c: 1 }, 'a.b')).toThrow(
    expect.objectContaining({ expected: expect.stringContaining('a.b.c') }),
  )
})

test('optional() reads what is there and leaves out what is absent; null is not absent', () => {
  expect(optional(undefined, stringAt, 'a.b')).toBeUndefined()
  expect(optional('x', stringAt, 'a.b')).toBe('x')
  expect(() => optional(null, stringAt, 'a.b')).toThrow(SHAPE)
})
