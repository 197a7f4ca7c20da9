import { dirname, join } from 'node:path'
import { asWaybillError, type WaybillError } from '../core/error.ts'
import { type AttestInputs, readAttestInputs } from '../github/attest-inputs.ts'
import { parseSecrets } from '../github/build-option-inputs.ts'
import { WorkflowLog } from '../github/commands.ts'
import { type RunContext, readContext, runUrl } from '../github/context.ts'
import { door, randomWord } from '../io/door.ts'
import { type Environment, environment } from '../io/environment.ts'
import { makeFolder } from '../io/files.ts'
import { HttpClient } from '../io/http.ts'
import { attest } from '../pipeline/attest.ts'
import { verifyArgs, verifyCommand } from '../report/commands.ts'
import type { Receipt } from '../report/receipt.ts'
import { planAttest } from './attest-plan.ts'
import { type AttestWorld, attestPorts } from './attest-world.ts'
import { withAuthorities } from './authorities.ts'
import { exitCodeOfError } from './exit-code.ts'
import { commentOnPull } from './pull-comment.ts'
import { type Reporting, refusedReceipt, reportingBefore, reportRun } from './report-run.ts'
import { type ResultUpload, uploadResult } from './result-artifact.ts'
import { inWorkspace } from './workspace.ts'

/** `action.yml`: one step from the commit to an attested image. */
export async function runAttest(): Promise<void> {
  const world = door()
  const env = environment()
  const log = new WorkflowLog(bytes => world.out(bytes), randomWord)
  world.exit(await attestStep(env, log, join(dirname(world.script), 'artifact.js')))
}

async function attestStep(env: Environment, log: WorkflowLog, artifactScript: string): Promise<number> {
  const before = reportingBefore(env, 'result.json')
  const { ACTIONS_RUNTIME_TOKEN: runtimeToken } = env
  if (runtimeToken) log.mask(runtimeToken)
  let reporting = before
  let started: Started | undefined
  const end = async (receipt: Receipt, told: Reporting, outputs: Readonly<Record<string, string>>) => {
    await reportRun(receipt, told, log, outputs)
    if (started !== undefined) await uploadResult({ ...started, env, log, artifactScript, reporting: told })
  }
  try {
    for (const value of parseSecrets(env.INPUT_SECRETS?.trim() ?? '').values()) log.mask(value)
    const inputs = readAttestInputs(env)
    if (inputs.githubToken !== undefined) log.mask(inputs.githubToken)
    const context = await readContext(env)
    reporting = reportingOf(inputs, context)
    const request = planAttest(inputs, context)
    started = { inputs, context, name: request.name, folder: join(context.temporary, 'waybill', request.name) }
    const world = { env, inputs, context, request, log, folder: started.folder, artifactScript }
    const { receipt, error } = await attestRun(world, reporting)
    await end(receipt, reporting, attestOutputs(receipt))
    await commentOnPull(receipt, { inputs, context, name: request.name, log })
    return error === undefined ? 0 : exitCodeOfError(error)
  } catch (error) {
    const known = asWaybillError(error)
    const { resultPath = before.resultPath } = reporting
    const told = { ...reporting, ...(resultPath === undefined ? {} : { resultPath }) }
    await end(refusedReceipt('attest', known), told, {})
    return exitCodeOfError(known.kind)
  }
}

type Started = Pick<ResultUpload, 'inputs' | 'context' | 'name' | 'folder'>

async function attestRun(
  world: Omit<AttestWorld, 'http'>,
  reporting: Reporting,
): Promise<{ receipt: Receipt; error: WaybillError['kind'] | undefined }> {
  const { env, inputs, context, request, folder } = world
  await makeFolder(folder)
  reporting.resultPath ??= join(folder, 'result.json')
  const trusting = await withAuthorities(env, inputs.caCertificates, context)
  const http = new HttpClient({ plainHttpHosts: inputs.insecureRegistries })
  try {
    const ports = await attestPorts({ ...world, env: trusting, http })
    return await attest(request, ports)
  } finally {
    http.close()
  }
}

function reportingOf(inputs: AttestInputs, context: RunContext): Reporting {
  const { summary, output } = context.files
  const result = inputs.result
  const resultPath = result === undefined ? undefined : inWorkspace(context, result)
  return {
    ...(inputs.summary && summary !== undefined ? { summary } : {}),
    ...(output === undefined ? {} : { output }),
    ...(resultPath === undefined ? {} : { resultPath }),
    run: runUrl(context),
  }
}

function attestOutputs(receipt: Receipt): Readonly<Record<string, string>> {
  const { image, attestations, stages } = receipt
  const stateOf = (name: string): string => stages.find(stage => stage.name === name)?.state ?? 'not-reached'
  return {
    digest: image?.digest ?? '',
    image: image === undefined ? '' : `${image.repository}@${image.digest}`,
    platforms: JSON.stringify(image?.platforms ?? []),
    tags: (image?.tags ?? []).join('\n'),
    'source-verdict': stateOf('source'),
    'materials-verdict': stateOf('materials'),
    bundles: attestations.flatMap(attestation => attestation.bundle ?? []).join('\n'),
    attestations: JSON.stringify(attestations),
    'verify-command': verifyCommand(receipt) ?? '',
    'verify-args': JSON.stringify(verifyArgs(receipt) ?? []),
  }
}
