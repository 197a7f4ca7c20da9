import { type CommitId, isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import type { PullRequestEvent } from './event.ts'
import { parseRef } from './ref.ts'
import { booleanAt, commitIdAt, idAt, nullable } from './wire.ts'

/** The run whose end started this one. */
export interface EndedRun {
  readonly id: string
  readonly attempt: string
  readonly head: CommitId
  readonly headBranch: string
  readonly headRepository: { readonly id: number; readonly name: string }
  /** File name of its workflow. */
  readonly workflow: string
  /** False: it ran with the rights of the repository, and comments itself. */
  readonly fromOutside: boolean
}

/** An artifact that it kept. */
export interface KeptArtifact {
  readonly id: number
  readonly name: string
  readonly expired: boolean
}

const DEPENDABOT = 'dependabot[bot]'

/**
 * The run of a `workflow_run` event, by the API: the payload says only which one it is.
 * @returns undefined for the run of another event than `pull_request`.
 * @throws `github/event-refused`, `github/event-malformed`, `github/run-not-found`, and what the API throws
 */
export async function endedRun(
  api: GithubApi,
  { eventName, repository, repositoryId }: { eventName: string; repository: string; repositoryId: string },
  payload: JsonObject,
): Promise<EndedRun | undefined> {
  if (eventName !== 'workflow_run')
    throw fail('github/event-refused', `The companion does nothing on ${printable(eventName, 60)}`, {
      expected: 'workflow_run',
      found: eventName,
      remedy:
        'Put the step into a workflow of its own: on: { workflow_run: { workflows: [NAME], types: [completed] } }',
    })
  const { id, attempt, actor } = named(payload)
  const question: Question = { of: `run ${id} of ${repository}`, permission: 'actions: read' }
  const answer = await api.get(`${pathOf(repository)}/actions/runs/${id}/attempts/${attempt}`, question)
  const run = shaped(question, () => runAt(objectAt(answer, 'run')))
  if (run.repositoryId !== Number(repositoryId)) throw notThis('a run of another repository')
  if (run.event !== 'pull_request' || run.headRepository === undefined) return undefined
  const { head, headBranch, headRepository, workflow } = run
  const fromOutside = headRepository.id !== run.repositoryId || actor === DEPENDABOT
  return { id: String(id), attempt: String(attempt), head, headBranch, headRepository, workflow, fromOutside }
}

function named(payload: JsonObject): { readonly id: number; readonly attempt: number; readonly actor: string } {
  try {
    const run = objectAt(payload.workflow_run, 'workflow_run')
    const actor = run.actor === null || run.actor === undefined ? {} : objectAt(run.actor, 'workflow_run.actor')
    return {
      id: idAt(run.id, 'workflow_run.id'),
      attempt: idAt(run.run_attempt, 'workflow_run.run_attempt'),
      actor: typeof actor.login === 'string' ? actor.login : '',
    }
  } catch (error) {
    throw fail('github/event-malformed', 'The event file of workflow_run is not as documented', {
      ...(error instanceof Error ? { found: error.message } : {}),
      cause: error,
    })
  }
}

function runAt(run: JsonObject) {
  const headRepository = nullable(run.head_repository ?? null, repositoryAt, 'run.head_repository')
  const path = stringAt(run.path, 'run.path')
  return {
    repositoryId: idAt(objectAt(run.repository, 'run.repository').id, 'run.repository.id'),
    event: stringAt(run.event, 'run.event'),
    head: commitIdAt(run.head_sha, 'run.head_sha'),
    headBranch: stringAt(run.head_branch ?? '', 'run.head_branch'),
    workflow: path.split('@', 1)[0]?.split('/').at(-1) ?? path,
    ...(headRepository === undefined ? {} : { headRepository }),
  }
}

function repositoryAt(value: Json, path: string): EndedRun['headRepository'] {
  const repository = objectAt(value, path)
  const name = stringAt(repository.full_name, `${path}.full_name`)
  if (!/^[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9._-]{1,100}$/.test(name)) throw notThis('a head repository without a name')
  return { id: idAt(repository.id, `${path}.id`), name }
}

/**
 * The open pull request with this head, of this repository: by the API, never by what the run kept (8-report § 4).
 * @throws `github/run-not-found` when there is none, or more than one.
 */
export async function pullOf(
  api: GithubApi,
  { repository, repositoryId }: { repository: string; repositoryId: string },
  run: EndedRun,
): Promise<PullRequestEvent> {
  const question: Question = { of: `the pull requests of ${repository}`, permission: 'pull-requests: read' }
  const [owner] = run.headRepository.name.split('/')
  const query = new URLSearchParams({ state: 'open', head: `${owner}:${run.headBranch}` })
  const found: PullRequestEvent[] = []
  for await (const page of api.pages(`${pathOf(repository)}/pulls?${query}`, question))
    for (const item of page.items)
      found.push(...shaped(question, () => pullAt(objectAt(item, 'pulls[]'), run, Number(repositoryId))))
  const [only, ...more] = found
  if (only !== undefined && more.length === 0) return only
  throw notThis(only === undefined ? 'no open pull request with that head' : 'several pull requests with that head')
}

function pullAt(pull: JsonObject, run: EndedRun, repositoryId: number): readonly PullRequestEvent[] {
  const [head, base] = [objectAt(pull.head, 'pull.head'), objectAt(pull.base, 'pull.base')]
  const headId = nullable(head.repo ?? null, (repo, at) => idAt(objectAt(repo, at).id, `${at}.id`), 'pull.head.repo')
  const baseId = idAt(objectAt(base.repo, 'pull.base.repo').id, 'pull.base.repo.id')
  const open = stringAt(pull.state, 'pull.state') === 'open'
  if (!open || head.sha !== run.head || headId !== run.headRepository.id || baseId !== repositoryId) return []
  if (!isCommitId(base.sha)) return []
  return [
    {
      kind: 'pull_request',
      number: idAt(pull.number, 'pull.number'),
      head: run.head,
      headRef: parseRef(`refs/heads/${stringAt(head.ref, 'pull.head.ref')}`),
      base: base.sha,
      baseRef: parseRef(`refs/heads/${stringAt(base.ref, 'pull.base.ref')}`),
      from: 'fork',
      dependabot: false,
    },
  ]
}

/** Artifacts of the run that the pattern names; states of resumed runs are none of them. */
export async function keptArtifacts(
  api: GithubApi,
  repository: string,
  run: EndedRun,
  matches: (name: string) => boolean,
): Promise<readonly KeptArtifact[]> {
  const question: Question = { of: `the artifacts of run ${run.id} of ${repository}`, permission: 'actions: read' }
  const found: KeptArtifact[] = []
  for await (const page of api.pages(`${pathOf(repository)}/actions/runs/${run.id}/artifacts`, question, 'artifacts'))
    for (const item of page.items) {
      const artifact = shaped(question, () => artifactAt(item))
      if (matches(artifact.name) && !artifact.name.startsWith('waybill-state-')) found.push(artifact)
    }
  return found
}

function artifactAt(value: Json): KeptArtifact {
  const artifact = objectAt(value, 'artifacts[]')
  return {
    id: idAt(artifact.id, 'artifacts[].id'),
    name: stringAt(artifact.name, 'artifacts[].name'),
    expired: booleanAt(artifact.expired, 'artifacts[].expired'),
  }
}

/** Where its archive lies; undefined: it is gone. */
export function placeOfArtifact(api: GithubApi, repository: string, { id }: KeptArtifact): Promise<string | undefined> {
  return api.place(`${pathOf(repository)}/actions/artifacts/${id}/zip`, {
    of: `an artifact of ${repository}`,
    permission: 'actions: read',
  })
}

function pathOf(repository: string): string {
  return `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
}

function notThis(found: string): Error {
  return fail('github/run-not-found', 'The run is not that of one open pull request of this repository', { found })
}
