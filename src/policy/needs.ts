import { type CommitFacts, isMalformed, type JudgedCommit } from '../core/facts.ts'
import { isEnoughEarlier } from './earlier-review.ts'
import type { EarlierReview } from './evidence.ts'
import type { Law, LawDifference } from './law.ts'
import { matchesRef } from './match.ts'
import { contentPrincipals, isAllowed, isPlatformSigned } from './platform.ts'
import type { SourceRule } from './policy.ts'
import { hasEnded } from './window.ts'

/** What has to be asked about a first-parent commit before it can be judged; asking is dear, so nothing is asked in vain. */
export interface EvidenceNeeds {
  /** What the platform's API says about it. */
  readonly platform: boolean
  /** Our own merge of its two parents, or the commits of its pull request and our own merge of its parent and their head. */
  readonly trees: boolean
  /** Review statements about the head it brings in, and about itself. */
  readonly reviews: boolean
}

/** What the driver knows already; each part that is absent is taken as the one for which most has to be asked. */
export interface KnownOfStep {
  /** What the commit brings in. */
  readonly broughtIn?: readonly JudgedCommit[]
  /** Whether its law differs from the accepted one (`changedLaw`); absent: it may. */
  readonly changes?: LawDifference
  /** With it the platform's push time is asked for where a key has expired. */
  readonly now?: Date
  /** What an earlier run of the branch found about its review. */
  readonly earlier?: EarlierReview | undefined
}

/**
 * Evidence that the rules of `law` for `ref` look at, for this first-parent commit: the driver asks before it judges. Pure; it
 * never decides a verdict, and what is not asked is never passed: a commit that needs evidence without it is unknown.
 */
export function needsOf(law: Law, ref: string, commit: CommitFacts, known: KnownOfStep = {}): EvidenceNeeds {
  const rules = law.policy.source.filter(rule => matchesRef(rule.refs, ref))
  const asked = rules.flatMap(rule => (rule.review === undefined ? [] : [rule.review]))
  const { broughtIn = [], earlier } = known
  const settled = earlier !== undefined && isEnoughEarlier(earlier, commit, broughtIn, asked, { law })
  // A review is found for the rules of the ref; that a change of the law was approved is looked up whenever it is judged.
  const approvals = needsApprovals(law, known.changes)
  const reviews = asked.length > 0 || approvals
  const review = (asked.length > 0 && !settled) || approvals
  const own = needsOwn(law, rules, commit)
  const side = contentPrincipals(rules).size > 0 && broughtIn.some(item => isPlatformMade(item, law))
  const expired = known.now !== undefined && anyEnded([commit, ...broughtIn], law, known.now)
  return { platform: review || own || side || expired, trees: review || own, reviews }
}

function needsApprovals({ constant, policy: { policyChange } }: Law, changes: LawDifference | undefined): boolean {
  if (constant || changes === 'same') return false
  const policy = changes === 'workflows' ? 0 : policyChange.approvals
  const workflows = changes === 'policy' ? 0 : policyChange.workflows.approvals
  return policy > 0 || workflows > 0
}

/** Whether the commit may be something that the platform made of others. */
function needsOwn(law: Law, rules: readonly SourceRule[], commit: CommitFacts): boolean {
  const { signature, parents } = commit
  const rebased = parents.length === 1 && isAllowed(rules, 'rebase')
  if (signature.kind === 'none') return rebased
  if (!isPlatformSigned(signature, law)) return false
  const merged = parents.length === 2 && isAllowed(rules, 'merge')
  const squashed = parents.length === 1 && isAllowed(rules, 'squash')
  return rebased || merged || squashed || contentPrincipals(rules).size > 0
}

function isPlatformMade(commit: JudgedCommit, law: Law): boolean {
  return !isMalformed(commit) && isPlatformSigned(commit.signature, law)
}

/** Whether an earlier time would help one of these commits: its key has ended, and no time that is known lies before that. */
export function anyEnded(commits: readonly JudgedCommit[], law: Law, now: Date): boolean {
  return commits.some(commit => hasEnded(commit, law, now))
}
