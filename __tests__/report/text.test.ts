import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { isPrintable } from '../../src/core/text.ts'
import {
  bytes,
  cell,
  codeSpan,
  duration,
  fenced,
  remedyLines,
  sentence,
  shellQuote,
  shortDigest,
} from '../../src/report/text.ts'
import { HOSTILE_TEXTS } from './receipts.ts'

const hostileText = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('`', '|', '\\', ' ', '<', '@', '#', 'a', '\n', "'", '"', '$', '(', ')') }),
)

/** CommonMark 0.31 § Code spans, for a text that is nothing but one span. */
function spanContent(span: string): string | undefined {
  const fence = /^`+/.exec(span)?.[0] ?? ''
  const inner = span.slice(fence.length, -fence.length)
  if (fence === '' || !span.endsWith(fence) || span.length < 2 * fence.length + 1) return undefined
  if ((inner.match(/`+/g) ?? []).some(run => run.length === fence.length)) return undefined
  return inner.startsWith(' ') && inner.endsWith(' ') && inner.trim() !== '' ? inner.slice(1, -1) : inner
}

test('codeSpan() is one code span from first to last character, whatever is inside', () => {
  fc.assert(
    fc.property(hostileText, text => {
      const span = codeSpan(text)
      if (span === '–') return
      expect(spanContent(span)).toBeDefined()
      expect(isPrintable(span)).toBe(true)
    }),
  )
})

test('codeSpan() shows printable text exactly', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('`', '\\', ' ', 'a', '<'), maxLength: 20 }), text => {
      if (text.trim() !== '') expect(spanContent(codeSpan(text))).toBe(text)
    }),
  )
})

test('cell() is one code span without any pipe, so no text can end its cell', () => {
  fc.assert(
    fc.property(hostileText, text => {
      const span = cell(text)
      expect(span).not.toContain('|')
      if (span !== '–') expect(spanContent(span)).toBeDefined()
    }),
  )
})

test('cell() of nothing is a dash', () => {
  expect([cell(undefined), cell(''), cell('  ')]).toEqual(['–', '–', '–'])
})

test('fenced() ends at its own last line, whatever the lines hold', () => {
  fc.assert(
    fc.property(fc.array(hostileText), lines => {
      const [open = '', ...rest] = fenced('text', lines).split('\n')
      const fence = open.slice(0, -'text'.length)
      expect(rest.findIndex(line => /^ {0,3}`{3,}\s*$/.test(line) && line.trim().length >= fence.length)).toBe(
        rest.length - 1,
      )
      expect(rest).toHaveLength(Math.max(lines.length, 1) + 1)
    }),
  )
})

test.each([
  { text: 'Reviews: this version does not judge them', plain: true },
  { text: 'No policy: nothing was judged (yet) – 100 %', plain: true },
  { text: 'mail alice@example.com', plain: false },
  { text: 'see https://evil.example', plain: false },
  { text: 'see www.evil.example', plain: false },
  { text: 'closes #7', plain: false },
  { text: 'a `b`', plain: false },
  { text: 'a <b>', plain: false },
  { text: 'a *b*', plain: false },
  { text: 'a [b](c)', plain: false },
  { text: 'a :tada: b', plain: false },
  { text: 'a & b', plain: false },
])('sentence("$text") is plain: $plain', ({ text, plain }) => {
  expect(sentence(text)).toBe(plain ? text : codeSpan(text))
})

test('13-adversary 37: shellQuote() gives the shell back exactly the text, for any printable text', () => {
  const texts = [...HOSTILE_TEXTS, ...fc.sample(hostileText, 300)].filter(isPrintable)
  const words = texts.map(text => shellQuote(text)).join(' ')
  const run = spawnSync('sh', ['-c', `printf '%s\\n' ${words}`], { encoding: 'utf8' })
  expect(run.status).toBe(0)
  expect(run.stdout.split('\n').slice(0, -1)).toEqual(texts)
})

test.each(['a\nb', 'a\rb', '\u001b[2J', '\u202egnp', 'a\u200bb', '\ud800', '\u0000'])(
  '13-adversary 37: shellQuote() refuses %j, because what is pasted would not be what is read',
  text => {
    expect(shellQuote(text)).toBeUndefined()
  },
)

test('remedyLines() indents what follows the first line, so that nothing in it looks like a line of ours', () => {
  expect(remedyLines('add:\nverdict: passed')).toEqual(['→ add:', '  verdict: passed'])
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [31_000_000, '31.0 MB'],
  [4_200_000_000, '4.2 GB'],
])('bytes(%d) is %s', (size, text) => {
  expect(bytes(size)).toBe(text)
})

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [4200, '4.2 s'],
  [59_949, '59.9 s'],
  [59_950, '1 min 0 s'],
  [125_000, '2 min 5 s'],
])('duration(%d) is %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test('shortDigest() keeps the algorithm and twelve digits', () => {
  expect(shortDigest(`sha256:${'ab'.repeat(32)}`)).toBe('sha256:abababababab')
  expect(shortDigest('cd'.repeat(20))).toBe('cdcdcdcdcdcd')
})
