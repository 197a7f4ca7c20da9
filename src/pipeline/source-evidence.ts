import type { CommitId } from '../core/digest.ts'
import { WaybillError } from '../core/error.ts'
import { isMalformed, type JudgedCommit } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import type {
  Answer,
  EarlierReview,
  MergedPull,
  PlatformCommit,
  ProposalEvidence,
  StepEvidence,
  TreeCheck,
} from '../policy/evidence.ts'
import type { Law } from '../policy/law.ts'
import { lostReviews } from '../policy/lost-reviews.ts'
import { type EvidenceNeeds, type KnownOfStep, needsOf } from '../policy/needs.ts'
import { earliestTime, platformTime } from '../policy/times.ts'
import type { Head, History } from '../source/git.ts'
import type { CommitGraph } from '../source/graph.ts'
import type { FirstParents } from '../source/walk.ts'
import type { HeadAnswers, ReviewStatements } from './review-statements.ts'
import type { SourceFacts } from './source-facts.ts'
import type { PlatformAnswers } from './source-platform.ts'
import { askMerge, askProposal, Checks, type Sources } from './source-proposals.ts'

/** A first-parent commit about to be judged, with what is known of it already: what needs no asking. */
export interface EvidenceStep extends KnownOfStep {
  readonly commit: JudgedCommit
  readonly place?: number
}

export interface EvidencePorts {
  readonly history: History
  readonly graph: CommitGraph
  readonly facts: SourceFacts
  readonly platform: PlatformAnswers
  /** Absent: nobody looks for any. */
  readonly statements?: Pick<ReviewStatements, 'about'>
}

const NO_NEEDS: EvidenceNeeds = { platform: false, trees: false, reviews: false }

/**
 * Gathers what the rules of a law look at beyond the commits' own bytes, for many commits together: the platform's answers
 * in batches, the heads of pull requests in one fetch, the trees of all merges in another (13-adversary 13).
 */
export class SourceEvidence {
  readonly #ports: EvidencePorts
  readonly #ref: string

  constructor(ports: EvidencePorts, ref: string) {
    this.#ports = ports
    this.#ref = ref
  }

  /** @returns for each step in its order; undefined: no rule looks at anything. @throws `source/deadline`, `source/disk-limit` */
  async of(
    steps: readonly EvidenceStep[],
    law: Law,
    line: FirstParents | undefined,
  ): Promise<readonly (StepEvidence | undefined)[]> {
    const needs = steps.map(step => (isMalformed(step.commit) ? NO_NEEDS : needsOf(law, this.#ref, step.commit, step)))
    const answers = await this.#askPlatform(steps.filter((_, at) => needs[at]?.platform === true))
    const gone = await this.#bringHeads(answers)
    const checks = new Checks()
    const sources = this.#sources(law, line, checks)
    const plans: Plan[] = []
    for (const [at, step] of steps.entries()) {
      const platform = answers.get(step.commit.id)
      plans.push(await this.#plan(step, needs[at] ?? NO_NEEDS, platform, gone, sources))
    }
    await checks.run(this.#ports.history)
    const reviews = await this.#reviews(plans, law)
    return plans.map(plan => evidenceOf(plan, reviewsOf(plan, reviews, law)))
  }

  async #askPlatform(steps: readonly EvidenceStep[]): Promise<ReadonlyMap<CommitId, Answer<PlatformCommit>>> {
    const ids = steps.map(({ commit }) => commit.id)
    return this.#ports.platform.about(ids)
  }

  /** Heads of the pull requests that may matter. @returns those that the repository does not give. */
  async #bringHeads(answers: ReadonlyMap<CommitId, Answer<PlatformCommit>>): Promise<ReadonlySet<CommitId>> {
    const { history, graph } = this.#ports
    const heads = new Map<CommitId, Head>()
    for (const answer of answers.values())
      for (const { head, number } of this.#pullsOf(answer))
        heads.set(head, { id: head, ref: `refs/pull/${number}/head` })
    if (heads.size === 0) return new Set()
    const gone = await history.ensureHeads([...heads.values()])
    const tips = [...heads.keys()].filter(head => !gone.has(head) && graph.find(head) === undefined)
    if (tips.length > 0) await graph.preload(tips, [...answers.keys()])
    return gone
  }

  /** Into the ref that is judged; of another branch's pull requests no rule for this one speaks. */
  #pullsOf(answer: Answer<PlatformCommit>): readonly MergedPull[] {
    if (answer.kind === 'unavailable') return []
    const { id, pulls } = answer.value
    const mine = pulls.filter(pull => pull.baseRef === this.#ref)
    const unique = [...new Map(mine.map(pull => [pull.number, pull])).values()]
    // Those that say they became this very commit come first.
    const first = unique.filter(pull => pull.mergeCommit === id)
    return [...first, ...unique.filter(pull => pull.mergeCommit !== id)].slice(0, LIMITS.proposalsPerCommit)
  }

  async #plan(
    { commit, place, earlier }: EvidenceStep,
    needs: EvidenceNeeds,
    platform: Answer<PlatformCommit> | undefined,
    gone: ReadonlySet<CommitId>,
    sources: Sources,
  ): Promise<Plan> {
    const pulls = platform === undefined ? [] : this.#pullsOf(platform)
    // Where the platform is asked all the same, what it says now counts.
    const lent = earlier === undefined || !needs.reviews || needs.trees ? {} : { earlier }
    const plan = { commit, needs, pulls, ...lent, ...(platform === undefined ? {} : { platform }) }
    if (isMalformed(commit) || !needs.trees) return plan
    if (commit.parents.length === 2) return { ...plan, merge: await askMerge(commit, place, sources) }
    if (commit.parents.length !== 1 || platform === undefined) return plan
    const proposals: (() => ProposalEvidence)[] = []
    for (const pull of pulls.filter(({ head }) => !gone.has(head))) {
      const asked = await askProposal({ commit, pull, ...(place === undefined ? {} : { place }) }, sources)
      if (asked !== undefined) proposals.push(asked)
    }
    return { ...plan, proposals }
  }

  /** The commits of one pull request are asked for by each of its rebased commits; they are read once. */
  #sources(law: Law, line: FirstParents | undefined, checks: Checks): Sources {
    const { graph, facts } = this.#ports
    const known = new Map<string, Promise<readonly JudgedCommit[]>>()
    const factsOf = (ids: readonly CommitId[]): Promise<readonly JudgedCommit[]> => {
      const key = ids.join('')
      const reading = known.get(key) ?? facts.of(ids, law, true)
      known.set(key, reading)
      return reading
    }
    return { graph, checks, factsOf, ...(line === undefined ? {} : { line }) }
  }

  async #reviews(plans: readonly Plan[], law: Law): Promise<HeadAnswers> {
    const { statements, facts } = this.#ports
    const heads = new Set(plans.flatMap(plan => (plan.needs.reviews ? headsOf(plan) : [])))
    if (statements === undefined || heads.size === 0) return new Map()
    return statements.about(heads, await facts.keyring(law))
  }
}

interface Plan {
  readonly commit: JudgedCommit
  readonly needs: EvidenceNeeds
  /** Into the judged ref. */
  readonly pulls: readonly MergedPull[]
  readonly platform?: Answer<PlatformCommit>
  readonly merge?: () => TreeCheck
  readonly proposals?: readonly (() => ProposalEvidence)[]
  readonly earlier?: EarlierReview
}

/** What a reviewer may have signed for this commit: itself, the head it merged, the head of a pull request it may have become. */
function headsOf({ commit, pulls, earlier }: Plan): readonly CommitId[] {
  const before = earlier?.head === undefined ? [] : [earlier.head]
  return [commit.id, ...commit.parents.slice(1), ...pulls.map(({ head }) => head), ...before]
}

type ReviewEvidence = Pick<StepEvidence, 'reviews' | 'missingReviews'>

function reviewsOf(plan: Plan, answers: HeadAnswers, law: Law): ReviewEvidence {
  if (!plan.needs.reviews) return {}
  if (answers instanceof WaybillError) return { missingReviews: [answers] }
  const heads = new Set(headsOf(plan))
  const found = [...heads].flatMap(head => answers.get(head) ?? [])
  const reviews = found.flatMap(({ facts }) => facts)
  const stored = new Map(found.flatMap(item => [...item.stored]))
  const missingReviews = lostReviews(plan.pulls, heads, stored, law)
  return {
    ...(reviews.length === 0 ? {} : { reviews }),
    ...(missingReviews.length === 0 ? {} : { missingReviews }),
  }
}

function evidenceOf(plan: Plan, reviews: ReviewEvidence): StepEvidence | undefined {
  const { needs, platform, merge, proposals, earlier } = plan
  if (!needs.platform && !needs.trees && !needs.reviews) return undefined
  return {
    ...(platform === undefined ? {} : { platform }),
    ...(merge === undefined ? {} : { merge: merge() }),
    ...(proposals === undefined ? {} : { proposals: proposals.map(proposal => proposal()) }),
    ...reviews,
    ...(earlier === undefined ? {} : { earlier }),
  }
}

/**
 * The earliest of the times that the committer could not choose (13-adversary 12): the signature's own, and when the platform
 * received the push. Who pushed a commit pushed all that it brings in.
 */
export function withTrustedTime(commit: JudgedCommit, evidence: StepEvidence | undefined): JudgedCommit {
  if (isMalformed(commit)) return commit
  const { signature, trustedTime: known } = commit
  const pushedAt = evidence?.platform?.kind === 'known' ? evidence.platform.value.pushedAt : undefined
  const own = 'trustedTime' in signature ? signature.trustedTime : undefined
  const trustedTime = earliestTime(own, known, platformTime(pushedAt))
  return trustedTime === undefined ? commit : { ...commit, trustedTime }
}
