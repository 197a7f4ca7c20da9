import { fail } from '../core/error.ts'
import { currentLaw, type Fold } from '../policy/fold.ts'
import type { Law } from '../policy/law.ts'
import { errorOf } from './run.ts'

/**
 * The law under which a proposal is judged: the one accepted at the tip of its base.
 * @throws of kind unknown, when a change of the law lies on the base and nobody could tell whether it was approved: the law
 * before it may still know people who were removed, and the law after it may never have been accepted.
 */
export function acceptedLaw(base: Fold): Law {
  const { refused } = base
  if (refused?.outcome !== 'unknown') return currentLaw(base)
  for (let link = base.steps; link !== undefined; link = link.before) {
    const { commit } = link.last
    const [finding] = commit.id === refused.commit ? commit.findings : []
    if (finding !== undefined) throw errorOf(finding, 'unknown')
  }
  throw fail('core/internal', `Commit ${refused.commit} was refused without a finding`)
}
