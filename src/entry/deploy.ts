import { join } from 'node:path'
import { CATALOGUE } from '../core/catalogue.ts'
import { asWaybillError } from '../core/error.ts'
import { WorkflowLog } from '../github/commands.ts'
import { type RunContext, readContext, runUrl } from '../github/context.ts'
import { type DeployInputs, readDeployInputs } from '../github/deploy-inputs.ts'
import { door, randomWord } from '../io/door.ts'
import { type Environment, environment } from '../io/environment.ts'
import { writeFileAtomic } from '../io/files.ts'
import { HttpClient } from '../io/http.ts'
import { QUARANTINE_FOLDER } from '../pipeline/quarantine-file.ts'
import { POLICY_PATH } from '../policy/law.ts'
import { renderSarif } from '../report/sarif.ts'
import { withAuthorities } from './authorities.ts'
import { deployQuarantine } from './deploy-options.ts'
import { promotionsOf } from './deploy-plan.ts'
import { runDeploy } from './deploy-run.ts'
import { actionSigner } from './deploy-signer.ts'
import type { DeployResult, DeployWish } from './deploy-wish.ts'
import { exitCodeOfError, exitCodeOfVerdict } from './exit-code.ts'
import { bundlePaths, committedPolicy, namedImages, storeOf } from './gate-inputs.ts'
import { registryCredentials } from './registry-login.ts'
import { refusedReceipt, reportingBefore, reportingOf, reportRun } from './report-run.ts'
import { WAYBILL_VERSION } from './version.ts'
import { inWorkspace } from './workspace.ts'

/** `deploy/action.yml`: verify, sign that it may go there, promote, write what is applied. It runs nothing of any commit. */
export async function runDeployDoor(): Promise<void> {
  const world = door()
  const log = new WorkflowLog(bytes => world.out(bytes), randomWord)
  world.exit(await deployStep(environment(), log))
}

const NO_OUTPUTS = { deployment: '', manifests: '', policies: '', vsa: '[]' }

async function deployStep(env: Environment, log: WorkflowLog): Promise<number> {
  let reporting = reportingBefore(env, 'deploy-result.json')
  try {
    const inputs = readDeployInputs(env)
    if (inputs.githubToken !== undefined) log.mask(inputs.githubToken)
    const context = await readContext(env)
    reporting = reportingOf(inputs, context, 'deploy-result.json')
    const trusting = await withAuthorities(env, inputs.caCertificates, context)
    const result = await deployWith(trusting, inputs, context, log)
    await reportRun(result.receipt, reporting, log, outputsOf(result))
    return result.error === undefined ? exitCodeOfVerdict(result.receipt.verdict) : exitCodeOfError(result.error.kind)
  } catch (error) {
    const known = asWaybillError(error)
    await reportRun(refusedReceipt('deploy', known), reporting, log, NO_OUTPUTS)
    return exitCodeOfError(known.kind)
  }
}

function outputsOf({ deployment = '', manifests, policies, vsa }: DeployResult): Readonly<Record<string, string>> {
  return { deployment, manifests: manifests.join('\n'), policies: policies.join('\n'), vsa: JSON.stringify(vsa) }
}

async function deployWith(
  env: Environment,
  inputs: DeployInputs,
  context: RunContext,
  log: WorkflowLog,
): Promise<DeployResult> {
  const http = new HttpClient({ plainHttpHosts: inputs.insecureRegistries })
  try {
    const { source: credentials } = await registryCredentials(env, inputs.githubToken, context.actor)
    const cacheFolder = join(context.temporary, 'waybill', 'tuf')
    const run = runUrl(context)
    const result = await runDeploy(await wishOf(env, inputs, context), {
      folder: context.workspace,
      http,
      credentials,
      insecureRegistries: inputs.insecureRegistries,
      cacheFolder,
      ...storeOf(inputs, context, http),
      signer: () => actionSigner({ env, inputs, context, log, http, cacheFolder }),
      ...(run === undefined ? {} : { run }),
      progress: line => log.info(line),
    })
    await writeSarif(inputs, context, result)
    return result
  } finally {
    http.close()
  }
}

async function wishOf(env: Environment, inputs: DeployInputs, context: RunContext): Promise<DeployWish> {
  const { images, files, manifests, pin, annotate, policies, filesRepository, events } = inputs
  const manifestImages = await namedImages({ manifests, compose: [] }, context.workspace)
  const composeImages = await namedImages({ manifests: [], compose: inputs.compose }, context.workspace)
  return {
    images,
    files,
    named: {
      subjects: [...manifestImages.subjects, ...composeImages.subjects],
      unreadable: [...manifestImages.unreadable, ...composeImages.unreadable],
      sources: [...manifestImages.sources, ...composeImages.sources],
    },
    manifestFiles: manifestImages.sources.map(({ file }) => file),
    policy: await committedPolicy(env, inputs, context),
    policyPath: POLICY_PATH,
    environment: inputs.environment,
    promote: promotionsOf(inputs.promote),
    pin,
    annotate,
    policies,
    output: inWorkspace(context, inputs.output),
    bundleFiles: inputs.bundles.length === 0 ? [] : await bundlePaths(inputs.bundles, context),
    ...(filesRepository === undefined ? {} : { filesRepository }),
    quarantine: deployQuarantine(inputs.quarantine),
    quarantineDirectory: inputs.quarantineDirectory ?? QUARANTINE_FOLDER,
    ...(events === undefined ? {} : { events }),
  }
}

async function writeSarif({ sarif }: DeployInputs, context: RunContext, { receipt }: DeployResult): Promise<void> {
  if (sarif === undefined) return
  const options = { version: WAYBILL_VERSION, rulesFrom: CATALOGUE, home: POLICY_PATH }
  await writeFileAtomic(inWorkspace(context, sarif), renderSarif(receipt, options))
}
