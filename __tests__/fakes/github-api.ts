import type { Github } from './github.ts'
import { type GraphqlDocument, runGraphql } from './github-graphql.ts'
import { Model } from './github-model.ts'
import { answerRest, error } from './github-rest.ts'
import type { ServiceAnswer, ServiceRequest } from './service.ts'

/** The API of a `Github` double: a model to write into, and lies to tell. */
export interface GithubApiDouble {
  readonly model: Model
  /** Changes GraphQL answers before they are sent: null nodes, lists cut short, errors beside data. */
  distort: ((document: GraphqlDocument, query: string) => GraphqlDocument) | undefined
  /** Texts of the GraphQL queries that were asked, in order. */
  readonly queries: readonly string[]
}

/**
 * Gives a `Github` double its REST and GraphQL API, made from a small model. What GitHub's published descriptions do not
 * allow, asked by the client or answered here, is counted as unexpected. Statuses, limits and delays: `github.faults`.
 * Does not have: ETags, API versions, scopes beyond `model.permissions`, node limits.
 */
export function addGithubApi(github: Github): GithubApiDouble {
  const model = new Model()
  for (const [name, { id, defaultBranch }] of github.repositories) model.repository(name, id, defaultBranch)
  const queries: string[] = []
  const double: GithubApiDouble = { model, distort: undefined, queries }
  github.fallback = request => {
    const refused = refuseToken(github, request)
    if (refused !== undefined) return refused
    if (request.method === 'POST' && request.path === '/graphql')
      return answerGraphql(double, request, queries, github.complain)
    return answerRest(model, github.url, request, github.complain)
  }
  return double
}

function refuseToken({ token }: Github, { headers, path }: ServiceRequest): ServiceAnswer | undefined {
  const [, sent] = /^(?:bearer|token) (.+)$/i.exec(headers.authorization ?? '') ?? []
  if (sent !== undefined && token !== undefined && sent !== token) return error(401, 'Bad credentials')
  return sent === undefined && path === '/graphql'
    ? error(401, 'This endpoint requires you to be authenticated.')
    : undefined
}

async function answerGraphql(
  double: GithubApiDouble,
  request: ServiceRequest,
  queries: string[],
  complain: (text: string) => void,
): Promise<ServiceAnswer> {
  const { query, variables = {} } = JSON.parse(request.body.toString('utf8')) as {
    query: string
    variables?: Record<string, unknown>
  }
  queries.push(query)
  const document = await runGraphql(double.model, query, variables)
  for (const { path, message, type } of document.errors ?? [])
    if (path === undefined || type === undefined) complain(`GraphQL: ${message}`)
  return { status: 200, body: double.distort?.(document, query) ?? document }
}
