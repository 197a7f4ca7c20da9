import { artifactZip, listedArtifacts, listedRuns, runBody } from './github-actions.ts'
import { storeAttestation } from './github-attestations.ts'
import { changeComment, listedComments, pullBody, removeComment, writeComment } from './github-comments.ts'
import type {
  Model,
  ModelActivity,
  ModelGpgKey,
  ModelPull,
  ModelRepository,
  ModelRuleset,
  ModelUser,
  Permission,
} from './github-model.ts'
import { answerProblems, bodyProblems, type Match, matchEndpoint, questionProblems } from './github-openapi.ts'
import type { ServiceAnswer, ServiceRequest } from './service.ts'

/** Pages of lists and what they hang on. */
interface Call {
  readonly model: Model
  readonly values: Match['values']
  readonly query: URLSearchParams
  /** Address of this server. */
  readonly url: string
  readonly path: string
  /** Of what is written. */
  readonly body: Buffer
}

/** A list that stands under a key of the answer. */
interface Keyed {
  readonly key: string
  readonly list: readonly object[]
  /** With `total_count`, in pages by number. */
  readonly counted?: true
}

type Reply = ServiceAnswer | readonly object[] | Keyed

/**
 * Answers of the REST API for every endpoint of `github-openapi.json` but the repository itself. Questions and answers are
 * checked against GitHub's own description of them.
 * @param problem told what the client asked that GitHub has not, or what this double got wrong.
 * @returns undefined for what is not described.
 */
export function answerRest(
  model: Model,
  url: string,
  request: ServiceRequest,
  problem: (text: string) => void,
): ServiceAnswer | undefined {
  const match = matchEndpoint(request.method, request.path)
  const route = match === undefined ? undefined : ROUTES[match.endpoint]
  if (match === undefined || route === undefined) return undefined
  const wrong = questionProblems(match.endpoint, request.query)
  const call = { model, values: match.values, query: request.query, url, path: request.path, body: request.body }
  const answer = paged(route(call), call)
  const hasBody = request.method === 'POST' || request.method === 'PATCH'
  const written = hasBody ? bodyProblems(match.endpoint, JSON.parse(request.body.toString())) : []
  const right = request.method === 'POST' ? 201 : 200
  const broken = answer.status === right ? answerProblems(match.endpoint, answer.body) : []
  for (const text of [...wrong, ...written, ...broken]) problem(text)
  return answer
}

const ROUTES: Readonly<Record<string, (call: Call) => Reply>> = {
  'GET /repos/{owner}/{repo}/activity': call =>
    inRepository(call, 'contents', repository => {
      const ref = call.query.get('ref')
      return repository.activity
        .filter(entry => ref === null || entry.ref === ref)
        .map((entry, at) => activity(call.model, entry, repository.activity.length - at))
    }),
  'GET /repos/{owner}/{repo}/rules/branches/{branch}': call =>
    inRepository(call, 'metadata', repository =>
      repository.rulesets
        .filter(({ target, enforcement = 'active' }) => target === 'branch' && enforcement === 'active')
        .filter(ruleset => appliesTo(ruleset, `refs/heads/${call.values.branch}`, repository.defaultBranch))
        .flatMap(({ id, rules }) =>
          rules.map(rule => ({
            ...rule,
            ruleset_source_type: 'Repository',
            ruleset_source: repository.name,
            ruleset_id: id,
          })),
        ),
    ),
  'GET /repos/{owner}/{repo}/rulesets': call =>
    inRepository(call, 'metadata', repository =>
      repository.rulesets
        .filter(({ target }) => (call.query.get('targets') ?? target).split(',').includes(target))
        .map(ruleset => rulesetHead(ruleset, repository)),
    ),
  'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}': call =>
    inRepository(call, 'metadata', repository => {
      const ruleset = repository.rulesets.find(({ id }) => String(id) === call.values.ruleset_id)
      return ruleset === undefined ? NOT_FOUND : ok(rulesetBody(ruleset, repository, call.model))
    }),
  'GET /repos/{owner}/{repo}/branches/{branch}': call =>
    inRepository(call, 'contents', repository => {
      const name = call.values.branch ?? ''
      return ok({ name, protected: repository.protection.has(name) })
    }),
  'GET /repos/{owner}/{repo}/branches/{branch}/protection': call =>
    inRepository(call, 'administration', repository => {
      const settings = repository.protection.get(call.values.branch ?? '')
      return settings === undefined ? error(404, 'Branch not protected') : ok(settings)
    }),
  'GET /repos/{owner}/{repo}/attestations/{subject_digest}': call =>
    inRepository(call, 'attestations', repository => {
      const stored = repository.attestations.get(call.values.subject_digest ?? '') ?? []
      const list = stored.map(({ bundle, bundleUrl }) => ({
        ...(bundle === undefined ? {} : { bundle }),
        repository_id: repository.id,
        ...(bundleUrl === undefined ? {} : { bundle_url: bundleUrl }),
        initiator: 'user',
      }))
      return list.length === 0 ? NOT_FOUND : { key: 'attestations', list }
    }),
  'POST /repos/{owner}/{repo}/attestations': call =>
    inRepository(call, 'attestations-write', repository => storeAttestation(repository, call.body)),
  'GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs': call =>
    inRepository(call, 'actions', repository => ({
      key: 'workflow_runs',
      list: listedRuns(repository, call.values.workflow_id ?? '', call.query),
      counted: true,
    })),
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts': call =>
    inRepository(call, 'actions', repository => {
      const list = listedArtifacts(repository, Number(call.values.run_id))
      return list === undefined ? NOT_FOUND : { key: 'artifacts', list, counted: true }
    }),
  'GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}': call =>
    inRepository(call, 'actions', repository => artifactZip(repository, call.values) ?? NOT_FOUND),
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}': call =>
    inRepository(call, 'actions', repository => {
      const run = repository.runs.find(({ id }) => String(id) === call.values.run_id)
      return run === undefined || String(run.attempt ?? 1) !== call.values.attempt_number
        ? NOT_FOUND
        : ok(runBody(repository, run))
    }),
  'GET /repos/{owner}/{repo}/pulls': call =>
    inRepository(call, 'pull-requests', repository => {
      const [state, head] = [call.query.get('state') ?? 'open', call.query.get('head')]
      return repository.pulls
        .filter(pull => state === 'all' || state === (isOpen(pull) ? 'open' : 'closed'))
        .map(pull => pullBody(call.model, repository, pull))
        .filter(({ head: { label } }) => head === null || label === head)
    }),
  'GET /repos/{owner}/{repo}/pulls/{pull_number}': call =>
    ofPull(call, 'pull-requests', (pull, repository) => ok(pullBody(call.model, repository, pull))),
  'GET /repos/{owner}/{repo}/pulls/{pull_number}/files': call =>
    ofPull(call, 'pull-requests', ({ files = [] }) =>
      files.map(filename => ({
        sha: 'e'.repeat(40),
        filename,
        status: 'modified',
        additions: 1,
        deletions: 0,
        changes: 1,
      })),
    ),
  'GET /repos/{owner}/{repo}/issues/{issue_number}/comments': call =>
    ofPull(call, 'pull-requests', (pull, repository) => listedComments(call.model, repository, pull)),
  'POST /repos/{owner}/{repo}/issues/{issue_number}/comments': call =>
    ofPull(call, 'pull-requests-write', (pull, repository) => writeComment(call.model, repository, pull, call.body)),
  'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}': call =>
    inRepository(call, 'pull-requests-write', repository =>
      changeComment(call.model, repository, Number(call.values.comment_id), call.body),
    ),
  'DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}': call =>
    inRepository(call, 'pull-requests-write', repository =>
      removeComment(call.model, repository, Number(call.values.comment_id)),
    ),
  'GET /users/{username}': call => ofUser(call, user => ok(publicUser(user))),
  'GET /users/{username}/gpg_keys': call => ofUser(call, user => user.gpgKeys.map(gpgKey)),
  'GET /users/{username}/ssh_signing_keys': call =>
    ofUser(call, user =>
      user.sshSigningKeys.map((key, at) => ({ id: at + 1, key, title: `key ${at + 1}`, created_at: LONG_AGO })),
    ),
  'GET /orgs/{org}/members': call => members(call, call.values.org ?? ''),
  'GET /orgs/{org}/teams/{team_slug}/members': call =>
    members(call, `${call.values.org ?? ''}/${call.values.team_slug ?? ''}`),
}

const LONG_AGO = '2020-01-01T00:00:00Z'

function ok(body: object): ServiceAnswer {
  return { status: 200, body }
}

export function error(status: number, message: string): ServiceAnswer {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) } }
}

export const NOT_FOUND = error(404, 'Not Found')

function inRepository(
  { model, values }: Call,
  permission: Permission,
  read: (repository: ModelRepository) => Reply,
): Reply {
  const repository = model.repositories.get(`${values.owner}/${values.repo}`)
  if (repository === undefined) return NOT_FOUND
  return model.permissions.has(permission) ? read(repository) : error(403, 'Resource not accessible by integration')
}

function ofPull(
  call: Call,
  permission: Permission,
  read: (pull: ModelPull, repository: ModelRepository) => Reply,
): Reply {
  return inRepository(call, permission, repository => {
    const number = call.values.pull_number ?? call.values.issue_number
    const pull = repository.pulls.find(item => String(item.number) === number)
    return pull === undefined ? NOT_FOUND : read(pull, repository)
  })
}

function isOpen({ mergedAt, closed }: ModelPull): boolean {
  return mergedAt === undefined && closed !== true
}

function ofUser({ model, values }: Call, read: (user: ModelUser) => Reply): Reply {
  const user = model.users.get(values.username ?? '')
  return user === undefined ? NOT_FOUND : read(user)
}

function members({ model }: Call, name: string): Reply {
  const logins = model.members.get(name)
  if (logins === undefined || !model.permissions.has('members')) return NOT_FOUND
  return logins.flatMap(login => {
    const user = model.users.get(login)
    return user === undefined ? [] : [simpleUser(user)]
  })
}

/**
 * A list is cut into pages, with a Link header as GitHub writes it. The activity and attestations have cursors, the others
 * numbers.
 */
function paged(reply: Reply, { query, url, path }: Call): ServiceAnswer {
  if ('status' in reply) return reply
  const list = 'key' in reply ? reply.list : reply
  const size = Math.min(Number(query.get('per_page') ?? 30), 100)
  const byCursor = path.endsWith('/activity') || ('key' in reply && reply.counted !== true)
  const begin = byCursor ? Number(query.get('after') ?? 0) : (Number(query.get('page') ?? 1) - 1) * size
  const end = begin + size
  const next = new URLSearchParams(query)
  next.set(byCursor ? 'after' : 'page', String(byCursor ? end : end / size + 1))
  const link = end < list.length ? { link: `<${url}${path}?${next}>; rel="next"` } : {}
  const page = list.slice(begin, end)
  if (!('key' in reply)) return { status: 200, headers: link, body: page }
  const count = reply.counted === true ? { total_count: list.length } : {}
  return { status: 200, headers: link, body: { ...count, [reply.key]: page } }
}

function activity(model: Model, { actor, ref, after, at, before, type = 'push' }: ModelActivity, id: number): object {
  const user = model.users.get(actor)
  return {
    id,
    node_id: `A_${id}`,
    before: before ?? '0'.repeat(40),
    after,
    ref,
    timestamp: at,
    activity_type: type,
    actor: user === undefined ? null : simpleUser(user),
  }
}

/** As far as the tests need fnmatch: whole names, `*` within a segment at the end, and GitHub's two words. */
function appliesTo({ include, exclude = [] }: ModelRuleset, ref: string, defaultBranch: string): boolean {
  const hits = (pattern: string) =>
    pattern === '~ALL' ||
    (pattern === '~DEFAULT_BRANCH' && ref === `refs/heads/${defaultBranch}`) ||
    new RegExp(`^${pattern.replace(/[.+^$()|{}]/g, '\\$&').replaceAll('*', '[^/]*')}$`).test(ref)
  return include.some(hits) && !exclude.some(hits)
}

function rulesetHead(
  { id, name, target, enforcement = 'active', updatedAt }: ModelRuleset,
  repository: ModelRepository,
) {
  return {
    id,
    name,
    target,
    source_type: 'Repository',
    source: repository.name,
    enforcement,
    created_at: LONG_AGO,
    updated_at: updatedAt ?? LONG_AGO,
  }
}

function rulesetBody(ruleset: ModelRuleset, repository: ModelRepository, model: Model): object {
  const { include, exclude = [], rules, bypass = [] } = ruleset
  const hidden = bypass === 'hidden' || !model.permissions.has('administration')
  return {
    ...rulesetHead(ruleset, repository),
    conditions: { ref_name: { include, exclude } },
    rules,
    ...(hidden ? {} : { bypass_actors: bypass }),
    current_user_can_bypass: 'never',
  }
}

export function simpleUser({ id, login, type }: ModelUser): object {
  const url = `https://api.github.com/users/${encodeURIComponent(login)}`
  return {
    login,
    id,
    node_id: `U_${id}`,
    avatar_url: `https://avatars.githubusercontent.com/u/${id}`,
    gravatar_id: '',
    url,
    html_url: `https://github.com/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    site_admin: false,
  }
}

function publicUser(user: ModelUser): object {
  return {
    ...simpleUser(user),
    user_view_type: 'public',
    name: null,
    company: null,
    blog: '',
    location: null,
    email: user.email ?? null,
    hireable: null,
    bio: null,
    public_repos: 1,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: LONG_AGO,
    updated_at: LONG_AGO,
  }
}

function gpgKey({ keyId, armor, emails = [], revoked = false }: ModelGpgKey, at: number): object {
  return {
    id: at + 1,
    name: null,
    primary_key_id: null,
    key_id: keyId,
    raw_key: armor,
    public_key: '',
    emails,
    subkeys: [],
    can_sign: true,
    can_encrypt_comms: false,
    can_encrypt_storage: false,
    can_certify: true,
    created_at: LONG_AGO,
    expires_at: null,
    revoked,
  }
}
