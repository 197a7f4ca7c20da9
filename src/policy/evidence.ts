import type { CommitId, Digest } from '../core/digest.ts'
import type { WaybillError } from '../core/error.ts'
import type { JudgedCommit, ValidSignature } from '../core/facts.ts'
import type { ReviewMention } from '../core/review-mention.ts'
import type { KeyIdentity } from './judgement.ts'

/**
 * What is known about a commit beyond its own bytes: what the platform's API says and what our own merge of its parents
 * gives. Facts only; whether they are enough is for the policy (3-source §§ 5–6, 13-adversary 8–11).
 */
export interface StepEvidence {
  /** Absent: nobody asked, because no rule looks at it. */
  readonly platform?: Answer<PlatformCommit>
  /** Of a commit with exactly two parents: its tree against our own clean merge of them. */
  readonly merge?: TreeCheck
  /** Of a commit with one parent: the pull requests whose squash or rebased commit it may be, at most one of each number. */
  readonly proposals?: readonly ProposalEvidence[]
  /** Statements that reviewers signed with their own keys, about the head that this commit brings in. */
  readonly reviews?: readonly ReviewFact[]
  /** Review statements that must exist but could not be read (13-adversary 11). */
  readonly missingReviews?: readonly WaybillError[]
  /** What an earlier run of the branch found; where it is enough, nobody else need be asked about the review. */
  readonly earlier?: EarlierReview
}

/** Something asked of a service. `unavailable`: no access, rate limit, no answer; never the same as "there is none". */
export type Answer<T> =
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'unavailable'; readonly cause: WaybillError }

/** A platform account. The number is authoritative: a login can be given to somebody else. */
export interface Account {
  readonly id: number
  readonly login: string
}

export interface PlatformCommit {
  readonly id: CommitId
  /** Account to which the platform maps the author; absent: none. In a platform-signed commit: who acted. */
  readonly author?: Account
  /** The platform's own opinion of the signature. Shown and compared, never believed (3-source § 6). */
  readonly verification?: { readonly verified: boolean; readonly state: string; readonly signer?: string }
  /** When the platform received the push that brought it; a trusted time that is labelled so. */
  readonly pushedAt?: Date
  /** Merged pull requests of this repository that the platform associates with the commit. */
  readonly pulls: readonly MergedPull[]
}

export interface MergedPull {
  readonly number: number
  /**
   * Not merged yet: the pull request, or the entry of the merge queue, that is being judged. `mergeCommit` is then the
   * queue's commit, or the id of no commit at all, and `mergedAt` the time of the run.
   * Counts only in a fold that judges a proposal (`FoldContext.pending`), never in one on which something is signed.
   */
  readonly pending?: true
  readonly url: string
  /** Absent: the account is gone. */
  readonly author?: Account
  readonly baseRepositoryId: number
  /** In full, `refs/heads/main`. */
  readonly baseRef: string
  /** The commit on the base that the platform says this pull request became. */
  readonly mergeCommit: CommitId
  readonly mergedAt: Date
  readonly mergedBy?: Account
  /** As the platform says; compared with the git objects before it is used. */
  readonly head: CommitId
  /** When the head was pushed last, where known. */
  readonly headPushedAt?: Date
  /** When the base branch of the pull request was changed last; absent: never. */
  readonly baseChangedAt?: Date
  /** Oldest first, as the platform lists them. */
  readonly commits: readonly PullCommit[]
  /** False: the platform did not list all of them. */
  readonly commitsComplete: boolean
  readonly reviews: readonly PullReview[]
  readonly reviewsComplete: boolean
  readonly lastPusher: LastPusher
  /** What the platform’s own rules, CODEOWNERS among them, say. */
  readonly reviewDecision?: 'APPROVED' | 'CHANGES_REQUESTED' | 'REVIEW_REQUIRED'
  /** Review statements that its comments speak of, in the order of the comments; absent: nobody looked. */
  readonly mentions?: readonly PullMention[]
  /** False: the platform did not list all comments. */
  readonly commentsComplete?: boolean
}

/** A comment that says which statement stands behind a review ref. Anybody may write one (13-adversary 11). */
export interface PullMention extends ReviewMention {
  /** Who wrote the comment; absent: the account is gone. */
  readonly author?: Account
}

export interface PullCommit {
  readonly id: CommitId
  readonly author?: Account
  readonly committer?: Account
}

export interface PullReview {
  /** Absent: the account is gone. */
  readonly author?: Account
  readonly state: 'approved' | 'changes-requested' | 'dismissed' | 'other'
  readonly commit?: CommitId
  readonly submittedAt?: Date
  /** The platform says that the author may write to the repository. */
  readonly mayWrite: boolean
}

/** `others-must-approve`: a ruleset without bypass makes somebody else approve the last push, so the pusher is no reviewer. */
export type LastPusher =
  | { readonly kind: 'known'; readonly account: Account }
  | { readonly kind: 'others-must-approve' }
  | { readonly kind: 'unknown'; readonly why: string }

/** Whether a commit's tree is exactly what git itself would have made. */
export type TreeCheck =
  | { readonly kind: 'equal' }
  | { readonly kind: 'differs'; readonly merged: CommitId }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'unavailable'; readonly cause: WaybillError }

/** The commits of a pull request behind a squash or rebased commit, read from git, not from the API. */
export interface ProposalEvidence {
  readonly pull: number
  /** Its head as read from git. */
  readonly head: CommitId
  readonly mergeBase: CommitId
  /** merge-base..head, parents before children. */
  readonly commits: readonly JudgedCommit[]
  /** Squash: the commit's tree against our merge of its parent and the head. */
  readonly squash?: TreeCheck
  /** Rebase: the commit of the pull request that this one repeats, and its tree against our own repetition. */
  readonly rebase?: { readonly original: CommitId; readonly check: TreeCheck }
}

/**
 * How a first-parent commit was reviewed, as an earlier run of this branch judged it under the law of its own position
 * (13-adversary 2). Whether it meets the present rules is judged again.
 */
export interface EarlierReview {
  readonly label: 'signed-by-reviewer' | 'platform-recorded' | 'none'
  /** Names of principals. */
  readonly by: readonly string[]
  /** The head that was reviewed. */
  readonly head?: CommitId
  readonly pull?: number
  readonly statements: readonly Digest[]
  /** With which counted approvals were signed, so that they can still be revoked. */
  readonly keys: readonly (KeyIdentity & { readonly principal: string })[]
}

/** A verified review statement (13-adversary 11). Whose key it is, is for the policy. */
export interface ReviewFact {
  /** SHA-256 of the envelope as found. */
  readonly digest: Digest
  readonly signature: ValidSignature
  readonly repositoryUri: string
  readonly repositoryId?: string
  /** In full, `refs/heads/main`. */
  readonly targetRef: string
  readonly mergeBase: CommitId
  readonly head: CommitId
  readonly tree: CommitId
  readonly decision: 'approve' | 'withdraw'
  /** As the reviewer claims. */
  readonly time: Date
}
