import type { WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import { needsTrustedRoot, verifyCommands } from './commands.ts'
import { inReadingOrder, isCommit, levelWords } from './commits.ts'
import { keptOnDisk } from './kept.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { commitRows, ruleLines } from './terminal-source.ts'
import { duration, remedyLines } from './text.ts'
import { STAGE_WORDS } from './words.ts'

export interface TerminalOptions {
  /** False when `NO_COLOR` is set or the output is no terminal; the caller knows. no-color.org */
  readonly colour: boolean
  /** Columns to fit; lines that hold a command or an id are never broken. */
  readonly columns?: number
}

const COLUMNS = 80
/** Subjects printed in full; the rest is counted, the result JSON has all. */
const SUBJECTS = 200
const SGR = { passed: 32, rejected: 31, unknown: 33, 'not-asked': 90, 'not-reached': 90 } as const

type Part = { readonly code: string; readonly message: string } & Pick<Finding, 'expected' | 'found' | 'remedy'>

/** The same facts as the summary, as text: verdict, subjects with their findings as a tree, what was not checked, stages. */
export function renderTerminal(receipt: Receipt, options: TerminalOptions): string {
  const paint = painter(options)
  const columns = options.columns ?? COLUMNS
  const lines = [
    ...receipt.notices.flatMap(notice => wrap(printable(notice, 1000), columns, '! ', '  ')),
    ...ruleLines(receipt).flatMap(line => wrap(line, columns, '! ', '    ')),
    `${printable(receipt.command)}: ${paint(receipt.verdict, receipt.verdict)}`,
    ...levelWords(receipt, id => id).flatMap(line => wrap(line, columns, '  ', '  ')),
    ...imageLines(receipt),
    ...commitLines(receipt.subjects, paint, columns),
    ...otherLines(receipt, paint, columns),
    ...(receipt.error === undefined ? [] : ['', ...describe(receipt.error, columns)]),
    ...notCheckedLines(receipt, columns),
    ...stageLines(receipt, paint),
    ...keptLines(receipt),
    ...commandLines(receipt),
  ]
  return `${lines.join('\n')}\n`
}

/**
 * An error as text:
 *
 *     source/signer-unknown: commit 3f1c9e2 "Fix login" is signed by a key …
 *     → add the key to a principal …
 */
export function renderError(
  error: Pick<WaybillError, 'code' | 'message' | 'expected' | 'found' | 'remedy'>,
  columns = COLUMNS,
): string {
  return `${describe(error, columns).join('\n')}\n`
}

/** True when colour codes may be written. https://no-color.org: any non-empty NO_COLOR turns them off. */
export function wantsColour(noColor: string | undefined, isTerminal: boolean): boolean {
  return isTerminal && (noColor === undefined || noColor === '')
}

/** One finding or error: sentence, what was expected, what was found, what to do. */
export function describe(
  { code, message, expected, found, remedy }: { [K in keyof Part]: Part[K] | undefined },
  columns: number,
): readonly string[] {
  const text = printable(message ?? '', 2000)
  return [
    ...wrap(`${code}: ${/[.!?…]$/.test(text) ? text : `${text}.`}`, columns, '', ''),
    ...(expected === undefined ? [] : [`  expected: ${printable(expected, 1000)}`]),
    ...(found === undefined ? [] : [`  found:    ${printable(found, 1000)}`]),
    ...remedyLines(remedy ?? '').map(line => printable(line, 2000)),
  ]
}

function imageLines({ image }: Receipt): readonly string[] {
  if (image === undefined) return []
  const tags = image.tags.length === 0 ? '' : `  tags ${image.tags.map(tag => printable(tag)).join(' ')}`
  const platforms = image.platforms.map(({ platform, digest }) => `    ${printable(platform)}  ${digest}`)
  return [`  ${printable(image.repository)}@${image.digest}${tags}`, ...platforms]
}

/** Commits as a table, each with its findings below it. */
function commitLines(subjects: readonly SubjectReceipt[], paint: Paint, columns: number): readonly string[] {
  const commits = inReadingOrder(subjects.filter(isCommit))
  const shown = commits.slice(0, SUBJECTS)
  const [head, ...rows] = commitRows(shown, columns)
  if (head === undefined) return []
  const lines = shown.flatMap((commit, at) => [
    `${paint(commit.verdict, commit.verdict)}${rows[at] ?? ''}`,
    ...findingLines(commit, columns),
  ])
  return ['', head, ...lines, ...moreLines(commits.length - shown.length)]
}

/** What is no commit: images, files, tags. */
function otherLines(receipt: Receipt, paint: Paint, columns: number): readonly string[] {
  const others = receipt.subjects.filter(subject => !isCommit(subject))
  const lines = others.slice(0, SUBJECTS).flatMap(subject => subjectLines(subject, paint, columns))
  const gap = lines.length > 0 && others.length < receipt.subjects.length ? [''] : []
  return [...gap, ...lines, ...moreLines(others.length - SUBJECTS)]
}

function moreLines(more: number): readonly string[] {
  return more > 0 ? [`… ${more} more in the result JSON`] : []
}

function subjectLines(subject: SubjectReceipt, paint: Paint, columns: number): readonly string[] {
  const who = [subject.principal, subject.basis].filter(word => word !== undefined).map(word => printable(word, 60))
  const detail = who.length === 0 ? '' : ` (${who.join(', ')})`
  const head = `${paint(subject.verdict, subject.verdict)}  ${subjectName(subject)}${detail}`
  const by = subject.by === undefined ? [] : [`  signed by ${printable(subject.by, 1000)}`]
  return [head, ...by, ...findingLines(subject, columns)]
}

function findingLines({ findings }: SubjectReceipt, columns: number): readonly string[] {
  return findings.flatMap((finding, at) => branch(finding, at === findings.length - 1, columns))
}

function subjectName({ ref, name, digest }: SubjectReceipt): string {
  const shown = ref === undefined ? name : `tag ${name}`
  return shown === '' || shown.includes(digest)
    ? printable(shown || digest)
    : `${printable(shown)} ${printable(digest)}`
}

export function branch(finding: Finding, last: boolean, columns: number): readonly string[] {
  const [first = '', ...more] = describe(finding, columns - 3)
  return [`${last ? '└─ ' : '├─ '}${first}`, ...more.map(line => `${last ? '   ' : '│  '}${line}`)]
}

export function notCheckedLines({ notChecked }: Receipt, columns: number): readonly string[] {
  const list =
    notChecked.length === 0
      ? ['  nothing was left out']
      : notChecked.flatMap(item => wrap(printable(item, 1000), columns, '  - ', '    '))
  return ['', 'not checked:', ...list]
}

function stageLines({ stages }: Receipt, paint: Paint): readonly string[] {
  if (stages.length === 0) return []
  const width = Math.max(...stages.map(({ name }) => STAGE_WORDS[name].length))
  const states = Math.max(...stages.map(({ state }) => state.length))
  const lines = stages.map(
    ({ name, state, ms }) =>
      `  ${STAGE_WORDS[name].padEnd(width)}  ${paint(state, state.padEnd(states))}  ${duration(ms)}`,
  )
  return ['', 'stages:', ...lines]
}

function keptLines(receipt: Receipt): readonly string[] {
  const paths = keptOnDisk(receipt)
  return paths.length === 0 ? [] : ['', 'signed and kept here:', ...paths.map(path => `  ${printable(path, 1000)}`)]
}

function commandLines(receipt: Receipt): readonly string[] {
  const commands = verifyCommands(receipt)
  if (commands.length === 0) return []
  const root = needsTrustedRoot(receipt)
    ? ['  (each with --trusted-root FILE: these signatures rest on a Sigstore of its own)']
    : []
  return ['', 'verify it yourself:', ...commands.map(line => `  ${line}`), ...root]
}

export type Paint = (state: keyof typeof SGR, text: string) => string

export function painter({ colour }: TerminalOptions): Paint {
  return (state, text) => (colour ? `\u001b[${SGR[state]}m${text}\u001b[0m` : text)
}

/** Breaks at spaces so that lines fit; a word longer than the line stays whole, for it may be copied. */
export function wrap(text: string, columns: number, first: string, indent: string): readonly string[] {
  const lines: string[] = []
  let line = first
  let empty = true
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = indent
      empty = true
    }
    line += empty ? word : ` ${word}`
    empty = false
  }
  return [...lines, line]
}
