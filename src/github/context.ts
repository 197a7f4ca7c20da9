import type { CommitId } from '../core/digest.ts'
import { parseCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import { readFileBounded } from '../io/files.ts'
import { isLoopbackHost } from '../io/http.ts'
import { type RunEvent, readEvent } from './event.ts'
import { parseRef } from './ref.ts'

/**
 * The run as the runner describes it. Any step of the job can set most of these variables for later steps, so nothing
 * that is signed may rest on them alone: `checkClaims` compares them with the verified token.
 */
export interface RunContext {
  /** `owner/name` as GitHub spells it. */
  readonly repository: string
  readonly repositoryId: string
  readonly owner: string
  readonly ownerId: string
  /** GITHUB_SHA: for a pull request GitHub's own merge commit, which is never built (see `event.head`). */
  readonly sha: CommitId
  readonly ref: string
  readonly eventName: string
  readonly event: RunEvent
  readonly actor: string
  readonly runId: string
  readonly runAttempt: string
  readonly workflow: string
  /** `owner/name/.github/workflows/file.yml@ref`; absent on old servers. */
  readonly workflowRef?: string
  /** `github-hosted` or `self-hosted`; absent on old runners. */
  readonly runnerEnvironment?: string
  readonly job: string
  /** Without a slash at the end. */
  readonly serverUrl: string
  readonly apiUrl: string
  /** On the same server as `apiUrl`. */
  readonly graphqlUrl: string
  /** From the event; absent where the event has no repository. */
  readonly defaultBranch?: string
  readonly workspace: string
  /** RUNNER_TEMP: emptied before and after every job. */
  readonly temporary: string
  readonly files: {
    readonly output?: string
    readonly summary?: string
    readonly state?: string
    /** `GITHUB_ARTIFACTS`: where the runner wants to know what a job made. */
    readonly artifacts?: string
  }
}

const REPOSITORY = /^[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9._-]{1,100}$/
const NUMBER = /^[1-9][0-9]{0,19}$/
/** Also as Windows spells it: the gate runs there. */
const ABSOLUTE = /^(\/|[A-Za-z]:[\\/])[^\0]*$/
const LOGIN = /^[A-Za-z0-9_.[\]-]{1,100}$/

/**
 * Reads the runner's variables and the event file.
 * @param recordInputs names of dispatch inputs whose values are wanted; no other value is read.
 * @throws `github/context-malformed`, `github/event-malformed`
 */
export async function readContext(env: Environment, recordInputs: readonly string[] = []): Promise<RunContext> {
  return contextOf(env, await readEventFile(env), recordInputs)
}

/** The payload of the event, unread but for its form. @throws `github/context-malformed`, `github/event-malformed` */
export function readEventFile(env: Environment): Promise<JsonObject> {
  return readPayload(required(env, 'GITHUB_EVENT_PATH', /^[^\0]+$/))
}

/** As `readContext`, over a payload that was read already. Pure. */
export function contextOf(env: Environment, payload: JsonObject, recordInputs: readonly string[] = []): RunContext {
  const repository = required(env, 'GITHUB_REPOSITORY', REPOSITORY)
  const eventName = required(env, 'GITHUB_EVENT_NAME', /^[a-z_]{1,60}$/)
  const sha = parseCommitId(required(env, 'GITHUB_SHA', /^[0-9a-f]{40}$/))
  const ref = parseRef(required(env, 'GITHUB_REF', /^refs\//))
  const repositoryId = required(env, 'GITHUB_REPOSITORY_ID', NUMBER)
  const actor = required(env, 'GITHUB_ACTOR', LOGIN)
  const { GITHUB_WORKFLOW_REF: workflowRef, RUNNER_ENVIRONMENT: runnerEnvironment } = env
  const defaultBranch = defaultBranchOf(payload)
  return {
    repository,
    repositoryId,
    owner: repository.split('/', 1)[0] ?? '',
    ownerId: required(env, 'GITHUB_REPOSITORY_OWNER_ID', NUMBER),
    sha,
    ref,
    eventName,
    event: readEvent({ eventName, sha, ref, repositoryId, actor, recordInputs }, payload),
    actor,
    runId: required(env, 'GITHUB_RUN_ID', NUMBER),
    runAttempt: required(env, 'GITHUB_RUN_ATTEMPT', NUMBER),
    workflow: printable(env.GITHUB_WORKFLOW ?? ''),
    ...(workflowRef === undefined || workflowRef === '' ? {} : { workflowRef }),
    ...(runnerEnvironment === undefined || runnerEnvironment === '' ? {} : { runnerEnvironment }),
    job: printable(env.GITHUB_JOB ?? ''),
    serverUrl: serverUrl(env, 'GITHUB_SERVER_URL'),
    ...apiUrls(env),
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    workspace: required(env, 'GITHUB_WORKSPACE', ABSOLUTE),
    temporary: required(env, 'RUNNER_TEMP', ABSOLUTE),
    files: runnerFiles(env),
  }
}

/** `ghcr.io/<owner>/<repository>` in lower case: where images go when no input says so. */
export function defaultImage(context: Pick<RunContext, 'repository'>): string {
  return `ghcr.io/${context.repository.toLowerCase()}`
}

/** Where this run can be read: `<server>/<repository>/actions/runs/<id>/attempts/<n>`. */
export function runUrl(context: Pick<RunContext, 'serverUrl' | 'repository' | 'runId' | 'runAttempt'>): string {
  return `${context.serverUrl}/${context.repository}/actions/runs/${context.runId}/attempts/${context.runAttempt}`
}

async function readPayload(path: string): Promise<JsonObject> {
  try {
    return parseJsonObject(await readFileBounded(path, LIMITS.eventBytes), 'event file')
  } catch (error) {
    throw fail('github/event-malformed', 'The event file of the run cannot be read', {
      ...(error instanceof Error ? { found: error.message } : {}),
      cause: error,
    })
  }
}

function required(env: Environment, name: string, grammar: RegExp): string {
  const value = env[name]
  if (value !== undefined && grammar.test(value)) return value
  throw fail('github/context-malformed', `The variable ${name} is ${value === undefined ? 'not set' : 'malformed'}`, {
    expected: `${name} as GitHub Actions sets it`,
    found: value ?? 'nothing',
  })
}

function serverUrl(env: Environment, name: string): string {
  const text = required(env, name, /^https?:\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._~/-]*)?$/)
  const url = new URL(text)
  if (url.protocol !== 'https:' && !isLoopbackHost(url.hostname))
    throw fail('github/context-malformed', `The variable ${name} names a server without TLS`, {
      expected: 'https',
      found: text,
    })
  return text.replace(/\/+$/, '')
}

/** Two variables that must name one server: the token for the first is sent to the second as well. */
function apiUrls(env: Environment): Pick<RunContext, 'apiUrl' | 'graphqlUrl'> {
  const apiUrl = serverUrl(env, 'GITHUB_API_URL')
  const graphqlUrl = env.GITHUB_GRAPHQL_URL ? serverUrl(env, 'GITHUB_GRAPHQL_URL') : `${apiUrl}/graphql`
  if (new URL(apiUrl).origin === new URL(graphqlUrl).origin) return { apiUrl, graphqlUrl }
  throw fail('github/context-malformed', 'The variables GITHUB_API_URL and GITHUB_GRAPHQL_URL name different servers', {
    expected: new URL(apiUrl).origin,
    found: new URL(graphqlUrl).origin,
  })
}

function runnerFiles(env: Environment): RunContext['files'] {
  const { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary, GITHUB_STATE: state, GITHUB_ARTIFACTS: artifacts } = env
  return {
    ...(output ? { output } : {}),
    ...(summary ? { summary } : {}),
    ...(state ? { state } : {}),
    ...(artifacts ? { artifacts } : {}),
  }
}

function defaultBranchOf(payload: JsonObject): string | undefined {
  const repository = payload.repository
  const branch =
    typeof repository === 'object' && repository !== null && 'default_branch' in repository
      ? repository.default_branch
      : undefined
  return typeof branch === 'string' && branch !== '' ? branch : undefined
}
