import type { CommitFacts } from '../core/facts.ts'
import type { Law } from './law.ts'
import { matchesRef } from './match.ts'

/** What has to be asked about a first-parent commit before it can be judged; asking is dear, so nothing is asked in vain. */
export interface EvidenceNeeds {
  /** What the platform's API says about it. */
  readonly platform: boolean
  /** Our own merge of its two parents, or of its parent and the head of its pull request. */
  readonly trees: boolean
  /** Review statements about the head it brings in. */
  readonly reviews: boolean
}

/** Evidence that the rules of `law` for `ref` look at, for this commit. Pure; it never decides a verdict. */
export function needsOf(law: Law, ref: string, _commit: CommitFacts): EvidenceNeeds {
  const rules = law.policy.source.filter(rule => matchesRef(rule.refs, ref))
  const platform = rules.some(
    ({ platform: { merge, squash, rebase, content } }) =>
      merge !== 'deny' || squash !== 'deny' || rebase !== 'deny' || content.size > 0,
  )
  const review = rules.some(rule => rule.review !== undefined)
  const change = law.policy.policyChange.approvals > 0 || law.policy.policyChange.workflows.approvals > 0
  const asked = platform || review || change
  return { platform: asked, trees: asked, reviews: review || change }
}
