import { matchesRef } from '../policy/match.ts'
import { isTagRef } from '../policy/tag.ts'
import type { AttestRequest } from './attest-request.ts'
import type { Judgement } from './source-judge.ts'

/** What a judged history leaves open, a sentence each, for the part of the report that says what was not checked. */
export function uncheckedOf({ law, ref, tag }: Judgement, { source }: AttestRequest): readonly string[] {
  const asked = law.policy.source.some(rule => rule.review !== undefined && matchesRef(rule.refs, ref))
  const open = source.purpose === 'propose' && source.base?.tip === undefined
  const reviews = asked
    ? open
      ? ['Whether the reviews are enough: a pull request that is still open is shown with them, not judged by them.']
      : []
    : ['Who reviewed the commits: no rule of the policy asks for it.']
  const tagged =
    isTagRef(source.ref) && tag === undefined ? ['Who signed the tag: no tag rule of the policy is about it.'] : []
  return [...reviews, ...tagged]
}
