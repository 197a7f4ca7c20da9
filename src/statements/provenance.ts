import type { CommitId, Digest } from '../core/digest.ts'
import { hexOf } from '../core/digest.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { StageMode } from '../core/stage.ts'
import type { Outcome } from '../core/verdict.ts'
import { buildStatement } from './build.ts'
import { type RunClaims, refuseInconsistent, runUris } from './claims.ts'
import { PROVENANCE_PREDICATE, type Subject } from './statement.ts'
import { GITHUB_BUILD_TYPE, GITHUB_BUILD_TYPE_EVENTS, RECORDED_BUILD_TYPE, WORKFLOW_BUILD_TYPE } from './uris.ts'

export { type ProvenanceClaims, readProvenance } from './read-provenance.ts'

export type BuilderName = 'buildx' | 'buildah' | 'layout' | 'none'

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

/** The inputs that shape the image, as the statement shows them to the world. Names are public, values need consent. */
export interface BuildInputs {
  readonly context?: string
  readonly file?: string
  readonly target?: string
  readonly platforms?: readonly string[]
  /** Every name; a value only where `record-build-args` lists the name (5-build § 3). */
  readonly buildArgs?: readonly { readonly name: string; readonly value?: string }[]
  /** Names only: the values stand in the image, for whoever may read it. */
  readonly labels?: readonly string[]
  readonly annotations?: readonly string[]
  /** Seconds since the epoch given to the builder. */
  readonly sourceDateEpoch?: number
  readonly network?: string
  readonly cacheFrom?: readonly string[]
  readonly cacheTo?: readonly string[]
  /** Digest given to `builder: none`. */
  readonly digest?: string
  /** Path given to `builder: layout`. */
  readonly layout?: string
}

export interface Tool {
  readonly name: string
  readonly version: string
  readonly digest?: Digest
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
export function isRecorded(builder: BuilderName): boolean {
  return builder === 'layout' || builder === 'none'
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
    inputs: inputsParameter(facts.inputs),
  })
}

/** Names every field by hand: a field somebody adds to the type must not reach a public log unseen. */
function inputsParameter(inputs: BuildInputs): JsonObject {
  return compact({
    context: inputs.context,
    file: inputs.file,
    target: inputs.target,
    platforms: inputs.platforms,
    buildArgs: inputs.buildArgs?.map(({ name, value }) => compact({ name, value })),
    labels: inputs.labels,
    annotations: inputs.annotations,
    sourceDateEpoch: inputs.sourceDateEpoch,
    network: inputs.network,
    cacheFrom: inputs.cacheFrom,
    cacheTo: inputs.cacheTo,
    digest: inputs.digest,
    layout: inputs.layout,
  })
}

function runDetails(facts: ProvenanceFacts): JsonObject {
  const versions = facts.tools.map(tool => [tool.name, tool.version] as const)
  const hashed = facts.tools.flatMap(({ name, digest }) =>
    digest === undefined ? [] : [{ name, digest: { sha256: hexOf(digest) } }],
  )
  const byproducts = (facts.byproducts ?? []).map(descriptor)
  return compact({
    builder: compact({
      id: runUris(facts).builderId,
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

/** Drops absent fields: strict decoders of other tools refuse `null`. */
function compact(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const present = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  return Object.fromEntries(present)
}
