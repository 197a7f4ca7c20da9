import { join } from 'node:path'
import fc from 'fast-check'
import { LIMITS } from '../../src/core/limits.ts'
import { isPrintable } from '../../src/core/text.ts'
import type { Receipt, RuleChange, SubjectReceipt } from '../../src/report/receipt.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { GATE_RECEIPTS, many } from './gate-receipts.ts'
import { expectGolden } from './golden.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { DRAFT, HOSTILE_TEXTS, hostile, REJECTED, RELEASE, UNKNOWN, WITHOUT_POLICY } from './receipts.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

const RECEIPTS = {
  release: RELEASE,
  'without-policy': WITHOUT_POLICY,
  rejected: REJECTED,
  unknown: UNKNOWN,
  draft: DRAFT,
  ...SOURCE_RECEIPTS,
  ...MATERIAL_RECEIPTS,
  ...GATE_RECEIPTS,
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

test('13-adversary 3: what a pull request would change in the rules stands before the verdict, what loosens first', () => {
  const lines = renderSummary(SOURCE_RECEIPTS.loosened).split('\n')
  const at = (text: string) => lines.findIndex(line => line.includes(text))
  const order = [
    '### Rules changed by this pull request',
    '`mallory: openpgp key',
    'source-mode: off',
    '| removed | role',
    '✅ Passed',
  ].map(at)
  expect(order).not.toContain(-1)
  expect(order).toEqual([...order].sort((a, b) => a - b))
})

const changed = (more: Partial<RuleChange>): RuleChange => ({
  commit: 'a'.repeat(40),
  accepted: true,
  kind: 'policy',
  paths: ['.github/waybill.yml'],
  lines: [],
  ...more,
})

test.each([
  { what: 'the head brought and was accepted', change: changed({}), first: true },
  { what: 'an older commit brought', change: changed({ commit: 'b'.repeat(40) }), first: false },
  { what: 'was not accepted', change: changed({ commit: 'c'.repeat(40), accepted: false }), first: true },
  {
    what: 'was not accepted, of a commit that the policy excepts',
    change: changed({ commit: 'b'.repeat(40), accepted: false }),
    first: false,
  },
])('13-adversary 3: a change of the rules that $what stands before the verdict: $first', ({ change, first }) => {
  const summary = renderSummary({ ...RELEASE, ruleChanges: [change] })
  expect(summary.indexOf('### Rules changed by these commits') === 0).toBe(first)
  expect(summary.includes('1 change of the rules since the anchor')).toBe(!first)
})

test('a flood of changed rules folds, is counted, and leaves the verdict in sight', () => {
  const lines = Array.from({ length: 5000 }, (_, at) => ({
    how: 'added' as const,
    what: 'principal' as const,
    text: `p${at} ${'x'.repeat(400)}`,
    loosens: at === 4999,
  }))
  const ruleChanges = Array.from({ length: 40 }, () => changed({ proposed: true, accepted: false, lines }))
  const summary = renderSummary({ ...RELEASE, ruleChanges })
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(LIMITS.summaryBytes)
  expect(summary).toContain('30 more changes in the result JSON.')
  expect(summary.indexOf('p4999')).toBeLessThan(summary.indexOf('p0 '))
  expect(summary).toContain('## ✅ Passed')
})

test.each([
  { levels: undefined, says: undefined },
  { levels: ['ORG_SOURCE_COMMITS_ACCEPTED'], says: 'is accepted by the policy (1 excepted, 1 signed).' },
  { levels: ['ORG_SOURCE_COMMITS_SIGNED'], says: 'is signed or derived from signed commits (1 excepted, 1 signed).' },
])('with the levels $levels the verdict says of every commit: $says', ({ levels, says }) => {
  const source = { repository: 'r', commit: 'a'.repeat(40), ...(levels === undefined ? {} : { levels }) }
  const line = renderSummary({ ...RELEASE, source })
    .split('\n')
    .find(text => text.startsWith('Every commit since'))
  expect(line).toBe(says === undefined ? undefined : `Every commit since \`${'c'.repeat(12)}\` ${says}`)
})

test('what stands in the way comes before what passed, and the newest before the old', () => {
  const subjects = [commit(1), { ...commit(2), verdict: 'rejected' as const }, commit(3)]
  const rows = renderSummary({ ...RELEASE, subjects }).match(/^\| (?:✅|❌) .*$/gm) ?? []
  expect(rows.map(row => row.slice(2, 3))).toEqual(['❌', '✅', '✅'])
})

test('a thousand subjects, each with its chain and places, fit the budget; all of them stand in the table', () => {
  const summary = renderSummary(many(1000))
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(LIMITS.summaryBytes)
  expect(summary.split('\n', 1)).toEqual(['## ❌ Rejected: 1000 subjects (900 rejected, 100 passed)'])
  expect(summary.match(/^\| (?:✅|❌) \| `ghcr/gm)).toHaveLength(1000)
  expect(summary).toContain('900 more in the result JSON.')
  expect(summary).toContain('### What was not checked')
})

test('many images with the same cause are one row, with the first of them and the number of the others', () => {
  const rows = renderSummary(many(100)).match(/^\| ❌ \| `verify\/no-attestation`.*$/gm) ?? []
  expect(rows).toHaveLength(1)
  expect(rows[0]).toContain(
    '`ghcr.io/acme/service-1:v1 and 89 others` | `No signature of … is by whom the rule expects`',
  )
})

test('13-adversary 37: the graph of a chain is fixed words and numbers, whatever the chain says', () => {
  const foreign = renderSummary({
    ...hostile('</details> %% click'),
    stages: [],
    image: undefined,
  } as unknown as Receipt)
  expect(foreign).not.toContain('mermaid')
  const text = 'click s "javascript:alert(1)"'
  const links = [{ link: 'source', state: 'rejected', digest: text, by: text, signedAt: text, below: [] }] as const
  const subject = { name: text, digest: text, verdict: 'rejected', findings: [], links } as const
  const graph = renderSummary({ ...GATE_RECEIPTS['gate-image'], subjects: [subject] })
  const body = /```mermaid\n([\s\S]*?)\n```/.exec(graph)?.[1] ?? ''
  expect(body.split('\n').slice(0, 4)).toEqual([
    'flowchart TD',
    '  s["subject: rejected"]:::rejected',
    '  l1["source summary: rejected"]:::rejected',
    '  s --> l1',
  ])
  expect(body).not.toContain('click')
})

test('13-adversary 29: what only the folder says stands in the line of the verdict, and nothing says passed alone', () => {
  const line = renderSummary(GATE_RECEIPTS['gate-recorded']).split('\n')[2] ?? ''
  expect(line).toMatch(/^## ⚠️ Not checked: .*; passed as recorded by whoever wrote this folder$/)
})
