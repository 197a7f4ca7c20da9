import { type Digest, hexOf, parseDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { printable } from '../core/text.ts'
import { buildStatement } from './build.ts'
import { reading } from './parse.ts'
import { SOURCE_LEVELS, sha256At } from './source-vsa.ts'
import { type Statement, VERIFICATION_SUMMARY_PREDICATE } from './statement.ts'

/**
 * A verification summary about an image or file: somebody let it into an environment.
 *
 *     subject             the digests that are deployed
 *     verifier.id         who signed, as `deployVerifierId` names a signer
 *     resourceUri         oci://ghcr.io/acme/app?environment=production
 *     policy              {uri, digest} of the policy that judged
 *     inputAttestations   [{uri, digest}] everything it rests on, by SHA-256 of the signed bytes
 *     verifiedLevels      [SLSA_BUILD_LEVEL_UNEVALUATED, ORG_DEPLOY_PRODUCTION, ORG_SOURCE_…]
 *     waybill_run         the run that signed, for engines that read no certificate; of a workflow run alone
 *
 * Trap: the level alone does not tell `prod-eu` from `prod_eu`; the resource does, and both are compared.
 * slsa.dev/spec/v1.2/verification_summary; docs/predicates/deploy-vsa.md
 */
export interface DeploySummary {
  /** Every subject: an index and its platforms. */
  readonly digests: readonly [Digest, ...Digest[]]
  readonly verifierId: string
  readonly resourceUri: string
  readonly policy: { readonly uri: string; readonly digest: Digest }
  readonly result: 'PASSED' | 'FAILED'
  /** Empty when `result` is FAILED. */
  readonly levels: readonly string[]
  readonly inputs: readonly DeployInput[]
  readonly verifiedAt?: Date
  /** Absent: a key or a person signed, or another tool. A claim until it is compared with the certificate. */
  readonly run?: DeployRun
}

/**
 * The workflow run that deployed, `waybill_run`: what its certificate says too, in content, because admission engines read
 * content and not a certificate's extensions. Values as in the identity token, names as in the provenance.
 */
export interface DeployRun {
  /** `owner/name` */
  readonly repository: string
  readonly repositoryId: string
  readonly ownerId: string
  readonly ref: string
  readonly eventName: string
  readonly runnerEnvironment: string
  readonly environment?: string
}

/** A statement that a deploy summary rests on. */
export interface DeployInput {
  /** Its predicate type. */
  readonly uri: string
  /** SHA-256 of the signed bytes. */
  readonly digest: Digest
}

export interface DeploySummaryFacts extends Omit<DeploySummary, 'result' | 'levels' | 'resourceUri' | 'verifiedAt'> {
  /** `ghcr.io/acme/app`, or `file:dist/app.tgz`. */
  readonly resource: string
  readonly environment: string
  readonly verifiedAt: Date
  readonly waybillVersion: string
  /** What was proved of the source, `ORG_SOURCE_…`; empty: nothing was asked. */
  readonly sourceLevels: readonly (typeof SOURCE_LEVELS)[number][]
}

/** Levels a deploy summary may have besides its environment's. */
const OTHER_LEVELS: readonly string[] = ['SLSA_BUILD_LEVEL_UNEVALUATED', ...SOURCE_LEVELS]
const DEPLOY_LEVEL = /^ORG_DEPLOY_[A-Z0-9_]{1,255}$/
const RUN_FIELDS = ['repository', 'repository_id', 'owner_id', 'ref', 'event_name', 'runner_environment', 'environment']
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/

/** `ORG_DEPLOY_PRODUCTION`: capital letters, everything but letters and digits an underscore. */
export function deployLevel(environment: string): string {
  return `ORG_DEPLOY_${environment.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
}

/** `oci://ghcr.io/acme/app?environment=production`; of a file `file:dist/app.tgz?environment=production`. */
export function deployResource(resource: string, environment: string): string {
  const path = resource.startsWith('file:') ? resource : `oci://${resource}`
  return `${path.replaceAll('%', '%25').replaceAll('?', '%3F').replaceAll('#', '%23')}?environment=${encodeURIComponent(environment)}`
}

/**
 * How a signer calls itself as verifier: the identity in the certificate, `mailto:` before an address; of a key its
 * fingerprint. The pair of signer and name is compared (13-adversary 27), so it cannot be chosen freely.
 */
export function deployVerifierId(signer: ObservedSigner): string {
  if (signer.kind === 'key') return `sha256:${signer.fingerprint}`
  return signer.san.type === 'email' ? `mailto:${signer.san.value}` : signer.san.value
}

/**
 * The statement's bytes, ready to be signed by the deployer; only of what passed.
 * @throws `statements/deploy-malformed` when the facts make no summary that the gate reads.
 */
export function deploySummaryStatement(facts: DeploySummaryFacts): Uint8Array {
  const { policy, environment } = facts
  const [first, ...more] = facts.digests.map(digest => ({ digest: { sha256: hexOf(digest) } }))
  if (first === undefined) throw refused('a subject', 'none')
  const predicate: JsonObject = {
    verifier: { id: facts.verifierId, version: { waybill: facts.waybillVersion } },
    timeVerified: facts.verifiedAt.toISOString(),
    resourceUri: deployResource(facts.resource, environment),
    policy: { uri: policy.uri, digest: { sha256: hexOf(policy.digest) } },
    inputAttestations: facts.inputs.map(({ uri, digest }) => ({ uri, digest: { sha256: hexOf(digest) } })),
    verificationResult: 'PASSED',
    verifiedLevels: ['SLSA_BUILD_LEVEL_UNEVALUATED', deployLevel(environment), ...facts.sourceLevels],
    slsaVersion: '1.2',
    ...(facts.run === undefined ? {} : { waybill_run: runJson(facts.run) }),
  }
  const subject = [first, ...more] as const
  readDeploySummary({ subject, predicateType: VERIFICATION_SUMMARY_PREDICATE, predicate })
  return buildStatement({ subjects: subject, predicateType: VERIFICATION_SUMMARY_PREDICATE, predicate })
}

/** Whether a summary is about an image or file; one about a commit is another statement under the same type. */
export function isDeploySummary({ predicateType, subject }: Statement): boolean {
  return (
    predicateType === VERIFICATION_SUMMARY_PREDICATE &&
    !subject.some(({ digest }) => Object.hasOwn(digest, 'gitCommit'))
  )
}

/**
 * Reads a summary about an image or file. Unknown fields are ignored, as the predicate asks; levels are closed, so that none is
 * taken for another. @throws `statements/deploy-malformed`
 */
export function readDeploySummary({ subject, predicate }: Statement): DeploySummary {
  return reading('statements/deploy-malformed', () => {
    const [first, ...more] = subject.map(({ digest }, at) => requiredAt(digest, `subject[${at}].digest`))
    if (first === undefined) throw refused('a subject', 'none')
    const policy = objectAt(predicate.policy, 'policy')
    const result = resultAt(predicate.verificationResult)
    const time = optional(predicate.timeVerified, timeAt, 'timeVerified')
    const run = optional(predicate.waybill_run, runAt, 'waybill_run')
    return {
      digests: [first, ...more],
      verifierId: stringAt(objectAt(predicate.verifier, 'verifier').id, 'verifier.id'),
      resourceUri: stringAt(predicate.resourceUri, 'resourceUri'),
      policy: { uri: stringAt(policy.uri, 'policy.uri'), digest: requiredAt(policy.digest, 'policy.digest') },
      result,
      levels: result === 'FAILED' ? [] : levelsAt(predicate.verifiedLevels),
      inputs: inputsAt(predicate.inputAttestations),
      ...(time === undefined ? {} : { verifiedAt: time }),
      ...(run === undefined ? {} : { run }),
    }
  })
}

function runJson(run: DeployRun): JsonObject {
  const { repository, repositoryId, ownerId, ref, eventName, runnerEnvironment, environment } = run
  return {
    repository,
    repository_id: repositoryId,
    owner_id: ownerId,
    ref,
    event_name: eventName,
    runner_environment: runnerEnvironment,
    ...(environment === undefined ? {} : { environment }),
  }
}

/** Closed, unlike the predicate: a field that nobody compares would be believed by whoever reads only the content. */
function runAt(value: Json, path: string): DeployRun {
  const run = objectAt(value, path)
  const text = (name: string): string => stringAt(run[name], `${path}.${name}`)
  const unknown = Object.keys(run).find(name => !RUN_FIELDS.includes(name))
  if (unknown !== undefined) throw refused(`${RUN_FIELDS.join(', ')} at ${path}`, unknown)
  return {
    repository: text('repository'),
    repositoryId: text('repository_id'),
    ownerId: text('owner_id'),
    ref: text('ref'),
    eventName: text('event_name'),
    runnerEnvironment: text('runner_environment'),
    ...(run.environment === undefined ? {} : { environment: text('environment') }),
  }
}

function resultAt(value: Json | undefined): DeploySummary['result'] {
  const result = stringAt(value, 'verificationResult')
  if (result === 'PASSED' || result === 'FAILED') return result
  throw refused('PASSED or FAILED', result)
}

function levelsAt(value: Json | undefined): readonly string[] {
  const levels = arrayAt(value, 'verifiedLevels').map((item, at) => stringAt(item, `verifiedLevels[${at}]`))
  const unknown = levels.find(level => !OTHER_LEVELS.includes(level) && !DEPLOY_LEVEL.test(level))
  if (unknown !== undefined) throw refused(`${OTHER_LEVELS.join(', ')}, ORG_DEPLOY_…`, unknown)
  if (new Set(levels).size !== levels.length) throw refused('each level once', levels.join(', '))
  const environments = levels.filter(level => DEPLOY_LEVEL.test(level))
  if (environments.length !== 1) throw refused('exactly one environment', environments.join(', '))
  return levels
}

/** Without what it rests on nobody could look up why it passed. */
function inputsAt(value: Json | undefined): readonly DeployInput[] {
  const list = arrayAt(value, 'inputAttestations')
  if (list.length === 0 || list.length > LIMITS.deployInputs)
    throw refused(`1 to ${LIMITS.deployInputs} statements it rests on`, String(list.length))
  return list.map((item, at) => {
    const path = `inputAttestations[${at}]`
    const { uri, digest } = objectAt(item, path)
    return { uri: stringAt(uri, `${path}.uri`), digest: requiredAt(digest, `${path}.digest`) }
  })
}

function timeAt(value: Json, path: string): Date {
  const text = stringAt(value, path)
  const time = new Date(TIME.test(text) ? text : Number.NaN)
  if (Number.isNaN(time.getTime())) throw refused(`a time in UTC at ${path}`, text)
  return time
}

function requiredAt(value: Json | undefined, path: string): Digest {
  const digest = sha256At(value, path)
  if (digest === undefined) throw refused(`a sha256 at ${path}`, 'none')
  return parseDigest(digest)
}

function refused(expected: string, found: string): Error {
  return fail('statements/deploy-malformed', 'The deploy summary is malformed', {
    expected,
    found: printable(found, 200) || 'nothing',
  })
}
