import { join } from 'node:path'
import { ANNOTATIONS_PER_LEVEL, type Annotation } from '../../src/core/annotation.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { annotationsOf } from '../../src/report/annotations.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import { GATE_RECEIPTS } from './gate-receipts.ts'
import { expectGolden } from './golden.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { OUTCOME_RECEIPTS } from './outcome-receipts.ts'
import { DRAFT, REJECTED, RELEASE, UNKNOWN, WITHOUT_POLICY } from './receipts.ts'
import { REPRODUCIBLE_RECEIPTS } from './reproducible-receipts.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

/** Every outcome that has golden files: what a reader sees of it is the same in each of them. */
const ALL: Readonly<Record<string, Receipt>> = {
  release: RELEASE,
  'without-policy': WITHOUT_POLICY,
  rejected: REJECTED,
  unknown: UNKNOWN,
  draft: DRAFT,
  ...SOURCE_RECEIPTS,
  ...MATERIAL_RECEIPTS,
  ...REPRODUCIBLE_RECEIPTS,
  ...GATE_RECEIPTS,
  ...OUTCOME_RECEIPTS,
}

const golden = (name: string) => join(import.meta.dirname, 'golden', name)

describe.each(Object.entries(OUTCOME_RECEIPTS))('%s', (name, receipt) => {
  test('its summary is the golden file', () => expectGolden(golden(`summary-${name}.md.txt`), renderSummary(receipt)))
  test('its terminal text is the golden file', () =>
    expectGolden(golden(`terminal-${name}.txt`), renderTerminal(receipt, { colour: false })))
})

const line = ({ level, title, file, line: at, message }: Annotation) =>
  `${level} ${title ?? '–'} ${file ?? '–'}${at === undefined ? '' : `:${at}`}\n  ${message.replaceAll('\n', '\n  ')}\n`

test.each(Object.entries(ALL))('the annotations of %s are the golden file', (name, receipt) => {
  expectGolden(golden(`annotations-${name}.txt`), annotationsOf(receipt).map(line).join(''))
})

describe.each(Object.entries(ALL))('the summary of %s', (_, receipt) => {
  const summary = renderSummary(receipt)
  const headings = summary.split('\n').filter(text => /^#{2,4} /.test(text))

  test('begins with notices and changed rules, then the verdict, then everything else', () => {
    const before = headings.slice(
      0,
      headings.findIndex(text => text.startsWith('## ')),
    )
    expect(before.every(text => text.startsWith('### Rules changed by'))).toBe(true)
    expect(summary.match(/^## (✅ Passed|❌ Rejected|⚠️ Not checked): /gm)).toHaveLength(1)
    const notices = summary.split('\n').filter(text => text.startsWith('> '))
    expect(summary.startsWith(notices.join('\n\n'))).toBe(true)
  })

  test('says once what was not checked', () => {
    expect(headings.filter(text => text === '### What was not checked')).toHaveLength(1)
    for (const said of receipt.notChecked) expect(summary).toContain(said.slice(0, 40))
  })

  test('says in its verdict what the receipt says, and no image that was refused can be pulled from it', () => {
    const words = { passed: '✅ Passed', rejected: '❌ Rejected', unknown: '⚠️ Not checked' }
    expect(headings).toContainEqual(expect.stringMatching(`^## ${words[receipt.verdict]}: `))
    if (receipt.verdict !== 'passed') expect(summary).not.toContain('docker pull')
  })

  test('fits the budget, and has no open list of more than twenty rows', () => {
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(LIMITS.summaryBytes)
    const open = summary.replace(/<details>[\s\S]*?<\/details>/g, '')
    for (const rows of open.match(/(?:^\| .*\n)+/gm) ?? []) expect(rows.split('\n').length).toBeLessThanOrEqual(24)
    expect(summary.match(/<details>/g)?.length).toBe(summary.match(/<\/details>/g)?.length)
  })

  test('has at most ten annotations of a level beside it, and one error at least unless it passed', () => {
    const annotations = annotationsOf(receipt)
    for (const level of ['error', 'warning', 'notice'])
      expect(annotations.filter(it => it.level === level).length).toBeLessThanOrEqual(ANNOTATIONS_PER_LEVEL)
    expect(annotations.some(it => it.level === 'error')).toBe(receipt.verdict !== 'passed')
  })
})

test('13-adversary 41: a run that only audits says beside its verdict that it stopped nothing; others never do', () => {
  for (const [name, receipt] of Object.entries(ALL))
    expect([
      name,
      renderSummary(receipt).includes('**Audit only:** commits rejected; this was told and stopped nothing.'),
    ]).toEqual([name, name === 'audit'])
})
