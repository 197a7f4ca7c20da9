import type { Claims } from './claims.ts'
import { type Service, type ServiceAnswer, type ServiceOptions, type ServiceRequest, startService } from './service.ts'

/** What the double knows of one repository. */
export interface RepositoryFacts {
  readonly id: number
  readonly ownerId: number
  readonly visibility: 'public' | 'private' | 'internal'
  readonly defaultBranch: string
}

export interface GithubOptions extends ServiceOptions {
  /** `acme/app` → facts. */
  readonly repositories?: ReadonlyMap<string, RepositoryFacts>
  /** Asked for on private and internal repositories, as `bearer` or `token`; without it they are 404, as on GitHub. */
  readonly token?: string
}

export interface Github extends Service {
  token: string | undefined
  readonly repositories: Map<string, RepositoryFacts>
  /** Adds or replaces an endpoint; the path as sent, without the query. */
  on(method: string, path: string, answer: ServiceAnswer | ((request: ServiceRequest) => ServiceAnswer)): void
  /** Asked for what no endpoint was made for, before the request counts as unexpected; `github-api.ts` sets it. */
  fallback: ((request: ServiceRequest) => ServiceAnswer | Promise<ServiceAnswer> | undefined) | undefined
  /** Adds a line to `unexpected`. */
  complain(text: string): void
  /** `METHOD path` of every request that no endpoint was made for. */
  readonly unexpected: readonly string[]
  /** @throws when anything unknown was asked for: a fake that shrugs hides calls nobody planned. */
  expectNothingUnexpected(): void
}

type Endpoint = (request: ServiceRequest) => ServiceAnswer

/**
 * A double of GitHub's REST API for exactly the calls that are made for it: `GET /repos/{owner}/{repo}` (a subset of
 * its fields) and what a test adds with `on`. Everything else is 404 and remembered.
 * Does not check: scopes of tokens, API version headers, rate limits (headers are there, the numbers never fall).
 */
export async function startGithub(options: GithubOptions = {}): Promise<Github> {
  const endpoints = new Map<string, Endpoint>()
  const unexpected: string[] = []
  const service = await startService('github', request => answer(github, endpoints, unexpected, request), options)
  const github: Github = Object.assign(service, {
    token: options.token,
    repositories: new Map(options.repositories),
    unexpected,
    fallback: undefined,
    complain: (text: string) => void unexpected.push(text),
    on: (method: string, path: string, reply: ServiceAnswer | Endpoint) =>
      void endpoints.set(`${method} ${path}`, typeof reply === 'function' ? reply : () => reply),
    expectNothingUnexpected: () => {
      if (unexpected.length > 0) throw new Error(`GitHub was asked for what no test foresaw: ${unexpected.join(', ')}`)
    },
  })
  return github
}

/** The repository that the claims of a token speak of. */
export function repositoryOf(claims: Claims): readonly [string, RepositoryFacts] {
  const visibility = claims.repository_visibility
  const facts: RepositoryFacts = {
    id: Number(claims.repository_id),
    ownerId: Number(claims.repository_owner_id),
    visibility: visibility === 'private' || visibility === 'internal' ? visibility : 'public',
    defaultBranch: 'main',
  }
  return [String(claims.repository), facts]
}

async function answer(
  github: Github,
  endpoints: ReadonlyMap<string, Endpoint>,
  unexpected: string[],
  request: ServiceRequest,
): Promise<ServiceAnswer> {
  const endpoint = endpoints.get(`${request.method} ${request.path}`)
  if (endpoint !== undefined) return withHeaders(endpoint(request))
  const further = await github.fallback?.(request)
  if (further !== undefined) return withHeaders(further)
  const named = /^\/repos\/([^/]+\/[^/]+)$/.exec(request.path)?.[1]
  if (request.method === 'GET' && named !== undefined) return withHeaders(repository(github, named, request))
  unexpected.push(`${request.method} ${request.path}`)
  return withHeaders(NOT_FOUND)
}

const NOT_FOUND: ServiceAnswer = {
  status: 404,
  body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' },
}

function withHeaders(reply: ServiceAnswer): ServiceAnswer {
  const common = {
    'x-github-media-type': 'github.v3; format=json',
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
  }
  return { ...reply, headers: { ...common, ...reply.headers } }
}

function repository(github: Github, name: string, request: ServiceRequest): ServiceAnswer {
  const [, sent] = /^(?:bearer|token) (.+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (sent !== undefined && github.token !== undefined && sent !== github.token) {
    return { status: 401, body: { message: 'Bad credentials', status: '401' } }
  }
  const facts = github.repositories.get(name)
  const hidden = facts?.visibility !== 'public' && github.token !== undefined && sent !== github.token
  if (facts === undefined || hidden) return NOT_FOUND
  return { status: 200, body: repositoryBody(name, facts) }
}

/** The part of GitHub's "full repository" that anything reads; also what event payloads carry. */
export function repositoryBody(name: string, facts: RepositoryFacts): Record<string, unknown> {
  const [owner = '', repo = ''] = name.split('/')
  return {
    id: facts.id,
    name: repo,
    full_name: name,
    private: facts.visibility !== 'public',
    owner: { login: owner, id: facts.ownerId, type: 'Organization' },
    html_url: `https://github.com/${name}`,
    fork: false,
    visibility: facts.visibility,
    default_branch: facts.defaultBranch,
  }
}
