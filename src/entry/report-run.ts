import { isAbsolute, join } from 'node:path'
import type { WaybillError } from '../core/error.ts'
import { asWaybillError } from '../core/error.ts'
import type { WorkflowLog } from '../github/commands.ts'
import { type RunContext, runUrl } from '../github/context.ts'
import { appendSummary, summaryRoom, writeRunnerValue } from '../github/runner-files.ts'
import { randomWord } from '../io/door.ts'
import type { Environment } from '../io/environment.ts'
import { writeFileAtomic } from '../io/files.ts'
import { errorReceipt } from '../pipeline/run.ts'
import { outcomeOfError } from '../pipeline/stages.ts'
import { annotationsOf } from '../report/annotations.ts'
import type { Receipt } from '../report/receipt.ts'
import { renderResult } from '../report/result.ts'
import { renderSummary } from '../report/summary.ts'
import { renderTerminal } from '../report/terminal.ts'
import { inWorkspace } from './workspace.ts'

/** Where a step tells what it did. Absent: nobody asked, or the runner has no such file. */
export interface Reporting {
  readonly summary?: string
  readonly output?: string
  /** URL of the workflow run. */
  readonly run?: string
  resultPath?: string
}

/**
 * Before the inputs could be read there is only what the runner says about itself, and where the result was asked for.
 * @param name of the result's file in the runner's folder when nobody asked for a place.
 */
export function reportingBefore(env: Environment, name: string): Reporting {
  const { GITHUB_STEP_SUMMARY: summary, GITHUB_OUTPUT: output } = env
  const asked = (env.INPUT_RESULT ?? '').trim()
  const path = asked === '' ? join(env.RUNNER_TEMP ?? '', 'waybill', name) : join(env.GITHUB_WORKSPACE ?? '', asked)
  const resultPath = isAbsolute(asked) ? asked : path
  return {
    ...(summary ? { summary } : {}),
    ...(output ? { output } : {}),
    ...(isAbsolute(resultPath) ? { resultPath } : {}),
  }
}

/**
 * Once inputs and context are read.
 * @param name of the result's file in the runner's folder when nobody asked for a place.
 */
export function reportingOf(
  inputs: { readonly summary: boolean; readonly result?: string },
  context: RunContext,
  name: string,
): Reporting {
  const { summary, output } = context.files
  const { result } = inputs
  return {
    ...(inputs.summary && summary !== undefined ? { summary } : {}),
    ...(output === undefined ? {} : { output }),
    resultPath: result === undefined ? join(context.temporary, 'waybill', name) : inWorkspace(context, result),
    run: runUrl(context),
  }
}

/** A run that ended before its first stage. */
export function refusedReceipt(command: string, error: WaybillError): Receipt {
  return {
    schemaVersion: 1,
    command,
    verdict: outcomeOfError(error),
    subjects: [],
    stages: [],
    attestations: [],
    notChecked: ['Everything: the run ended before its first stage.'],
    notices: [],
    error: errorReceipt(error),
  }
}

/** The receipt of a workflow run: whoever reads the result or an event finds the run's log by it. */
export function ofRun(receipt: Receipt, run: string | undefined): Receipt {
  return run === undefined ? receipt : { ...receipt, run }
}

/** Writes result, outputs, summary and annotations, on success and on failure; one that cannot be written stops no other. */
export async function reportRun(
  found: Receipt,
  reporting: Reporting,
  log: WorkflowLog,
  outputs: Readonly<Record<string, string>>,
): Promise<void> {
  const receipt = ofRun(found, reporting.run)
  log.info(renderTerminal(receipt, { colour: false, columns: 120 }))
  for (const annotation of annotationsOf(receipt)) log.annotate(annotation)
  const { summary, output, resultPath } = reporting
  const all = { ...outputs, verdict: receipt.verdict, result: resultPath ?? '' }
  await Promise.all([
    resultPath === undefined ? undefined : attempt(log, () => writeFileAtomic(resultPath, renderResult(receipt))),
    summary === undefined ? undefined : attempt(log, () => writeSummary(summary, receipt)),
    output === undefined ? undefined : attempt(log, () => writeOutputs(output, all)),
  ])
}

/** Lists are shortened to what is left of the step's summary, so that nothing has to be cut in its middle. */
async function writeSummary(file: string, receipt: Receipt): Promise<void> {
  await appendSummary(file, renderSummary(receipt, await summaryRoom(file)))
}

async function writeOutputs(file: string, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(values)) await writeRunnerValue(file, name, value, randomWord)
}

async function attempt(log: WorkflowLog, write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    const known = asWaybillError(error)
    log.annotate({ level: 'warning', title: known.code, message: known.message })
  }
}
