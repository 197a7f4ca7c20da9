import { type CommitId, type Digest, isCommitId, parseCommitId, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { isRefused, type ValidSignature } from '../core/facts.ts'
import { reviewRef } from '../core/review-mention.ts'
import { printable } from '../core/text.ts'
import { type Law, parseLaw } from '../policy/law.ts'
import { ownersOf } from '../policy/owner.ts'
import { preAuthEncoding } from '../sigstore/verify/log-entry.ts'
import type { Clone } from '../source/clone.ts'
import type { History } from '../source/git.ts'
import { CommitGraph } from '../source/graph.ts'
import { loadKeyring } from '../source/keyring.ts'
import { commitsBetween } from '../source/range.ts'
import { checkReviewSignature } from '../source/review-signature.ts'
import { encodeEnvelope } from '../statements/envelope.ts'
import { type ReviewClaims, reviewStatement } from '../statements/review.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../statements/statement.ts'
import { lawOf } from './source-law.ts'

export interface ReviewRequest {
  /** `main..feature`: what is left of the dots is the branch it goes into. */
  readonly target: string
  /** Full name of the branch. */
  readonly targetRef: string
  readonly head: string
  readonly decision: ReviewClaims['decision']
  readonly repositoryUri: string
  readonly repositoryId?: string
  /** Pushes the statement to this remote; absent: it stays in the clone. */
  readonly pushTo?: string
}

export interface ReviewPorts {
  readonly clone: Clone
  /** A policy from outside; absent: that of the target. */
  readonly law?: Law
  openHistory(head: CommitId, also: readonly CommitId[]): Promise<History>
  /** Asks the reviewer's own program for a signature over the bytes; ASCII armor. */
  sign(bytes: Uint8Array): Promise<string>
  now(): Date
  progress(line: string): void
}

export interface SignedReview {
  readonly ref: string
  readonly principal: string
  readonly key: string
  readonly head: CommitId
  readonly mergeBase: CommitId
  readonly targetRef: string
  readonly repositoryUri: string
  readonly repositoryId?: string
  readonly decision: ReviewClaims['decision']
  readonly commits: number
  /** SHA-256 of the statement as it was written. */
  readonly digest: Digest
  readonly pushed: boolean
}

/**
 * A reviewer signs with his own key that he has read the commits merge-base..head (13-adversary 11). What was signed is
 * checked as the gate of another day will check it, before it is written anywhere.
 * @throws `source/clone-failed`, `source/review-unsigned`, `source/review-invalid`, what reading objects throws.
 */
export async function signReview(request: ReviewRequest, ports: ReviewPorts): Promise<SignedReview> {
  const { clone } = ports
  const head = await clone.commit(request.head)
  const target = await clone.commit(request.target)
  const mergeBase = await mergeBaseOf(target, head, request, clone)
  const history = await ports.openHistory(head, [target])
  try {
    const commits = await commitsBetween(head, mergeBase, new CommitGraph(id => history.commit(id)))
    if (commits.length === 0) throw nothingToReview(request)
    const claims = await claimsOf(request, { head, mergeBase }, ports)
    const law = ports.law ?? parseLaw(await lawOf(history, target))
    ports.progress(
      `${counted(commits.length)}, ${mergeBase.slice(0, 7)}..${head.slice(0, 7)} into ${printable(request.targetRef, 200)}`,
    )
    const { principal, key, envelope } = await signedBy(claims, law, ports)
    const ref = reviewRef(head, principal)
    await clone.text('update-ref', ref, await clone.blob(envelope))
    if (request.pushTo !== undefined) await clone.text('push', '--quiet', request.pushTo, `+${ref}:${ref}`)
    const { targetRef, repositoryUri, repositoryId, decision } = claims
    return {
      ref,
      principal,
      key,
      head,
      mergeBase,
      targetRef,
      repositoryUri,
      ...(repositoryId === undefined ? {} : { repositoryId }),
      decision,
      commits: commits.length,
      digest: sha256(envelope),
      pushed: request.pushTo !== undefined,
    }
  } finally {
    await history.close()
  }
}

function counted(commits: number): string {
  return `${commits} ${commits === 1 ? 'commit' : 'commits'}`
}

/** Signed, checked, and only then an envelope. */
async function signedBy(
  claims: ReviewClaims,
  law: Law,
  ports: ReviewPorts,
): Promise<Reviewer & { readonly envelope: Uint8Array }> {
  const payload = reviewStatement(claims)
  const pae = preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload })
  const armor = await ports.sign(pae)
  const reviewer = await reviewerOf(armor, pae, law)
  return { ...reviewer, envelope: encodeEnvelope({ payload, armor }, reviewer.key) }
}

async function mergeBaseOf(target: CommitId, head: CommitId, request: ReviewRequest, clone: Clone): Promise<CommitId> {
  const base = await clone.find('merge-base', target, head)
  if (isCommitId(base)) return base
  throw fail(
    'source/clone-failed',
    `${printable(request.head, 100)} and ${printable(request.target, 100)} have no common ancestor in this clone`,
    {
      expected: 'a branch that was begun from the one it goes into',
      found: 'none',
      remedy: 'A shallow clone lacks it: git fetch --unshallow',
    },
  )
}

async function claimsOf(
  request: ReviewRequest,
  { head, mergeBase }: Pick<ReviewClaims, 'head' | 'mergeBase'>,
  { clone, now }: ReviewPorts,
): Promise<ReviewClaims> {
  const { targetRef, decision, repositoryUri, repositoryId } = request
  return {
    repositoryUri,
    ...(repositoryId === undefined ? {} : { repositoryId }),
    targetRef,
    mergeBase,
    head,
    tree: await treeOf(clone, head),
    decision,
    time: now(),
  }
}

async function treeOf(clone: Clone, head: CommitId): Promise<CommitId> {
  return parseCommitId(await clone.text('rev-parse', '--verify', `${head}^{tree}`))
}

interface Reviewer {
  readonly principal: string
  readonly key: string
}

/** Whose signature it is by the policy of the branch it goes into; nobody else's would ever count. */
async function reviewerOf(armor: string, pae: Uint8Array, law: Law): Promise<Reviewer> {
  const fact = await checkReviewSignature(armor, pae, await loadKeyring(law.keyFiles, law.x509Roots))
  if (fact.kind === 'none' || isRefused(fact))
    throw fail('source/review-unsigned', 'The signature just made does not verify', {
      found: fact.kind === 'none' ? 'no signature' : fact.message,
      ...(fact.kind === 'none' || fact.remedy === undefined ? {} : { remedy: fact.remedy }),
    })
  const key = keyText(fact)
  const owners = ownersOf(fact, law)
  const [owner, other] = owners
  if (owner !== undefined && other === undefined) return { principal: owner.principal.name, key }
  throw fail(
    'source/review-invalid',
    `The key ${printable(key, 200)} belongs to ${owner === undefined ? 'no principal' : 'several principals'} of the policy`,
    {
      kind: 'configuration',
      expected: `a key of a principal of ${law.policyPath}`,
      found: key,
      remedy:
        'Sign with the key that the policy names for you: waybill review sign --key FILE, or have the key added first.',
    },
  )
}

function keyText(fact: ValidSignature): string {
  return fact.kind === 'gitsign' ? `${fact.identity} (${fact.issuer})` : fact.fingerprint
}

function nothingToReview({ target, head }: ReviewRequest): Error {
  return fail('source/clone-failed', `${printable(head, 100)} holds nothing that ${printable(target, 100)} does not`, {
    expected: 'commits to review',
    found: 'none',
    remedy: 'Give the branch it goes into and the branch to review: waybill review sign main..feature',
  })
}
