import type { ErrorCode } from '../core/error.ts'
import type { ObservedSigner } from '../core/signer.ts'
import type { Finding } from '../core/verdict.ts'
import {
  type DeployRun,
  type DeploySummary,
  deployLevel,
  deployResource,
  deployVerifierId,
  readDeploySummary,
} from '../statements/deploy-vsa.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { Expectation } from './expectation.ts'
import { sharedName } from './policy-name.ts'
import { about, readable } from './source-question.ts'

/**
 * Judges the content of a deploy summary whose signer is the rule's deployer and whose subject is the digest (13-adversary 27):
 * passed, of this image or file in this environment, by the verifier that signed, under the policy of the rule, with the level
 * of the environment. Every part is compared, so that a person sees at once all that differs.
 */
export function judgeDeploySummary(
  signed: SignedStatement,
  expectation: Expectation,
  subject: string,
): readonly Finding[] {
  const { deployer, resource } = expectation
  if (deployer === undefined || resource === undefined)
    throw new TypeError('judgeDeploySummary() without a deployer, or without what is deployed')
  const say = about({ subject })
  const read = readable(() => readDeploySummary(signed.statement), { subject }, 'verify/deploy-unusable')
  if ('unusable' in read) return [read.unusable]
  const { result, verifierId, resourceUri, levels } = read.value
  const level = deployLevel(deployer.environment)
  const differs = (code: ErrorCode, what: string, expected: string, found: string) =>
    found === expected ? [] : [say(code, `The deploy summary has another ${what}`, expected, found)]
  return [
    ...differs('verify/deploy-not-passed', 'result', 'PASSED', result),
    ...differs('verify/deploy-other-verifier', 'verifier', deployVerifierId(signed.signer), verifierId),
    ...differs('verify/deploy-other-resource', 'resource', deployResource(resource, deployer.environment), resourceUri),
    ...policyFindings(expectation, read.value, subject),
    ...runFindings(signed.signer, read.value.run, deployer.environment).map(([what, certified, claimed]) =>
      say(
        'verify/deploy-claims-differ',
        `The deploy summary names another ${what} than its signer has`,
        certified,
        claimed,
      ),
    ),
    ...(result === 'FAILED' || levels.includes(level)
      ? []
      : [say('verify/deploy-level-missing', 'The deploy summary is of another environment', level, levels.join(', '))]),
  ]
}

/**
 * By name where the rule names the policy, or the gate's own has a name that others share; else by its bytes, which are the
 * same for whoever deployed with a copy of the file.
 */
function policyFindings(
  { deployer, policy }: Expectation,
  summary: DeploySummary,
  subject: string,
): readonly Finding[] {
  const name = deployer?.policy ?? sharedName(policy?.uri)
  const expected = name ?? policy?.digest
  const found = name === undefined ? summary.policy.digest : summary.policy.uri
  if (expected !== undefined && found === expected) return []
  const message = 'The deploy was judged by another policy'
  return [
    about({ subject })('verify/deploy-other-policy', message, expected ?? 'a policy that the gate can name', found),
  ]
}

type Difference = readonly [what: string, expected: string, found: string]

/**
 * A cluster's engine believes `waybill_run`, since it reads no extension of a certificate: what stands there must be what the
 * certificate says, field by field, and speak of the environment that is deployed to. Who has no such certificate has no run.
 */
function runFindings(signer: ObservedSigner, run: DeployRun | undefined, environment: string): readonly Difference[] {
  if (run === undefined) return []
  if (signer.kind === 'key') return [['run', 'no waybill_run: a key says nothing of a run', run.repository]]
  const { ci } = signer
  const pairs = [
    ['repository', repositoryIn(ci.sourceRepositoryUri), run.repository],
    ['repository_id', ci.sourceRepositoryIdentifier, run.repositoryId],
    ['owner_id', ci.sourceRepositoryOwnerIdentifier, run.ownerId],
    ['ref', ci.sourceRepositoryRef, run.ref],
    ['event_name', ci.buildTrigger, run.eventName],
    ['runner_environment', ci.runnerEnvironment, run.runnerEnvironment],
    // Older authorities do not certify it; then the rule and the resource alone say which environment is meant.
    ['environment', ci.environment ?? run.environment, run.environment],
    ['environment', run.environment === undefined ? undefined : environment, run.environment],
  ] as const
  return pairs
    .filter(([, certified, claimed]) => certified !== claimed)
    .map(([what, certified, claimed]) => [what, certified ?? 'nothing', claimed ?? 'nothing'])
}

/** `owner/name` of `https://github.com/owner/name`, on whichever server. */
function repositoryIn(uri: string | undefined): string | undefined {
  return uri === undefined || !URL.canParse(uri) ? uri : new URL(uri).pathname.slice(1)
}
