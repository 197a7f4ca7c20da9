import type { CommitId } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import type { CommitFacts, JudgedCommit } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import type { MergedPull, ProposalEvidence, TreeCheck } from '../policy/evidence.ts'
import type { History } from '../source/git.ts'
import { unlessStageEnds } from '../source/git-failure.ts'
import type { CommitGraph } from '../source/graph.ts'
import { basesOf, historyOf, sideOf } from '../source/merge-base.ts'
import { type MergeQuestion, unchecked } from '../source/merge-tree.ts'
import { type Divergence, divergence, type Other } from '../source/range.ts'
import type { FirstParents } from '../source/walk.ts'

/** Merges to be made again, collected first, so that their trees come in one fetch. */
export class Checks {
  readonly #questions: MergeQuestion[] = []
  #answers: readonly TreeCheck[] = []

  /** @returns reads the answer, once `run` is done. */
  ask(question: MergeQuestion): () => TreeCheck {
    const at = this.#questions.push(question) - 1
    return () => this.#answers[at] ?? unchecked(asWaybillError(new Error('the merge was not made')))
  }

  async run(history: History): Promise<void> {
    this.#answers = await history.checkMerges(this.#questions)
  }
}

/** A commit with one parent that may be what a pull request became. */
export interface Candidate {
  readonly commit: CommitFacts
  /** On the line of first parents; absent where there is none. */
  readonly place?: number
  readonly pull: MergedPull
}

/** What reads and asks for a candidate. */
export interface Sources {
  readonly graph: CommitGraph
  readonly line?: FirstParents
  readonly checks: Checks
  /** Facts of the commits of a pull request, its signatures checked with the keys of the law in force. */
  readonly factsOf: (ids: readonly CommitId[]) => Promise<readonly JudgedCommit[]>
}

/** The history of a commit's first parent. */
async function beforeIt(commit: CommitFacts, place: number | undefined, sources: Sources): Promise<Other> {
  const { graph, line } = sources
  if (line !== undefined && place !== undefined)
    return { has: number => line.reaches(place - 1, number), rank: number => line.rank(number) }
  return historyOf(await graph.index(commit.parents[0] ?? commit.id), graph)
}

/** Our own merge of a commit's two parents (13-adversary 8). */
export async function askMerge(
  commit: CommitFacts,
  place: number | undefined,
  sources: Sources,
): Promise<() => TreeCheck> {
  const { graph, checks } = sources
  const [first, second] = commit.parents
  try {
    const [ours, theirs] = [await graph.index(first ?? commit.id), await graph.index(second ?? commit.id)]
    const { bases } = await divergence(theirs, await beforeIt(commit, place, sources), graph)
    const sides = { ours: await sideOf(ours, graph), theirs: await sideOf(theirs, graph) }
    return checks.ask({ kind: 'merge', expected: commit.tree, ...sides, ...(await basesOf(bases, graph)) })
  } catch (error) {
    const answer = unchecked(unlessStageEnds(error))
    return () => answer
  }
}

/**
 * Reads the commits of the pull request from git and asks for the comparisons (3-source § 5): for a squash S of head H the
 * tree of S against git's merge of S's parent and H; for the i-th of k rebased commits R, which end at the pull request's
 * merge commit, the tree of R against what the i-th commit changed, put on R's parent.
 * @returns undefined when the commits cannot be read: then nothing is said about the pull request, which is never "none".
 */
export async function askProposal(
  candidate: Candidate,
  sources: Sources,
): Promise<(() => ProposalEvidence) | undefined> {
  const { commit, pull, place } = candidate
  const distance = distanceToMerge(candidate, sources)
  const [parent = commit.id] = commit.parents
  const about = { pull: pull.number, head: pull.head }
  // It is neither the pull request's squash nor in the series that ends at its merge commit; nothing has to be read.
  if (distance === undefined) return () => ({ ...about, mergeBase: parent, commits: [] })
  if (distance >= LIMITS.proposalCommits) return undefined
  try {
    const { graph } = sources
    const head = await graph.index(pull.head)
    const range = await divergence(head, await beforeIt(commit, place, sources), graph, LIMITS.proposalCommits)
    const [base] = range.bases
    if (base === undefined) return undefined
    const commits = await sources.factsOf(range.commits.map(number => graph.id(number)))
    const squash = distance === 0 ? await askSquash(commit, head, range, sources) : undefined
    const rebase = await askRebase(commit, range, distance, sources, squash)
    const mergeBase = graph.id(base)
    return () => ({
      ...about,
      mergeBase,
      commits,
      ...(squash === undefined ? {} : { squash: squash() }),
      ...(rebase === undefined ? {} : { rebase: { original: rebase.original, check: rebase.check() } }),
    })
  } catch (error) {
    unlessStageEnds(error)
    return undefined
  }
}

/** First-parent commits between this one and the one that the platform calls the pull request's merge commit. */
function distanceToMerge({ commit, place, pull }: Candidate, { graph, line }: Sources): number | undefined {
  if (pull.mergeCommit === commit.id) return 0
  const number = graph.find(pull.mergeCommit)
  const last = number === undefined ? undefined : line?.placeOf(number)
  return last === undefined || place === undefined || last < place ? undefined : last - place
}

async function askSquash(
  commit: CommitFacts,
  head: number,
  { bases }: Divergence,
  { graph, checks }: Sources,
): Promise<() => TreeCheck> {
  const ours = await sideOf(await graph.index(commit.parents[0] ?? commit.id), graph)
  const sides = { ours, theirs: await sideOf(head, graph), ...(await basesOf(bases, graph)) }
  return checks.ask({ kind: 'merge', expected: commit.tree, ...sides })
}

interface RebaseCheck {
  readonly original: CommitId
  readonly check: () => TreeCheck
}

/** Only of one straight line of commits; with a merge in it, which one repeats which cannot be told. */
async function askRebase(
  commit: CommitFacts,
  { bases, commits }: Divergence,
  distance: number,
  { graph, checks }: Sources,
  squash: (() => TreeCheck) | undefined,
): Promise<RebaseCheck | undefined> {
  const [base, second] = bases
  const original = commits[commits.length - 1 - distance]
  const before = commits[commits.length - 2 - distance] ?? base
  if (original === undefined || before === undefined || second !== undefined) return undefined
  const straight = commits.every((number, at) => {
    const parents = graph.parents(number)
    return parents.length === 1 && parents[0] === (at === 0 ? base : commits[at - 1])
  })
  if (!straight) return undefined
  // Of a pull request with one commit the two comparisons are the same.
  if (squash !== undefined && commits.length === 1) return { original: graph.id(original), check: squash }
  const ours = await sideOf(await graph.index(commit.parents[0] ?? commit.id), graph)
  const sides = { ours, theirs: await sideOf(original, graph), bases: [await sideOf(before, graph)] }
  return { original: graph.id(original), check: checks.ask({ kind: 'replay', expected: commit.tree, ...sides }) }
}
