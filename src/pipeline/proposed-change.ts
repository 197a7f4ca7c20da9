import type { CommitId } from '../core/digest.ts'
import type { LawFiles } from '../core/facts.ts'
import type { LawChange } from '../policy/changes.ts'
import { lawDifference, workflowDifference } from '../policy/difference.ts'
import { changedLaw, changedPaths, differentPaths, isWorkflowPath, type Law, parseLaw, partsOf } from '../policy/law.ts'

/** The two ends of a proposal, with their law files. */
export interface Proposal {
  readonly head: CommitId
  readonly files: LawFiles
  /** Of the tip of its base. */
  readonly base: LawFiles
}

/**
 * What a proposal would change in the law if it were merged: the first thing a reviewer has to see (13-adversary 3). No
 * commit can change a law from outside; that its workflows ask for another policy or none is told all the same.
 * @returns undefined when nothing of it differs.
 */
export function proposedChange(accepted: Law, { head, files, base }: Proposal): LawChange | undefined {
  const change = { commit: head, subject: '', accepted: false } as const
  if (accepted.constant) {
    const paths = differentPaths(partsOf(base, new Set()), partsOf(files, new Set())).filter(isWorkflowPath)
    return paths.length === 0
      ? undefined
      : { ...change, kind: 'workflows', paths, lines: workflowDifference(base, files) }
  }
  const kind = changedLaw(accepted, files)
  if (kind === 'same') return undefined
  return {
    ...change,
    kind,
    paths: changedPaths(accepted, files),
    lines: lawDifference(accepted, readable(files), files),
  }
}

/** A policy that cannot be read is told by its path; it will not be accepted either. */
function readable(files: LawFiles): Law | undefined {
  try {
    return parseLaw(files)
  } catch {
    return undefined
  }
}
