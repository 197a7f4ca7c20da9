import { type CommitFacts, isMalformed, isRefused, type JudgedCommit } from '../core/facts.ts'
import type { Bench } from './bench.ts'
import type { EarlierReview } from './evidence.ts'
import { ownersOf } from './owner.ts'
import { distinctness, type Person, personOf } from './persons.ts'
import type { ReviewRule } from './policy.ts'
import { makersOf } from './review-case.ts'

/**
 * Whether what an earlier run found is what every present rule asks for (13-adversary 2): as strong, by enough principals of
 * the rule, none of whom made what he looked at as far as git tells it, about a head that fits the commit. It is also asked
 * before anything is fetched: only then the platform need not be asked about the review.
 */
export function isEnoughEarlier(
  earlier: EarlierReview,
  commit: CommitFacts,
  broughtIn: readonly JudgedCommit[],
  rules: readonly ReviewRule[],
  bench: Pick<Bench, 'law'>,
): boolean {
  const { label, by, keys } = earlier
  const looked = lookedAt(earlier, commit, broughtIn)
  // Whose key it was must be known, so that the law accepted last can still take the approval away.
  if (label === 'none' || looked === undefined || !keys.every(({ principal }) => by.includes(principal))) return false
  return rules.every(rule => {
    if (rule.strength === 'signed-by-reviewer' && label !== 'signed-by-reviewer') return false
    const makers = looked.flatMap(part => makersIn(part, rule, bench))
    const counted = [...new Set(by)].filter(name => {
      const principal = rule.by.has(name) ? bench.law.policy.principals.get(name) : undefined
      return principal !== undefined && makers.every(person => distinctness(principal, person) !== 'same')
    })
    return counted.length >= rule.approvals
  })
}

interface Looked {
  readonly commit: JudgedCommit
  /** Made of what lies elsewhere: whoever committed it may be the platform's button, pressed by the reviewer. */
  readonly repeats?: true
}

/** What the reviewers looked at, as far as it lies in this history; undefined when the head cannot be that of this commit. */
function lookedAt(
  { head, pull }: EarlierReview,
  commit: CommitFacts,
  broughtIn: readonly JudgedCommit[],
): readonly Looked[] | undefined {
  if (head === undefined) return undefined
  if (head === commit.id) return [{ commit }, ...broughtIn.map(item => ({ commit: item }))]
  if (commit.parents.length === 2)
    return head === commit.parents[1] ? broughtIn.map(item => ({ commit: item })) : undefined
  return commit.parents.length === 1 && pull !== undefined ? [{ commit, repeats: true }] : undefined
}

function makersIn({ commit, repeats }: Looked, { distinctFrom }: ReviewRule, bench: Pick<Bench, 'law'>) {
  const from = new Set([...distinctFrom].filter(who => repeats !== true || who === 'author'))
  return [...(repeats === true ? [] : signerOf(commit, from, bench)), ...makersOf({ range: [{ commit }] }, from, bench)]
}

function signerOf(commit: JudgedCommit, from: ReadonlySet<string>, { law }: Pick<Bench, 'law'>): readonly Person[] {
  if (isMalformed(commit) || !(from.has('author') || from.has('committers'))) return []
  const { signature, id } = commit
  if (signature.kind === 'none' || isRefused(signature)) return []
  const text = `who signed ${id.slice(0, 7)}`
  return ownersOf(signature, law).map(({ principal }) => personOf({ signer: principal.name }, text, law))
}
