import type { Part } from '../build/part.ts'
import { PartsBuilder } from '../build/parts.ts'
import type { BuildRequest } from '../build/request.ts'
import { fail } from '../core/error.ts'
import type { TokenClaims } from '../github/claims.ts'
import { Inputs } from '../github/inputs.ts'
import { attestOutputs, runAttestDoor } from './attest.ts'
import { IN_A_WORKFLOW, loginsOf, otherPlan, requireOwnPlan, requireRunner, sbomOf } from './workflow-doors.ts'
import { readLogins, readPartsInput, readPlanInput, rootEnvironment } from './workflow-inputs.ts'
import { SIGN_INPUTS, SIGN_OUTPUTS } from './workflow-table.ts'

const OWN = ['plan', 'parts', 'workflow-commit', 'registry-password']
const COMMIT = /^[0-9a-f]{40}$/

/**
 * `sign/action.yml`: puts the parts of other jobs together and signs the whole. It runs nothing of the commit; digests come from the
 * outputs of those jobs alone, and everything else is found out anew (5-build § 5).
 */
export function runSign(): Promise<void> {
  return runAttestDoor(env => {
    const inputs = new Inputs(env, SIGN_INPUTS)
    const plan = readPlanInput(inputs)
    const parts = readPartsInput(inputs)
    const given = readLogins(inputs)
    const from = inputs.matching('workflow-commit', COMMIT, 'a full commit id')
    if (!plan.push || !plan.sign) throw otherPlan('answer to whether to sign', 'true', 'false')
    for (const part of parts) requireRunner(plan, part)
    sbomOf(inputs)
    const more = {
      ...IN_A_WORKFLOW,
      images: plan.images.join('\n'),
      platforms: Object.keys(plan.runners).join('\n'),
    }
    return {
      env: rootEnvironment(env, SIGN_INPUTS, OWN, more),
      logins: (request, context) => loginsOf(given, request, context),
      shape: (request, context) => {
        requireOwnPlan(plan, request, context)
        if (!request.sign || !request.push) throw otherPlan('event', 'one that signs', context.eventName)
        return { ...request, planned: plan, build: { ...request.build, ...secretsOf(parts) } }
      },
      ownBuilder: registry => new PartsBuilder(plan, parts, registry),
      ...(from === undefined ? {} : { requireClaims: claims => requireOwnSteps(claims, from) }),
      outputs: receipt => {
        const all = attestOutputs(receipt)
        return Object.fromEntries(Object.entries(all).filter(([name]) => SIGN_OUTPUTS.some(row => row.name === name)))
      },
    }
  })
}

/**
 * Ids of what the builds were given, for the provenance: values never leave the jobs that build. Their files were there.
 * @throws `build/part-differs` where two jobs say that they were given other secrets
 */
function secretsOf(parts: readonly Part[]): Pick<BuildRequest, 'secrets'> {
  const [first, ...more] = parts.map(({ platform, secrets = [] }) => ({ platform, ids: secrets.join(', ') }))
  const other = more.find(({ ids }) => ids !== first?.ids)
  if (first !== undefined && other !== undefined)
    throw fail('build/part-differs', `The part for ${other.platform} was given other secrets`, {
      expected: first.ids || 'none',
      found: other.ids || 'none',
    })
  const ids = parts[0]?.secrets ?? []
  return ids.length === 0 ? {} : { secrets: ids.map(id => ({ id, file: '' })) }
}

/** The certificate names the workflow's commit; these steps must be of that commit, or it would vouch for others. */
function requireOwnSteps({ jobWorkflowSha }: TokenClaims, from: string): void {
  if (jobWorkflowSha === from) return
  throw fail('build/workflow-differs', 'These steps are of another commit than the workflow that the token names', {
    expected: jobWorkflowSha ?? 'a token with job_workflow_sha',
    found: from,
  })
}
