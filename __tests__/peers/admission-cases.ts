import { BUILDER, DEPLOYER, type Evidence } from './admission.ts'

/** What an image may have, and which items of the policy it then does not satisfy: the same for every engine. */
export const RIGHT: Evidence = { provenance: BUILDER, summaries: [{ claims: DEPLOYER }] }

const OTHER_WORKFLOW = 'acme/shared/.github/workflows/other.yml@refs/heads/main'
const OTHER_REPOSITORY = {
  ...BUILDER,
  repository: 'acme/other',
  repository_id: '4711',
  workflow_ref: 'acme/other/.github/workflows/release.yml@refs/heads/main',
}
const STAGING = { ...DEPLOYER, environment: 'staging' }

export const [build, deploy, quarantine] = ['provenance', 'deploy-verified', 'quarantined'] as const

export const CASES: readonly (readonly [row: string, evidence: Evidence, refusedBy: readonly string[]])[] = [
  ['right image', RIGHT, []],
  ['unsigned', {}, [build, deploy]],
  ['another workflow', { ...RIGHT, provenance: { job_workflow_ref: OTHER_WORKFLOW } }, [build]],
  ['another repository behind the same signer', { ...RIGHT, provenance: OTHER_REPOSITORY }, [build]],
  ['provenance only', { provenance: BUILDER }, [deploy]],
  ['deploy summary only', { summaries: [{ claims: DEPLOYER }] }, [build]],
  ['provenance by the deployer', { ...RIGHT, provenance: DEPLOYER }, [build]],
  ['deploy summary by the builder', { ...RIGHT, summaries: [{ claims: BUILDER }] }, [deploy]],
  ["each by the other's identity", { provenance: DEPLOYER, summaries: [{ claims: BUILDER }] }, [build, deploy]],
  ['another environment', summary({ claims: STAGING, environment: 'staging' }), [deploy]],
  ["another image's deploy summary", summary({ resource: 'ghcr.io/acme/other' }), [deploy]],
  ['a deploy summary that failed', summary({ other: { verificationResult: 'FAILED' } }), [deploy]],
  ['a deploy summary without a level', summary({ other: { verifiedLevels: [] } }), [deploy]],
  ['a deploy summary without a resource', summary({ other: { resourceUri: undefined } }), [deploy]],
  ['a deploy summary without its run', summary({ other: { waybill_run: undefined } }), [deploy]],
  ['a deploy summary under another policy', summary({ other: { policy: { uri: 'git+https://x' } } }), [deploy]],
  ['a deploy summary of another verifier', summary({ other: { verifier: { id: 'https://x' } } }), [deploy]],
]

function summary(different: Partial<NonNullable<Evidence['summaries']>[number]>): Evidence {
  return { provenance: BUILDER, summaries: [{ claims: DEPLOYER, ...different }] }
}
