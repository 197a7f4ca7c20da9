import type { WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { needsTrustedRoot, TRUSTED_ROOT_LINE, verifyCommands } from './commands.ts'
import { inReadingOrder, isCommit, levelWords } from './commits.ts'
import { countWord, recordedWord } from './counts.ts'
import { keptOnDisk } from './kept.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { reproducibleLines } from './reproducible.ts'
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
import { materialLines } from './terminal-materials.ts'
import { commitRows, ruleLines } from './terminal-source.ts'
import { subjectLines } from './terminal-subjects.ts'
import { duration, shellQuote } from './text.ts'
import { STAGE_WORDS, stateWord, wasTimed } from './words.ts'

export type { TerminalOptions } from './terminal-lines.ts'

/** Subjects printed in full; the rest is counted, the result JSON has all. */
const SUBJECTS = 200

/**
 * The same facts as the summary, as text. First what this changes of the rules, if anything (13-adversary 3), then one line with
 * the verdict, then what else the reader must know; then everything one by one. Where the caller says what the process ends
 * with, and that is not 0, the last line repeats why: what has scrolled away is not missed.
 */
export function renderTerminal(receipt: Receipt, options: TerminalOptions): string {
  const paint = painter(options)
  const columns = columnsFor(options)
  const lines = [
    ...ruleLines(receipt).flatMap(line => wrap(line, columns, '! ', '    ')),
    `${printable(receipt.command)}: ${paint(receipt.verdict, receipt.verdict)}${recordedWord(receipt)}${judgedWord(receipt)}${countWord(receipt)}`,
    ...levelWords(receipt, id => id).flatMap(line => wrap(line, columns, '  ', '  ')),
    ...receipt.notices.flatMap(notice => noticeLines(printable(notice, 1000), columns)),
    ...imageLines(receipt),
    ...materialLines(receipt, paint, columns),
    ...againLines(receipt, columns),
    ...commitLines(receipt.subjects, paint, columns),
    ...subjectLines(receipt, paint, columns),
    ...(receipt.error === undefined ? [] : ['', ...describe(receipt.error, columns)]),
    ...notCheckedLines(receipt, columns),
    ...stageLines(receipt, paint),
    ...keptLines(receipt),
    ...fileLines(receipt),
    ...commandLines(receipt),
    ...closingLines(receipt, options),
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
  columns = columnsFor({}),
): string {
  return `${describe(error, columns).join('\n')}\n`
}

/** True when colour codes may be written. https://no-color.org: any non-empty NO_COLOR turns them off. */
export function wantsColour(noColor: string | undefined, isTerminal: boolean): boolean {
  return isTerminal && (noColor === undefined || noColor === '')
}

/** A run that passed because nobody asked must not read like one that was judged (13-adversary 38). */
function judgedWord({ stages }: Receipt): string {
  const asked = stages.filter(({ name }) => name === 'source' || name === 'materials')
  const none = asked.length > 0 && asked.every(({ state }) => state === 'not-asked')
  return none ? '; nothing was judged' : ''
}

/** A command is not broken: its first line alone would be another command. */
function noticeLines(notice: string, columns: number): readonly string[] {
  return notice.includes(': waybill ') ? [`! ${notice}`] : wrap(notice, columns, '! ', '  ')
}

function imageLines({ image }: Receipt): readonly string[] {
  if (image === undefined) return []
  const tags = image.tags.length === 0 ? '' : `  tags ${image.tags.map(tag => printable(tag)).join(' ')}`
  const platforms = image.platforms.map(({ platform, digest }) => `    ${printable(platform)}  ${digest}`)
  return [`  ${printable(image.repository)}@${image.digest}${tags}`, ...platforms]
}

/** What came of a second build. */
function againLines(receipt: Receipt, columns: number): readonly string[] {
  const lines = reproducibleLines(receipt)
  return lines.length === 0 ? [] : ['', 'built again:', ...lines.flatMap(line => wrap(line, columns, '  ', '    '))]
}

/** Commits as a table, each with its findings below it. */
function commitLines(subjects: readonly SubjectReceipt[], paint: Paint, columns: number): readonly string[] {
  const commits = inReadingOrder(subjects.filter(isCommit))
  const shown = commits.slice(0, SUBJECTS)
  const [head, ...rows] = commitRows(shown, columns)
  if (head === undefined) return []
  const lines = shown.flatMap((commit, at) => [
    `${paint(commit.verdict, commit.verdict)}${rows[at] ?? ''}`,
    ...treeLines(findingBranches(commit.findings), columns),
  ])
  return ['', head, ...lines, ...moreLines(commits.length - shown.length)]
}

function moreLines(more: number): readonly string[] {
  return more > 0 ? [`… ${more} more in the result JSON`] : []
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
  const lines = stages.map(stage => {
    const { name, state, ms } = stage
    const shown = STAGE_WORDS[name].padEnd(width)
    if (!wasTimed(stage)) return `  ${shown}  ${paint(state, stateWord(state))}`
    return `  ${shown}  ${paint(state, stateWord(state).padEnd(states))}  ${duration(ms)}`
  })
  return ['', 'stages:', ...lines]
}

function keptLines(receipt: Receipt): readonly string[] {
  const paths = keptOnDisk(receipt)
  return paths.length === 0 ? [] : ['', 'signed and kept here:', ...paths.map(path => `  ${printable(path, 1000)}`)]
}

/** What the run wrote for others to use. */
function fileLines({ pinned = [], evidence }: Receipt): readonly string[] {
  const files =
    pinned.length === 0 ? [] : ['', 'digests written into:', ...pinned.map(path => `  ${printable(path, 1000)}`)]
  if (evidence === undefined) return files
  return [
    ...files,
    '',
    'evidence kept, to be judged again with:',
    `  --replay ${shellQuote(`${evidence.folder}@${evidence.digest}`) ?? evidence.digest}`,
  ]
}

function commandLines(receipt: Receipt): readonly string[] {
  const commands = verifyCommands(receipt)
  if (commands.length === 0) return []
  const root = needsTrustedRoot(receipt) ? [`  ${TRUSTED_ROOT_LINE}`] : []
  return ['', 'verify it yourself:', ...root, ...commands.map(line => `  ${line}`)]
}
