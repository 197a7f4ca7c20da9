import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type Json, type JsonObject, jsonText } from '../core/json.ts'
import { optional, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { buildStatement } from './build.ts'
import { reading } from './parse.ts'
import type { Statement } from './statement.ts'
import { OWN_URI_BASE } from './uris.ts'

/** docs/predicates/review.md */
const REVIEW_PREDICATE = `${OWN_URI_BASE}/review/v0.1`

/**
 * What a reviewer says with his own key (13-adversary 11): these commits, into this ref of this repository. Everything
 * that could be exchanged is named, so that the statement is void for another branch, base or head.
 */
export interface ReviewClaims {
  /** `https://github.com/owner/name` */
  readonly repositoryUri: string
  /** The platform's number; absent outside a platform. */
  readonly repositoryId?: string
  /** In full, `refs/heads/main`. */
  readonly targetRef: string
  readonly mergeBase: CommitId
  readonly head: CommitId
  /** Tree of the head. */
  readonly tree: CommitId
  readonly decision: 'approve' | 'withdraw'
  /** The reviewer's own clock. */
  readonly time: Date
}

/** The statement's bytes; its only subject is the reviewed head. @throws `statements/malformed` */
export function reviewStatement(claims: ReviewClaims): Uint8Array {
  const { repositoryUri, repositoryId, targetRef, mergeBase, head, tree, decision, time } = claims
  const predicate: JsonObject = {
    repository: { uri: repositoryUri, ...(repositoryId === undefined ? {} : { id: repositoryId }) },
    targetRef,
    mergeBase: { gitCommit: mergeBase },
    head: { gitCommit: head },
    tree: { gitTree: tree },
    decision,
    time: time.toISOString(),
  }
  const subject = { uri: `${repositoryUri}/commit/${head}`, digest: { gitCommit: head } }
  return buildStatement({ subjects: [subject], predicateType: REVIEW_PREDICATE, predicate })
}

/**
 * Reads the claims of a review statement. Every field must be there in the one spelling; a subject that is not the head
 * would let one review show two commits.
 * @throws `statements/malformed`, `statements/type-unsupported` for another predicate.
 */
export function readReview(statement: Statement): ReviewClaims {
  if (statement.predicateType !== REVIEW_PREDICATE)
    throw fail('statements/type-unsupported', 'The statement is not a review', {
      expected: REVIEW_PREDICATE,
      found: printable(statement.predicateType, 200),
    })
  return reading('statements/malformed', () => {
    const { predicate, subject } = statement
    const head = commitAt(predicate.head, 'gitCommit', 'head')
    const [only, ...more] = subject
    if (more.length > 0 || only.digest.gitCommit !== head)
      throw refused(
        `the head ${head} as the only subject`,
        `${more.length + 1} subjects, ${only.digest.gitCommit ?? 'no commit'}`,
      )
    const repository = predicate.repository as JsonObject | undefined
    const repositoryId = optional(repository?.id, stringAt, 'repository.id')
    return {
      repositoryUri: uriAt(repository?.uri),
      ...(repositoryId === undefined ? {} : { repositoryId }),
      targetRef: refAt(predicate.targetRef),
      mergeBase: commitAt(predicate.mergeBase, 'gitCommit', 'mergeBase'),
      head,
      tree: commitAt(predicate.tree, 'gitTree', 'tree'),
      decision: decisionAt(predicate.decision),
      time: timeAt(predicate.time),
    }
  })
}

function commitAt(value: Json | undefined, algorithm: string, path: string): CommitId {
  const id = stringAt((value as JsonObject | undefined)?.[algorithm], `${path}.${algorithm}`)
  if (!isCommitId(id)) throw refused(`40 lower-case hex digits at ${path}`, id)
  return id
}

function uriAt(value: Json | undefined): string {
  const uri = stringAt(value, 'repository.uri')
  if (!/^https?:\/\/[^\s?#]+$/.test(uri)) throw refused('a URL at repository.uri', uri)
  return uri
}

function refAt(value: Json | undefined): string {
  const ref = stringAt(value, 'targetRef')
  if (!/^refs\/heads\/\S+$/.test(ref)) throw refused('a branch in full at targetRef', ref)
  return ref
}

function decisionAt(value: Json | undefined): ReviewClaims['decision'] {
  if (value === 'approve' || value === 'withdraw') return value
  throw refused('approve or withdraw at decision', jsonText(value))
}

/** One spelling of an instant, as it is written above. */
function timeAt(value: Json | undefined): Date {
  const text = stringAt(value, 'time')
  const time = new Date(text)
  if (Number.isNaN(time.getTime()) || time.toISOString() !== text) throw refused('an instant in UTC at time', text)
  return time
}

function refused(expected: string, found: string): Error {
  return fail('statements/malformed', 'The review is malformed', { expected, found: printable(found, 200) })
}
