// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how compose writes a variable
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { asWaybillError, WaybillError } from '../../src/core/error.ts'
import { interpolate } from '../../src/subjects/compose-variables.ts'
import { readEnvFile } from '../../src/subjects/env-file.ts'

const VALUES: Readonly<Record<string, string>> = { A: 'a', EMPTY: '', N_1: 'n' }
const lookup = (name: string) => (Object.hasOwn(VALUES, name) ? VALUES[name] : undefined)

test.each([
  ['$A', 'a'],
  ['${A}', 'a'],
  ['x$A.y', 'xa.y'],
  ['$N_1-', 'n-'],
  ['${A}${A}', 'aa'],
  ['${NONE-d}', 'd'],
  ['${NONE:-d}', 'd'],
  ['${EMPTY-d}', ''],
  ['${EMPTY:-d}', 'd'],
  ['${A:-${NONE}}', 'a'],
  ['${NONE:-${EMPTY:-${A}b}c}', 'abc'],
  ['${NONE:-a-b:?c}', 'a-b:?c'],
  ['${A:?no}', 'a'],
  ['${EMPTY?no}', ''],
  ['${A+b}', 'b'],
  ['${EMPTY+b}', 'b'],
  ['${EMPTY:+b}', ''],
  ['${NONE+b}', ''],
  ['$$A', '$A'],
  ['$$$A', '$a'],
  ['$', '$'],
  ['5$ and $.', '5$ and $.'],
])('interpolate() makes %s to %j', (template, text) => {
  expect(interpolate(template, lookup)).toMatchObject({ kind: 'text', text })
})

test.each([
  '$NONE',
  '${NONE}',
  '${EMPTY:?no}',
  '${NONE?no}',
  '${A',
  '${}',
  '${1}',
  '${A/x/y}',
  '${-x}',
  '${A:x}',
  '${NONE:-{a}}',
  '${NONE:-$B}',
])('interpolate() does not guess at %s', template => expect(interpolate(template, lookup).kind).toBe('unresolved'))

test('13-adversary 43: interpolate() bounds depth and length', () => {
  expect(interpolate(`${'${NONE:-'.repeat(1000)}${'}'.repeat(1000)}`, lookup).kind).toBe('unresolved')
  expect(interpolate('$A'.repeat(5000), lookup).kind).toBe('unresolved')
})

const read = (text: string, outer = lookup) => Object.fromEntries(readEnvFile(utf8(text), '.env', outer))

test.each<[string, string, Record<string, string>]>([
  ['plain values', 'X=1\nY = two words \n', { X: '1', Y: 'two words' }],
  ['comments', '# c\nX=1 # c\nY=a#b\n\n  # d\n', { X: '1', Y: 'a#b' }],
  ['export and colons', 'export X=1\nY: 2\n', { X: '1', Y: '2' }],
  ['single quotes', "X='$A \\n # x' # c\n", { X: '$A \\n # x' }],
  ['double quotes', 'X="$A\\n\\"q\\" \\$A"\n', { X: 'a\n"q" $A' }],
  ['several lines', 'X="a\nb"\nY=1', { X: 'a\nb', Y: '1' }],
  ['values of before', 'X=1\nY=${X}-${A}\n', { X: '1', Y: '1-a' }],
  ['a caller’s value inside the file', 'A=file\nY=$A\n', { A: 'file', Y: 'a' }],
  ['a name alone', 'A\nNONE\nX=1', { A: 'a', X: '1' }],
  ['values that are not known', 'X=$NONE\nY=1', { Y: '1' }],
  ['CR LF and a byte order mark', '\ufeffX=1\r\nY="2"\r\n', { X: '1', Y: '2' }],
  ['nothing', '', {}],
  ['an empty value', 'X=\nY=""', { X: '', Y: '' }],
])('readEnvFile() reads %s', (_, text, values) => expect(read(text)).toEqual(values))

test.each(['X="a', "X='a", 'X="a"b', '=x', 'a b=c', 'X', '1X=2', 'X Y'].filter(text => text !== 'X'))(
  'readEnvFile() refuses %s',
  text => {
    try {
      read(text)
    } catch (error) {
      return expect(asWaybillError(error).code).toBe('verify/manifest-unreadable')
    }
    throw new Error('read')
  },
)

test('readEnvFile() of any text gives values or a typed error', () => {
  const pieces = fc.array(
    fc.constantFrom('A', '=', '"', "'", '\n', '\\', '$', '{', '}', '#', ' ', 'export ', ':', '\r\n', 'é'),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        pieces.map(all => all.join('')),
      ),
      text => {
        try {
          read(text)
        } catch (error) {
          expect(error).toBeInstanceOf(WaybillError)
        }
      },
    ),
    { numRuns: 2000 },
  )
})
