import type { CommitId } from '../core/digest.ts'
import { WaybillError } from '../core/error.ts'
import { isMalformed, isRefused, type JudgedCommit, type TrustedTime } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import type { EarlierEvidence } from '../policy/earlier-vsa.ts'
import type { EarlierReview } from '../policy/evidence.ts'
import { endFold, type Fold } from '../policy/fold.ts'
import type { Law } from '../policy/law.ts'
import { matchesRef } from '../policy/match.ts'
import { anyEnded } from '../policy/needs.ts'
import { earliestTime } from '../policy/times.ts'
import type { CommitGraph } from '../source/graph.ts'
import type { FirstParents } from '../source/walk.ts'
import type { EarlierQuestion } from './earlier.ts'

/** Asks for what earlier runs of a branch stated. Never throws. */
export type AskEarlier = (question: Omit<EarlierQuestion, 'policyUri'>) => Promise<EarlierEvidence>

/** What an earlier run may lend on one branch. */
interface Branch {
  readonly ref: string
  readonly anchor: CommitId
  readonly graph: CommitGraph
  /** The law in the tree of the branch's tip: it says whose summaries count. */
  tipLaw(): Promise<Law>
}

/** Commits about to be judged: one of the line, and what it brings in. */
export interface EarlierStep {
  readonly facts: JudgedCommit
  readonly sides: readonly JudgedCommit[]
  readonly place?: number
}

/**
 * What is taken from earlier source VSAs while one branch is folded (13-adversary 2): asked for once, and only when a key has
 * ended or a review is looked at.
 *
 * Whose summaries count is said by the law of the tip, which is known to be accepted only when the fold is over; and what they
 * say of a review may be taken away by revocations of that law. So the fold asks at its end whether all of it still stands,
 * and folds again without what does not: what is lent can save a question, never decide.
 */
export class EarlierOnBranch {
  readonly #branch: Branch
  readonly #ask: AskEarlier | undefined
  readonly #now: Date
  #asked: Promise<{ readonly evidence: EarlierEvidence; readonly law: Law } | undefined> | undefined
  #lends: 'all' | 'times' | 'nothing' = 'all'
  /** Commits that were judged with a review of an earlier run, and without asking the platform about it. */
  readonly #reviewed = new Set<CommitId>()

  constructor(branch: Branch, ask: AskEarlier | undefined, now: Date) {
    this.#branch = branch
    this.#ask = ask
    this.#now = now
  }

  /** Why something that was found is not used; empty as long as nobody asked. */
  async notes(): Promise<readonly Finding[]> {
    return (await this.#asked)?.evidence.notes ?? []
  }

  /** The steps with the times by which earlier runs had verified their commits, where a key has ended. */
  async withTimes<T extends EarlierStep>(
    steps: readonly T[],
    law: Law,
    line: FirstParents | undefined,
  ): Promise<readonly T[]> {
    const ended = steps.some(({ facts, sides }) => anyEnded([facts, ...sides], law, this.#now))
    const evidence = ended ? await this.#evidence() : undefined
    if (evidence === undefined) return steps
    const verified = this.#placeOf(evidence, line)
    return steps.map(step => {
      const known = step.place !== undefined && step.place <= verified
      const timed = (commit: JudgedCommit) => withEarlierTime(commit, evidence, known)
      return { ...step, facts: timed(step.facts), sides: step.sides.map(timed) }
    })
  }

  /** What an earlier run found about the reviews of commits of the line, where a rule looks at them. */
  async reviews({ policy }: Law): Promise<(commit: CommitId) => EarlierReview | undefined> {
    const rules = policy.source.filter(rule => rule.review !== undefined && matchesRef(rule.refs, this.#branch.ref))
    const evidence = rules.length > 0 && this.#lends === 'all' ? await this.#evidence() : undefined
    return commit => evidence?.reviewOf(commit)
  }

  /** The review of this commit was lent. */
  lent(commit: CommitId): void {
    this.#reviewed.add(commit)
  }

  /** Whether the fold has to be made again with less. Each answer "yes" takes something away, so there are two at most. */
  async isLess(fold: Fold): Promise<boolean> {
    const asked = await this.#asked
    if (asked === undefined || this.#lends === 'nothing') return false
    if (asked.law.policyDigest !== fold.law.policyDigest) {
      this.#lends = 'nothing'
      return true
    }
    if (this.#lends === 'times' || !this.#failedWithout(fold)) return false
    this.#lends = 'times'
    return true
  }

  /** A commit that does not pass although an earlier run found its review: with the platform's answer it may. */
  #failedWithout(fold: Fold): boolean {
    if (this.#reviewed.size === 0) return false
    return endFold(fold, this.#now).commits.some(({ id, outcome }) => outcome !== 'passed' && this.#reviewed.has(id))
  }

  async #evidence(): Promise<EarlierEvidence | undefined> {
    if (this.#ask === undefined || this.#lends === 'nothing') return undefined
    this.#asked ??= this.#find(this.#ask)
    return (await this.#asked)?.evidence
  }

  async #find(ask: AskEarlier) {
    const { ref, anchor } = this.#branch
    try {
      const law = await this.#branch.tipLaw()
      const { sourceWorkflows: workflows, revoked } = law.policy
      return { law, evidence: await ask({ ref, anchor, workflows, revoked }) }
    } catch (error) {
      // A law that cannot be read is told by the fold; nothing is lent under it.
      if (error instanceof WaybillError) return undefined
      throw error
    }
  }

  /** Place of the commit that the newest summary is about; -1 when the line does not lead through it. */
  #placeOf({ verified }: EarlierEvidence, line: FirstParents | undefined): number {
    const number = verified === undefined ? undefined : this.#branch.graph.find(verified.commit)
    return (number === undefined ? undefined : line?.placeOf(number)) ?? -1
  }
}

/** @param known the commit is, or is an ancestor of, what the newest summary is about. */
function withEarlierTime(commit: JudgedCommit, evidence: EarlierEvidence, known: boolean): JudgedCommit {
  if (isMalformed(commit)) return commit
  const { signature } = commit
  const key = signature.kind === 'none' || isRefused(signature) ? undefined : signature.fingerprint
  const { verified } = evidence
  const ofKey = key === undefined ? undefined : verified?.timeOfKey(key)
  const ancestral: readonly (TrustedTime | undefined)[] = known ? [verified?.time, ofKey] : []
  const earlierTime = earliestTime(evidence.timeOf(commit.id), ...ancestral)
  return earlierTime === undefined ? commit : { ...commit, earlierTime }
}
