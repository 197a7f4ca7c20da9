import { type Digest, hexOf } from '../core/digest.ts'
import type { ExpectedGithub } from '../policy/expected.ts'
import type { Deployer, SourceRequirement } from '../policy/policy.ts'
import { sharedName } from '../policy/policy-name.ts'
import { deployLevel, deployResource } from '../statements/deploy-vsa.ts'
import { VERIFICATION_SUMMARY_PREDICATE } from '../statements/statement.ts'
import type { AdmissionAll, AdmissionCondition, AdmissionLink } from './link.ts'
import { notExpressible } from './refused.ts'
import {
  equal,
  noPullRequest,
  refuseCommits,
  runConditions,
  startedWorkflow,
  verifierConditions,
} from './signer-conditions.ts'

/** Where a deploy summary says which run wrote it. docs/predicates/deploy-vsa.md */
const RUN = 'waybill_run'
const LEVELS = ['verifiedLevels'] as const

export interface DeployQuestion {
  readonly deployer: Deployer
  /** `source-…` items of the rule. */
  readonly source: readonly SourceRequirement[]
  /** `ghcr.io/acme/app`; absent where a pattern matches several repositories. */
  readonly repository?: string
  /** The policy that is generated from, as deploy summaries name it. */
  readonly policy: { readonly uri: string; readonly digest: Digest }
}

/**
 * `deploy-verified`: by the deployer, passed, for this repository and environment, under this policy (13-adversary 27). It is also
 * how a cluster learns of the source: engines look at statements about an image, and source summaries are about a commit.
 * @throws `policy/not-expressible`
 */
export function deployLink(question: DeployQuestion): AdmissionLink {
  const { deployer, source, repository, policy } = question
  const { signer, environment } = deployer
  return {
    item: 'deploy-verified',
    signer,
    predicateTypes: [VERIFICATION_SUMMARY_PREDICATE],
    conditions: [
      equal(['verificationResult'], 'PASSED'),
      ...verifierConditions(signer, ['verifier', 'id']),
      repository === undefined
        ? { path: ['resourceUri'], is: 'resource', environment }
        : equal(['resourceUri'], deployResource(repository, environment)),
      policyCondition(deployer.policy ?? sharedName(policy.uri), policy.digest),
      { path: LEVELS, is: 'containing', value: deployLevel(environment) },
      ...source.flatMap(levelConditions),
      ...(signer.kind === 'github' ? runOf(signer, environment) : []),
      ...(signer.kind === 'sigstore' ? [noPullRequest([RUN, 'event_name'])] : []),
    ],
  }
}

/** By name where the rule names a policy, or the present one has a name that others share; else by its bytes. */
function policyCondition(name: string | undefined, digest: Digest): AdmissionCondition {
  return name === undefined ? equal(['policy', 'digest', 'sha256'], hexOf(digest)) : equal(['policy', 'uri'], name)
}

function runOf(signer: ExpectedGithub, environment: string): AdmissionAll {
  refuseCommits(signer)
  refuseOtherCaller(signer)
  const own = signer.environment === undefined ? [] : [equal([RUN, 'environment'], environment)]
  const started = startedWorkflow(signer)
  return [
    equal([RUN, 'repository'], signer.repository),
    ...runConditions(signer, {
      repositoryId: [RUN, 'repository_id'],
      event: [RUN, 'event_name'],
      runner: [RUN, 'runner_environment'],
      ref: [RUN, 'ref'],
    }),
    ...(started !== undefined && 'ref' in started.at
      ? [{ path: [RUN, 'ref'], is: 'matching', patterns: [started.at.ref.text] } as const]
      : []),
    ...own,
  ]
}

/** A deploy summary names the run's repository, not the workflow that called the one which signed. */
function refuseOtherCaller({ caller, signer }: ExpectedGithub): void {
  if (caller === undefined || caller === 'any') return
  throw notExpressible(
    'No engine reads which workflow called that of a deployer',
    'a deployer without caller, or caller: any',
    `caller ${caller.text} of ${signer.text}`,
    'Write caller: any: repository, its id, ref and environment are compared all the same.',
  )
}

/** A signed history meets whoever asks for an accepted one, never the other way round. */
function levelConditions(item: SourceRequirement): AdmissionAll {
  const level = (value: string): AdmissionCondition => ({ path: LEVELS, is: 'containing', value })
  if (item === 'source-signed') return [level('ORG_SOURCE_COMMITS_SIGNED')]
  if (item === 'source-reviewed') return [level('ORG_SOURCE_REVIEWED')]
  return [{ is: 'any-of', of: [[level('ORG_SOURCE_COMMITS_SIGNED')], [level('ORG_SOURCE_COMMITS_ACCEPTED')]] }]
}
