import type { CommitId, Digest } from '../core/digest.ts'
import { hexOf } from '../core/digest.ts'
import type { JsonObject } from '../core/json.ts'
import type { StageMode } from '../core/stage.ts'
import type { Outcome } from '../core/verdict.ts'
import { buildStatement } from './build.ts'
import { type BuildInputs, present as compact, inputsParameter } from './build-inputs.ts'
import { type RunClaims, refuseInconsistent, runUris } from './claims.ts'
import { type BuildRunners, hasSelfHosted, SELF_HOSTED_SUFFIX } from './runners.ts'
import { PROVENANCE_PREDICATE, type Subject } from './statement.ts'
import { GITHUB_BUILD_TYPE, GITHUB_BUILD_TYPE_EVENTS, RECORDED_BUILD_TYPE, WORKFLOW_BUILD_TYPE } from './uris.ts'

export type { BuildInputs, RecordedContext } from './build-inputs.ts'
export { type ProvenanceClaims, readProvenance } from './read-provenance.ts'

export type BuilderName = 'buildx' | 'buildah' | 'layout' | 'none' | 'command'

/** What a stage was asked to do and what came of it; `not-asked` is never a verdict (13-adversary 38, 41). */
export interface StageClaim {
  readonly mode: StageMode
  readonly verdict: Outcome | 'not-asked'
}

/** An in-toto ResourceDescriptor as Waybill writes it. in-toto attestation v1.1.0 § ResourceDescriptor. */
export interface ResourceDescriptor {
  readonly name?: string
  readonly uri?: string
  readonly digest: Readonly<Record<string, string>>
  readonly mediaType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Tool {
  readonly name: string
  readonly version: string
  readonly digest?: Digest
}

/** An input of `workflow_dispatch`, as the event file has it: no verified source says more about it. */
export interface DispatchInput {
  readonly name: string
  readonly value?: string
}

export interface ProvenanceFacts {
  readonly subjects: readonly [Subject, ...Subject[]]
  readonly builder: BuilderName
  /** Claims of the verified token; the environment is not asked, unless `claimsBy` says so. */
  readonly claims: RunClaims
  /**
   * Set where a key signs, and so no certificate stands behind the claims: they are those of a verified token, or of the
   * runner's variables, which any step of a job may set.
   */
  readonly claimsBy?: 'token' | 'runner'
  /** `https://github.com`, without a slash at the end. */
  readonly serverUrl: string
  /** The commit whose export was built. `ref` only when the commit was found in that ref's history in this run (13-adversary 7). */
  readonly commit: { readonly id: CommitId; readonly ref?: string }
  /** The exported tree (13-adversary 14): its git id and SHA-256 over the export. Absent for `layout` and `none`. */
  readonly context?: { readonly gitTree: CommitId; readonly digest: Digest }
  readonly source: StageClaim
  readonly materials: StageClaim
  readonly inputs: BuildInputs
  /** `none`: the user's command ran where a keyless token could be had (13-adversary 16). */
  readonly commandIsolation?: 'none'
  /** Which runner built which platform, where the job that signs is not the one that built (13-adversary 40). */
  readonly buildRunners?: BuildRunners
  /** What somebody typed to start the run: every name, a value only where `record-inputs` lists the name (13-adversary 42). */
  readonly dispatchInputs?: readonly DispatchInput[]
  /** Base images and other materials, each annotated with how it was verified. */
  readonly resolvedMaterials?: readonly ResourceDescriptor[]
  readonly tools: readonly Tool[]
  readonly waybillVersion: string
  readonly startedOn: Date
  readonly finishedOn: Date
  readonly byproducts?: readonly ResourceDescriptor[]
  /** Set when `claims` were not verified, so that nobody takes the statement for more than a draft. */
  readonly draft?: string
}

/**
 * SLSA provenance v1 about the image. Field names are those of `@actions/attest`, so policies written for it keep working.
 * Only a build that Waybill drove from the exported commit states that commit as a dependency (13-adversary 15).
 * @throws `statements/facts-unusable` when the facts contradict each other.
 */
export function provenanceStatement(facts: ProvenanceFacts): Uint8Array {
  refuseInconsistent(facts)
  return buildStatement({
    subjects: facts.subjects,
    predicateType: PROVENANCE_PREDICATE,
    predicate: { buildDefinition: buildDefinition(facts), runDetails: runDetails(facts) },
  })
}

/** `recorded` builders did not build the commit, so they do not claim it. */
export function isRecorded(builder: string): boolean {
  return builder === 'layout' || builder === 'none' || builder === 'command'
}

function buildDefinition(facts: ProvenanceFacts): JsonObject {
  const recorded = isRecorded(facts.builder)
  const dependencies = recorded ? [] : [...commits(facts), ...(facts.resolvedMaterials ?? [])]
  return compact({
    buildType: buildType(facts),
    externalParameters: compact({
      workflow: runUris(facts).workflow,
      claimedSource: recorded ? descriptor(builtCommit(facts)) : undefined,
    }),
    internalParameters: { github: githubParameters(facts.claims), waybill: waybillParameters(facts) },
    resolvedDependencies: dependencies.length === 0 ? undefined : dependencies.map(descriptor),
  })
}

function buildType(facts: ProvenanceFacts): string {
  if (isRecorded(facts.builder)) return RECORDED_BUILD_TYPE
  // GitHub's page lists the events it is defined for; claiming it for another would state what the page does not say.
  return GITHUB_BUILD_TYPE_EVENTS.includes(facts.claims.event_name) ? GITHUB_BUILD_TYPE : WORKFLOW_BUILD_TYPE
}

/** The built commit first, where every reader looks; then the run's own when it is another one (13-adversary 7). */
function commits(facts: ProvenanceFacts): readonly ResourceDescriptor[] {
  const built = builtCommit(facts)
  if (facts.commit.id === facts.claims.sha) return [built]
  const repository = `git+${facts.serverUrl}/${facts.claims.repository}`
  return [built, { uri: `${repository}@${facts.claims.ref}`, digest: { gitCommit: facts.claims.sha } }]
}

function builtCommit(facts: ProvenanceFacts): ResourceDescriptor {
  const repository = `git+${facts.serverUrl}/${facts.claims.repository}`
  const ref = facts.commit.ref === undefined ? '' : `@${facts.commit.ref}`
  return { uri: `${repository}${ref}`, digest: { gitCommit: facts.commit.id } }
}

function githubParameters(claims: RunClaims): JsonObject {
  const { event_name, repository_id, repository_owner_id, runner_environment } = claims
  return { event_name, repository_id, repository_owner_id, runner_environment }
}

function waybillParameters(facts: ProvenanceFacts): JsonObject {
  const { context } = facts
  return compact({
    draft: facts.draft,
    claims: facts.claimsBy,
    builder: facts.builder,
    source: { mode: facts.source.mode, verdict: facts.source.verdict },
    materials: { mode: facts.materials.mode, verdict: facts.materials.verdict },
    context: context === undefined ? undefined : { gitTree: context.gitTree, sha256: hexOf(context.digest) },
    commandIsolation: facts.commandIsolation,
    // Only where one is not GitHub's: whoever asks for hosted runners refuses the field itself, in every engine.
    buildRunners: selfHosted(facts) ? { ...facts.buildRunners } : undefined,
    inputs: inputsParameter({
      ...facts.inputs,
      ...(facts.buildRunners === undefined ? {} : { runners: facts.buildRunners }),
    }),
    dispatchInputs: facts.dispatchInputs?.map(dispatchInput),
  })
}

function selfHosted({ buildRunners }: ProvenanceFacts): boolean {
  return buildRunners !== undefined && hasSelfHosted(buildRunners)
}

/** The event file can be changed by every step of the job, so a value never stands without saying whence it is. */
function dispatchInput({ name, value }: DispatchInput): JsonObject {
  return value === undefined ? { name } : { name, value, source: 'event-file' }
}

function runDetails(facts: ProvenanceFacts): JsonObject {
  const versions = facts.tools.map(tool => [tool.name, tool.version] as const)
  const hashed = facts.tools.flatMap(({ name, digest }) =>
    digest === undefined ? [] : [{ name, digest: { sha256: hexOf(digest) } }],
  )
  const byproducts = (facts.byproducts ?? []).map(descriptor)
  return compact({
    builder: compact({
      id: `${runUris(facts).builderId}${selfHosted(facts) ? SELF_HOSTED_SUFFIX : ''}`,
      version: { ...Object.fromEntries(versions), waybill: facts.waybillVersion },
      builderDependencies: hashed.length === 0 ? undefined : hashed,
    }),
    metadata: {
      invocationId: runUris(facts).invocationId,
      startedOn: facts.startedOn.toISOString(),
      finishedOn: facts.finishedOn.toISOString(),
    },
    byproducts: byproducts.length === 0 ? undefined : byproducts,
  })
}

function descriptor({ name, uri, digest, mediaType, annotations }: ResourceDescriptor): JsonObject {
  return compact({ name, uri, digest, mediaType, annotations })
}
