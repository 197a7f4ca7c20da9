import type { Digest } from '../core/digest.ts'
import { type CommitFacts, isRefused, type ValidSignature } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import { type Bench, commitText, findingFor } from './bench.ts'
import type { Account, MergedPull, PullReview, ReviewFact } from './evidence.ts'
import type { KeyIdentity } from './judgement.ts'
import { keyFindings } from './key.ts'
import { mergetagsOf } from './mergetag.ts'
import { ownersOf } from './owner.ts'
import { principalOf } from './persons.ts'
import { isPlatformSigned } from './platform.ts'
import type { Principal } from './policy.ts'
import type { Backed } from './proofs.ts'
import type { ReviewCase } from './review-case.ts'

/** Somebody approved; whether he may, and whether he is somebody else than the makers, is not said yet. */
export interface Approval {
  readonly principal: Principal
  readonly how: 'signed' | 'recorded'
  readonly statement?: Digest
  /** Of a signed one, so that the law accepted last can still revoke the key. */
  readonly signature?: ValidSignature
  /** Of one that an earlier run counted: what is known of its key. */
  readonly key?: KeyIdentity
  /** The signature stands inside the commit, so it is as old as it. */
  readonly inside?: true
}

/** What reviewers signed about one commit. */
export interface SignedReviews {
  readonly approvals: readonly Approval[]
  readonly withdrawn: ReadonlySet<string>
  readonly doubts: readonly Finding[]
  /** Why statements about this head are void, in words. */
  readonly unfit: readonly string[]
}

/** Approvals that reviewers signed with their own keys: statements, the merge commit itself, a signed tag inside it. */
export function signedApprovals(backed: Backed, item: ReviewCase, bench: Bench): SignedReviews {
  const { commit, evidence } = backed
  const about = (evidence?.reviews ?? []).filter(fact => fact.head === item.head)
  const withdrawn = new Set(
    about
      .filter(fact => fact.decision === 'withdraw' && fact.targetRef === bench.ref)
      .flatMap(fact => ownerOf(fact.signature, bench)?.name ?? []),
  )
  const statements = about.filter(fact => fact.decision === 'approve')
  const read = statements.map(fact => ({ fact, wrong: wrongWith(fact, item, bench) }))
  const approvals = [
    ...read
      .filter(({ wrong }) => wrong === undefined)
      .flatMap(({ fact }) =>
        signedBy(commit, fact.signature, bench).map(approval => ({ ...approval, statement: fact.digest })),
      ),
    ...insideOf(item, bench),
  ]
  const unfit = [
    ...read.flatMap(({ fact, wrong }) => (wrong === undefined ? [] : [`${whoseText(fact, bench)} ${wrong}`])),
    ...[...withdrawn].map(name => `${name} withdrew`),
  ]
  return { approvals, withdrawn, doubts: missingStatements(backed), unfit }
}

/** Who signed the merge, or a tag that stands in it, vouches for what it merges. */
function insideOf({ merge, head }: ReviewCase, bench: Bench): readonly Approval[] {
  if (merge === undefined) return []
  const tags = mergetagsOf(merge).tags.filter(tag => tag.object === head)
  return [merge.signature, ...tags.map(tag => tag.signature)]
    .flatMap(fact => signedBy(merge, fact, bench, true))
    .map(approval => ({ ...approval, inside: true }))
}

/**
 * A statement is about one head, one target and one common ancestor of one repository, and void for any other. The
 * platform's number says which repository, also after a new name; the address where either side has no number.
 */
function wrongWith(fact: ReviewFact, item: ReviewCase, bench: Bench): string | undefined {
  const { repositoryId, repositoryUri, targetRef, mergeBase, tree } = fact
  if (targetRef !== bench.ref) return `is about ${targetRef}`
  const numbers = repositoryId !== undefined && bench.repositoryId !== undefined
  if (numbers ? repositoryId !== String(bench.repositoryId) : repositoryUri !== bench.repositoryUri)
    return `is about the repository ${repositoryUri}`
  if (!item.mergeBases.has(mergeBase)) return `begins at ${mergeBase.slice(0, 7)}, where this does not`
  return item.tree === undefined || tree === item.tree ? undefined : 'names another tree'
}

function whoseText({ signature }: ReviewFact, bench: Bench): string {
  const owner = ownerOf(signature, bench)
  return `the statement of ${owner === undefined ? 'somebody whose key is not known' : owner.name}`
}

/** The one principal whose key it is; the platform's own key is nobody's. */
function ownerOf(fact: ValidSignature, bench: Bench): Principal | undefined {
  if (isPlatformSigned(fact, bench.law)) return undefined
  const [owner, second] = ownersOf(fact, bench.law)
  return second === undefined ? owner?.principal : undefined
}

function signedBy(
  commit: CommitFacts,
  fact: CommitFacts['signature'],
  bench: Bench,
  inside = false,
): readonly Approval[] {
  if (fact.kind === 'none' || isRefused(fact)) return []
  const principal = ownerOf(fact, bench)
  if (principal === undefined) return []
  const signer = ownersOf(fact, bench.law)[0]?.signer
  // The commit may be years older than what is signed about it, so its times say nothing here.
  const { trustedTime: _time, earlierTime: _earlier, ...about } = commit
  const usable = keyFindings(inside ? commit : about, fact, [], bench, signer).length === 0
  return usable ? [{ principal, how: 'signed', signature: fact }] : []
}

/** 13-adversary 11: a statement that must exist but is gone may have been a withdrawal. */
function missingStatements({ commit, evidence }: Backed): readonly Finding[] {
  return (evidence?.missingReviews ?? []).map(error =>
    findingFor(
      commit.id,
      'source/review-evidence-missing',
      `${commitText(commit.id, commit.subject)}: a review statement could not be read: ${error.message}`,
      { found: error.message },
    ),
  )
}

/** Approvals on exactly the head that the platform recorded before the merge, one for each reviewer, the latest opinion of each. */
export function recordedApprovals(item: ReviewCase, bench: Bench): readonly Approval[] {
  const { pull, head } = item
  if (pull === undefined || isHeldBack(pull)) return []
  return latestOpinions(pull).flatMap(review => {
    const principal = counts(review, head, pull) ? principalOf(review.author, bench.law) : undefined
    return principal === undefined ? [] : [{ principal, how: 'recorded' as const }]
  })
}

/** CODEOWNERS and the platform's own rules: what they hold back was not approved, whoever else did. */
export function isHeldBack({ reviewDecision }: MergedPull): boolean {
  return reviewDecision === 'CHANGES_REQUESTED' || reviewDecision === 'REVIEW_REQUIRED'
}

function counts(review: PullReview, head: string, { mergedAt, baseChangedAt }: MergedPull): boolean {
  const { state, commit, submittedAt, mayWrite } = review
  if (state !== 'approved' || commit !== head || !mayWrite || submittedAt === undefined) return false
  // Both in whole seconds: what happened in the second of the merge may have caused it, what happened in that of the change of base may not have seen it.
  const before = submittedAt.getTime() <= mergedAt.getTime()
  return before && (baseChangedAt === undefined || submittedAt.getTime() > baseChangedAt.getTime())
}

function latestOpinions({ reviews }: MergedPull): readonly PullReview[] {
  const latest = new Map<number, PullReview>()
  for (const review of reviews) {
    const { author, state } = review
    if (author === undefined || state === 'other') continue
    const before = latest.get(author.id)
    latest.set(author.id, before === undefined ? review : later(before, review))
  }
  return [...latest.values()]
}

/** Of two opinions whose order cannot be told the one that is no approval. */
function later(a: PullReview, b: PullReview): PullReview {
  const [x, y] = [a.submittedAt?.getTime(), b.submittedAt?.getTime()]
  if (x === undefined || y === undefined || x === y) return a.state === 'approved' ? b : a
  return y > x ? b : a
}

/** Everybody whose approval the platform may have counted, whether we count it or not. */
export function everyApprover({ reviews }: MergedPull): readonly (Account | undefined)[] {
  const approvals = reviews.filter(({ state }) => state === 'approved')
  const known = new Map(approvals.flatMap(({ author }) => (author === undefined ? [] : [[author.id, author] as const])))
  return [...known.values(), ...approvals.filter(({ author }) => author === undefined).map(() => undefined)]
}
