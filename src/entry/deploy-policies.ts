import type { AdmissionFile } from '../admission/link.ts'
import { fail } from '../core/error.ts'
import type { PolicyEngine } from '../github/deploy-inputs.ts'
import type { GatePolicy } from './gate-inputs.ts'

/**
 * The admission policies of the policy that judges, for one engine; made before anything is signed.
 * @throws `policy/not-expressible`, `deploy/policies-unavailable`
 */
export async function deployPolicies(engine: PolicyEngine, _policy: GatePolicy): Promise<readonly AdmissionFile[]> {
  if (engine === 'none') return []
  throw fail('deploy/policies-unavailable', `This version writes no admission policies for ${engine}`, {
    expected: 'policies: none',
    found: engine,
  })
}
