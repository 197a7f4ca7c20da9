import { join } from 'node:path'
import { CATALOGUE } from '../core/catalogue.ts'
import { asWaybillError } from '../core/error.ts'
import { WorkflowLog } from '../github/commands.ts'
import { type RunContext, readContext, runUrl } from '../github/context.ts'
import { readVerifyInputs, type VerifyInputs } from '../github/verify-inputs.ts'
import { door, randomWord } from '../io/door.ts'
import { type Environment, environment } from '../io/environment.ts'
import { writeFileAtomic } from '../io/files.ts'
import { HttpClient } from '../io/http.ts'
import { OfflineHttpClient } from '../io/offline-http.ts'
import { POLICY_PATH } from '../policy/law.ts'
import type { CredentialSource } from '../registry/credentials.ts'
import type { Receipt } from '../report/receipt.ts'
import { renderSarif } from '../report/sarif.ts'
import { withAuthorities } from './authorities.ts'
import { exitCodeOfError, exitCodeOfVerdict } from './exit-code.ts'
import { type GateOptions, type GateResult, runGate } from './gate.ts'
import { afterGate, type QuarantineHands } from './gate-after.ts'
import { bundlePaths, committedPolicy, namedImages, storeOf } from './gate-inputs.ts'
import type { NamedImages } from './gate-manifests.ts'
import { pinnedFiles, pinnedReceipt, writePinned } from './gate-pin.ts'
import { logProgress } from './progress.ts'
import { registryCredentials } from './registry-login.ts'
import { ofRun, refusedReceipt, reportingBefore, reportingOf, reportRun } from './report-run.ts'
import { quarantineHands } from './verify-quarantine.ts'
import { runUrlGate, type UrlOptions } from './verify-url.ts'
import { WAYBILL_VERSION } from './version.ts'
import { inWorkspace } from './workspace.ts'

/** `verify/action.yml`: the gate. It executes nothing of any commit, so it may run on every event. */
export async function runVerify(): Promise<void> {
  const world = door()
  const log = new WorkflowLog(bytes => world.out(bytes), randomWord)
  world.exit(await verifyStep(environment(), log))
}

async function verifyStep(env: Environment, log: WorkflowLog): Promise<number> {
  let reporting = reportingBefore(env, 'verify-result.json')
  try {
    const inputs = readVerifyInputs(env)
    if (inputs.githubToken !== undefined) log.mask(inputs.githubToken)
    const context = await readContext(env)
    reporting = reportingOf(inputs, context, 'verify-result.json')
    const trusting = await withAuthorities(env, inputs.caCertificates, context)
    const { receipt, pinned } = await verifyAll(trusting, inputs, context, log)
    await reportRun(receipt, reporting, log, { subjects: JSON.stringify(receipt.subjects), pinned: pinned.join('\n') })
    return exitCodeOfVerdict(receipt.verdict)
  } catch (error) {
    const known = asWaybillError(error)
    await reportRun(refusedReceipt('verify', known), reporting, log, { subjects: '[]', pinned: '' })
    return exitCodeOfError(known.kind)
  }
}

interface Verified {
  readonly receipt: Receipt
  /** Paths of what was written with digests. */
  readonly pinned: readonly string[]
}

interface VerifyWorld {
  readonly env: Environment
  readonly inputs: VerifyInputs
  readonly context: RunContext
  readonly http: HttpClient
  readonly credentials: CredentialSource
  readonly log: WorkflowLog
}

/** The verdict, then everything that follows from it and cannot change it. */
async function verifyAll(
  env: Environment,
  inputs: VerifyInputs,
  context: RunContext,
  log: WorkflowLog,
): Promise<Verified> {
  const http = new HttpClient({ plainHttpHosts: inputs.insecureRegistries })
  try {
    const { source: credentials } = await registryCredentials(env, inputs.githubToken, context.actor)
    const world = { env, inputs, context, http, credentials, log }
    // Whatever could be wrong with who signs is found before anything is judged.
    return await verifyWith(world, await quarantineHands(world))
  } finally {
    http.close()
  }
}

async function verifyWith(world: VerifyWorld, hands: QuarantineHands | undefined): Promise<Verified> {
  const { inputs, context } = world
  const now = new Date()
  const folder = context.workspace
  const named = await namedImages(inputs, folder)
  const judged = await gateOf(world, named, now)
  // Events are written before the run is reported, and name it, too.
  const result = { ...judged, receipt: ofRun(judged.receipt, runUrl(context)) }
  const pinned = inputs.pin ? pinnedFiles(result.receipt, named.sources) : []
  const receipt = await afterGate(result, { ...inputs, ...(hands === undefined ? {} : { hands }), folder, now })
  const { sarif } = inputs
  if (sarif !== undefined) {
    const home = { home: POLICY_PATH }
    await writeFileAtomic(
      inWorkspace(context, sarif),
      renderSarif(receipt, { version: WAYBILL_VERSION, rulesFrom: CATALOGUE, ...home }),
    )
  }
  const written = await writePinned(pinned)
  return { receipt: { ...receipt, ...pinnedReceipt(pinned) }, pinned: written }
}

async function gateOf(world: VerifyWorld, named: NamedImages, now: Date): Promise<GateResult> {
  const { env, inputs, context, credentials, log } = world
  const { offline, insecureRegistries, filesRepository, images, files } = inputs
  const http = offline ? new OfflineHttpClient() : world.http
  const policy = inputs.policy === undefined ? undefined : await committedPolicy(env, inputs, context)
  const bundles = inputs.bundles.length === 0 ? [] : await bundlePaths(inputs.bundles, context)
  const gate = {
    command: 'verify',
    ...(policy === undefined ? {} : { policy }),
    flags: flagsOf(inputs),
    ...(inputs.key === undefined ? {} : { keyFile: inWorkspace(context, inputs.key) }),
    ...(inputs.trustedRoot === undefined ? {} : { trustedRootFile: inWorkspace(context, inputs.trustedRoot) }),
    ...(filesRepository === undefined ? {} : { filesRepository }),
    bundleFiles: bundles,
    http,
    insecureRegistries,
    cacheFolder: join(context.temporary, 'waybill', 'tuf'),
    now,
    progress: logProgress(log),
    ...storeOf(inputs, context, http),
  }
  const folder = context.workspace
  if (inputs.url !== undefined) return runUrlGate({ ...gate, ...urlOptions(inputs, inputs.url, context), folder })
  const subjects = { images, files, named: named.subjects, unreadable: named.unreadable, folder }
  return runGate({ ...gate, subjects, stage: inputs.stage, offline, credentials })
}

function urlOptions(
  inputs: VerifyInputs,
  url: string,
  context: RunContext,
): Pick<UrlOptions, 'url' | 'server' | 'expectImages' | 'allowPrivateAddress'> {
  const { serverKey, serverIdentity, serverOidcIssuer, serverTrustedRoot, expectImages, allowPrivateAddress } = inputs
  const server = {
    ...(serverKey === undefined ? {} : { key: inWorkspace(context, serverKey) }),
    ...(serverIdentity === undefined ? {} : { identity: serverIdentity }),
    ...(serverOidcIssuer === undefined ? {} : { issuer: serverOidcIssuer }),
    ...(serverTrustedRoot === undefined ? {} : { trustedRoot: inWorkspace(context, serverTrustedRoot) }),
  }
  return { url, server, expectImages, allowPrivateAddress }
}

function flagsOf(inputs: VerifyInputs): GateOptions['flags'] {
  const { certificateIdentity, certificateOidcIssuer, repository, repositoryId, signer, caller, sourceRefs } = inputs
  return {
    ...(certificateIdentity === undefined ? {} : { certificateIdentity }),
    ...(certificateOidcIssuer === undefined ? {} : { certificateOidcIssuer }),
    ...(repository === undefined ? {} : { repository }),
    ...(repositoryId === undefined ? {} : { repositoryId }),
    ...(signer === undefined ? {} : { signer }),
    ...(caller === undefined ? {} : { caller }),
    ...(inputs.predicateType === undefined ? {} : { predicateType: inputs.predicateType }),
    sourceRef: sourceRefs,
    require: inputs.require,
  }
}
