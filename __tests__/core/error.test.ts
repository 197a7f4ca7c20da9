import { CATALOGUE } from '../../src/core/catalogue.ts'
import { asWaybillError, fail, WaybillError } from '../../src/core/error.ts'

test('fail() takes kind and remedy from the catalogue unless the thrower knows better', () => {
  const plain = fail('core/unreachable', 'No answer')
  expect([plain.kind, plain.remedy]).toEqual(['unknown', CATALOGUE['core/unreachable'].remedy])
  const informed = fail('core/unreachable', 'No answer', { kind: 'rejected', remedy: 'Do this' })
  expect([informed.kind, informed.remedy]).toEqual(['rejected', 'Do this'])
})

test('an error shows message and facts as printable text', () => {
  const error = fail('core/shape', 'a\u001bb', { expected: '\u202e', found: '\n' })
  expect([error.message, error.expected, error.found]).toEqual(['a\\u{1b}b', '\\u{202e}', '\\u{a}'])
})

test('asWaybillError() keeps our own and names any other internal, with its cause', () => {
  const own = fail('core/shape', 'x')
  expect(asWaybillError(own)).toBe(own)
  const cause = new TypeError('boom')
  const foreign = asWaybillError(cause)
  expect(foreign).toBeInstanceOf(WaybillError)
  expect([foreign.code, foreign.kind, foreign.cause]).toEqual(['core/internal', 'unknown', cause])
  expect(asWaybillError('text').code).toBe('core/internal')
})

test('codes are unique to their room', () => {
  for (const code of Object.keys(CATALOGUE)) expect(code).toMatch(/^[a-z]+\/[a-z0-9]+(-[a-z0-9]+)*$/)
})
