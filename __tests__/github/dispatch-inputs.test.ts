import type { Json } from '../../src/core/json.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { dispatchInputs } from '../../src/github/dispatch-inputs.ts'

const INPUTS = { version: '1.2.3', debug: true, count: 3, empty: '', left: null, password: 'hunter22' }

test('13-adversary 42: every name is read, and the values of those alone that the workflow names', () => {
  expect(dispatchInputs(INPUTS, ['version', 'debug', 'count', 'empty', 'left', 'nowhere'])).toEqual([
    { name: 'version', value: '1.2.3' },
    { name: 'debug', value: 'true' },
    { name: 'count', value: '3' },
    { name: 'empty', value: '' },
    { name: 'left' },
    { name: 'password' },
  ])
})

test('13-adversary 42: a value that nobody asked for is not read, whatever it is', () => {
  expect(dispatchInputs({ odd: { a: [] }, long: 'x'.repeat(LIMITS.dispatchValueCharacters + 1) }, [])).toEqual([
    { name: 'odd' },
    { name: 'long' },
  ])
})

test.each<[string, Json | undefined]>([
  ['no inputs', undefined],
  ['inputs that are null', null],
  ['none', {}],
])('dispatchInputs() of %s is empty', (_what, inputs) => {
  expect(dispatchInputs(inputs, ['version'])).toEqual([])
})

test.each<[string, Json, string]>([
  ['a list', ['version'], 'not an object'],
  ['text', 'version', 'not an object'],
  ['an object as a value', { version: { a: 1 } }, 'neither text'],
  ['a list as a value', { version: ['1'] }, 'neither text'],
  ['a value over the bound', { version: 'x'.repeat(LIMITS.dispatchValueCharacters + 1) }, 'more than 4096 characters'],
  ['a name over the bound', { ['n'.repeat(LIMITS.dispatchNameCharacters + 1)]: '' }, 'longer than 255'],
  ['an empty name', { '': '' }, 'empty'],
  ['too many', Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`n${at}`, ''])), 'more than 100 names'],
])('13-adversary 42: a hostile event file with %s is refused, and no value is shown', (_what, inputs, message) => {
  expect(() => dispatchInputs(inputs, ['version'])).toThrow(message)
  if (typeof inputs === 'object') expect(() => dispatchInputs(inputs, ['version'])).not.toThrow(/x{20}/)
})

test('13-adversary 42: names of the prototype are names like any other, and control characters are shown as such', () => {
  const inputs = JSON.parse('{"__proto__": "a", "constructor": "b", "a\\nb": "c"}') as Json
  expect(dispatchInputs(inputs, ['__proto__'])).toEqual([
    { name: '__proto__', value: 'a' },
    { name: 'constructor' },
    { name: expect.not.stringContaining('\n') },
  ])
})
