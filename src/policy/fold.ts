import type { CommitId } from '../core/digest.ts'
import type { WaybillError } from '../core/error.ts'
import type { JudgedCommit, LawFiles } from '../core/facts.ts'
import { benchOf, type FoldContext } from './bench.ts'
import type { LawChange } from './changes.ts'
import { type AcceptedLaw, type BroughtLaw, type DroppedLaw, droppedFinding, droppedLaws } from './dropped-law.ts'
import type { StepEvidence } from './evidence.ts'
import type { Law } from './law.ts'
import { judgeLaw } from './law-step.ts'
import { withSecondOpinion } from './second-opinion.ts'
import { sparse } from './sparse.ts'
import { type JudgedStep, judgeStep, worsened } from './step.ts'

export type { FoldContext } from './bench.ts'
export { type BroughtLaw, mayHaveChangedLaw } from './dropped-law.ts'
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
  /** Every law of this line, oldest first; not of a constant one. */
  readonly accepted: readonly AcceptedLaw[]
  /** Changes of the law that merges dropped, and that nobody has settled since. */
  readonly dropped: readonly DroppedLaw[]
  /** Steps so far: the place of the next commit. */
  readonly length: number
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
  /** Of commits brought in that may have changed the law, see `mayHaveChangedLaw`. A constant law does not look at them. */
  readonly broughtLaws?: readonly BroughtLaw[]
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
  return {
    anchor: anchor.id,
    ref,
    context,
    ...places,
    law,
    lawAt: anchor.id,
    accepted: law.constant ? [] : [{ place: -1, law }],
    dropped: [],
    length: 0,
    steps: undefined,
    changes: undefined,
  }
}

/** The law under which the next commit will be judged. */
export function currentLaw(fold: Fold): Law {
  return fold.law
}

/** Every law that was accepted so far. */
export function acceptedLaws({ accepted }: Fold): readonly AcceptedLaw[] {
  return accepted
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
  const dropped = fold.law.constant ? [] : droppedLaws(step, judged, fold.accepted, bench)
  const judgedLaw = worsened(
    next.commit,
    dropped.map(item => droppedFinding(item, next.commit, bench)),
  )
  const commit = withSecondOpinion(judgedLaw, step.commit, step.evidence)
  return {
    ...next.fold,
    ...(fold.law.constant ? {} : { previous: step.law }),
    dropped: sparse([...next.fold.dropped, ...dropped]),
    length: fold.length + 1,
    steps: {
      last: { commit, broughtIn: sparse(broughtIn), inner: sparse(inner), witnesses },
      before: fold.steps,
    },
  }
}
