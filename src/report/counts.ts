import type { Outcome } from '../core/verdict.ts'
import { isCommit, isTag } from './commits.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'

/** Images and files: whatever is no commit and no tag. */
export function othersOf(subjects: readonly SubjectReceipt[]): readonly SubjectReceipt[] {
  return subjects.filter(subject => !isCommit(subject) && !isTag(subject))
}

const RANK = { rejected: 0, unknown: 1, 'not-asked': 2, passed: 3 } as const satisfies Record<
  Outcome | 'not-asked',
  number
>

/** What stands in the way first; equals stay in the order in which they were asked for. */
export function worstFirst(subjects: readonly SubjectReceipt[]): readonly SubjectReceipt[] {
  return subjects.toSorted((a, b) => RANK[a.verdict] - RANK[b.verdict])
}

/** `98 rejected, 2 passed`, the worst first. */
export function counted(subjects: readonly SubjectReceipt[]): string {
  const words = Object.keys(RANK) as (keyof typeof RANK)[]
  const counts = words.map(word => ({ word, count: subjects.filter(({ verdict }) => verdict === word).length }))
  return counts.flatMap(({ word, count }) => (count === 0 ? [] : [`${count} ${word.replace('-', ' ')}`])).join(', ')
}

/** ` (100 subjects: 98 rejected, 2 passed)` behind a verdict; nothing for one subject or none, whose verdict that is. */
export function countWord({ subjects }: Receipt): string {
  const others = othersOf(subjects)
  return others.length < 2 ? '' : ` (${others.length} subjects: ${counted(others)})`
}

/** Who said so, where nobody but the folder did (13-adversary 29). */
export function recordedWord({ recorded }: Receipt): string {
  return recorded === undefined ? '' : `; ${recorded} as recorded by whoever wrote this folder`
}
