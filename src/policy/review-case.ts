import type { CommitId } from '../core/digest.ts'
import { type CommitFacts, isMalformed, type JudgedCommit } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import type { Bench } from './bench.ts'
import type { MergedPull } from './evidence.ts'
import type { CommitJudgement } from './judgement.ts'
import { type Person, personOf } from './persons.ts'
import { isPlatformSigned } from './platform.ts'
import {
  type Backed,
  bestOf,
  mergeProofs,
  type Proof,
  pullsInto,
  rebaseProof,
  squashProofs,
  treeFinding,
} from './proofs.ts'

/** What somebody had to look at, so that one first-parent commit counts as reviewed (13-adversary 10). */
export interface ReviewCase {
  /** Approvals count on exactly this commit, taken from git. */
  readonly head: CommitId
  readonly tree?: CommitId
  /** Common ancestors of the head and of the branch before this commit, one of which a statement must name. */
  readonly mergeBases: ReadonlySet<CommitId>
  /** The commits that were looked at, each with its judgement where there is one. */
  readonly range: readonly { readonly commit: JudgedCommit; readonly judgement?: CommitJudgement }[]
  /** Whose recorded approvals count; absent: only signed ones do. */
  readonly pull?: MergedPull
  /** What keeps it from being known whether the commit holds no more than the head, or who approved. */
  readonly doubts: readonly Finding[]
  /** Nobody could say whether there is a pull request, so its approvals may exist. */
  readonly unasked?: boolean
  /** The merge commit itself, whose signer vouches for what it merges. */
  readonly merge?: CommitFacts
  /** Whether signed approvals are enough whatever the platform knows: git alone says what the commit holds. */
  readonly byGit: boolean
}

/**
 * The ways in which a commit may have been reviewed: as the merge, squash or rebased commit of what was reviewed elsewhere,
 * and as itself. A commit that holds more than the reviewed head has only the second.
 */
export function reviewCases(
  backed: Backed,
  judged: ReadonlyMap<CommitId, CommitJudgement>,
  bench: Bench,
): readonly ReviewCase[] {
  const { commit, broughtIn } = backed
  const range = [commit, ...broughtIn].map(item => withJudgement(item, judged))
  const [first] = commit.parents
  const itself: ReviewCase = {
    head: commit.id,
    tree: commit.tree,
    mergeBases: new Set(first === undefined ? [] : [first]),
    range,
    doubts: [],
    byGit: true,
  }
  const open = openCase(backed, range, bench)
  if (open !== undefined) return [open, itself]
  const through = commit.parents.length === 2 ? mergeCases(backed, judged, bench) : proposalCases(backed, judged, bench)
  return [...through, itself]
}

/** A commit of a pull request that is still open: who approved its present head is shown, and nothing rests on it. */
function openCase(backed: Backed, range: ReviewCase['range'], bench: Bench): ReviewCase | undefined {
  if (bench.reviews !== 'show') return undefined
  const pulls = pullsInto(backed, bench)
  if (pulls.kind === 'unknown') return undefined
  const open = pulls.pulls.filter(({ pending }) => pending === true)
  const pull = open.find(({ commits }) => commits.some(({ id }) => id === backed.commit.id))
  return pull && { head: pull.head, mergeBases: new Set(), range, pull, doubts: [], byGit: false }
}

function withJudgement(commit: JudgedCommit, judged: ReadonlyMap<CommitId, CommitJudgement>) {
  const judgement = judged.get(commit.id)
  return judgement === undefined ? { commit } : { commit, judgement }
}

function mergeCases(
  backed: Backed,
  judged: ReadonlyMap<CommitId, CommitJudgement>,
  bench: Bench,
): readonly ReviewCase[] {
  const head = backed.commit.parents[1]
  if (head === undefined || backed.evidence?.merge?.kind === 'differs') return []
  const proofs = mergeProofs(backed, bench)
  const proved = proofs.filter(({ kind }) => kind === 'proved')
  return (proved.length > 0 ? proved : [bestOf(proofs)]).map(proof => mergeCase(backed, head, proof, judged, bench))
}

function mergeCase(
  backed: Backed,
  head: CommitId,
  proof: Proof,
  judged: ReadonlyMap<CommitId, CommitJudgement>,
  bench: Bench,
): ReviewCase {
  const { commit, broughtIn, evidence } = backed
  const unsure = treeFinding(commit, evidence?.merge)
  const tip = broughtIn.find(item => item.id === head)
  return {
    head,
    ...(tip === undefined || isMalformed(tip) ? {} : { tree: tip.tree }),
    mergeBases: commonAncestors(head, broughtIn),
    range: broughtIn.map(item => withJudgement(item, judged)),
    doubts: unsure === undefined ? doubtsOf(proof) : [unsure],
    ...pullOf(proof),
    unasked: pullsInto(backed, bench).kind === 'unknown',
    merge: commit,
    byGit: unsure === undefined,
  }
}

/** Brought in is everything that the head has and the branch had not, so the parents outside of it are what both have. */
function commonAncestors(head: CommitId, broughtIn: readonly JudgedCommit[]): ReadonlySet<CommitId> {
  if (broughtIn.length === 0) return new Set([head])
  const inside = new Set(broughtIn.map(({ id }) => id))
  return new Set(broughtIn.flatMap(({ parents }) => parents).filter(parent => !inside.has(parent)))
}

function proposalCases(
  backed: Backed,
  judged: ReadonlyMap<CommitId, CommitJudgement>,
  bench: Bench,
): readonly ReviewCase[] {
  const squashed = squashProofs(backed, bench)
  const proved = squashed.flatMap(proof => (proof.kind === 'proved' ? [proof] : []))
  if (proved.length > 0) return proved.map(proof => proposalCase(proof, judged))
  const proof = better(bestOf(squashed), rebaseProof(backed, bench))
  if (proof.kind === 'no') return []
  return [proof.kind === 'unknown' ? doubtful(backed, judged, proof) : proposalCase(proof, judged)]
}

function proposalCase(
  { head, proposal, pull }: Extract<Proof, { readonly kind: 'proved' }>,
  judged: ReadonlyMap<CommitId, CommitJudgement>,
): ReviewCase {
  const commits = proposal?.commits ?? []
  const tip = commits.find(item => item.id === head)
  return {
    head,
    ...(tip === undefined || isMalformed(tip) ? {} : { tree: tip.tree }),
    mergeBases: new Set(proposal === undefined ? [] : [proposal.mergeBase]),
    range: commits.map(item => withJudgement(item, judged)),
    pull,
    doubts: [],
    byGit: true,
  }
}

/** Enough to see whether approvals would do, never enough to pass. */
function doubtful(
  { commit, evidence }: Backed,
  judged: ReadonlyMap<CommitId, CommitJudgement>,
  { pull, finding }: Extract<Proof, { readonly kind: 'unknown' }>,
): ReviewCase {
  const commits = evidence?.proposals?.find(item => item.pull === pull?.number)?.commits ?? []
  return {
    head: pull?.head ?? commit.id,
    mergeBases: new Set(),
    range: commits.map(item => withJudgement(item, judged)),
    ...(pull === undefined ? { unasked: true } : { pull }),
    doubts: [finding],
    byGit: false,
  }
}

function better(a: Proof, b: Proof): Proof {
  return b.kind === 'no' ? a : b
}

function doubtsOf(proof: Proof): readonly Finding[] {
  return proof.kind === 'unknown' ? [proof.finding] : []
}

function pullOf(proof: Proof): { readonly pull?: MergedPull } {
  return proof.kind === 'no' || proof.pull === undefined ? {} : { pull: proof.pull }
}

export type Distinct = 'author' | 'committers'

/** Everybody who made what was looked at. Who signed a commit is its author in deed, whatever its author line says. */
export function makersOf(
  { range, pull }: Pick<ReviewCase, 'range' | 'pull'>,
  from: ReadonlySet<string>,
  bench: Pick<Bench, 'law'>,
): readonly Person[] {
  const persons: Person[] = []
  if (from.has('author') && pull !== undefined)
    persons.push(personOf({ account: pull.author }, `the author of pull request ${pull.number}`, bench.law))
  if (!from.has('author') && !from.has('committers')) return persons
  for (const { commit, judgement } of range) {
    const short = commit.id.slice(0, 7)
    if (isMalformed(commit)) {
      persons.push(personOf({}, `whoever made ${short}`, bench.law))
      continue
    }
    const entry = pull?.commits.find(item => item.id === commit.id)
    const platform = isPlatformSigned(commit.signature, bench.law)
    const signer = platform ? undefined : judgement?.principal
    if (signer !== undefined) persons.push(personOf({ signer }, `who signed ${short}`, bench.law))
    if (from.has('author'))
      persons.push(
        personOf({ email: commit.author.email, account: entry?.author }, `the author of ${short}`, bench.law),
      )
    // The platform itself is no person; who pressed its button is the author of such a commit.
    if (from.has('committers') && !platform)
      persons.push(
        personOf({ email: commit.committer.email, account: entry?.committer }, `the committer of ${short}`, bench.law),
      )
    if (from.has('committers') && platform && !from.has('author'))
      persons.push(personOf({ email: commit.author.email, account: entry?.author }, `the maker of ${short}`, bench.law))
  }
  return persons
}
