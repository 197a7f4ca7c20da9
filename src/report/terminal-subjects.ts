import { printable } from '../core/text.ts'
import type { ChainLink } from '../policy/chain.ts'
import { isCommit, isTag } from './commits.ts'
import { othersOf, worstFirst } from './counts.ts'
import { type FindingGroup, groupFindings, shortName } from './groups.ts'
import { placeText } from './places.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { type Branch, describe, findingBranches, type Paint, treeLines } from './terminal-lines.ts'
import { shortDigest } from './text.ts'
import { columnsOf, cut, padded } from './width.ts'
import { LINK_WORDS, quarantineText } from './words.ts'

/** Subjects told one by one with their whole chain; of more there is a table, and each cause is told once. */
const FEW = 5
/** Rows of the table; the rest is counted. */
const ROWS = 200
/** Columns that a name in the table keeps at least. */
const NAME = 10
/** Causes told of many subjects. */
const CAUSES = 30
/** Names told of one cause, places of one subject. */
const NAMES = 5
/** Links drawn of one subject, and how deep: real chains have about ten, four deep. */
const LINKS = 60
const DEPTH = 8

/** What is no commit: tags, then images and files, the worst first. */
export function subjectLines({ subjects }: Receipt, paint: Paint, columns: number): readonly string[] {
  const tags = subjects.filter(isTag)
  const others = worstFirst(othersOf(subjects))
  const gap = tags.length + others.length > 0 && subjects.some(isCommit) ? [''] : []
  const few = others.length <= FEW
  const whole = few ? [...tags, ...others] : tags
  return [
    ...gap,
    ...whole.flatMap(subject => oneSubject(subject, paint, columns)),
    ...(few ? [] : [...(tags.length > 0 ? [''] : []), ...manySubjects(others, paint, columns)]),
  ]
}

function manySubjects(others: readonly SubjectReceipt[], paint: Paint, columns: number): readonly string[] {
  const groups = groupFindings(others)
  return [
    ...tableLines(others, paint, columns),
    ...groups.slice(0, CAUSES).flatMap(group => ['', ...causeLines(group, columns)]),
    ...(groups.length > CAUSES ? ['', `… ${groups.length - CAUSES} more causes in the result JSON`] : []),
  ]
}

function oneSubject(subject: SubjectReceipt, paint: Paint, columns: number): readonly string[] {
  const { verdict, principal, basis, by, quarantine, places = [] } = subject
  const who = [principal, basis].filter(word => word !== undefined).map(word => printable(word, 60))
  const detail = who.length === 0 ? '' : ` (${who.join(', ')})`
  return [
    `${paint(verdict, verdict)}  ${subjectName(subject)}${detail}`,
    ...(by === undefined ? [] : [`  signed by ${printable(by, 1000)}`]),
    ...(quarantine === undefined ? [] : [`  ${printable(quarantineText(quarantine), 1000)}`]),
    ...places.slice(0, NAMES).map(place => `  at ${printable(placeText(place), 1000)}`),
    ...(places.length > NAMES ? [`  and at ${places.length - NAMES} more places`] : []),
    ...treeLines([...linkBranches(subject, paint), ...findingBranches(subject.findings)], columns),
  ]
}

function subjectName({ ref, name, digest }: SubjectReceipt): string {
  const shown = ref === undefined ? name : `tag ${name}`
  return shown === '' || shown.includes(digest)
    ? printable(shown || digest)
    : `${printable(shown)} ${printable(digest)}`
}

/** The chain, bounded; who signed is said where it is not who signed what stands above. */
function linkBranches({ links = [], by }: SubjectReceipt, paint: Paint): readonly Branch[] {
  let left = LINKS
  const branches = (list: readonly ChainLink[], above: string | undefined, depth: number): readonly Branch[] =>
    list.flatMap(link => {
      if (depth === 0 || left === 0) return []
      left--
      return [
        {
          lines: columns => linkLines(link, above, paint, columns),
          below: branches(link.below, link.by ?? above, depth - 1),
        },
      ]
    })
  return branches(links, by, DEPTH)
}

function linkLines(link: ChainLink, above: string | undefined, paint: Paint, columns: number): readonly string[] {
  const { link: name, state, digest, by, signedAt, log } = link
  const word = LINK_WORDS[name]
  const shown = state.replace('-', ' ')
  const room = columns - columnsOf(`${word}  ${shown}`) - 2
  const what = digest === undefined || room < 8 ? '' : `  ${cut(shortDigest(digest), room)}`
  const more = [
    ...(by === undefined || by === above ? [] : [`by ${printable(by, 300)}`]),
    ...(signedAt === undefined ? [] : [`signed ${printable(signedAt, 40)}`]),
    ...(log === undefined ? [] : [`log entry ${printable(log.index, 40)} of ${printable(log.url, 100)}`]),
  ]
  return [`${word}  ${paint(state, shown)}${what}`, ...more.map(text => cut(`  ${text}`, columns))]
}

function tableLines(subjects: readonly SubjectReceipt[], paint: Paint, columns: number): readonly string[] {
  const shown = subjects.slice(0, ROWS)
  const verdicts = Math.max(...shown.map(({ verdict }) => verdict.length), 'verdict'.length)
  const digests = 'sha256:'.length + 12
  const bases = 8
  const roomFor = (...others: readonly number[]) => columns - verdicts - 2 - others.reduce((sum, n) => sum + n + 2, 0)
  // In a narrow terminal the last columns go first: all of it is in the result JSON.
  const withBasis = roomFor(digests, bases) >= NAME
  const withDigest = roomFor(digests) >= NAME
  const names = Math.max(NAME, roomFor(...(withDigest ? [digests] : []), ...(withBasis ? [bases] : [])))
  const width = Math.min(names, Math.max(...shown.map(subject => columnsOf(printable(shortName(subject))))))
  const line = (verdict: string, name: string, digest: string, basis: string) =>
    [verdict, padded(name, width), ...(withDigest ? [padded(digest, digests)] : []), ...(withBasis ? [basis] : [])]
      .join('  ')
      .trimEnd()
  const rows = shown.map(subject =>
    line(
      paint(subject.verdict, subject.verdict.padEnd(verdicts)),
      printable(shortName(subject)),
      subject.digest === '' ? '–' : shortDigest(subject.digest),
      subject.basis ?? '–',
    ),
  )
  const more = subjects.length - shown.length
  const head = line('verdict'.padEnd(verdicts), 'subject', 'digest', 'basis')
  return [head, ...rows, ...(more > 0 ? [`… ${more} more in the result JSON`] : [])]
}

/** One cause, then whom it befell and where they were named. */
function causeLines(group: FindingGroup, columns: number): readonly string[] {
  const { subjects, finding, outcome } = group
  const count = `${subjects.length === 1 ? '1 subject' : `${subjects.length} subjects`}, ${outcome}:`
  const shown = subjects.slice(0, NAMES).map(subject => {
    const [place] = subject.places ?? []
    // Images of one repository have one short name: what tells them apart is where they stand, or their digests.
    const which = place === undefined ? shortDigest(subject.digest) : placeText(place)
    return `  ${cut(printable(`${shortName(subject)}  ${which}`.trimEnd(), 500), columns - 2)}`
  })
  const more = subjects.length - shown.length
  return [count, ...describe(finding, columns), ...shown, ...(more > 0 ? [`  and ${more} more`] : [])]
}
