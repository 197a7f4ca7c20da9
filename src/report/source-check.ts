import { printable } from '../core/text.ts'
import { levelWords } from './commits.ts'
import type { ExplainedStep } from './explain-case.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { notCheckedLines } from './terminal.ts'
import { closingLines } from './terminal-closing.ts'
import {
  columnsFor,
  describe,
  findingBranches,
  type Paint,
  painter,
  type TerminalOptions,
  treeLines,
  wrap,
} from './terminal-lines.ts'
import { reviewCell, ruleLines } from './terminal-source.ts'
import { columnsOf, cut, padded } from './width.ts'

/** Rows shown of a long range: so many from its beginning and as many from its end. */
const ENDS = 20
/** A range of at most so many commits is shown whole. */
const WHOLE = 60
/** Commits whose findings are shown; the rest is counted by code. */
const FINDINGS = 30
const MARKS = {
  passed: 'passed',
  rejected: 'rejected',
  unknown: 'unknown',
  note: ' ',
  'not-asked': 'not asked',
} as const

/**
 * A range of commits as a terminal shows it: what changes the rules, the verdict, what the reader must know, a table that fits
 * the columns, findings, what was not checked. With an explanation that takes the place of the table.
 */
export function renderSourceCheck(receipt: Receipt, options: TerminalOptions): string {
  const columns = columnsFor(options)
  const paint = painter(options)
  const { explanation, subjects } = receipt
  const lines = [
    // Whoever asks about a range has not seen what it changed, also where that was accepted.
    ...ruleLines(receipt, receipt.ruleChanges).flatMap(line => wrap(line, columns, '! ', '    ')),
    `${printable(receipt.command)}: ${paint(receipt.verdict, receipt.verdict)}${countText(subjects)}`,
    ...levelWords(receipt, id => id).flatMap(line => wrap(line, columns, '  ', '  ')),
    ...receipt.notices.flatMap(notice => wrap(printable(notice, 2_000), columns, '! ', '  ')),
    ...(explanation === undefined
      ? tableLines(subjects, paint, columns)
      : explanationLines(explanation, paint, columns)),
    ...(explanation === undefined ? findingLines(subjects, columns) : []),
    ...(receipt.error === undefined ? [] : ['', ...describe(receipt.error, columns)]),
    ...engineLines(receipt, columns),
    ...notCheckedLines(receipt, columns),
    ...closingLines(receipt, options),
  ]
  return `${lines.join('\n')}\n`
}

function countText(subjects: readonly SubjectReceipt[]): string {
  return subjects.length === 0
    ? ''
    : ` (${subjects.length === 1 ? '1 commit' : `${subjects.length} commits`}: ${counts(subjects)})`
}

function counts(subjects: readonly SubjectReceipt[]): string {
  const numbers = new Map<string, number>()
  for (const { verdict } of subjects) numbers.set(verdict, (numbers.get(verdict) ?? 0) + 1)
  return [...numbers].map(([verdict, count]) => `${count} ${verdict}`).join(', ')
}

interface Column {
  readonly head: string
  readonly most: number
  of(subject: SubjectReceipt): string
}

const TABLE: readonly Column[] = [
  { head: 'commit', most: 7, of: ({ name }) => name },
  { head: 'verdict', most: 8, of: ({ verdict }) => verdict },
  { head: 'kind', most: 9, of: ({ kind }) => kind ?? '–' },
  { head: 'principal', most: 12, of: ({ principal }) => principal ?? '–' },
  { head: 'basis', most: 8, of: ({ basis }) => basis ?? '–' },
]
/** Only where a rule asks for reviews; where there is little room it takes that of the kind. */
const REVIEWED: Column = { head: 'reviewed by', most: 12, of: reviewCell }

function tableLines(subjects: readonly SubjectReceipt[], paint: Paint, columns: number): readonly string[] {
  if (subjects.length === 0) return []
  const whole = subjects.length <= WHOLE
  const first = whole ? subjects : subjects.slice(0, ENDS)
  const last = whole ? [] : subjects.slice(-ENDS)
  const shown = [...first, ...last]
  const asked = shown.some(({ review }) => review !== undefined)
  const { table, widths, room } = fitting(asked ? [...TABLE, REVIEWED] : TABLE, shown, columns)
  const row = (subject: SubjectReceipt): string => {
    const cells = table.map(({ head, of }, at) => {
      const text = padded(printable(of(subject), 60), widths[at] ?? 0)
      return head === 'verdict' ? paint(subject.verdict, text) : text
    })
    return [...cells, cut(printable(subject.title ?? '', 200), room)].join('  ').trimEnd()
  }
  const head = [...table.map((column, at) => padded(column.head, widths[at] ?? 0)), cut('subject', room)].join('  ')
  const between = subjects.slice(first.length, subjects.length - last.length)
  const rest = between.length === 0 ? [] : [`… ${between.length} more: ${counts(between)}`]
  return ['', head, ...first.map(row), ...rest, ...last.map(row)]
}

/** Columns that the subject of a commit keeps at least. */
const SUBJECT = 12
/** What a narrow terminal does without, in this order: all of it is in the result JSON. */
const DISPENSABLE = ['kind', 'basis', 'principal', 'reviewed by']

interface Fitting {
  readonly table: readonly Column[]
  readonly widths: readonly number[]
  /** What is left for the subject. */
  readonly room: number
}

function fitting(wanted: readonly Column[], shown: readonly SubjectReceipt[], columns: number): Fitting {
  const fits = (table: readonly Column[]): Fitting => {
    const widths = table.map(({ head, most, of }) =>
      Math.min(most, Math.max(head.length, ...shown.map(subject => columnsOf(printable(of(subject), 60))))),
    )
    return { table, widths, room: columns - widths.reduce((sum, width) => sum + width + 2, 0) }
  }
  let found = fits(wanted)
  for (const head of DISPENSABLE) {
    if (found.room >= SUBJECT) break
    found = fits(found.table.filter(column => column.head !== head))
  }
  return found
}

/** What stands against commits; of those that passed all the same only how many there are. */
function findingLines(subjects: readonly SubjectReceipt[], columns: number): readonly string[] {
  const against = subjects.filter(({ verdict, findings }) => verdict !== 'passed' && findings.length > 0)
  const noted = subjects.filter(({ verdict, findings }) => verdict === 'passed' && findings.length > 0).length
  const shown = against
    .slice(0, FINDINGS)
    .flatMap(({ name, title, findings }) => [
      '',
      cut(`${printable(name)} ${printable(title ?? '', 200)}`.trimEnd(), columns),
      ...treeLines(findingBranches(findings), columns),
    ])
  const rest = against.slice(FINDINGS)
  return [
    ...shown,
    ...(rest.length === 0 ? [] : ['', `… and ${rest.length} more commits: ${codes(rest)}; all of them with --json`]),
    ...(noted === 0 ? [] : ['', `Notes on ${noted} passed commits: see --explain COMMIT, or --json`]),
  ]
}

function codes(subjects: readonly SubjectReceipt[]): string {
  const numbers = new Map<string, number>()
  for (const { findings } of subjects)
    for (const code of new Set(findings.map(finding => finding.code))) numbers.set(code, (numbers.get(code) ?? 0) + 1)
  return [...numbers].map(([code, count]) => `${code} ${count}`).join(', ')
}

function explanationLines(steps: readonly ExplainedStep[], paint: Paint, columns: number): readonly string[] {
  const width = Math.max(...steps.map(({ step }) => step.length))
  const lines = steps.flatMap(({ step, outcome, text }) => {
    const mark = padded(MARKS[outcome], 9)
    const indent = ' '.repeat(width + 2 + 9 + 2)
    const [first = '', ...more] = wrap(text, columns, indent, indent)
    const coloured = outcome === 'note' ? mark : paint(outcome, mark)
    return [`${padded(step, width)}  ${coloured}  ${first.slice(indent.length)}`, ...more]
  })
  return ['', ...lines]
}

function engineLines({ engines }: Receipt, columns: number): readonly string[] {
  if (engines === undefined) return []
  const { asked, compared, disagreements } = engines
  const told = `${compared.openpgp} OpenPGP signatures by gpg, ${compared.ssh} SSH signatures by ssh-keygen`
  const text = asked === 'native' ? `checked: ${told}` : `checked twice: ${told}; ${disagreed(disagreements)}`
  return ['', ...wrap(text, columns, '', '  ')]
}

function disagreed(count: number): string {
  if (count === 0) return 'no disagreement'
  return count === 1 ? '1 disagreement' : `${count} disagreements`
}
