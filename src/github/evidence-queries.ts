import type { CommitId } from '../core/digest.ts'

/**
 * The GraphQL queries behind `evidence.ts`. Names are those of GitHub's published schema; the tests run them against it.
 *
 * Cost: GitHub refuses a query that could return more than 500,000 nodes and ends one that computes for ten seconds, so
 * the pull requests are asked about in a second query, each once, however many commits they are behind.
 */

/** Commits of one query. */
export const COMMITS_AT_ONCE = 25
/** Pull requests of one query, each with up to a hundred commits and reviews. */
export const PULLS_AT_ONCE = 10

const PULLS = `pageInfo { hasNextPage endCursor } nodes { id merged }`

const COMMIT = `fragment commit on Commit {
  oid
  author { user { databaseId login } }
  signature { isValid state wasSignedByGitHub signer { login } }
  associatedPullRequests(first: 20) { ${PULLS} }
}`

/** Ids are 40 hex digits by their type, so they may stand in the text. Alias `c<n>` is the n-th. */
export function commitsQuery(ids: readonly CommitId[]): string {
  const objects = ids.map((id, at) => `    c${at}: object(oid: "${id}") { __typename ...commit }`)
  return `query Commits($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    databaseId
${objects.join('\n')}
  }
}
${COMMIT}`
}

/** Further pull requests of one commit. */
export const COMMIT_PULLS_QUERY = `query CommitPulls($owner: String!, $name: String!, $oid: GitObjectID!, $after: String!) {
  repository(owner: $owner, name: $name) {
    object(oid: $oid) { ... on Commit { page: associatedPullRequests(first: 100, after: $after) { ${PULLS} } } }
  }
}`

const ACTOR = `fragment actor on Actor {
  __typename
  login
  ... on User { databaseId }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }
}`

const COMMITS = `totalCount pageInfo { hasNextPage endCursor }
    nodes { commit { oid author { user { databaseId login } } committer { user { databaseId login } } } }`

/** Comments are no opinions; a dismissed review is listed with that state, whatever it said before. */
const REVIEW_STATES = 'states: [APPROVED, CHANGES_REQUESTED, DISMISSED]'
const REVIEWS = `totalCount pageInfo { hasNextPage endCursor }
    nodes { state submittedAt authorCanPushToRepository author { ...actor } commit { oid } }`

/** A comment may have 65,536 characters, so a page of them is small enough for the largest of answers. */
const COMMENTS = `totalCount pageInfo { hasNextPage endCursor } nodes { body author { ...actor } }`
const COMMENTS_AT_ONCE = 25

/** What moves the base under a review: another branch, by a person or with its stack, or a force push to the same one. */
const BASE_EVENTS = 'BASE_REF_CHANGED_EVENT, AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT, BASE_REF_FORCE_PUSHED_EVENT'

/** `$ids`: node ids, at most `PULLS_AT_ONCE`. */
export const PULLS_QUERY = `query Pulls($ids: [ID!]!) {
  nodes(ids: $ids) { __typename ...pull }
}
fragment pull on PullRequest {
  id
  number
  url
  merged
  closed
  mergedAt
  author { ...actor }
  mergedBy { ...actor }
  baseRepository { databaseId }
  baseRefName
  headRepository { databaseId nameWithOwner }
  headRefName
  headRefOid
  mergeCommit { oid }
  reviewDecision
  commits(first: 100) { ${COMMITS} }
  reviews(first: 100, ${REVIEW_STATES}) { ${REVIEWS} }
  comments(first: ${COMMENTS_AT_ONCE}) { ${COMMENTS} }
  timelineItems(last: 100, itemTypes: [${BASE_EVENTS}]) {
    nodes {
      __typename
      ... on BaseRefChangedEvent { createdAt }
      ... on AutomaticBaseChangeSucceededEvent { createdAt }
      ... on BaseRefForcePushedEvent { createdAt }
    }
  }
}
${ACTOR}`

/** Node id of the pull request with this number. */
export const PULL_ID_QUERY = `query PullId($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { id } }
}`

/** Further commits of one pull request. */
export const PULL_COMMITS_QUERY = `query PullCommits($id: ID!, $after: String!) {
  node(id: $id) { ... on PullRequest { page: commits(first: 100, after: $after) { ${COMMITS} } } }
}`

/** Further reviews of one pull request. */
export const PULL_REVIEWS_QUERY = `query PullReviews($id: ID!, $after: String!) {
  node(id: $id) { ... on PullRequest { page: reviews(first: 100, after: $after, ${REVIEW_STATES}) { ${REVIEWS} } } }
}
${ACTOR}`

/** Further comments of one pull request, oldest first. */
export const PULL_COMMENTS_QUERY = `query PullComments($id: ID!, $after: String!) {
  node(id: $id) {
    ... on PullRequest { page: comments(first: ${COMMENTS_AT_ONCE}, after: $after) { ${COMMENTS} } }
  }
}
${ACTOR}`
