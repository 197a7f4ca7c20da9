import type { Builder, BuildResult } from '../build/builder.ts'
import { partText, type Rebuilt } from '../build/part.ts'
import { type BuildPlan, outputOf } from '../build/plan.ts'
import { wrapped } from '../build/wrapped.ts'
import { Inputs, malformed } from '../github/inputs.ts'
import { attest } from '../pipeline/attest.ts'
import type { AttestRequest } from '../pipeline/attest-request.ts'
import type { ReproducibleReceipt } from '../report/receipt.ts'
import { runAttestDoor } from './attest.ts'
import {
  IN_A_WORKFLOW,
  loginsOf,
  otherPlan,
  requireOwnPlan,
  requireRunner,
  sbomOf,
  untoldRun,
} from './workflow-doors.ts'
import { readLogins, readPlanInput, rootEnvironment } from './workflow-inputs.ts'
import { LEG_INPUTS } from './workflow-table.ts'

const OWN = ['plan', 'platform', 'workflow-ref', 'registry-password', 'sbom']
const SIGNED_LATER = 'Nothing is signed by this job, which runs what the commit says: another job signs what it pushed.'

/**
 * `leg/action.yml`: builds one platform of the plan and pushes it by digest. Its job has no identity token: what a RUN step could
 * take from it signs nothing.
 */
export function runLeg(): Promise<void> {
  return runAttestDoor(env => {
    const inputs = new Inputs(env, LEG_INPUTS)
    const plan = readPlanInput(inputs)
    const given = readLogins(inputs)
    inputs.choice('builder', ['auto', 'buildx', 'buildah'])
    const platform = inputs.text('platform') ?? ''
    if (plan.runners[platform] === undefined)
      throw malformed('platform', Object.keys(plan.runners).join(', '), platform)
    const more = { ...IN_A_WORKFLOW, platforms: platform, sign: 'false', push: String(plan.push), upload: 'false' }
    const images = plan.images.join('\n')
    const withSbom = sbomOf(inputs)
    let runner = 'unknown'
    let result: BuildResult | undefined
    let secrets: readonly string[] = []
    return {
      env: rootEnvironment(env, LEG_INPUTS, OWN, { ...more, images, name: `leg-${outputOf(platform)}` }),
      logins: (request, context) => loginsOf(given, request, context),
      shape: (request, context) => {
        requireOwnPlan(plan, request, context)
        runner = context.runnerEnvironment ?? 'unknown'
        requireRunner(plan, { platform, runner })
        secrets = (request.build.secrets ?? []).map(({ id }) => id)
        return { ...partRequest(plan, request, withSbom), ...untoldRun(context, inputs.text('workflow-ref')) }
      },
      // No draft of a statement about a part: only the whole is stated.
      run: ({ draftClaims: _untold, ...request }, ports) => {
        const builder = async () =>
          watched(await ports.builder(), made => {
            result = made
          })
        return attest(request, { ...ports, builder })
      },
      outputs: ({ image, reproducible }, { error }) =>
        error !== undefined || result === undefined || image?.pushed !== true
          ? {}
          : { [outputOf(platform)]: partOf(plan, { platform, runner, result, reproducible, secrets }) },
    }
  })
}

function partRequest(plan: BuildPlan, request: AttestRequest, sbom: boolean): AttestRequest {
  // The event decides anew; a plan that says more than it does not make a fork push.
  if (request.push !== plan.push) throw otherPlan('answer to whether to push', String(plan.push), String(request.push))
  const build = { ...request.build, ...(sbom ? { sbom } : {}) }
  return { ...request, build, planned: plan, sign: false, unsignedBecause: SIGNED_LATER }
}

function watched(builder: Builder, made: (result: BuildResult) => void): Builder {
  return wrapped(builder, async request => {
    const result = await builder.build(request)
    made(result)
    return result
  })
}

interface MadePart {
  readonly platform: string
  readonly runner: string
  readonly result: BuildResult
  readonly reproducible: ReproducibleReceipt | undefined
  /** Ids. */
  readonly secrets: readonly string[]
}

function partOf(plan: BuildPlan, { platform, runner, result, reproducible, secrets }: MadePart): string {
  const { digest, builder, tools, conditions, enforcement } = result
  if (builder !== 'buildx' && builder !== 'buildah') throw new TypeError(`a part by ${builder}`)
  return partText({
    commit: plan.commit,
    run: plan.run,
    platform,
    digest,
    builder,
    runner,
    tools,
    ...(conditions === undefined ? {} : { conditions }),
    ...(enforcement === undefined ? {} : { enforced: enforcement.by }),
    ...(secrets.length === 0 ? {} : { secrets }),
    ...(reproducible === undefined ? {} : { rebuilt: rebuiltOf(reproducible) }),
  })
}

/** Of the one platform of this job; what differs is told here, and is nothing that a job could check which signs. */
function rebuiltOf({ state, platforms }: ReproducibleReceipt): Rebuilt {
  const [only] = platforms
  if (state !== 'passed') return { state }
  return only?.second === undefined || platforms.length > 1
    ? { state: 'unknown' }
    : { state: 'passed', manifest: only.second }
}
