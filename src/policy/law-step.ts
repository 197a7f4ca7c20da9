import { WaybillError } from '../core/error.ts'
import type { LawFiles } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { Approval } from './approvals.ts'
import { type Bench, lawText } from './bench.ts'
import { approveChange, changeFinding } from './change-approval.ts'
import type { LawChange } from './changes.ts'
import { lawDifference } from './difference.ts'
import { standsUnder } from './dropped-law.ts'
import type { Fold, FoldStep } from './fold.ts'
import type { CommitJudgement } from './judgement.ts'
import { changedLaw, changedPaths, differentPaths, type Law, parseLaw, partsOf } from './law.ts'
import type { StepJudgement } from './step.ts'

interface LawStep {
  readonly fold: Fold
  readonly commit: CommitJudgement
  readonly witnesses: readonly Approval[]
}

/** Compares the commit's law with the accepted one, whatever its parents hold (13-adversary 3), and accepts or refuses it. */
export function judgeLaw(fold: Fold, step: FoldStep, judged: StepJudgement, bench: Bench): LawStep {
  const { commit } = judged.step
  const difference = changedLaw(fold.law, step.law)
  if (difference === 'same') return { fold: settled(fold), commit, witnesses: [] }
  const own = ownPaths(fold, step.law)
  if (own.size === 0) return { fold, commit: carried(fold, commit), witnesses: [] }
  const approval = approveChange(judged, difference, bench)
  const candidate = candidateOf(step)
  const foreign = foreignPaths(fold, step.law, approval.kind === 'approved' ? new Set() : own, own)
  if (approval.kind === 'approved' && foreign.size > 0) {
    const worse = carried(fold, commit)
    return { fold: refuse(fold, worse, difference, step, foreign, candidate), commit: worse, witnesses: [] }
  }
  if (approval.kind === 'approved' && !(candidate instanceof WaybillError))
    return { ...approval, fold: accept(fold, judged, difference, candidate, step.law, bench), commit }
  const findings = approval.kind === 'approved' ? [] : [approval.finding]
  const errors = candidate instanceof WaybillError ? [brokenLaw(candidate, commit, bench)] : []
  const unread = candidate instanceof WaybillError && candidate.kind === 'unknown'
  const unusable = candidate instanceof WaybillError && !unread
  const unknown = approval.kind !== 'refused' && !unusable
  const refused = withFindings(commit, [...findings, ...errors], unknown ? 'unknown' : undefined)
  const next = refuse(fold, refused, difference, step, foreign, candidate)
  const newer = approval.kind === 'approved' && unsupportedLaw(candidate)
  return { fold: newer ? { ...next, unsupported: newer } : next, commit: refused, witnesses: [] }
}

/** The law in the tree is the accepted one (again). */
function settled(fold: Fold): Fold {
  const { refused: _refused, unsupported: _unsupported, ...rest } = fold
  return rest
}

/**
 * Law paths in which this commit differs from its own first parent. What it only carries, because an earlier commit brought it
 * and was refused, it does not approve: a maintainer who commits on top of it may not even have seen it.
 */
function ownPaths(fold: Fold, files: LawFiles): ReadonlySet<string> {
  const { previous, law } = fold
  if (previous === undefined) return new Set(changedPaths(law, files))
  if (previous.tree !== undefined && previous.tree === files.tree) return new Set()
  const named = new Set(law.policy.files.map(file => file.path))
  return new Set(differentPaths(partsOf(previous, named), partsOf(files, named)))
}

/** Paths that hold what nobody approved, after a commit that wrote its `own` paths; `more` of these without approval. */
function foreignPaths(
  { refused, law }: Fold,
  files: LawFiles,
  more: ReadonlySet<string>,
  own: ReadonlySet<string>,
): ReadonlySet<string> {
  const left = [...(refused?.foreign ?? [])].filter(path => !own.has(path))
  const changed = new Set(changedPaths(law, files))
  return new Set([...left, ...more].filter(path => changed.has(path)))
}

function carried(fold: Fold, commit: CommitJudgement): CommitJudgement {
  const { refused, law, lawAt } = fold
  const from = refused === undefined ? 'an earlier commit' : `commit ${refused.commit.slice(0, 7)}`
  const finding = changeFinding(
    'policy/unapproved-change',
    commit,
    `still holds the law that ${from} brought and that was not accepted`,
    {
      expected: `the law of ${lawText({ law, lawAt })}`,
      found: `the law of ${from}`,
      remedy: `Put the accepted law back (git checkout ${lawAt} -- .github), or have the change made again in a commit signed by a principal of policy-change.`,
    },
  )
  // Could the bringer not be judged, then whether its law holds is not known either.
  return refused?.outcome === 'unknown'
    ? withFindings(commit, [{ ...finding, severity: 'note' }], 'unknown')
    : withFindings(commit, [finding])
}

function candidateOf({ candidate, law }: FoldStep): Law | WaybillError {
  const fits = candidate instanceof WaybillError || (candidate?.tree !== undefined && candidate.tree === law.tree)
  if (candidate !== undefined && fits) return candidate
  try {
    return parseLaw(law)
  } catch (error) {
    if (error instanceof WaybillError) return error
    throw error
  }
}

function brokenLaw(error: WaybillError, commit: CommitJudgement, bench: Bench): Finding {
  return changeFinding(
    error.code,
    commit,
    `brings a law that is not accepted; ${lawText(bench)} judges on. ${error.message}`,
    {
      ...(error.expected === undefined ? {} : { expected: error.expected }),
      ...(error.found === undefined ? {} : { found: error.found }),
      remedy: error.remedy,
    },
  )
}

/** The judgement made worse; what could not be judged before stays so when only its law is in question. */
function withFindings(
  commit: CommitJudgement,
  more: readonly Finding[],
  outcome: 'rejected' | 'unknown' = commit.outcome === 'unknown' ? 'unknown' : 'rejected',
): CommitJudgement {
  const { basis: _basis, ...rest } = commit
  const findings = outcome === 'unknown' ? more.map(finding => ({ ...finding, severity: 'note' as const })) : more
  const worse = commit.outcome === 'rejected' ? 'rejected' : outcome
  return { ...rest, outcome: worse, findings: [...commit.findings, ...findings] }
}

function accept(
  fold: Fold,
  judged: StepJudgement,
  kind: LawChange['kind'],
  law: Law,
  files: LawFiles,
  bench: Bench,
): Fold {
  const { commit } = judged.step
  const change = changeOf(fold.law, commit, kind, files, law, true)
  return {
    ...settled(fold),
    law,
    lawAt: commit.id,
    accepted: [...fold.accepted, { place: fold.length, law }],
    // Who may change the dropped law, too, has settled with this change which one goes on.
    dropped: fold.dropped.filter(item => !standsUnder(judged, item.law, 'policy', { ...bench, lawAt: item.change })),
    changes: { last: change, before: fold.changes },
  }
}

function refuse(
  fold: Fold,
  commit: CommitJudgement,
  kind: LawChange['kind'],
  step: FoldStep,
  foreign: ReadonlySet<string>,
  candidate: Law | WaybillError,
): Fold {
  const law = candidate instanceof WaybillError ? undefined : candidate
  const change = changeOf(fold.law, commit, kind, step.law, law, false)
  return {
    ...settled(fold),
    refused: { commit: commit.id, outcome: commit.outcome === 'unknown' ? 'unknown' : 'rejected', foreign },
    changes: { last: change, before: fold.changes },
  }
}

/** A law that a newer version understands. */
function unsupportedLaw(candidate: Law | WaybillError): WaybillError | undefined {
  return candidate instanceof WaybillError && candidate.code === 'policy/unsupported' ? candidate : undefined
}

function changeOf(
  accepted: Law,
  commit: CommitJudgement,
  kind: LawChange['kind'],
  files: LawFiles,
  law: Law | undefined,
  ok: boolean,
): LawChange {
  return {
    commit: commit.id,
    subject: commit.subject,
    ...(commit.principal === undefined ? {} : { by: commit.principal }),
    kind,
    accepted: ok,
    paths: changedPaths(accepted, files).map(path => printable(path)),
    lines: lawDifference(accepted, law, files),
  }
}
