import { join } from 'node:path'
import fc from 'fast-check'
import { LIMITS } from '../../src/core/limits.ts'
import { isPrintable } from '../../src/core/text.ts'
import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { expectGolden } from './golden.ts'
import { DRAFT, HOSTILE_TEXTS, hostile, REJECTED, RELEASE, UNKNOWN, WITHOUT_POLICY } from './receipts.ts'

const RECEIPTS = {
  release: RELEASE,
  'without-policy': WITHOUT_POLICY,
  rejected: REJECTED,
  unknown: UNKNOWN,
  draft: DRAFT,
}

test.each(Object.entries(RECEIPTS))('renderSummary() of %s is the golden file', (name, receipt) => {
  expectGolden(join(import.meta.dirname, `golden/summary-${name}.md.txt`), renderSummary(receipt))
})

test('13-adversary 38: what was not judged is said before the verdict, also when the caller forgot to say it', () => {
  for (const receipt of [WITHOUT_POLICY, { ...WITHOUT_POLICY, notices: [] }])
    expect(renderSummary(receipt).split('\n')[0]).toMatch(/^> ⚠️ .*No policy/)
})

test('13-adversary 36: the draft of a fork says in its first line that it is unsigned', () => {
  expect(renderSummary(DRAFT).split('\n')[0]).toMatch(/^> ⚠️ .*Unsigned draft/)
})

test('"What was not checked" is there even when nothing was left out', () => {
  expect(renderSummary({ ...RELEASE, notChecked: [] })).toContain('### What was not checked\n\nNothing was left out.')
})

/** What is left of a Markdown text when fenced blocks and code spans are taken out: the part that is alive. */
function alive(markdown: string): string {
  const lines: string[] = []
  let fence: string | undefined
  for (const line of markdown.split('\n')) {
    const run = /^`{3,}/.exec(line)?.[0]
    if (fence === undefined && run !== undefined) fence = run
    else if (fence !== undefined) fence = line === fence ? undefined : fence
    else lines.push(line.replace(/(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g, '¤'))
  }
  return lines.join('\n')
}

/** The same summary with harmless texts: everything else must be equal. */
const skeleton = (receipt: Receipt) => alive(renderSummary(receipt)).replaceAll('–', '¤')

test.each(HOSTILE_TEXTS)('the text %j in every foreign field is never alive in the summary', text => {
  const summary = renderSummary(hostile(text))
  for (const line of summary.split('\n')) expect(isPrintable(line)).toBe(true)
  const live = alive(summary)
  for (const trap of [
    '@alice',
    '<img',
    'javascript:',
    'evil.example',
    'pwned',
    '✅ Passed',
    '<!--',
    'GH-1',
    ':tada:',
    '#1',
  ])
    expect(live).not.toContain(trap)
})

test('tables keep their number of cells whatever text stands in them', () => {
  const text = fc.oneof(
    fc.constantFrom(...HOSTILE_TEXTS),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('|', '\\', '`', ' ') }),
  )
  const pipes = (receipt: Receipt) =>
    alive(renderSummary(receipt))
      .split('\n')
      .filter(line => line.startsWith('| '))
      .map(line => line.split('|').length)
  fc.assert(
    fc.property(text, foreign => {
      expect(pipes(hostile(foreign))).toEqual(pipes(hostile('harmless')))
    }),
  )
})

test('hostile and harmless text leave the same living Markdown', () => {
  const text = fc.string({
    unit: fc.constantFrom('|', '\\', '`', ' ', '<', '@', '*', '#'),
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(
      text.filter(it => it.trim() !== ''),
      foreign => {
        expect(skeleton(hostile(`<${foreign}>`)).replace(/^> ⚠️ .*\n/, '')).toBe(
          skeleton(hostile('<harmless>')).replace(/^> ⚠️ .*\n/, ''),
        )
      },
    ),
  )
})

const commit = (at: number): SubjectReceipt => ({
  name: '',
  digest: at.toString(16).padStart(40, '0'),
  verdict: 'passed',
  basis: 'signed',
  findings: [],
  kind: 'ssh',
  principal: 'alice',
  key: 'SHA256:abc',
  title: 't'.repeat(72),
  author: 'alice',
})

test('a long list folds after twenty rows', () => {
  const summary = renderSummary({ ...RELEASE, subjects: Array.from({ length: 50 }, (_, at) => commit(at)) })
  expect(summary).toContain('<details><summary>30 more</summary>')
})

test('20,000 commits fit the budget, and the rest is counted', () => {
  const summary = renderSummary({ ...RELEASE, subjects: Array.from({ length: 20_000 }, (_, at) => commit(at)) })
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(LIMITS.summaryBytes)
  expect(summary).toMatch(/^\d+ more in the result JSON\.$/m)
  expect(summary).toContain('### What was not checked')
})

test('a summary with a tiny budget still has the verdict, the reason and what was not checked', () => {
  const summary = renderSummary({ ...REJECTED, subjects: Array.from({ length: 3000 }, (_, at) => commit(at)) }, 1)
  for (const part of ['❌ Rejected', 'source/unsigned', '### What was not checked']) expect(summary).toContain(part)
})
