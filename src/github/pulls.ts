import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, jsonText } from '../core/json.ts'
import { mentionIn } from '../core/review-mention.ts'
import { arrayAt, objectAt, stringAt } from '../core/shape.ts'
import type { Account, Answer, MergedPull, PullCommit, PullMention, PullReview } from '../policy/evidence.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { type Further, type Page, pageAt, wholeList } from './connection.ts'
import {
  PULL_COMMENTS_QUERY,
  PULL_COMMITS_QUERY,
  PULL_REVIEWS_QUERY,
  PULLS_AT_ONCE,
  PULLS_QUERY,
} from './evidence-queries.ts'
import { actorAt, booleanAt, branchRefAt, commitIdAt, dateAt, idAt, nullable, userAt } from './wire.ts'

/**
 * GitHub shows at most this many commits of a pull request (REST says so: "Lists a maximum of 250 commits"). A list that
 * ends exactly there may have been cut, and its own total with it.
 */
const SHOWN_COMMITS = 250

/** A merged pull request before anybody asked who pushed its head. */
export interface PullFacts extends Omit<MergedPull, 'lastPusher' | 'headPushedAt'> {
  /** Where the head was pushed; absent: that repository is gone. */
  readonly headRepository?: { readonly id: number; readonly name: string }
  /** In full. */
  readonly headRef: string
}

function pullsQuestion(repository: string): Question {
  return { of: `the pull requests of ${repository}`, permission: 'pull-requests: read' }
}

/** What an open pull request is said to have become, and when, for a run that judges it before it is merged. */
export type OpenAs = Pick<MergedPull, 'mergeCommit' | 'mergedAt'>

/**
 * Reads pull requests by their node ids, each whole or with what is incomplete marked so.
 * @param open counts open ones as pending; without it only merged ones count.
 * @returns by node id. `undefined` inside an answer: it is no merged pull request, or none that says what it became.
 */
export async function readPulls(
  api: GithubApi,
  ids: readonly string[],
  repository: string,
  open?: OpenAs,
): Promise<ReadonlyMap<string, Answer<PullFacts | undefined>>> {
  const answers = new Map<string, Answer<PullFacts | undefined>>()
  for (let at = 0; at < ids.length; at += PULLS_AT_ONCE) {
    const some = ids.slice(at, at + PULLS_AT_ONCE)
    for (const [id, answer] of await readBatch(api, some, pullsQuestion(repository), open)) answers.set(id, answer)
  }
  return answers
}

async function readBatch(
  api: GithubApi,
  ids: readonly string[],
  question: Question,
  open: OpenAs | undefined,
): Promise<readonly (readonly [string, Answer<PullFacts | undefined>])[]> {
  try {
    const { data, errors } = await api.graphql(PULLS_QUERY, { ids }, question)
    const nodes = shaped(question, () => arrayAt(data.nodes, 'nodes'))
    return await Promise.all(
      ids.map(async (id, at) => {
        const error = errors.find(({ path }) => path[0] !== 'nodes' || path[1] === String(at))
        if (error !== undefined) return [id, { kind: 'unavailable', cause: error.cause }] as const
        return [id, await answered(() => readPull(api, nodes[at], id, question, open))] as const
      }),
    )
  } catch (error) {
    const cause = asWaybillError(error)
    // Ten pull requests with long comments, which anybody may write, are more than one answer may hold; one is not.
    if (cause.code === 'core/answer-too-large' && ids.length > 1)
      return (await Promise.all(ids.map(id => readBatch(api, [id], question, open)))).flat()
    return ids.map(id => [id, { kind: 'unavailable', cause }])
  }
}

/** What a failing read means: not known. An error that nobody foresaw stays what it is, also of kind unknown. */
export async function answered<T>(read: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { kind: 'known', value: await read() }
  } catch (error) {
    return { kind: 'unavailable', cause: asWaybillError(error) }
  }
}

async function readPull(
  api: GithubApi,
  node: Json | undefined,
  id: string,
  question: Question,
  open: OpenAs | undefined,
): Promise<PullFacts | undefined> {
  const pull = shaped(question, () => objectAt(node, 'pull request'))
  // The nodes come in the order of the ids; whatever else came is not the one that was asked for.
  if (pull.id !== id || pull.__typename !== 'PullRequest')
    throw fail('github/api-malformed', `The API's answer about ${question.of} is about something else`, {
      expected: `pull request ${id}`,
      found: `${jsonText(pull.__typename)} ${jsonText(pull.id)}`,
    })
  const facts = shaped(question, () => factsOf(pull, open))
  if (facts === undefined) return undefined
  const further = { api, variables: { id }, question, pageOf: pageOfNode }
  const commits = await wholeList(facts.commits, { ...further, query: PULL_COMMITS_QUERY, read: pullCommitAt })
  const reviews = await wholeList(facts.reviews, { ...further, query: PULL_REVIEWS_QUERY, read: reviewAt })
  const comments = await wholeList(facts.comments, { ...further, query: PULL_COMMENTS_QUERY, read: commentAt })
  return {
    ...facts.scalars,
    mentions: comments.items.flatMap(mention => mention ?? []),
    commentsComplete: comments.complete,
    commits: commits.items,
    commitsComplete: commits.complete && commits.items.length !== SHOWN_COMMITS,
    reviews: [...reviews.items].sort(bySubmission),
    reviewsComplete: reviews.complete,
  }
}

const pageOfNode: Further<unknown>['pageOf'] = data => (isObject(data.node) ? data.node.page : undefined)

interface FirstPages {
  readonly scalars: Omit<PullFacts, 'commits' | 'commitsComplete' | 'reviews' | 'reviewsComplete'>
  readonly commits: Page<PullCommit>
  readonly reviews: Page<PullReview>
  /** What each comment speaks of, if anything; their texts are not kept. */
  readonly comments: Page<PullMention | undefined>
}

/** @returns undefined for one that is not merged, or of which the platform does not say what it became: neither can vouch. */
function factsOf(pull: JsonObject, open: OpenAs | undefined): FirstPages | undefined {
  const became =
    mergedAs(pull) ?? (booleanAt(pull.closed, 'closed') ? undefined : open && ({ ...open, pending: true } as const))
  if (became === undefined) return undefined
  const author = nullable(pull.author, actorAt, 'author')
  const mergedBy = nullable(pull.mergedBy, actorAt, 'mergedBy')
  const headRepository = nullable(pull.headRepository, headRepositoryAt, 'headRepository')
  const baseRepositoryId = nullable(pull.baseRepository, repositoryIdAt, 'baseRepository')
  if (baseRepositoryId === undefined) return undefined
  const baseChangedAt = lastChange(pull.timelineItems)
  const reviewDecision = nullable(pull.reviewDecision, decisionAt, 'reviewDecision')
  const scalars = {
    number: idAt(pull.number, 'number'),
    url: stringAt(pull.url, 'url').slice(0, 500),
    baseRepositoryId,
    baseRef: branchRefAt(pull.baseRefName, 'baseRefName'),
    ...became,
    head: commitIdAt(pull.headRefOid, 'headRefOid'),
    headRef: branchRefAt(pull.headRefName, 'headRefName'),
    ...(author === undefined ? {} : { author }),
    ...(mergedBy === undefined ? {} : { mergedBy }),
    ...(headRepository === undefined ? {} : { headRepository }),
    ...(baseChangedAt === undefined ? {} : { baseChangedAt }),
    ...(reviewDecision === undefined ? {} : { reviewDecision }),
  }
  return {
    scalars,
    commits: pageOf(pull, 'commits', pullCommitAt),
    reviews: pageOf(pull, 'reviews', reviewAt),
    comments: pageOf(pull, 'comments', commentAt),
  }
}

function pageOf<T>(pull: JsonObject, name: string, read: (value: Json, path: string) => T): Page<T> {
  return pageAt(
    nullable(pull[name], value => value, name),
    name,
    read,
  )
}

function commentAt(value: Json, path: string): PullMention | undefined {
  const comment = objectAt(value, path)
  const body = stringAt(comment.body, `${path}.body`)
  const author = nullable(comment.author, actorAt, `${path}.author`)
  const mention = mentionIn(body)
  return mention === undefined ? undefined : { ...mention, ...(author === undefined ? {} : { author }) }
}

function mergedAs(pull: JsonObject): OpenAs | undefined {
  const mergedAt = nullable(pull.mergedAt, dateAt, 'mergedAt')
  const mergeCommit = nullable(pull.mergeCommit, oidAt, 'mergeCommit')
  const merged = booleanAt(pull.merged, 'merged') && mergedAt !== undefined && mergeCommit !== undefined
  return merged ? { mergeCommit, mergedAt } : undefined
}

function pullCommitAt(value: Json, path: string): PullCommit {
  const commit = objectAt(objectAt(value, path).commit, `${path}.commit`)
  const [author, committer] = [
    personAt(commit.author, `${path}.author`),
    personAt(commit.committer, `${path}.committer`),
  ]
  return {
    id: commitIdAt(commit.oid, `${path}.commit.oid`),
    ...(author === undefined ? {} : { author }),
    ...(committer === undefined ? {} : { committer }),
  }
}

/** `GitActor`: a name and e-mail anybody can write; only the account behind it is read. */
export function personAt(value: Json | undefined, path: string): Account | undefined {
  return nullable(value, (person, at) => nullable(objectAt(person, at).user, userAt, `${at}.user`), path)
}

const REVIEW_STATES: Readonly<Record<string, PullReview['state']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes-requested',
  DISMISSED: 'dismissed',
}

function reviewAt(value: Json, path: string): PullReview {
  const review = objectAt(value, path)
  const author = nullable(review.author, actorAt, `${path}.author`)
  const commit = nullable(review.commit, oidAt, `${path}.commit`)
  const submittedAt = nullable(review.submittedAt, dateAt, `${path}.submittedAt`)
  return {
    state: REVIEW_STATES[stringAt(review.state, `${path}.state`)] ?? 'other',
    mayWrite: booleanAt(review.authorCanPushToRepository, `${path}.authorCanPushToRepository`),
    ...(author === undefined ? {} : { author }),
    ...(commit === undefined ? {} : { commit }),
    ...(submittedAt === undefined ? {} : { submittedAt }),
  }
}

function bySubmission(a: PullReview, b: PullReview): number {
  return (a.submittedAt?.getTime() ?? 0) - (b.submittedAt?.getTime() ?? 0)
}

function oidAt(value: Json, path: string): CommitId {
  return commitIdAt(objectAt(value, path).oid, `${path}.oid`)
}

function repositoryIdAt(value: Json, path: string): number {
  return idAt(objectAt(value, path).databaseId, `${path}.databaseId`)
}

function headRepositoryAt(value: Json, path: string): { readonly id: number; readonly name: string } {
  return {
    id: repositoryIdAt(value, path),
    name: stringAt(objectAt(value, path).nameWithOwner, `${path}.nameWithOwner`),
  }
}

function decisionAt(value: Json, path: string): NonNullable<MergedPull['reviewDecision']> {
  const text = stringAt(value, path)
  if (text === 'APPROVED' || text === 'CHANGES_REQUESTED' || text === 'REVIEW_REQUIRED') return text
  throw fail('core/shape', `${path} is not a decision`, {
    expected: 'APPROVED, CHANGES_REQUESTED or REVIEW_REQUIRED',
    found: text,
  })
}

/** An approval given before the base moved was for another change (13-adversary 10). */
function lastChange(value: Json | undefined): Date | undefined {
  const nodes = nullable(objectAt(value, 'timelineItems').nodes, arrayAt, 'timelineItems.nodes') ?? []
  const times = nodes.map((node, at) =>
    dateAt(objectAt(node, `timelineItems[${at}]`).createdAt, `timelineItems[${at}]`),
  )
  return times.length === 0 ? undefined : new Date(Math.max(...times.map(time => time.getTime())))
}
