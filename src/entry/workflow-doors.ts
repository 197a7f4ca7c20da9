import type { Login } from '../build/builder.ts'
import type { BuildPlan } from '../build/plan.ts'
import { fail } from '../core/error.ts'
import type { RunContext } from '../github/context.ts'
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
