import { dirname, join } from 'node:path'
import type { Login } from '../build/builder.ts'
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
import type { AttestPorts, AttestRequest } from '../pipeline/attest-request.ts'
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
export function runAttest(): Promise<void> {
  return runAttestDoor(env => ({ env, outputs: receipt => attestOutputs(receipt) }))
}

/** What a door makes of the one story; everything else is as with the root action. */
export interface AttestDoor extends Pick<AttestWorld, 'ownBuilder' | 'requireClaims'> {
  /** With the inputs of the root action. */
  readonly env: Environment
  /** Logins of the inputs, once it is known where images go. */
  logins?(request: AttestRequest, context: RunContext): readonly Login[]
  /** What the event and the inputs decided, as far as this door goes with it. */
  shape?(request: AttestRequest, context: RunContext): AttestRequest
  run?: (request: AttestRequest, ports: AttestPorts) => Promise<Ran>
  /** Of a run that came to its stages. */
  outputs(receipt: Receipt, ran: Ran): Readonly<Record<string, string>>
}

interface Ran {
  readonly receipt: Receipt
  readonly error: WaybillError['kind'] | undefined
}

/** @param open reads the door's own inputs; what it throws is told as any input that cannot be accepted. */
export async function runAttestDoor(open: (env: Environment) => AttestDoor): Promise<void> {
  const world = door()
  const env = environment()
  const log = new WorkflowLog(bytes => world.out(bytes), randomWord)
  world.exit(await attestStep(env, open, log, join(dirname(world.script), 'artifact.js')))
}

async function attestStep(
  given: Environment,
  open: (env: Environment) => AttestDoor,
  log: WorkflowLog,
  artifactScript: string,
): Promise<number> {
  const before = reportingBefore(given, 'result.json')
  const { ACTIONS_RUNTIME_TOKEN: runtimeToken } = given
  if (runtimeToken) log.mask(runtimeToken)
  let reporting = before
  let started: Started | undefined
  const end = async (receipt: Receipt, told: Reporting, outputs: Readonly<Record<string, string>>) => {
    await reportRun(receipt, told, log, outputs)
    if (started !== undefined) await uploadResult({ ...started, env: given, log, artifactScript, reporting: told })
  }
  try {
    const the = open(given)
    const { env } = the
    for (const value of parseSecrets(env.INPUT_SECRETS?.trim() ?? '').values()) log.mask(value)
    const inputs = readAttestInputs(env)
    if (inputs.githubToken !== undefined) log.mask(inputs.githubToken)
    const context = await readContext(env, inputs.recordInputs)
    reporting = reportingOf(inputs, context)
    const planned = planAttest(inputs, context)
    const request = the.shape?.(planned, context) ?? planned
    const logins = the.logins?.(request, context) ?? []
    for (const { password } of logins) log.mask(password)
    started = { inputs, context, name: request.name, folder: join(context.temporary, 'waybill', request.name) }
    const world = { env, inputs, context, request, log, folder: started.folder, artifactScript, logins }
    const ran = await attestRun({ ...world, ...ofWorld(the) }, reporting, the.run ?? attest)
    await end(ran.receipt, reporting, the.outputs(ran.receipt, ran))
    await commentOnPull(ran.receipt, { inputs, context, name: request.name, log })
    return ran.error === undefined ? 0 : exitCodeOfError(ran.error)
  } catch (error) {
    const known = asWaybillError(error)
    const { resultPath = before.resultPath } = reporting
    const told = { ...reporting, ...(resultPath === undefined ? {} : { resultPath }) }
    await end(refusedReceipt('attest', known), told, {})
    return exitCodeOfError(known.kind)
  }
}

function ofWorld({ ownBuilder, requireClaims }: AttestDoor): Pick<AttestWorld, 'ownBuilder' | 'requireClaims'> {
  return {
    ...(ownBuilder === undefined ? {} : { ownBuilder }),
    ...(requireClaims === undefined ? {} : { requireClaims }),
  }
}

type Started = Pick<ResultUpload, 'inputs' | 'context' | 'name' | 'folder'>

async function attestRun(
  world: Omit<AttestWorld, 'http'>,
  reporting: Reporting,
  run: NonNullable<AttestDoor['run']>,
): Promise<Ran> {
  const { env, inputs, context, request, folder } = world
  await makeFolder(folder)
  reporting.resultPath ??= join(folder, 'result.json')
  const trusting = await withAuthorities(env, inputs.caCertificates, context)
  const http = new HttpClient({ plainHttpHosts: inputs.insecureRegistries })
  try {
    const ports = await attestPorts({ ...world, env: trusting, http })
    return await run(request, ports)
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

export function attestOutputs(receipt: Receipt): Readonly<Record<string, string>> {
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
