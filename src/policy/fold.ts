import type { CommitId } from '../core/digest.ts'
import { WaybillError } from '../core/error.ts'
import type { JudgedCommit, LawFiles } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { Approval } from './approvals.ts'
import { type Bench, benchOf, type FoldContext, lawText } from './bench.ts'
import { approveChange, changeFinding } from './change-approval.ts'
import type { LawChange } from './changes.ts'
import { lawDifference } from './difference.ts'
import type { StepEvidence } from './evidence.ts'
import type { CommitJudgement } from './judgement.ts'
import { changedLaw, changedPaths, differentPaths, type Law, parseLaw, partsOf } from './law.ts'
import { withSecondOpinion } from './second-opinion.ts'
import { sparse } from './sparse.ts'
import { type JudgedStep, judgeStep, type StepJudgement } from './step.ts'

export type { FoldContext } from './bench.ts'
export { endFold, endFoldAt } from './ending.ts'
export type { CommitJudgement, KeyUse, SourceJudgement, SourceLevel, UsedException } from './judgement.ts'

/**
 * History as a fold over its law (3-source § 4): from the anchor, one first-parent commit at a time, each judged under the
 * law accepted before it. Nothing is remembered between runs, so there is nothing an attacker could delete or forge, and a
 * commit that was rejected once is rejected in every later run (13-adversary 1).
 *
 * Immutable: a step returns a new fold and shares the rest, so a branch of a history costs nothing.
 */
export interface Fold {
  readonly anchor: CommitId
  readonly ref: string
  readonly context: FoldContext
  /** Commit → its place on the line of first parents. */
  readonly places?: ReadonlyMap<CommitId, number>
  /** Accepted last. */
  readonly law: Law
  /** The commit that brought it. */
  readonly lawAt: CommitId
  /** Law files of the last first-parent commit, accepted or not. */
  readonly previous?: LawFiles
  /**
   * The last commit that brought a law which was not accepted, while that law still stands in the tree. `foreign`: law paths
   * whose content came by commits that were not approved.
   */
  readonly refused?: {
    readonly commit: CommitId
    readonly outcome: 'rejected' | 'unknown'
    readonly foreign: ReadonlySet<string>
  }
  /** An approved law that this version cannot judge, while it stands in the tree. */
  readonly unsupported?: WaybillError
  readonly steps: Chain<JudgedStep>
  readonly changes: Chain<LawChange>
}

/** Newest first; sharing the tail is what makes a step cost the same at the ten-thousandth commit. */
export type Chain<T> = { readonly last: T; readonly before: Chain<T> } | undefined

export interface FoldStep {
  readonly commit: JudgedCommit
  /** Commits reachable through the other parents and not seen before, in any order. */
  readonly broughtIn: readonly JudgedCommit[]
  /** Of the first-parent commit. A constant law does not look at them. */
  readonly law: LawFiles
  /** What stands behind the first-parent commit beside its own bytes; absent: nothing was asked. */
  readonly evidence?: StepEvidence
  /** That commit's law already parsed; only a saving, it is parsed here when absent. */
  readonly candidate?: Law | WaybillError
}

/**
 * @param ref full name of the ref whose rules hold for every commit.
 * @param context what the run knows beside the commits; without it everything that rests on a pull request is unknown.
 */
export function startFold(anchor: { readonly id: CommitId }, law: Law, ref: string, context: FoldContext = {}): Fold {
  const places = context.line === undefined ? {} : { places: new Map(context.line.map((id, at) => [id, at])) }
  return { anchor: anchor.id, ref, context, ...places, law, lawAt: anchor.id, steps: undefined, changes: undefined }
}

/** The law under which the next commit will be judged. */
export function currentLaw(fold: Fold): Law {
  return fold.law
}

/** A law that no commit changes, for a range judged under the law of somewhere else (a pull request under its base). */
export function constantLaw(law: Law): Law {
  return { ...law, constant: true }
}

/** Judges one first-parent commit and everything it brings in. Never throws for anything a commit holds. */
export function stepFold(fold: Fold, step: FoldStep, now: Date): Fold {
  const bench = benchOf(fold, now)
  const judged = judgeStep(step, bench)
  const next = judgeLaw(fold, step, judged, bench)
  const { broughtIn, inner } = judged.step
  const witnesses = sparse([...judged.step.witnesses, ...next.witnesses])
  const commit = withSecondOpinion(next.commit, step.commit, step.evidence)
  return {
    ...next.fold,
    ...(fold.law.constant ? {} : { previous: step.law }),
    steps: {
      last: { commit, broughtIn: sparse(broughtIn), inner: sparse(inner), witnesses },
      before: fold.steps,
    },
  }
}

interface LawStep {
  readonly fold: Fold
  readonly commit: CommitJudgement
  readonly witnesses: readonly Approval[]
}

/** Compares the commit's law with the accepted one, whatever its parents hold (13-adversary 3), and accepts or refuses it. */
function judgeLaw(fold: Fold, step: FoldStep, judged: StepJudgement, bench: Bench): LawStep {
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
    return { ...approval, fold: accept(fold, commit, difference, candidate, step.law), commit }
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

function accept(fold: Fold, commit: CommitJudgement, kind: LawChange['kind'], law: Law, files: LawFiles): Fold {
  const change = changeOf(fold.law, commit, kind, files, law, true)
  return { ...settled(fold), law, lawAt: commit.id, changes: { last: change, before: fold.changes } }
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
