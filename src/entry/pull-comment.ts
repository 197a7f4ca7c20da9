import { asWaybillError } from '../core/error.ts'
import { GithubApi } from '../github/api.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { WorkflowLog } from '../github/commands.ts'
import { pullComments } from '../github/comments.ts'
import { type RunContext, runUrl } from '../github/context.ts'
import { isUntrusted } from '../github/event.ts'
import { HttpClient } from '../io/http.ts'
import { type CommentRequest, comment } from '../pipeline/comment.ts'
import type { CommentKey, RunName } from '../report/comment.ts'
import type { Receipt } from '../report/receipt.ts'

/** Milliseconds that a comment may take, limits of the platform included: the checks are over, and somebody waits for the job. */
const COMMENT_MS = 120_000

/** Where comments are written: a server and a token, and whom to ask. */
export interface CommentHome {
  readonly context: RunContext
  readonly githubToken: string
  readonly http: HttpClient
}

/**
 * The comment on a pull request of this repository; for one of a fork the run has no token that may write, and the companion
 * comments in its place. Authorities that the step names (`ca-certificates`) are trusted by the whole process since its run began.
 * Never throws, and no trouble with a comment fails a build: it is a warning.
 * @param name of the step, as its folder.
 */
export async function commentOnPull(
  receipt: Receipt,
  { inputs, context, name, log }: { inputs: AttestInputs; context: RunContext; name: string; log: WorkflowLog },
): Promise<void> {
  const { event } = context
  const { githubToken, comment: mode } = inputs
  if (event.kind !== 'pull_request' || isUntrusted(event) || mode === 'never' || githubToken === undefined) return
  const http = new HttpClient()
  const key = { workflow: workflowFile(context), job: context.job, name }
  const request = {
    ...{ receipt, mode, key, run: runName(context), head: event.head, base: event.baseRef },
    repositoryId: Number(context.repositoryId),
  }
  try {
    await writeComment({ context, githubToken, http }, event.number, request, log)
  } finally {
    http.close()
  }
}

/** @returns the address of the comment that stands. Never throws. */
export async function writeComment(
  { context, githubToken: token, http }: CommentHome,
  pull: number,
  request: CommentRequest,
  log: WorkflowLog,
): Promise<string | undefined> {
  const { apiUrl, graphqlUrl, repository } = context
  try {
    const api = new GithubApi({ http, apiUrl, graphqlUrl, token, budgetMs: COMMENT_MS })
    const result = await comment(request, pullComments({ api, repository, pull }))
    if (result.state === 'stale') log.info('No comment: the pull request has a newer commit or run.')
    return result.state === 'stale' ? undefined : result.url
  } catch (error) {
    const { code, message, found, remedy } = asWaybillError(error)
    const why = found === undefined ? message : `${message}: ${found}`
    log.annotate({ level: 'warning', title: code, message: `The pull request got no comment. ${why}. ${remedy}` })
    return undefined
  }
}

/** `build.yml`; on servers that do not say it, the title of the workflow. */
function workflowFile({ workflowRef, workflow }: Pick<RunContext, 'workflowRef' | 'workflow'>): CommentKey['workflow'] {
  return workflowRef?.split('@', 1)[0]?.split('/').at(-1) ?? workflow
}

export function runName(context: Pick<RunContext, 'serverUrl' | 'repository' | 'runId' | 'runAttempt'>): RunName {
  return { id: context.runId, attempt: context.runAttempt, url: runUrl(context) }
}
