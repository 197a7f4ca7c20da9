import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { printable } from '../core/text.ts'
import { SIGNING_EVENTS } from './event.ts'

/**
 * The claims of an identity token of GitHub Actions whose signature, issuer, audience and time were checked.
 * These, not the runner's variables, are what provenance says about the workflow (5-build § 3).
 * Source: docs.github.com, "OpenID Connect reference", claims of the token.
 */
export interface TokenClaims {
  readonly issuer: string
  readonly subject: string
  /** `owner/name` */
  readonly repository: string
  readonly repositoryId: string
  readonly repositoryOwner: string
  readonly repositoryOwnerId: string
  /** `public`, `private` or `internal`; absent on old servers. */
  readonly repositoryVisibility?: string
  /** The commit the run is for: the commit of everything that signs (13-adversary 7). */
  readonly sha: CommitId
  readonly ref: string
  readonly eventName: string
  /** `owner/name/.github/workflows/file.yml@ref` of the workflow that the event started. */
  readonly workflowRef: string
  readonly workflowSha?: string
  /** The same of the workflow that defines this job: a reusable one, or the same. */
  readonly jobWorkflowRef: string
  readonly jobWorkflowSha?: string
  readonly runId: string
  readonly runAttempt: string
  /** `github-hosted` or `self-hosted` */
  readonly runnerEnvironment: string
  readonly actor?: string
  readonly actorId?: string
  readonly environment?: string
  /** `true` when a branch protection or ruleset covered the ref as the run began. */
  readonly refProtected?: string
  readonly expires: Date
}

const NUMBER = /^[1-9][0-9]{0,19}$/
const REPOSITORY = /^[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9._-]{1,100}$/
const WORKFLOW = /^[A-Za-z0-9_-]+\/[A-Za-z0-9._-]+\/[^@]+\.ya?ml@.+$/
const EXPIRES_MAX = 8_640_000_000_000

/** Reads the payload of a verified token. @throws `github/token-invalid` naming the claim, never its value. */
export function readClaims(payload: JsonObject): TokenClaims {
  const text = (name: string, grammar = /^.+$/): string => {
    const value = payload[name]
    if (!isText(value) || !grammar.test(value)) throw invalid(name)
    return value
  }
  const sha = text('sha')
  if (!isCommitId(sha)) throw invalid('sha')
  return {
    issuer: text('iss'),
    subject: text('sub'),
    repository: text('repository', REPOSITORY),
    repositoryId: text('repository_id', NUMBER),
    repositoryOwner: text('repository_owner'),
    repositoryOwnerId: text('repository_owner_id', NUMBER),
    sha,
    ref: text('ref', /^refs\/.+$/),
    eventName: text('event_name', /^[a-z_]+$/),
    workflowRef: text('workflow_ref', WORKFLOW),
    jobWorkflowRef: text('job_workflow_ref', WORKFLOW),
    runId: text('run_id', NUMBER),
    runAttempt: text('run_attempt', NUMBER),
    runnerEnvironment: text('runner_environment', /^[a-z-]+$/),
    ...optionalClaims(payload),
    expires: expiry(payload.exp),
  }
}

/** Whether the token's own event may sign. 13-adversary 6. */
export function maySign(claims: Pick<TokenClaims, 'eventName' | 'ref'>): boolean {
  return SIGNING_EVENTS.has(claims.eventName) && !claims.ref.startsWith('refs/pull/')
}

/** What the runner's variables say, to be held against the token. */
export interface ClaimedRun {
  readonly repository: string
  readonly repositoryId: string
  readonly ownerId: string
  readonly sha: string
  readonly ref: string
  readonly eventName: string
  readonly runId: string
  readonly runAttempt: string
}

/**
 * The token must speak of this very run: a step before ours can set variables, and can point the request elsewhere.
 * @throws `github/token-mismatch`
 */
export function checkClaims(claims: TokenClaims, run: ClaimedRun): void {
  const pairs = [
    ['repository', claims.repository, run.repository],
    ['repository_id', claims.repositoryId, run.repositoryId],
    ['repository_owner_id', claims.repositoryOwnerId, run.ownerId],
    ['sha', claims.sha, run.sha],
    ['ref', claims.ref, run.ref],
    ['event_name', claims.eventName, run.eventName],
    ['run_id', claims.runId, run.runId],
    ['run_attempt', claims.runAttempt, run.runAttempt],
  ] as const
  for (const [name, token, variable] of pairs)
    if (token !== variable)
      throw fail('github/token-mismatch', `The identity token has another ${name} than the runner's variables`, {
        expected: variable,
        found: token,
      })
}

const OPTIONAL = {
  repository_visibility: 'repositoryVisibility',
  workflow_sha: 'workflowSha',
  job_workflow_sha: 'jobWorkflowSha',
  actor: 'actor',
  actor_id: 'actorId',
  environment: 'environment',
  ref_protected: 'refProtected',
} as const

function optionalClaims(payload: JsonObject): Partial<Record<(typeof OPTIONAL)[keyof typeof OPTIONAL], string>> {
  const found: Partial<Record<(typeof OPTIONAL)[keyof typeof OPTIONAL], string>> = {}
  for (const [name, field] of Object.entries(OPTIONAL)) {
    const value = payload[name]
    // GitHub writes the empty string for what a run does not have.
    if (value === undefined || value === null || value === '') continue
    if (!isText(value)) throw invalid(name)
    found[field] = value
  }
  return found
}

function expiry(value: Json | undefined): Date {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0 || value > EXPIRES_MAX) throw invalid('exp')
  return new Date(value * 1000)
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length <= 2048 && printable(value, 2048) === value
}

function invalid(name: string): Error {
  return fail('github/token-invalid', `The identity token has no usable claim ${name}`, {
    expected: 'the claims of a GitHub Actions token',
    found: `${name} missing or malformed`,
  })
}
