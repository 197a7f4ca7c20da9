import type { Login } from '../build/builder.ts'
import type { Part } from '../build/part.ts'
import type { BuildPlan } from '../build/plan.ts'
import { fail } from '../core/error.ts'
import type { RunContext } from '../github/context.ts'
import { type Inputs, malformed } from '../github/inputs.ts'
import type { AttestRequest } from '../pipeline/attest-request.ts'
import { runnerOf } from './attest-plan.ts'
import type { GivenLogin } from './workflow-inputs.ts'

/** What the three doors of the reusable workflow share. */

/** The inputs of the workflow shape one image: nothing is left beside it that only another door would use. */
export const IN_A_WORKFLOW = { comment: 'never' } as const

/** A plan is of this run, this ref and these images, or it was not made for this job. @throws `build/plan-differs` */
export function requireOwnPlan(plan: BuildPlan, request: AttestRequest, context: RunContext): void {
  const pairs = [
    ['run', plan.run, context.runId],
    ['ref', plan.ref, request.source.ref],
    ['commit', plan.commit, request.source.head],
    ['images', plan.images.join(', '), request.build.images.join(', ')],
  ] as const
  for (const [what, planned, here] of pairs) if (planned !== here) throw otherPlan(what, planned, here)
}

export function otherPlan(what: string, expected: string, found: string): Error {
  return fail('build/plan-differs', `The plan is not one for this job: it has another ${what}`, { expected, found })
}

/** 13-adversary 40: a label is a name that anybody can give to a machine; what the runner says of itself must agree. */
export function requireRunner(
  { selfHosted }: Pick<BuildPlan, 'selfHosted'>,
  { platform, runner }: Pick<Part, 'platform' | 'runner'>,
): void {
  if (selfHosted || runner === 'github-hosted') return
  throw fail('build/runner-not-listed', `The runner of ${platform} says that it is not one of GitHub's own`, {
    expected: 'github-hosted',
    found: runner,
  })
}

/** Lists come from the builders that make the parts; a file of the workspace has nothing to do with one platform. */
export function sbomOf(inputs: Inputs): boolean {
  const sbom = inputs.text('sbom')
  if (sbom !== undefined && sbom !== 'auto') throw malformed('sbom', 'auto', sbom)
  return sbom === 'auto'
}

/** A password without a host is for the registry of the first image, one without a user name for whoever started the run. */
export function loginsOf(
  given: readonly GivenLogin[],
  { repositories }: AttestRequest,
  { actor }: RunContext,
): readonly Login[] {
  return given.map(({ host = repositories[0].host, username = actor, password }) => ({ host, username, password }))
}

/**
 * Who the runs of this workflow are, for a job that has no token to say so: whose earlier statements may give a key's time or a
 * review (13-adversary 2). Nothing is signed by it, and the job that signs asks its token.
 */
export function untoldRun(context: RunContext, called: string | undefined): Pick<AttestRequest, 'draftClaims'> {
  const { runner } = runnerOf(context)
  if (runner === undefined) return {}
  return { draftClaims: { ...runner, ...(called === undefined ? {} : { job_workflow_ref: called }) } }
}
