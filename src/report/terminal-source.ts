import { printable } from '../core/text.ts'
import type { Receipt, RuleChange, SubjectReceipt } from './receipt.ts'
import { freshChanges, loosensFirst, standing, weight } from './rule-changes.ts'
import { shortDigest } from './text.ts'
import { columnsOf, cut, padded } from './width.ts'

/** Lines of rules in the terminal, over all changes. */
const RULE_LINES = 40
/** Hex digits of a commit in a table of a terminal. */
const ID = 10
/** Characters that the subject keeps at least, however long names are. */
const SUBJECT = 14

interface Column {
  readonly head: string
  readonly widest: number
  readonly text: (commit: SubjectReceipt) => string
}

const COLUMNS: readonly Column[] = [
  { head: 'commit', widest: ID, text: ({ digest }) => [...shortDigest(digest)].slice(0, ID).join('') },
  { head: 'basis', widest: 8, text: ({ basis }) => basis ?? '–' },
  { head: 'signer', widest: 12, text: ({ principal }) => principal ?? '–' },
  { head: 'reviewed by', widest: 16, text: reviewCell },
]

/**
 * Rows of the table of commits, the head first: without what stands in the first column, the verdict, which the caller
 * paints. They fit the columns; a column in which nothing stands is left out.
 */
export function commitRows(commits: readonly SubjectReceipt[], columns: number): readonly string[] {
  if (commits.length === 0) return []
  const verdicts = Math.max('verdict'.length, ...commits.map(({ verdict }) => verdict.length))
  const cells = COLUMNS.map(({ head, widest, text }) => {
    const texts = commits.map(commit => cut(printable(text(commit), 200), widest))
    return {
      head,
      texts,
      width: Math.max(...[head, ...texts].map(columnsOf)),
      filled: texts.some(shown => shown !== '–'),
    }
  }).filter(({ filled }) => filled)
  const usedBy = () => verdicts + cells.reduce((sum, { width }) => sum + width + 2, 2)
  // In a narrow terminal the last columns go first: all of it is in the result JSON.
  while (cells.length > 1 && usedBy() + SUBJECT > columns) cells.pop()
  const used = usedBy()
  const rest = Math.max(SUBJECT, columns - used)
  const line = (first: string, words: readonly string[], last: string) =>
    `${' '.repeat(verdicts - first.length)}${words.map((word, at) => `  ${padded(word, cells[at]?.width ?? 0)}`).join('')}  ${last}`
  return [
    `verdict${line(
      'verdict',
      cells.map(({ head }) => head),
      'subject',
    )}`,
    ...commits.map((commit, at) =>
      line(
        commit.verdict,
        cells.map(({ texts }) => texts[at] ?? ''),
        cut(printable(commit.title ?? commit.name, 200), rest),
      ),
    ),
  ]
}

/**
 * What of the rules changed, before the verdict (13-adversary 3): bounded, what loosens first.
 * @param changes that are told; default: those that no earlier run has told.
 */
export function ruleLines(receipt: Receipt, changes = freshChanges(receipt)): readonly string[] {
  // A long list of differences must not push another change out of sight: each has its headline.
  let room = RULE_LINES
  const lines = changes.slice(0, RULE_LINES).flatMap(change => {
    const all = differences(change)
    const shown = all.slice(0, room)
    room -= shown.length
    const more = all.length - shown.length
    return [headline(change), ...shown, ...(more > 0 ? [`… ${more} more in the result JSON`] : [])]
  })
  const more = changes.length - RULE_LINES
  return more > 0 ? [...lines, `… ${more} more changes in the result JSON`] : lines
}

/** The same in a sentence each, without the differences: for annotations. */
export function ruleNotes(receipt: Receipt): readonly string[] {
  return freshChanges(receipt).map(headline)
}

function headline(change: RuleChange): string {
  const { proposed, commit, by, kind, paths } = change
  const who = proposed === true ? 'This pull request' : `Commit ${cut(shortDigest(commit), 12)}`
  const signed = by === undefined || proposed === true ? '' : `, signed by ${printable(by, 60)}`
  const about = kind === 'policy' ? 'the policy' : 'workflows'
  const files = paths.slice(0, 5).map(path => printable(path, 100))
  const more = paths.length > files.length ? ` and ${paths.length - files.length} more` : ''
  return `${who} changes ${about} (${standing(change)}${signed}): ${weight(change)}. Files: ${files.join(', ')}${more}`
}

function differences({ lines }: RuleChange): readonly string[] {
  return loosensFirst(lines).map(
    ({ how, what, text, loosens }) =>
      `  ${how === 'added' ? '+' : '-'} ${what} ${printable(text, 600)}${loosens ? ' (loosens)' : ''}`,
  )
}

/** In a few columns; the whole of it is in the result JSON, and what is missing stands below as a finding. */
export function reviewCell({ review }: SubjectReceipt): string {
  if (review === undefined) return '–'
  const { enough, label, by, pull } = review
  if (!enough) return 'not enough'
  const where = [...(pull === undefined ? [] : [`#${pull}`]), ...(label === 'signed-by-reviewer' ? ['signed'] : [])]
  return [...where, by.join(', ')].join(' ')
}
