import type { Finding, Outcome } from '../core/verdict.ts'
import { isCommit, isTag } from './commits.ts'
import type { SubjectReceipt } from './receipt.ts'

/** One cause and everything it befell. */
export interface FindingGroup {
  /** As it was found; of several subjects with `…` in place of what differs. */
  readonly finding: Finding
  /** What it came to: a note decides nothing. */
  readonly outcome: Exclude<Outcome, 'passed'> | 'note'
  readonly subjects: readonly [SubjectReceipt, ...SubjectReceipt[]]
}

interface Growing {
  finding: Finding
  readonly outcome: FindingGroup['outcome']
  readonly subjects: [SubjectReceipt, ...SubjectReceipt[]]
}

const RANK = { rejected: 0, unknown: 1, note: 2 } as const
/** Shorter words of a subject would also be parts of other words. */
const SHORTEST = 8

/**
 * Findings of all subjects, each cause once: a hundred images that nobody signed are one thing to know. The most important
 * first: what was refused, what could not be checked, notes; within these what befell most.
 */
export function groupFindings(subjects: readonly SubjectReceipt[]): readonly FindingGroup[] {
  const groups = new Map<string, Growing>()
  for (const subject of subjects) {
    for (const finding of subject.findings) {
      const outcome = outcomeOf(finding, subject)
      const plain = withoutNames(finding, subject)
      const { code, message, expected, found, remedy } = plain
      // Commits have each a name of their own in what is said about them, so they stay apart.
      const own = isCommit(subject) || isTag(subject) ? `${finding.subject} ${finding.message}` : ''
      const key = JSON.stringify([outcome, code, message, expected, found, remedy, own])
      const known = groups.get(key)
      if (known === undefined) groups.set(key, { finding, outcome, subjects: [subject] })
      else if (known.subjects.at(-1) !== subject) {
        known.finding = plain
        known.subjects.push(subject)
      }
    }
  }
  return [...groups.values()].sort((a, b) => RANK[a.outcome] - RANK[b.outcome] || b.subjects.length - a.subjects.length)
}

/** What a finding came to: a reason against something that is only unknown is the reason why it is unknown. */
export function outcomeOf({ severity }: Finding, { verdict }: SubjectReceipt): FindingGroup['outcome'] {
  if (severity === 'note') return 'note'
  return verdict === 'unknown' ? 'unknown' : 'rejected'
}

/** `ghcr.io/acme/app` and how many others. Not yet safe for Markdown. */
export function subjectsText({ finding, subjects }: FindingGroup): string {
  const more = subjects.length - 1
  const [first] = subjects
  return more === 0 ? finding.subject : `${shortName(first)} and ${more} ${more === 1 ? 'other' : 'others'}`
}

/** A name without the digest that stands beside it anyway. */
export function shortName({ name, digest }: SubjectReceipt): string {
  return name === '' ? digest : digest === '' ? name : name.replace(`@${digest}`, '')
}

function withoutNames(finding: Finding, subject: SubjectReceipt): Finding {
  const { name, digest } = subject
  const words = [...new Set([name, finding.subject, shortName(subject), digest, digest.slice(0, 19)])]
    .filter(word => word.length >= SHORTEST)
    .sort((a, b) => b.length - a.length)
  const plain = (text: string) => words.reduce((rest, word) => rest.replaceAll(word, '…'), text)
  const { expected, found } = finding
  return {
    ...finding,
    message: plain(finding.message),
    ...(expected === undefined ? {} : { expected: plain(expected) }),
    ...(found === undefined ? {} : { found: plain(found) }),
    remedy: plain(finding.remedy),
  }
}
