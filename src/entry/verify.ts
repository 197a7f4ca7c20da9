import { join } from 'node:path'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { WorkflowLog } from '../github/commands.ts'
import { type RunContext, readContext } from '../github/context.ts'
import { readVerifyInputs, type VerifyInputs } from '../github/verify-inputs.ts'
import { door, randomWord } from '../io/door.ts'
import { type Environment, environment } from '../io/environment.ts'
import { HttpClient } from '../io/http.ts'
import { lawOf } from '../pipeline/source-law.ts'
import { POLICY_PATH, parseLaw } from '../policy/law.ts'
import { matchesRef } from '../policy/match.ts'
import type { Receipt } from '../report/receipt.ts'
import { openHistory } from '../source/git.ts'
import { checkPolicyPath } from './attest-plan.ts'
import { exitCodeOfError, exitCodeOfVerdict } from './exit-code.ts'
import { type GateOptions, runGate } from './gate.ts'
import { NO_SUBJECTS } from './gate-subjects.ts'
import { registryCredentials } from './registry-login.ts'
import { type Reporting, refusedReceipt, reportingBefore, reportRun } from './report-run.ts'
import { inWorkspace, requireGit } from './workspace.ts'

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
    reporting = reportingOf(inputs, context)
    const receipt = await gateOf(env, inputs, context)
    await reportRun(receipt, reporting, log, { subjects: JSON.stringify(receipt.subjects) })
    return exitCodeOfVerdict(receipt.verdict)
  } catch (error) {
    const known = asWaybillError(error)
    await reportRun(refusedReceipt('verify image', known), reporting, log, { subjects: '[]' })
    return exitCodeOfError(known.kind)
  }
}

async function gateOf(env: Environment, inputs: VerifyInputs, context: RunContext): Promise<Receipt> {
  const http = new HttpClient({ plainHttpHosts: inputs.insecureRegistries })
  try {
    const { source } = await registryCredentials(env, inputs.githubToken, context.actor)
    const policy = inputs.policy === undefined ? undefined : await committedPolicy(env, inputs, context)
    return await runGate({
      command: 'verify image',
      subjects: { ...NO_SUBJECTS, images: inputs.images, folder: context.workspace },
      ...(policy === undefined ? {} : { policy }),
      flags: flagsOf(inputs),
      ...(inputs.key === undefined ? {} : { keyFile: inWorkspace(context, inputs.key) }),
      ...(inputs.trustedRoot === undefined ? {} : { trustedRootFile: inWorkspace(context, inputs.trustedRoot) }),
      http,
      credentials: source,
      stage: 'deploy',
      bundleFiles: [],
      offline: false,
      insecureRegistries: inputs.insecureRegistries,
      cacheFolder: join(context.temporary, 'waybill', 'tuf'),
    })
  } finally {
    http.close()
  }
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
    sourceRef: sourceRefs,
    require: inputs.require,
  }
}

/**
 * The policy of the commit this run is for, read from git and not from the workspace, which earlier steps may have
 * changed; it counts only on a ref that the policy itself names in `gate-refs` (12-policy § 1).
 */
async function committedPolicy(
  env: Environment,
  inputs: VerifyInputs,
  context: RunContext,
): Promise<NonNullable<GateOptions['policy']>> {
  checkPolicyPath(inputs)
  const history = await openHistory({
    git: requireGit(env),
    folder: join(context.temporary, 'waybill', 'policy'),
    url: `${context.serverUrl}/${context.repository}`,
    env,
    head: context.sha,
    deadline: new Date(Date.now() + LIMITS.sourceStageMs),
    ...(inputs.githubToken === undefined ? {} : { token: inputs.githubToken }),
  })
  try {
    const law = parseLaw(await lawOf(history, context.sha))
    checkGateRef(law.policy.gateRefs, context)
    const uri = `git+${context.serverUrl}/${context.repository}#${POLICY_PATH}`
    return { law, receipt: { uri, ref: context.sha, digest: law.policyDigest } }
  } finally {
    await history.close()
  }
}

function checkGateRef(refs: Parameters<typeof matchesRef>[0] | undefined, context: RunContext): void {
  const { ref, defaultBranch } = context
  const allowed = refs === undefined ? ref === `refs/heads/${defaultBranch}` : matchesRef(refs, ref)
  if (allowed) return
  throw fail('policy/gate-ref', `The policy at ${ref} may not judge deployments`, {
    expected:
      refs === undefined ? `the default branch, refs/heads/${defaultBranch}` : refs.map(({ text }) => text).join(', '),
    found: ref,
  })
}

function reportingOf(inputs: VerifyInputs, context: RunContext): Reporting {
  const { summary, output } = context.files
  const { result } = inputs
  const path =
    result === undefined ? join(context.temporary, 'waybill', 'verify-result.json') : inWorkspace(context, result)
  return {
    ...(inputs.summary && summary !== undefined ? { summary } : {}),
    ...(output === undefined ? {} : { output }),
    resultPath: path,
  }
}
