import type { ChainLink } from '../policy/chain.ts'
import { shortName } from './groups.ts'
import { placeText } from './places.ts'
import type { SubjectReceipt } from './receipt.ts'
import { codeSpan } from './text.ts'
import { LINK_WORDS, MARKS, quarantineText } from './words.ts'

/** Subjects told in full; the rest is in the result JSON. The table above has all of them. */
const TOLD = 100
/** Links of one subject, and how deep. */
const LINKS = 60
const DEPTH = 8
const PLACES = 10

/**
 * Digest, places and chain of each subject, below the table: of one subject open, of many folded. Nothing that the table
 * does not say already is left out without a number.
 */
export function subjectDetails(subjects: readonly SubjectReceipt[], limit: number): readonly string[] {
  const [only, ...more] = subjects
  if (only !== undefined && more.length === 0) {
    const parts = bodyOf(only, limit)
    return parts.length === 0 ? [] : [parts.join('\n\n')]
  }
  const shown = subjects.slice(0, Math.min(TOLD, limit))
  if (shown.length === 0) return []
  const rest = subjects.length - shown.length
  const texts = shown.map(subject =>
    [
      `#### ${MARKS[subject.verdict]} ${codeSpan(shortName(subject), 500)}`,
      ...(subject.digest === '' ? [] : [`Digest ${codeSpan(subject.digest)}`]),
      ...bodyOf(subject, limit),
    ].join('\n\n'),
  )
  const last = rest === 0 ? [] : [`${rest} more in the result JSON.`]
  const title = `Digest and chain of ${shown.length} subjects, the worst first`
  return [`<details><summary>${title}</summary>\n\n${[...texts, ...last].join('\n\n')}\n\n</details>`]
}

function bodyOf({ places = [], quarantine, links = [], findings }: SubjectReceipt, limit: number): readonly string[] {
  const list = linkItems(links)
  const codes = [...new Set(findings.map(({ code }) => code))].slice(0, 20)
  return [
    ...(quarantine === undefined ? [] : [`Quarantine: ${codeSpan(quarantineText(quarantine), 500)}`]),
    ...(places.length === 0 ? [] : [placesText(places, limit)]),
    ...(list.length === 0 ? [] : [list.join('\n')]),
    ...(codes.length === 0 || list.length === 0 ? [] : [`Findings: ${codes.map(code => codeSpan(code)).join(', ')}`]),
  ]
}

function placesText(places: NonNullable<SubjectReceipt['places']>, limit: number): string {
  const shown = places.slice(0, Math.min(PLACES, Math.max(1, limit)))
  const more = places.length - shown.length
  const list = shown.map(place => codeSpan(placeText(place), 500)).join(', ')
  return `Named at ${list}${more > 0 ? ` and ${more} more places` : ''}`
}

/** A nested list; no line begins with foreign text, for three backticks there would open a block. Foreign text stands in code spans alone. */
function linkItems(links: readonly ChainLink[]): readonly string[] {
  const items: string[] = []
  const write = (list: readonly ChainLink[], above: string | undefined, depth: number): void => {
    for (const link of list) {
      if (depth === DEPTH || items.length === LINKS) return
      items.push(`${'  '.repeat(depth)}- ${linkText(link, above)}`)
      write(link.below, link.by ?? above, depth + 1)
    }
  }
  write(links, undefined, 0)
  return items
}

function linkText({ link, state, digest, by, signedAt, log }: ChainLink, above: string | undefined): string {
  const facts = [
    ...(digest === undefined ? [] : [codeSpan(digest)]),
    ...(by === undefined || by === above ? [] : [`by ${codeSpan(by, 500)}`]),
    ...(signedAt === undefined ? [] : [`signed ${codeSpan(signedAt, 40)}`]),
    ...(log === undefined ? [] : [`log entry ${codeSpan(log.index, 40)} of ${codeSpan(log.url, 200)}`]),
  ]
  return [`${MARKS[state]} ${LINK_WORDS[link]}: ${state.replace('-', ' ')}`, ...facts].join(' · ')
}
