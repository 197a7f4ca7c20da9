import type { CommitId } from '../core/digest.ts'
import type { WaybillError } from '../core/error.ts'
import { type CommitFacts, isMalformed, type JudgedCommit } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import type { Finding } from '../core/verdict.ts'
import { type Bench, causeText, commitText, findingFor } from './bench.ts'
import type { MergedPull, ProposalEvidence, StepEvidence, TreeCheck } from './evidence.ts'

/**
 * Whether a commit of the protected branch holds exactly what a pull request held (13-adversary 8, 9): the platform says
 * which pull request it became, git says what is in it, and neither is believed without the other.
 */
export type Proof =
  | {
      readonly kind: 'proved'
      readonly pull: MergedPull
      readonly head: CommitId
      /** Of a squash or rebased commit. */
      readonly proposal?: ProposalEvidence
      /** Of a rebased commit: the one it repeats. */
      readonly original?: JudgedCommit
    }
  /** It is something else; then it counts as content, never as "tampered". `pull`: what belongs to it all the same. */
  | { readonly kind: 'no'; readonly why: string; readonly pull?: MergedPull }
  /** `pull`: everything but the trees agrees. */
  | { readonly kind: 'unknown'; readonly finding: Finding; readonly pull?: MergedPull }

/** One commit of the line with what stands behind it. */
export interface Backed {
  readonly commit: CommitFacts
  readonly broughtIn: readonly JudgedCommit[]
  readonly evidence: StepEvidence | undefined
}

export type Pulls =
  | { readonly kind: 'known'; readonly pulls: readonly MergedPull[] }
  | { readonly kind: 'unknown'; readonly finding: Finding }

/** Merged pull requests of this repository into the judged ref; another base or repository is none of ours. */
export function pullsInto({ commit, evidence }: Backed, bench: Bench): Pulls {
  const answer = evidence?.platform
  if (answer === undefined) return missing(commit, 'the platform was not asked about it')
  if (answer.kind === 'unavailable') return missing(commit, answer.cause.message, answer.cause)
  if (bench.repositoryId === undefined) return missing(commit, 'the number of this repository is not known')
  const pulls = answer.value.pulls.filter(
    pull =>
      pull.baseRepositoryId === bench.repositoryId &&
      pull.baseRef === bench.ref &&
      (pull.pending !== true || bench.pending === true),
  )
  return { kind: 'known', pulls }
}

function missing(
  commit: CommitFacts,
  why: string,
  cause?: WaybillError,
): { readonly kind: 'unknown'; readonly finding: Finding } {
  return { kind: 'unknown', finding: evidenceMissing(commit, why, cause) }
}

/** @param cause why nobody could say; its own remedy names what is missing, a permission for instance. */
export function evidenceMissing({ id, subject }: CommitFacts, why: string, cause?: WaybillError): Finding {
  const code = 'source/platform-evidence-missing'
  const remedy = cause === undefined || cause.code === code ? {} : { remedy: `${cause.remedy} ${OR_MERGE}` }
  return findingFor(
    id,
    code,
    `${commitText(id, subject)} cannot be judged without what the platform knows about it: ${why}`,
    {
      ...(cause?.expected === undefined ? {} : { expected: cause.expected }),
      found: cause === undefined ? why : causeText(cause),
      ...remedy,
    },
  )
}

const OR_MERGE = 'Or merge on your own machine and sign: git merge --no-ff -S BRANCH.'

/**
 * A merge of a pull request: two parents, git's own clean merge of them, the second one the head that was merged. The platform
 * may say of several pull requests that they became it, those below the merged one and those that anybody opened for the same
 * head; none of them takes anything away from another.
 * @returns at least one, a proved one for each pull request that is proved.
 */
export function mergeProofs(backed: Backed, bench: Bench): readonly [Proof, ...Proof[]] {
  const { commit, evidence } = backed
  const [, second] = commit.parents
  if (commit.parents.length !== 2 || second === undefined) return [{ kind: 'no', why: 'it is no merge of two parents' }]
  if (evidence?.merge?.kind === 'differs') return [{ kind: 'no', why: treeText(evidence.merge.merged) }]
  return forEachPull(backed, bench, pull => mergedFrom(backed, pull, second))
}

/** The best of `mergeProofs`. */
export function mergeProof(backed: Backed, bench: Bench): Proof {
  return bestOf(mergeProofs(backed, bench))
}

function forEachPull(backed: Backed, bench: Bench, prove: (pull: MergedPull) => Proof): readonly [Proof, ...Proof[]] {
  const pulls = pullsInto(backed, bench)
  if (pulls.kind === 'unknown') return [pulls]
  const [first, ...more] = pulls.pulls.filter(item => item.mergeCommit === backed.commit.id)
  if (first === undefined) return [{ kind: 'no', why: noPull(bench) }]
  return [prove(first), ...more.map(prove)]
}

export function bestOf([first, ...more]: readonly [Proof, ...Proof[]]): Proof {
  const all = [first, ...more]
  return all.find(({ kind }) => kind === 'proved') ?? all.find(({ kind }) => kind === 'unknown') ?? first
}

function mergedFrom({ commit, evidence, broughtIn }: Backed, pull: MergedPull, second: CommitId): Proof {
  if (pull.head !== second) return { kind: 'no', why: `pull request ${pull.number} had the head ${pull.head}` }
  const head = broughtIn.find(item => item.id === second)
  if (isNewer(pull, head)) return { kind: 'no', why: newerText(pull) }
  const unsure = treeFinding(commit, evidence?.merge)
  return unsure === undefined ? { kind: 'proved', pull, head: second } : { kind: 'unknown', finding: unsure, pull }
}

/** A squash: one parent, the tree that merging the pull request's head into that parent gives. As `mergeProofs`. */
export function squashProofs(backed: Backed, bench: Bench): readonly [Proof, ...Proof[]] {
  if (backed.commit.parents.length !== 1) return [{ kind: 'no', why: 'it has not exactly one parent' }]
  return forEachPull(backed, bench, pull => squashedFrom(backed, pull))
}

/** The best of `squashProofs`. */
export function squashProof(backed: Backed, bench: Bench): Proof {
  return bestOf(squashProofs(backed, bench))
}

function squashedFrom({ commit, evidence }: Backed, pull: MergedPull): Proof {
  const proposal = evidence?.proposals?.find(item => item.pull === pull.number)
  if (proposal === undefined) return missing(commit, `the commits of pull request ${pull.number} were not read`)
  const problem = proposalProblem(pull, proposal)
  if (problem !== undefined) return { kind: 'no', why: problem }
  if (proposal.squash?.kind === 'differs') return { kind: 'no', why: treeText(proposal.squash.merged), pull }
  const unsure = treeFinding(commit, proposal.squash)
  if (unsure !== undefined) return { kind: 'unknown', finding: unsure, pull }
  return { kind: 'proved', pull, head: proposal.head, proposal }
}

/** A rebased commit: the same change as one of the pull request, at its own place in the series that ends at the merge commit. */
export function rebaseProof(backed: Backed, bench: Bench): Proof {
  const { commit, evidence } = backed
  if (commit.parents.length !== 1) return { kind: 'no', why: 'it has not exactly one parent' }
  const pulls = pullsInto(backed, bench)
  if (pulls.kind === 'unknown') return pulls
  const pairs = pulls.pulls.map(pull => ({ pull, proposal: evidence?.proposals?.find(p => p.pull === pull.number) }))
  const unread = pairs.find(({ proposal }) => proposal === undefined)
  const proofs = pairs.flatMap(({ pull, proposal }) =>
    proposal?.rebase === undefined ? [] : [rebasedFrom(commit, pull, proposal, proposal.rebase, bench)],
  )
  const best = proofs.find(proof => proof.kind === 'proved') ?? proofs.find(proof => proof.kind === 'unknown')
  if (best !== undefined) return best
  if (unread !== undefined) return missing(commit, `the commits of pull request ${unread.pull.number} were not read`)
  return proofs[0] ?? { kind: 'no', why: noPull(bench) }
}

/**
 * Whoever may push can repeat a signed change of an old pull request without its author, a revert undone for instance. So a
 * rebased commit counts only at its place in the one series that the platform made of the pull request.
 */
function rebasedFrom(
  commit: CommitFacts,
  pull: MergedPull,
  proposal: ProposalEvidence,
  { original, check }: NonNullable<ProposalEvidence['rebase']>,
  bench: Bench,
): Proof {
  const problem = proposalProblem(pull, proposal)
  if (problem !== undefined) return { kind: 'no', why: problem }
  const index = proposal.commits.findIndex(item => item.id === original)
  const source = proposal.commits[index]
  if (source === undefined || isMalformed(source) || !isLinear(proposal))
    return { kind: 'no', why: `${original} is not in the one line of pull request ${pull.number}` }
  if (!sameAuthor(commit, source)) return { kind: 'no', why: `its author is not that of ${original}` }
  if (check.kind === 'differs') return { kind: 'no', why: treeText(check.merged) }
  if (bench.places === undefined) return missing(commit, 'its place on the branch is not known')
  const place = bench.places.get(commit.id)
  const last = bench.places.get(pull.mergeCommit)
  if (place === undefined || last === undefined || last - place !== proposal.commits.length - 1 - index)
    return { kind: 'no', why: `it is not at its place in the series that ends at ${pull.mergeCommit}` }
  const unsure = treeFinding(commit, check)
  if (unsure !== undefined) return { kind: 'unknown', finding: unsure, pull }
  return { kind: 'proved', pull, head: proposal.head, proposal, original: source }
}

function isLinear({ commits, mergeBase }: ProposalEvidence): boolean {
  return commits.every(({ parents }, at) => parents.length === 1 && parents[0] === (commits[at - 1]?.id ?? mergeBase))
}

function sameAuthor({ author: a }: CommitFacts, { author: b }: CommitFacts): boolean {
  return a.name === b.name && a.email === b.email && a.time === b.time
}

/** What of a pull request contradicts git. */
function proposalProblem(pull: MergedPull, { head, commits }: ProposalEvidence): string | undefined {
  if (pull.head !== head)
    return `pull request ${pull.number} has the head ${pull.head} for the platform, ${head} in git`
  const tip = commits.find(item => item.id === head)
  if (tip === undefined) return `pull request ${pull.number} brought nothing`
  return isNewer(pull, tip) ? newerText(pull) : undefined
}

/** A head that was pushed after the merge is not what was merged. Its own date is the author's word, but a late one is a contradiction. */
function isNewer({ mergedAt, headPushedAt }: MergedPull, head: JudgedCommit | undefined): boolean {
  if (headPushedAt !== undefined && headPushedAt.getTime() > mergedAt.getTime()) return true
  if (head === undefined || isMalformed(head)) return false
  return head.committer.time * 1000 > mergedAt.getTime() + LIMITS.clockSkewMs
}

function newerText({ number, mergedAt }: MergedPull): string {
  return `the head of pull request ${number} is newer than its merge at ${mergedAt.toISOString()}`
}

function noPull({ ref }: Bench): string {
  return `no pull request of this repository into ${ref} became this commit`
}

function treeText(merged: CommitId): string {
  return `its tree is not what git itself makes of it (${merged})`
}

/** 13-adversary 9: a conflict, or a git that cannot tell, proves nothing, in neither direction. */
export function treeFinding(commit: CommitFacts, check: TreeCheck | undefined): Finding | undefined {
  if (check?.kind === 'equal') return undefined
  const why =
    check?.kind === 'conflict'
      ? 'its parents do not merge without conflicts'
      : check?.kind === 'unavailable'
        ? causeText(check.cause)
        : 'its tree was not compared'
  return findingFor(
    commit.id,
    'source/merge-not-checked',
    `${commitText(commit.id, commit.subject)} cannot be compared with git’s own merge: ${why}`,
    { expected: 'the tree of a clean merge', found: why },
  )
}
