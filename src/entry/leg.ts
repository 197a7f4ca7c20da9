import type { Builder, BuildResult } from '../build/builder.ts'
import { type BuildPlan, outputOf, partText } from '../build/plan.ts'
import { fail } from '../core/error.ts'
import type { RunContext } from '../github/context.ts'
import { Inputs, malformed } from '../github/inputs.ts'
import { attest } from '../pipeline/attest.ts'
import type { AttestRequest } from '../pipeline/attest-request.ts'
import { runAttestDoor } from './attest.ts'
import { IN_A_WORKFLOW, loginsOf, otherPlan, requireOwnPlan, untoldRun } from './workflow-doors.ts'
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
    return {
      env: rootEnvironment(env, LEG_INPUTS, OWN, { ...more, images, name: `leg-${outputOf(platform)}` }),
      logins: (request, context) => loginsOf(given, request, context),
      shape: (request, context) => {
        requireOwnPlan(plan, request, context)
        runner = runnerOf(plan, platform, context)
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
      outputs: ({ image }, { error }) =>
        error !== undefined || result === undefined || image?.pushed !== true
          ? {}
          : { [outputOf(platform)]: partOf(plan, platform, runner, result) },
    }
  })
}

/** Its lists come from the builder that makes the part; a file of the workspace has nothing to do with one platform. */
function sbomOf(inputs: Inputs): boolean {
  const sbom = inputs.text('sbom')
  if (sbom !== undefined && sbom !== 'auto') throw malformed('sbom', 'auto', sbom)
  return sbom === 'auto'
}

/** 13-adversary 40: a label is a name that anybody can give to a machine; what the runner says of itself must agree. */
function runnerOf(plan: BuildPlan, platform: string, { runnerEnvironment = 'unknown' }: RunContext): string {
  if (plan.selfHosted || runnerEnvironment === 'github-hosted') return runnerEnvironment
  throw fail('build/runner-not-listed', `The runner of ${platform} says that it is not one of GitHub's own`, {
    expected: 'github-hosted',
    found: runnerEnvironment,
  })
}

function partRequest(plan: BuildPlan, request: AttestRequest, sbom: boolean): AttestRequest {
  // The event decides anew; a plan that says more than it does not make a fork push.
  if (request.push !== plan.push) throw otherPlan('answer to whether to push', String(plan.push), String(request.push))
  const build = { ...request.build, ...(sbom ? { sbom } : {}) }
  return { ...request, build, planned: plan, sign: false, unsignedBecause: SIGNED_LATER }
}

function watched(builder: Builder, made: (result: BuildResult) => void): Builder {
  return {
    name: builder.name,
    prepare: async request => builder.prepare?.(request),
    build: async request => {
      const result = await builder.build(request)
      made(result)
      return result
    },
  }
}

function partOf(plan: BuildPlan, platform: string, runner: string, result: BuildResult): string {
  const { digest, builder, tools, conditions, enforcement, opened } = result
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
    ...(opened === undefined ? {} : { opened }),
  })
}
