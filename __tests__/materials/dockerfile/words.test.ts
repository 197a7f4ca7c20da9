// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Dockerfiles
import fc from 'fast-check'
import { WaybillError } from '../../../src/core/error.ts'
import { expandWord } from '../../../src/materials/dockerfile/words.ts'

const VALUES = new Map([
  ['path', 'a/b/c'],
  ['empty', ''],
  ['one', '1'],
  ['version', '24.11.0'],
  ['stars', 'x*y?z'],
])

test.each([
  ['$one', '1'],
  ['${one}', '1'],
  ['a$one-$version', 'a1-24.11.0'],
  ['$onex', ''],
  ['${one}x', '1x'],
  ['${none:-d}', 'd'],
  ['${none-d}', 'd'],
  ['${empty:-d}', 'd'],
  ['${empty-d}', ''],
  ['${one:+w}', 'w'],
  ['${empty:+w}', ''],
  ['${empty+w}', 'w'],
  ['${none+w}', ''],
  ['${one:?must}', '1'],
  ['${empty?must}', ''],
  ['${none:-${one}}', '1'],
  ['${none:-${none:-${version}}}', '24.11.0'],
  ['${path#*/}', 'b/c'],
  ['${path##*/}', 'c'],
  ['${path%/*}', 'a/b'],
  ['${path%%/*}', 'a'],
  ['${version%.*}', '24.11'],
  ['${version%%.*}', '24'],
  ['${version#2?.}', '11.0'],
  ['${path/\\//-}', 'a-b/c'],
  ['${path//\\//-}', 'a-b-c'],
  ['${version/.*/}', '24'],
  ['${stars#x\\*}', 'y?z'],
  ['${stars%\\?z}', 'x*y'],
  ['"$one"', '1'],
  ["'$one'", '$one'],
  ['\\$one', '$one'],
  ['"\\$one \\" \\a"', '$one " \\a'],
  ['a$', 'a$'],
  ['$1x', 'x'],
  ['$$one', 'one'],
])('expandWord() of %s is %s', (word, text) => {
  expect(expandWord(word, VALUES, '\\').text).toBe(text)
})

test.each([
  '${',
  '${}',
  '${:-x}',
  '${{x}}',
  '${one',
  '${one!x}',
  '${one:x}',
  '${none:?must}',
  "'open",
  '"open',
  '${path/a',
  '${path/a/b',
  '${path#\\q}',
])('expandWord() refuses %s as BuildKit does', word => {
  expect(() => expandWord(word, VALUES, '\\')).toThrow(
    expect.objectContaining({ code: 'materials/dockerfile-malformed' }),
  )
})

test('names that nobody sets are told, unless the word says what stands for them', () => {
  expect(expandWord('$none:${version}-${other:-1}', VALUES, '\\').unset).toEqual(['none'])
})

test('the escape character of a file is the one that its directive names', () => {
  expect(expandWord('`$one\\$one', VALUES, '`').text).toBe('$one\\1')
})

test('13-adversary 43: what a word becomes is bounded, as is the time of its patterns', () => {
  const values = new Map([['a', 'a'.repeat(33_000)]])
  expect(() => expandWord('$a$a', values, '\\')).toThrow(/cannot be resolved/)
  expect(expandWord(`\${a#${'*a'.repeat(20)}b}`, values, '\\').text).toHaveLength(33_000)
  expect(() => expandWord('${a:-'.repeat(100), values, '\\')).toThrow(/cannot be resolved/)
})

test('expandWord() of any text gives a text or a typed error', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'${}:-+?#%/*a_1"\'\\`') }), word => {
      try {
        expect(typeof expandWord(word, VALUES, '\\').text).toBe('string')
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
      }
    }),
  )
})
