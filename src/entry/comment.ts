import { join } from 'node:path'
import { asWaybillError } from '../core/error.ts'
import { GithubApi } from '../github/api.ts'
import { WorkflowLog } from '../github/commands.ts'
import { type CommentInputs, readCommentInputs } from '../github/comment-inputs.ts'
import { contextOf, type RunContext, readEventFile, runUrl } from '../github/context.ts'
import { writeRunnerValue } from '../github/runner-files.ts'
import { type EndedRun, endedRun, pullOf } from '../github/workflow-run.ts'
import { door, randomWord } from '../io/door.ts'
import { type Environment, environment } from '../io/environment.ts'
import { makeFolder } from '../io/files.ts'
import { HttpClient } from '../io/http.ts'
import type { CommentRequest } from '../pipeline/comment.ts'
import { recheck } from '../pipeline/recheck.ts'
import { companionWorld } from './companion-world.ts'
import { exitCodeOfError } from './exit-code.ts'
import { forkReports } from './fork-reports.ts'
import { runName, writeComment } from './pull-comment.ts'
import { type Reporting, refusedReceipt, reportingBefore, reportRun } from './report-run.ts'

/** `comment/action.yml`: checks a fork's pull request again and comments on it. It runs nothing of any commit. */
export async function runComment(): Promise<void> {
  const world = door()
  const log = new WorkflowLog(bytes => world.out(bytes), randomWord)
  world.exit(await commentStep(environment(), log))
}

interface Step {
  readonly env: Environment
  readonly inputs: CommentInputs
  readonly context: RunContext
  readonly log: WorkflowLog
  readonly http: HttpClient
  readonly api: GithubApi
  readonly reporting: Reporting
}

/** A verdict about somebody's pull request is no failure of the branch that this run is for; only a mistake in the step is. */
async function commentStep(env: Environment, log: WorkflowLog): Promise<number> {
  let reporting = reportingBefore(env, 'comment-result.json')
  const http = new HttpClient()
  try {
    const inputs = readCommentInputs(env)
    log.mask(inputs.githubToken)
    const payload = await readEventFile(env)
    const context = contextOf(env, payload)
    reporting = { ...reporting, run: runUrl(context) }
    const { apiUrl, graphqlUrl } = context
    const api = new GithubApi({ http, apiUrl, graphqlUrl, token: inputs.githubToken })
    const run = await endedRun(api, context, payload)
    const url = await commentOn(run, { env, inputs, context, log, http, api, reporting })
    if (reporting.output !== undefined) await writeRunnerValue(reporting.output, 'comment-url', url ?? '', randomWord)
    return 0
  } catch (error) {
    const known = asWaybillError(error)
    await reportRun(refusedReceipt('comment', known), reporting, log, { 'comment-url': '' })
    return known.kind === 'configuration' ? exitCodeOfError(known.kind) : 0
  } finally {
    http.close()
  }
}

async function commentOn(run: EndedRun | undefined, step: Step): Promise<string | undefined> {
  const { context, log, api, http, inputs, reporting } = step
  if (run?.fromOutside !== true) {
    log.info('Nothing to do: that run was not for a pull request from outside, so it comments itself where it should.')
    return undefined
  }
  const pull = await pullOf(api, context, run)
  const folder = join(context.temporary, 'waybill', 'comment')
  await makeFolder(folder)
  const { request, ports } = await companionWorld({ ...step, context: { ...context, event: pull }, folder })
  const { receipt } = await recheck(request, ports)
  const more = await forkReports({ api, http, repository: context.repository, run, folder, pattern: inputs.artifact })
  await reportRun(receipt, withoutOutput(reporting), log, {})
  const url = `${context.serverUrl}/${context.repository}/actions/runs/${run.id}/attempts/${run.attempt}`
  const wanted: CommentRequest = {
    receipt,
    mode: 'always',
    key: { workflow: run.workflow, job: context.job, name: 'fork' },
    run: { id: run.id, attempt: run.attempt, url },
    checkedBy: runName(context),
    head: run.head,
    base: pull.baseRef,
    repositoryId: Number(context.repositoryId),
    more,
  }
  return writeComment({ context, githubToken: inputs.githubToken, http }, pull.number, wanted, log)
}

/** The outputs of this door are its own. */
function withoutOutput({ summary, run, resultPath }: Reporting): Reporting {
  return {
    ...(summary === undefined ? {} : { summary }),
    ...(run === undefined ? {} : { run }),
    ...(resultPath === undefined ? {} : { resultPath }),
  }
}
