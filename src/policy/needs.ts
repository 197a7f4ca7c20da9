import { type CommitFacts, isMalformed, type JudgedCommit } from '../core/facts.ts'
import type { Law, LawDifference } from './law.ts'
import { matchesRef } from './match.ts'
import { contentPrincipals, isAllowed, isPlatformSigned } from './platform.ts'
import type { SourceRule } from './policy.ts'

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
}

/**
 * Evidence that the rules of `law` for `ref` look at, for this first-parent commit: the driver asks before it judges. Pure; it
 * never decides a verdict, and what is not asked is never passed: a commit that needs evidence without it is unknown.
 */
export function needsOf(law: Law, ref: string, commit: CommitFacts, known: KnownOfStep = {}): EvidenceNeeds {
  const rules = law.policy.source.filter(rule => matchesRef(rule.refs, ref))
  const reviews = rules.some(rule => rule.review !== undefined) || needsApprovals(law, known.changes)
  const own = needsOwn(law, rules, commit)
  const side = contentPrincipals(rules).size > 0 && (known.broughtIn ?? []).some(item => isPlatformMade(item, law))
  const platform = reviews || own || side || hasExpired(commit, known)
  return { platform, trees: reviews || own, reviews }
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

function hasExpired({ signature, trustedTime }: CommitFacts, { now, broughtIn = [] }: KnownOfStep): boolean {
  if (now === undefined || trustedTime !== undefined) return false
  const signatures = [signature, ...broughtIn.flatMap(item => (isMalformed(item) ? [] : [item.signature]))]
  return signatures.some(
    fact => fact.kind === 'openpgp' && fact.keyExpires !== undefined && fact.keyExpires.getTime() <= now.getTime(),
  )
}
