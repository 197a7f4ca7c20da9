import type { CommitId } from '../core/digest.ts'
import { type ErrorCode, fail } from '../core/error.ts'
import { currentLaw, type Fold } from '../policy/fold.ts'
import type { Law } from '../policy/law.ts'
import { errorOf } from './run.ts'

/**
 * The law under which a proposal is judged: the one accepted at the tip of its base.
 * @throws of kind unknown, when a change of the law lies on the base and nobody could tell whether it was approved, or when a
 * merge on the base dropped one: the law before it may still know people who were removed, and the law after it may never
 * have been accepted.
 */
export function acceptedLaw(base: Fold): Law {
  const { refused, dropped } = base
  if (dropped[0] !== undefined) throw told(base, dropped[0].by, 'policy/dropped-change')
  if (refused?.outcome === 'unknown') throw told(base, refused.commit)
  return currentLaw(base)
}

function told({ steps }: Fold, id: CommitId, code?: ErrorCode): Error {
  for (let link = steps; link !== undefined; link = link.before) {
    const { commit } = link.last
    if (commit.id !== id) continue
    const finding = commit.findings.find(item => code === undefined || item.code === code)
    if (finding !== undefined) return errorOf(finding, 'unknown')
  }
  return fail('core/internal', `Commit ${id} was refused without a finding`)
}
