import fc from 'fast-check'
import { isPrintable, printable, subjectLine } from '../../src/core/text.ts'

test('printable() shows every text as printable characters on one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(isPrintable(printable(text))).toBe(true)
    }),
  )
})

test('printable() leaves printable text as it is', () => {
  for (const text of ['Fix login', 'Grüße 漢字 العربية', '😀 é ⚠️ ❤️ 🛠️', '<img> | `x`', ''])
    expect(printable(text)).toBe(text)
})

test.each([
  { what: 'a terminal escape', text: '\u001b[2J' },
  { what: 'a line break', text: 'a\nb' },
  { what: 'a carriage return', text: 'a\rb' },
  { what: 'a bidi override', text: '\u202egnp.exe' },
  { what: 'a bidi isolate', text: '\u2066x\u2069' },
  { what: 'a zero-width space', text: 'a\u200bb' },
  { what: 'a soft hyphen', text: 'a\u00adb' },
  { what: 'a C1 control', text: '\u009b2J' },
  { what: 'an unpaired surrogate', text: '\ud800x' },
  { what: 'a tag character', text: '\u{e0041}' },
  { what: 'a byte order mark', text: '\ufeffx' },
  { what: 'a grapheme joiner', text: 'ali\u034fce' },
  { what: 'a Hangul filler', text: 'alice\u3164' },
  { what: 'a halfwidth Hangul filler', text: 'alice\uffa0' },
  { what: 'a Hangul choseong filler', text: 'alice\u115f' },
  { what: 'a variation selector behind a letter', text: 'alice\ufe0f' },
  { what: 'another variation selector', text: 'ali\ufe00ce' },
  { what: 'a variation selector of the supplement', text: 'ali\u{e0100}ce' },
  { what: 'a Mongolian variation selector', text: 'ali\u180bce' },
  { what: 'a Khmer inherent vowel', text: 'ali\u17b4ce' },
  { what: 'a blank Braille pattern', text: 'alice\u2800' },
  { what: 'an invisible musical sign', text: 'ali\u{1d173}ce' },
])('printable() escapes $what', ({ text }) => {
  expect(isPrintable(text)).toBe(false)
  expect(printable(text)).toContain('\\u{')
})

test('isPrintable() answers the same when asked twice', () => {
  expect([isPrintable('\n'), isPrintable('\n'), isPrintable('a'), isPrintable('a')]).toEqual([false, false, true, true])
})

test('printable() cuts long text and says so', () => {
  expect(printable('a'.repeat(400))).toBe(`${'a'.repeat(300)}…`)
  expect(printable('a'.repeat(300))).toBe('a'.repeat(300))
})

test('subjectLine() is the first line only', () => {
  expect(subjectLine('Fix login\n\nLong story')).toBe('Fix login')
  expect(subjectLine('')).toBe('')
})
