import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { integerAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { type DispatchInput, dispatchInputs } from './dispatch-inputs.ts'
import { parseRef } from './ref.ts'

/**
 * What happened, as far as the rules of 1-product § 5 tell events apart. Everything here is chosen by whoever pushed or
 * opened the pull request; what is signed rests on the verified token's claims instead.
 */
export type RunEvent =
  | { readonly kind: 'push'; readonly head: CommitId; readonly ref: string }
  | { readonly kind: 'tag'; readonly head: CommitId; readonly ref: string }
  | { readonly kind: 'release'; readonly head: CommitId; readonly ref: string; readonly action: string }
  | PullRequestEvent
  | {
      readonly kind: 'merge_group'
      readonly head: CommitId
      readonly ref: string
      readonly base: CommitId
      readonly baseRef: string
      /** The pull request whose entry of the queue this is; absent: the ref does not say. */
      readonly pull?: number
    }
  | {
      readonly kind: 'workflow_dispatch'
      readonly head: CommitId
      readonly ref: string
      /** Values of those alone that the workflow wants recorded: another may be secret and is never read. 13-adversary 42. */
      readonly inputs: readonly DispatchInput[]
    }
  | { readonly kind: 'repository_dispatch' | 'schedule'; readonly head: CommitId; readonly ref: string }
  | { readonly kind: 'refused'; readonly eventName: string; readonly why: string }

export interface PullRequestEvent {
  readonly kind: 'pull_request'
  readonly number: number
  /** Tip of the pull request's branch, not GitHub's own merge commit. */
  readonly head: CommitId
  /** Full name in the head repository. */
  readonly headRef: string
  readonly base: CommitId
  readonly baseRef: string
  /** `fork` also when the head repository is gone: decided by the numeric ids, never by names. */
  readonly from: 'same-repository' | 'fork'
  /** Opened or run by Dependabot: such a run has no secrets and no identity token, like a fork's. */
  readonly dependabot: boolean
}

/** What the runner's variables say beside the payload. */
export interface EventVariables {
  readonly eventName: string
  readonly sha: CommitId
  readonly ref: string
  readonly repositoryId: string
  readonly actor: string
  /** Names of dispatch inputs whose values are wanted; absent: none. */
  readonly recordInputs?: readonly string[]
}

/** Events whose token may sign, by the **token's** `event_name`; no pull request of any kind ever signs. 13-adversary 6. */
export const SIGNING_EVENTS: ReadonlySet<string> = new Set([
  'push',
  'release',
  'workflow_dispatch',
  'repository_dispatch',
  'schedule',
])

const DEPENDABOT = 'dependabot[bot]'
const REFUSED: Readonly<Record<string, string>> = {
  pull_request_target: 'it runs with the rights of the base repository on a commit that anybody may choose',
  workflow_run: 'it runs with full rights after a run that a fork may have shaped',
  issue_comment: 'anybody may cause it, and it names no commit',
}

/**
 * Reads the payload of one event strictly.
 * @throws `github/event-malformed` when a field that decides something is missing or has another form.
 */
export function readEvent(variables: EventVariables, payload: JsonObject): RunEvent {
  try {
    return read(variables, payload)
  } catch (error) {
    throw fail(
      'github/event-malformed',
      `The event file of ${printable(variables.eventName, 60)} is not as documented`,
      {
        ...(error instanceof Error ? { found: error.message } : {}),
        cause: error,
      },
    )
  }
}

/** The root action's own rule. @throws `github/event-refused` */
export function requireBuildEvent(event: RunEvent): asserts event is Exclude<RunEvent, { kind: 'refused' }> {
  if (event.kind !== 'refused') return
  throw fail('github/event-refused', `Nothing is built on ${printable(event.eventName, 60)}: ${event.why}`, {
    expected: 'push, pull_request, merge_group, release, workflow_dispatch, repository_dispatch or schedule',
    found: event.eventName,
    remedy:
      event.eventName === 'pull_request_target'
        ? 'Use `on: pull_request`: checks and an unpushed build need no further rights.'
        : 'Move the step to a workflow `on: push` (to build) or `on: pull_request` (to check).',
  })
}

/** True when GitHub gives this run neither secrets nor an identity token. */
export function isUntrusted(event: RunEvent): boolean {
  return event.kind === 'pull_request' && (event.from === 'fork' || event.dependabot)
}

function read(variables: EventVariables, payload: JsonObject): RunEvent {
  const { eventName, sha: head, ref } = variables
  sameRepository(variables, payload)
  switch (eventName) {
    case 'push':
      return readPush(variables, payload)
    case 'release':
      return { kind: 'release', head, ref, action: stringAt(payload.action, 'action') }
    case 'pull_request':
      return readPullRequest(variables, payload)
    case 'merge_group':
      return readMergeGroup(variables, payload)
    case 'workflow_dispatch':
      return {
        kind: 'workflow_dispatch',
        head,
        ref,
        inputs: dispatchInputs(payload.inputs, variables.recordInputs ?? []),
      }
    case 'repository_dispatch':
    case 'schedule':
      return { kind: eventName, head, ref }
    default: {
      const known = Object.hasOwn(REFUSED, eventName) ? REFUSED[eventName] : undefined
      return { kind: 'refused', eventName, why: known ?? 'it is none that an image is built for' }
    }
  }
}

/** The file and the variables must speak of one repository; GitHub leaves the field out of few events. */
function sameRepository(variables: EventVariables, payload: JsonObject): void {
  if (payload.repository === undefined) return
  const id = integerAt(objectAt(payload.repository, 'repository').id, 'repository.id')
  if (String(id) !== variables.repositoryId)
    throw new RangeError(`repository.id is ${id}, but GITHUB_REPOSITORY_ID is ${variables.repositoryId}`)
}

function readPush({ sha, ref }: EventVariables, payload: JsonObject): RunEvent {
  if (payload.deleted === true) return { kind: 'refused', eventName: 'push', why: 'the ref was deleted' }
  const pushed = parseRef(stringAt(payload.ref, 'ref'))
  if (pushed !== ref) throw new RangeError('ref is not GITHUB_REF')
  if (ref.startsWith('refs/tags/')) return { kind: 'tag', head: sha, ref }
  // For an annotated tag `after` is the tag object; for a branch it is the commit.
  const after = optional(payload.after, commitAt, 'after')
  if (after !== undefined && after !== sha) throw new RangeError('after is not GITHUB_SHA')
  return { kind: 'push', head: sha, ref }
}

function readPullRequest({ repositoryId, actor }: EventVariables, payload: JsonObject): PullRequestEvent {
  const pull = objectAt(payload.pull_request, 'pull_request')
  const head = objectAt(pull.head, 'pull_request.head')
  const base = objectAt(pull.base, 'pull_request.base')
  const baseId = integerAt(objectAt(base.repo, 'pull_request.base.repo').id, 'pull_request.base.repo.id')
  if (String(baseId) !== repositoryId) throw new RangeError('pull_request.base.repo.id is not GITHUB_REPOSITORY_ID')
  // `null`: the fork was deleted while its pull request stayed open.
  const headId =
    head.repo === null
      ? undefined
      : integerAt(objectAt(head.repo, 'pull_request.head.repo').id, 'pull_request.head.repo.id')
  const author =
    pull.user === null ? '' : stringAt(objectAt(pull.user, 'pull_request.user').login, 'pull_request.user.login')
  return {
    kind: 'pull_request',
    number: integerAt(pull.number, 'pull_request.number'),
    head: commitAt(head.sha, 'pull_request.head.sha'),
    headRef: parseRef(`refs/heads/${stringAt(head.ref, 'pull_request.head.ref')}`),
    base: commitAt(base.sha, 'pull_request.base.sha'),
    baseRef: parseRef(`refs/heads/${stringAt(base.ref, 'pull_request.base.ref')}`),
    from: headId === baseId ? 'same-repository' : 'fork',
    dependabot: author === DEPENDABOT || actor === DEPENDABOT,
  }
}

function readMergeGroup({ sha, ref }: EventVariables, payload: JsonObject): RunEvent {
  const group = objectAt(payload.merge_group, 'merge_group')
  const head = commitAt(group.head_sha, 'merge_group.head_sha')
  if (head !== sha) throw new RangeError('merge_group.head_sha is not GITHUB_SHA')
  const baseRef = parseRef(stringAt(group.base_ref, 'merge_group.base_ref'))
  const pull = queuedPull(ref, baseRef)
  return {
    kind: 'merge_group',
    head,
    ref,
    base: commitAt(group.base_sha, 'merge_group.base_sha'),
    baseRef,
    ...(pull === undefined ? {} : { pull }),
  }
}

/** `refs/heads/gh-readonly-queue/main/pr-104-<commit it stands on>`: the queue names its branches so. */
function queuedPull(ref: string, baseRef: string): number | undefined {
  const prefix = `refs/heads/gh-readonly-queue/${baseRef.replace('refs/heads/', '')}/pr-`
  const [, number] = ref.startsWith(prefix)
    ? (/^([1-9]\d{0,8})-[0-9a-f]{40}$/.exec(ref.slice(prefix.length)) ?? [])
    : []
  return number === undefined ? undefined : Number(number)
}

function commitAt(value: Json | undefined, path: string): CommitId {
  if (!isCommitId(value)) throw new RangeError(`${path} is not a commit id`)
  return value
}
