import fc from 'fast-check'
import { isPrintable } from '../../src/core/text.ts'
import { compareInspections } from '../../src/report/compare.ts'
import { commitAddress, escapeText, html, link, logAddress } from '../../src/report/html.ts'
import { renderComparisonPage } from '../../src/report/html-comparison.ts'
import { renderInspectionPage } from '../../src/report/html-inspection.ts'
import { renderReceiptPage } from '../../src/report/html-receipt.ts'
import { GATE_RECEIPTS } from './gate-receipts.ts'
import { commitsOf, hostileInspection, inspectionOf, PASSED, REFUSED, SEEN } from './inspections.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { DRAFT, HOSTILE_TEXTS, hostile, REJECTED, RELEASE, UNKNOWN, WITHOUT_POLICY } from './receipts.ts'
import { REPRODUCIBLE_RECEIPTS } from './reproducible-receipts.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

const HOSTILE = [
  ...HOSTILE_TEXTS,
  '</script><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title><base href="https://evil.test/">',
  '--><svg onload=alert(1)>',
  ']]><!DOCTYPE x>',
  'javascript:alert(1)',
  'data:text/html,<b>x</b>',
  '&lt;script&gt;&#60;&amp;',
  '</details></style><style>*{display:none}',
  'https://github.com/acme/app/commit/0123456789012345678901234567890123456789"onclick="x',
  `git+https://evil.test/acme/app`,
  '\u202egpj.exe\u2066\u200b',
  'x'.repeat(70_000),
]

/** Everything that a browser could act on: tags with their attributes, comments, declarations, addresses. */
function live(page: string): readonly string[] {
  return page.match(/<[^>]*>/g) ?? []
}

const hostilePages = (text: string): readonly string[] => [
  renderInspectionPage(hostileInspection(text)),
  renderReceiptPage(hostile(text)),
  renderComparisonPage([hostileInspection(text), SEEN], compareInspections(hostileInspection(text), SEEN)),
]

/** The tags of a page with a harmless text in the same places. */
const TAME = hostilePages('harmless').map(live)

function expectTame(text: string): void {
  hostilePages(text).forEach((page, at) => {
    // A caption is told twice, once to screen readers: that name is the only attribute with words in it.
    const named = (tags: readonly string[]) => tags.map(tag => tag.replace(/ aria-label="[^"<>]*"/, ''))
    expect(named(live(page))).toEqual(named(TAME[at] ?? []))
    for (const line of page.split('\n')) expect(isPrintable(line)).toBe(true)
  })
}

test.each(HOSTILE)('the text %j in every foreign field makes no tag, attribute, link or entity', text => {
  expectTame(text)
})

test('any text in every foreign field makes no tag, attribute, link or entity', () => {
  const sign = fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '&',
    '/',
    '=',
    '`',
    '-',
    '!',
    '#',
    ';',
    'a',
    ' ',
    '\n',
    '\u202e',
    'script',
  )
  fc.assert(
    fc.property(fc.array(sign, { maxLength: 30 }), signs => expectTame(`x${signs.join('')}`)),
    { numRuns: 60 },
  )
})

test('escapeText() leaves nothing that HTML gives a meaning, and loses nothing', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'grapheme' }), text => {
      const escaped = escapeText(text)
      expect(escaped.replace(/&#\d+;/g, '')).not.toMatch(/[<>"'`&]/)
    }),
  )
})

test('a link goes to a known page over https, or is none', () => {
  const id = '0123456789'.repeat(4)
  const good = commitAddress('git+https://github.com/acme/app@refs/heads/main', id)
  expect(link('x', good).markup).toBe(
    `<a href="https://github.com/acme/app/commit/${id}" rel="noopener noreferrer">x</a>`,
  )
  for (const bad of [
    'http://github.com/acme/app/actions/runs/1',
    'https://github.com.evil.test/acme/app/actions/runs/1',
    'https://github.com/acme/app/actions/runs/1/../../x',
    'https://github.com/acme/app/actions/runs/1\n',
    'https://user@github.com/acme/app/actions/runs/1',
    'javascript:alert(1)//https://github.com/acme/app/actions/runs/1',
    commitAddress('git+https://evil.test/acme/app', id),
    logAddress({ url: 'https://rekor.sigstore.dev', index: '1&x=2' }),
    logAddress({ url: 'https://rekor.evil.test', index: '1' }),
  ])
    expect(link('x', bad).markup).toBe('x')
})

test('the markup type cannot be made of a text', () => {
  const text = '<b>x</b>'
  expect(html`${text}`.markup).toBe('&#60;b&#62;x&#60;/b&#62;')
  expect(html`${html`${text}`}`.markup).toBe('&#60;b&#62;x&#60;/b&#62;')
})

const PAGES = {
  seen: renderInspectionPage(SEEN),
  passed: renderInspectionPage(PASSED),
  refused: renderInspectionPage(REFUSED),
  ...Object.fromEntries(
    Object.entries({
      RELEASE,
      REJECTED,
      UNKNOWN,
      DRAFT,
      WITHOUT_POLICY,
      ...SOURCE_RECEIPTS,
      ...MATERIAL_RECEIPTS,
      ...REPRODUCIBLE_RECEIPTS,
      ...GATE_RECEIPTS,
    }).map(([name, receipt]) => [name, renderReceiptPage(receipt)]),
  ),
}

test.each(Object.entries(PAGES))('the page %s loads, runs and sends nothing', (_name, page) => {
  expect(page).toMatch(/^<!doctype html>\n<html lang="en">/)
  expect(page).toMatch(
    /content="default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'"/,
  )
  expect(page).not.toMatch(/<(script|iframe|object|embed|img|link|form|base|svg)\b/i)
  expect(page).not.toMatch(/ (on\w+|style|src)=/i)
  for (const [, address] of page.matchAll(/href="([^"]*)"/g))
    expect(address).toMatch(/^(#main|https:\/\/(github\.com|search\.sigstore\.dev)\/)/)
})

test('a chain of 100 commits is a page below 300 KB, also of two images', () => {
  const [a, b] = [inspectionOf({ commits: commitsOf(100) }), inspectionOf({ commits: commitsOf(200, 50), digit: '5' })]
  expect(Buffer.byteLength(renderInspectionPage(a))).toBeLessThan(300_000)
  expect(Buffer.byteLength(renderComparisonPage([a, b], compareInspections(a, b)))).toBeLessThan(300_000)
})

test('without an expectation nothing is called passed or verified', () => {
  const page = renderInspectionPage(SEEN)
  expect(page).toContain('Described, not judged')
  expect(page).not.toMatch(/>(passed|verified)</)
})
