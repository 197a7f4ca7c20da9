import { fail } from '../../src/core/error.ts'
import { EXIT_CODE, findingOf, type Outcome, rejected, worst } from '../../src/core/verdict.ts'

test.each<{ outcomes: [Outcome, ...Outcome[]]; is: Outcome }>([
  { outcomes: ['passed'], is: 'passed' },
  { outcomes: ['passed', 'unknown'], is: 'unknown' },
  { outcomes: ['unknown', 'passed'], is: 'unknown' },
  { outcomes: ['unknown', 'rejected', 'passed'], is: 'rejected' },
])('worst($outcomes) is $is', ({ outcomes, is }) => {
  expect(worst(outcomes)).toBe(is)
})

test('worst() of nothing is an error: nothing judged is never passed', () => {
  expect(() => worst([] as unknown as [Outcome])).toThrow(TypeError)
})

test('exit codes are those of the product page', () => {
  expect(EXIT_CODE).toEqual({ passed: 0, rejected: 1, unknown: 2 })
})

test('findingOf() keeps code, facts and remedy, and shows the subject as printable text', () => {
  const error = fail('source/unsigned', 'No signature', { expected: 'one', found: 'none', remedy: 'Sign it' })
  const finding = findingOf(error, 'a\u202eb')
  expect(finding).toEqual({
    code: 'source/unsigned',
    severity: 'reject',
    subject: 'a\\u{202e}b',
    message: 'No signature',
    expected: 'one',
    found: 'none',
    remedy: 'Sign it',
  })
  expect(rejected(finding)).toEqual({ kind: 'rejected', findings: [finding] })
})

test('findingOf() leaves out facts the error does not have', () => {
  expect(Object.keys(findingOf(fail('source/unsigned', 'x'), 's', 'note'))).toEqual([
    'code',
    'severity',
    'subject',
    'message',
    'remedy',
  ])
})
