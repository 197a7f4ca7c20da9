import type { CommitId } from '../core/digest.ts'
import { isMalformed, type JudgedCommit, type TrustedTime } from '../core/facts.ts'
import { type Finding, worst } from '../core/verdict.ts'
import type { Approval } from './approvals.ts'
import type { Bench } from './bench.ts'
import { judgeCommit, rulesFor } from './commit.ts'
import type { MergedPull, StepEvidence } from './evidence.ts'
import type { CommitJudgement } from './judgement.ts'
import { mergetagsOf } from './mergetag.ts'
import { type Backed, pullsInto } from './proofs.ts'
import { judgeReview } from './review.ts'
import { earliestTime, platformTime } from './times.ts'

/** One first-parent commit judged, with everything that its verdict rests on. */
export interface JudgedStep {
  readonly commit: CommitJudgement
  readonly broughtIn: readonly CommitJudgement[]
  /** Commits of the pull request that a squash or rebased commit was made of: in no history, but their keys count. */
  readonly inner: readonly CommitJudgement[]
  /** Approvals that reviewers signed, and that counted. */
  readonly witnesses: readonly Approval[]
}

export interface StepInput {
  readonly commit: JudgedCommit
  readonly broughtIn: readonly JudgedCommit[]
  readonly evidence?: StepEvidence
}

export interface StepJudgement {
  readonly step: JudgedStep
  /** Absent for a malformed commit: nothing can stand behind it. */
  readonly backed?: Backed
  /** Everything that was judged for it, by id. */
  readonly judged: ReadonlyMap<CommitId, CommitJudgement>
}

/** Judges a first-parent commit, what it brings in and how it was reviewed; its law is judged apart. */
export function judgeStep({ commit, broughtIn, evidence }: StepInput, bench: Bench): StepJudgement {
  const time = stepTime(commit, evidence, bench)
  const line = withTime(commit, time)
  // Who pushed a commit pushed all its ancestors, so what is known of its time holds for what it brings in.
  const side = broughtIn.map(item => withTime(item, time))
  const backed = isMalformed(line) ? undefined : { commit: line, broughtIn: side, evidence }
  const judgeInner = (inner: JudgedCommit, pull: MergedPull) =>
    through(commit, judgeCommit(withTime(inner, mergeTime(pull)), bench, backed, { kind: 'side', pull }).commit)
  const own = judgeCommit(line, bench, backed, { kind: 'line', judgeInner })
  const sides = side.map(item => through(commit, judgeCommit(item, bench, backed, { kind: 'side' }).commit))
  const judged = byId([...proposed(backed, bench, judgeInner), ...own.inner, ...sides, own.commit])
  const reviewed = backed === undefined ? unreviewable(bench) : judgeReview(backed, judged, rulesFor(bench), bench)
  const review = reviewed === undefined ? {} : { review: reviewed.review }
  const step = {
    commit: noted({ ...worsened(own.commit, reviewed?.findings ?? []), ...review }, line),
    broughtIn: sides,
    inner: own.inner,
    witnesses: reviewed?.witnesses ?? [],
  }
  return { step, judged, ...(backed === undefined ? {} : { backed }) }
}

/** Where reviews are asked for, a tag in a merge that is evidence for nothing is told. */
function noted(commit: CommitJudgement, line: JudgedCommit): CommitJudgement {
  const notes = commit.review === undefined || isMalformed(line) ? [] : mergetagsOf(line).notes
  return notes.length === 0 ? commit : { ...commit, findings: [...commit.findings, ...notes] }
}

function unreviewable(bench: Bench): ReturnType<typeof judgeReview> {
  if (rulesFor(bench).every(rule => rule.review === undefined)) return undefined
  return { review: { enough: false, label: 'none', by: [], statements: [], keys: [] }, findings: [], witnesses: [] }
}

function through({ id }: JudgedCommit, commit: CommitJudgement): CommitJudgement {
  return { ...commit, via: id }
}

function byId(commits: readonly CommitJudgement[]): ReadonlyMap<CommitId, CommitJudgement> {
  return new Map(commits.map(commit => [commit.id, commit]))
}

/** Commits of pull requests whose makers matter for a review; judged only where something asks for one. */
function proposed(
  backed: Backed | undefined,
  bench: Bench,
  judgeInner: (commit: JudgedCommit, pull: MergedPull) => CommitJudgement,
): readonly CommitJudgement[] {
  const { policyChange } = bench.law.policy
  const asked =
    rulesFor(bench).some(rule => rule.review !== undefined) ||
    policyChange.approvals > 0 ||
    policyChange.workflows.approvals > 0
  if (backed === undefined || !asked) return []
  const pulls = pullsInto(backed, bench)
  if (pulls.kind === 'unknown') return []
  return (backed.evidence?.proposals ?? []).flatMap(proposal => {
    const pull = pulls.pulls.find(item => item.number === proposal.pull)
    return pull === undefined ? [] : proposal.commits.map(item => judgeInner(item, pull))
  })
}

/** Made worse by what was found: rejected, or unknown when something could only not be told. */
export function worsened(commit: CommitJudgement, more: readonly Finding[]): CommitJudgement {
  if (more.length === 0) return commit
  const { basis: _basis, ...rest } = commit
  const found = more.some(({ severity }) => severity === 'reject') ? 'rejected' : 'unknown'
  return { ...rest, outcome: worst([commit.outcome, found]), findings: [...commit.findings, ...more] }
}

/** The earliest time known for a commit of the line: its own, the platform's record of its push, or of the merge it is. */
function stepTime(commit: JudgedCommit, evidence: StepEvidence | undefined, bench: Bench): TrustedTime | undefined {
  const own = ownTime(commit)
  if (isMalformed(commit) || evidence?.platform?.kind !== 'known') return own
  const pulls = pullsInto({ commit, broughtIn: [], evidence }, bench)
  const merged = pulls.kind === 'known' ? pulls.pulls.filter(pull => pull.mergeCommit === commit.id) : []
  return earliestTime(own, platformTime(evidence.platform.value.pushedAt), ...merged.map(mergeTime))
}

function ownTime(commit: JudgedCommit): TrustedTime | undefined {
  return isMalformed(commit) ? undefined : commit.trustedTime
}

/** When the platform merged a pull request, all its commits existed. */
function mergeTime({ mergedAt, pending }: MergedPull): TrustedTime | undefined {
  return pending === true ? undefined : platformTime(mergedAt)
}

function withTime(commit: JudgedCommit, time: TrustedTime | undefined): JudgedCommit {
  if (isMalformed(commit) || time === undefined) return commit
  const earliest = earliestTime(commit.trustedTime, time)
  return earliest === undefined ? commit : { ...commit, trustedTime: earliest }
}
