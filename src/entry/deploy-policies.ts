import type { AdmissionFile } from '../admission/link.ts'
import type { PolicyEngine } from '../github/deploy-inputs.ts'
import { shellQuote } from '../report/text.ts'
import type { GatePolicy } from './gate-inputs.ts'

/**
 * The admission policies of the policy that judges, for one engine; made before anything is signed.
 * @param cache folder for what is fetched to trust GitHub's own instance.
 * @throws `policy/not-expressible`
 */
export async function deployPolicies(
  engine: PolicyEngine,
  { law, receipt }: GatePolicy,
  cache: string,
): Promise<readonly AdmissionFile[]> {
  if (engine === 'none') return []
  const policy = { uri: receipt.uri, digest: receipt.digest ?? law.policyDigest }
  const uri = receipt.uri.startsWith('git+') ? shellQuote(receipt.uri) : undefined
  const command = `waybill policy generate --for ${engine}${uri === undefined ? '' : ` --policy-uri ${uri}`}`
  const { admissionFiles } = await import('./admission-files.ts')
  return (await admissionFiles({ engine, law, policy, command, namespaces: [], cache })).files
}
