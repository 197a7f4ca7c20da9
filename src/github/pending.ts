import type { CommitId } from '../core/digest.ts'
import { parseCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { isObject } from '../core/json.ts'
import { objectAt, stringAt } from '../core/shape.ts'
import type { Answer } from '../policy/evidence.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import type { RunEvent } from './event.ts'
import { PULL_ID_QUERY } from './evidence-queries.ts'
import { answered, type PullFacts, readPulls } from './pulls.ts'
import { nullable } from './wire.ts'

/** The pull request that a run is about before it is merged. */
export interface PendingPull {
  /** Absent: nothing says which one it is. */
  readonly number?: number
  /** The commit that the merge queue made of it; absent: it became none yet. */
  readonly queued?: CommitId
}

/** Stands where a pull request has not become any commit; git never gives this id to an object. */
export const NO_COMMIT = parseCommitId('0'.repeat(40))

/**
 * The pull request that the event is about. What a merge queue holds is not shown to a job's token (there is no permission
 * for it), so the number is read from the ref that the queue itself made for its entry.
 */
export function pendingOf(event: RunEvent): PendingPull | undefined {
  if (event.kind === 'pull_request') return { number: event.number }
  if (event.kind !== 'merge_group') return undefined
  const { pull, head } = event
  return { queued: head, ...(pull === undefined ? {} : { number: pull }) }
}

/**
 * Reads it. @returns `undefined` inside the answer: it was closed without being merged, or there is none.
 * Never throws.
 */
export function readPending(
  pending: PendingPull,
  api: GithubApi,
  repository: string,
  question: Question,
): Promise<Answer<PullFacts | undefined>> {
  return answered(async () => {
    const { number, queued = NO_COMMIT } = pending
    if (number === undefined)
      throw fail('github/queue-unreadable', 'The ref of the merge group does not name its pull request', {
        expected: 'refs/heads/gh-readonly-queue/BRANCH/pr-NUMBER-COMMIT',
      })
    const [owner = '', name = ''] = repository.split('/')
    const { data, errors } = await api.graphql(PULL_ID_QUERY, { owner, name, number }, question)
    if (errors[0] !== undefined) throw errors[0].cause
    const node = isObject(data.repository) ? data.repository.pullRequest : undefined
    const id = shaped(question, () =>
      nullable(node, (pull, at) => stringAt(objectAt(pull, at).id, `${at}.id`), 'pullRequest'),
    )
    if (id === undefined) return undefined
    const now = new Date(api.clock.now())
    const answer = (await readPulls(api, [id], repository, { mergeCommit: queued, mergedAt: now })).get(id)
    if (answer?.kind === 'unavailable') throw answer.cause
    return answer?.value
  })
}
