import { CATALOGUE } from '../core/catalogue.ts'
import type { ValidSignature } from '../core/facts.ts'
import type { Approval } from './approvals.ts'
import { type Bench, commitText, lawText } from './bench.ts'
import type { CommitJudgement, CoveringTime } from './judgement.ts'
import type { Revocation } from './policy.ts'
import { type Revocable, revokes } from './revocation.ts'
import type { JudgedStep } from './step.ts'
import { coveringTime, earliestTime } from './times.ts'

/** A step with the time before which it, and all that it brought in, is known to have existed. */
export interface CoveredStep extends JudgedStep {
  readonly covered?: CoveringTime
}

/**
 * What exists before a commit exists before its descendants too, so every time known of a later commit of the line covers
 * the earlier ones. Times of an earlier source VSA do not: they tell of expiry only.
 */
export function coverSteps(steps: readonly JudgedStep[]): readonly CoveredStep[] {
  const covered: CoveredStep[] = []
  let time: CoveringTime | undefined
  for (const step of steps.toReversed()) {
    time = earliestTime(ownCover(step.commit), time)
    covered.push(time === undefined ? step : { ...step, covered: time })
  }
  return covered.reverse()
}

export function timeOf(commit: CommitJudgement, { covered }: CoveredStep): CoveringTime | undefined {
  return earliestTime(ownCover(commit), covered)
}

export function ownCover(commit: CommitJudgement): CoveringTime | undefined {
  return coveringTime(commit, commit.signature)
}

/** A statement of a reviewer may be put beside a commit at any time; what stands inside the commit is as old as it. */
export function witnessTime({ signature, inside }: Approval, step: CoveredStep): CoveringTime | undefined {
  return earliestTime(coveringTime({}, signature), inside === true ? timeOf(step.commit, step) : undefined)
}

/**
 * A compromised key's holder can date commits as he likes, so only what a trusted time proves to be older than the compromise
 * still counts, also of what was accepted before it was known (3-source § 4). It takes along what rests on the key: the
 * squash of a commit, the approval of a reviewer. A retired key is judged by the law at each commit instead.
 */
export function voidCompromised(step: CoveredStep, bench: Bench): CoveredStep {
  if (!bench.law.policy.revoked.some(({ mode }) => mode === 'compromised')) return step
  const broughtIn = step.broughtIn.map(commit => voided(commit, timeOf(commit, step), bench))
  const own = voided(step.commit, timeOf(step.commit, step), bench)
  const inner = step.inner.map(commit => voided(commit, ownCover(commit), bench))
  const spoiled = inner.find((commit, at) => commit !== step.inner[at])
  const first = spoiled === undefined ? own : spoil(own, `holds ${commitText(spoiled.id, spoiled.subject)}`, bench)
  const witness = step.witnesses.find(item => compromised(item.signature ?? item.key, witnessTime(item, step), bench))
  const second =
    witness === undefined ? first : spoil(withoutReview(first), `was approved by ${witness.principal.name}`, bench)
  return { ...step, broughtIn, inner, commit: second }
}

function compromised(
  signature: ValidSignature | Revocable | undefined,
  time: CoveringTime | undefined,
  bench: Bench,
): Revocation | undefined {
  if (signature === undefined) return undefined
  return bench.law.policy.revoked.find(
    entry =>
      entry.mode === 'compromised' &&
      revokes(entry, signature) &&
      !(time !== undefined && time.time.getTime() < entry.effective.getTime()),
  )
}

function voided(commit: CommitJudgement, time: CoveringTime | undefined, bench: Bench): CommitJudgement {
  const entry = commit.outcome === 'rejected' ? undefined : compromised(commit.signature, time, bench)
  if (entry === undefined) return commit
  return rejectedBy(commit, `is signed by ${commit.kind} key ${commit.key ?? ''}`, bench, entry, time)
}

function spoil(commit: CommitJudgement, sentence: string, bench: Bench): CommitJudgement {
  return rejectedBy(commit, `${sentence}, signed by a key`, bench)
}

function rejectedBy(
  commit: CommitJudgement,
  sentence: string,
  bench: Bench,
  entry?: Revocation,
  time?: CoveringTime,
): CommitJudgement {
  const code = 'source/key-revoked'
  const message = `${commitText(commit.id, commit.subject)} ${sentence}, which ${lawText(bench)} calls compromised`
  const facts =
    entry === undefined
      ? {}
      : {
          expected: `a trusted time before ${entry.effective.toISOString()}`,
          found: time === undefined ? 'none' : `${time.time.toISOString()} (${time.from})`,
        }
  const finding = {
    code,
    severity: 'reject',
    subject: commit.id,
    message,
    ...facts,
    remedy: CATALOGUE[code].remedy,
  } as const
  const { basis: _basis, ...rest } = commit
  return { ...rest, outcome: 'rejected', findings: [...commit.findings, finding] }
}

function withoutReview(commit: CommitJudgement): CommitJudgement {
  return commit.review === undefined
    ? commit
    : { ...commit, review: { ...commit.review, enough: false, label: 'none' } }
}
