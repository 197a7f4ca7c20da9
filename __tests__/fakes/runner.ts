import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClaimOverrides, Claims } from './claims.ts'
import { repositoryBody, repositoryOf } from './github.ts'
import type { Oidc } from './oidc.ts'

export interface RunOptions {
  /** Facts of the run: the environment, the event and the token all say so. */
  readonly claims?: ClaimOverrides
  /** Over those, in the token alone: a token that contradicts the environment. */
  readonly tokenClaims?: ClaimOverrides
  /** The event's payload; default: a push, or the bare repository and sender for another event. */
  readonly event?: Readonly<Record<string, unknown>>
  /** False: the job lacks `permissions: id-token: write`, so the two variables are not there. */
  readonly idToken?: boolean
  /** Last word; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** One job as the runner sets it up: its environment and the files it shares with the steps. */
export interface Run {
  readonly environment: Record<string, string>
  /** RUNNER_TEMP and the runner's files lie below it. */
  readonly folder: string
  readonly workspace: string
  /** What the step wrote to GITHUB_OUTPUT, parsed as the runner does. */
  outputs(): Record<string, string>
  /** Text of GITHUB_STEP_SUMMARY. */
  summary(): string
}

export interface RunnerWorld {
  readonly folder: string
  readonly oidc: Oidc
  readonly serverUrl: string
  readonly apiUrl: string
}

/** Makes the folder, files and variables of one job. PATH is the caller's, everything else is the runner's own. */
export function prepareRun(world: RunnerWorld, options: RunOptions = {}): Run {
  const claims = world.oidc.claims(options.claims)
  const folder = join(world.folder, 'runs', randomUUID())
  const workspace = join(folder, 'work')
  const temporary = join(folder, 'temp')
  for (const path of [workspace, temporary, join(folder, 'home')]) mkdirSync(path, { recursive: true })
  const files = Object.fromEntries(
    ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY', 'GITHUB_STATE', 'GITHUB_ENV', 'GITHUB_PATH'].map(name => {
      const path = join(folder, name.toLowerCase())
      writeFileSync(path, '')
      return [name, path]
    }),
  )
  const eventPath = join(folder, 'event.json')
  writeFileSync(eventPath, JSON.stringify(options.event ?? defaultEvent(claims), null, 2))
  const environment: Record<string, string> = {
    ...factsOf(claims),
    ...files,
    ...machine(folder, temporary, workspace),
    ...(options.idToken === false ? {} : tokenVariables(world.oidc, options)),
    GITHUB_EVENT_PATH: eventPath,
    GITHUB_SERVER_URL: world.serverUrl,
    GITHUB_API_URL: world.apiUrl,
    GITHUB_GRAPHQL_URL: `${world.apiUrl}/graphql`,
  }
  for (const [name, value] of Object.entries(options.env ?? {})) {
    if (value === undefined) delete environment[name]
    else environment[name] = value
  }
  return {
    environment,
    folder,
    workspace,
    outputs: () => parseRunnerFile(readFileSync(environment.GITHUB_OUTPUT ?? '', 'utf8')),
    summary: () => readFileSync(environment.GITHUB_STEP_SUMMARY ?? '', 'utf8'),
  }
}

function factsOf(claims: Claims): Record<string, string> {
  const claim = (name: string): string => String(claims[name] ?? '')
  return {
    GITHUB_ACTOR: claim('actor'),
    GITHUB_ACTOR_ID: claim('actor_id'),
    GITHUB_TRIGGERING_ACTOR: claim('actor'),
    GITHUB_BASE_REF: claim('base_ref'),
    GITHUB_HEAD_REF: claim('head_ref'),
    GITHUB_EVENT_NAME: claim('event_name'),
    GITHUB_REF: claim('ref'),
    GITHUB_REF_NAME: claim('ref').replace(/^refs\/(heads|tags|pull)\//, ''),
    GITHUB_REF_PROTECTED: claim('ref_protected'),
    GITHUB_REF_TYPE: claim('ref_type'),
    GITHUB_REPOSITORY: claim('repository'),
    GITHUB_REPOSITORY_ID: claim('repository_id'),
    GITHUB_REPOSITORY_OWNER: claim('repository_owner'),
    GITHUB_REPOSITORY_OWNER_ID: claim('repository_owner_id'),
    GITHUB_RUN_ATTEMPT: claim('run_attempt'),
    GITHUB_RUN_ID: claim('run_id'),
    GITHUB_RUN_NUMBER: claim('run_number'),
    GITHUB_SHA: claim('sha'),
    GITHUB_WORKFLOW: claim('workflow'),
    GITHUB_WORKFLOW_REF: claim('workflow_ref'),
    GITHUB_WORKFLOW_SHA: claim('workflow_sha'),
    RUNNER_ENVIRONMENT: claim('runner_environment'),
  }
}

function machine(folder: string, temporary: string, workspace: string): Record<string, string> {
  return {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: '__waybill',
    GITHUB_JOB: 'release',
    GITHUB_WORKSPACE: workspace,
    HOME: join(folder, 'home'),
    PATH: process.env.PATH ?? '',
    RUNNER_ARCH: 'X64',
    RUNNER_NAME: 'embedded',
    RUNNER_OS: 'Linux',
    RUNNER_TEMP: temporary,
  }
}

function tokenVariables(oidc: Oidc, options: RunOptions): Record<string, string> {
  const { url, token } = oidc.tokenRequest({ ...options.claims, ...options.tokenClaims })
  return { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token }
}

function defaultEvent(claims: Claims): Record<string, unknown> {
  const common = {
    repository: repositoryBody(...repositoryOf(claims)),
    sender: { login: claims.actor, id: Number(claims.actor_id), type: 'User' },
  }
  if (claims.event_name !== 'push') return common
  return {
    ref: claims.ref,
    before: '0'.repeat(40),
    after: claims.sha,
    created: true,
    deleted: false,
    forced: false,
    base_ref: null,
    commits: [],
    head_commit: { id: claims.sha },
    ...common,
  }
}

/**
 * The runner's file commands: `name=value`, or `name<<delimiter`, lines, `delimiter`.
 * @throws on a line that is neither, or a delimiter that never comes, as the runner fails the step.
 */
export function parseRunnerFile(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (line === '') continue
    const [, name = '', mark = '', rest = ''] = /^([^=<]+)(<<|=)(.*)$/.exec(line) ?? []
    if (name === '') throw new Error(`Invalid line in a runner file: ${line}`)
    if (mark === '=') {
      values[name] = rest
      continue
    }
    const end = lines.indexOf(rest, at + 1)
    if (end < 0) throw new Error(`No line ${rest} ends the value of ${name}`)
    values[name] = lines.slice(at + 1, end).join('\n')
    at = end
  }
  return values
}
