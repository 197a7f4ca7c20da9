import type { Json, JsonObject } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { reading } from './parse.ts'

/** What a provenance claims, as plain values: every one was chosen by its signer, none is judged yet. */
export interface ProvenanceClaims {
  readonly buildType: string
  /** `runDetails.builder.id` */
  readonly builderId: string
  /** Absent when the builder writes other external parameters (BuildKit, Tekton). */
  readonly workflow?: { readonly ref: string; readonly repository: string; readonly path: string }
  readonly github?: {
    readonly event_name?: string
    readonly repository_id?: string
    readonly repository_owner_id?: string
    readonly runner_environment?: string
  }
  /** Present only in provenance that Waybill wrote. */
  readonly waybill?: {
    readonly builder?: string
    readonly source?: { readonly mode: string; readonly verdict: string }
    readonly materials?: { readonly mode: string; readonly verdict: string }
    /** Platform → label of the runner that built it; there only where one of them is not GitHub's (13-adversary 40). */
    readonly buildRunners?: Readonly<Record<string, string>>
    /** `none`: a command of the user ran where a keyless token could be had (13-adversary 16). */
    readonly commandIsolation?: string
  }
  /** `externalParameters.claimedSource` of `recorded/v1`: somebody's word, not a dependency of the build. */
  readonly claimedSource?: Dependency
  readonly resolvedDependencies: readonly Dependency[]
  readonly invocationId?: string
  readonly startedOn?: string
  readonly finishedOn?: string
}

export interface Dependency {
  readonly name?: string
  readonly uri?: string
  /** Algorithm → value; empty when the entry has no digest. */
  readonly digest: Readonly<Record<string, string>>
}

/**
 * Reads a SLSA provenance v1 predicate. slsa.dev/spec/v1.1/provenance
 * What SLSA requires must be there; what other builders leave out is absent; a wrong type anywhere is refused, so that
 * no judge compares against half a document.
 * @throws `statements/provenance-malformed`
 */
export function readProvenance(predicate: JsonObject): ProvenanceClaims {
  return reading('statements/provenance-malformed', () => {
    const definition = objectAt(predicate.buildDefinition, 'buildDefinition')
    const details = objectAt(predicate.runDetails, 'runDetails')
    const external = objectAt(definition.externalParameters, 'externalParameters')
    const internal = optional(definition.internalParameters, objectAt, 'internalParameters') ?? {}
    return present({
      buildType: stringAt(definition.buildType, 'buildType'),
      builderId: stringAt(objectAt(details.builder, 'builder').id, 'builder.id'),
      workflow: optional(external.workflow, workflowAt, 'workflow'),
      github: optional(internal.github, githubAt, 'internalParameters.github'),
      waybill: optional(internal.waybill, waybillAt, 'internalParameters.waybill'),
      claimedSource: optional(external.claimedSource, dependencyAt, 'claimedSource'),
      resolvedDependencies: dependenciesAt(definition.resolvedDependencies),
      ...metadataAt(details.metadata),
    })
  })
}

function workflowAt(value: Json, path: string): ProvenanceClaims['workflow'] {
  const { ref, repository, path: file } = objectAt(value, path)
  return {
    ref: stringAt(ref, `${path}.ref`),
    repository: stringAt(repository, `${path}.repository`),
    path: stringAt(file, `${path}.path`),
  }
}

function githubAt(value: Json, path: string): ProvenanceClaims['github'] {
  const object = objectAt(value, path)
  const text = (key: string) => optional(object[key], stringAt, `${path}.${key}`)
  return present({
    event_name: text('event_name'),
    repository_id: text('repository_id'),
    repository_owner_id: text('repository_owner_id'),
    runner_environment: text('runner_environment'),
  })
}

function waybillAt(value: Json, path: string): ProvenanceClaims['waybill'] {
  const object = objectAt(value, path)
  return present({
    builder: optional(object.builder, stringAt, `${path}.builder`),
    source: optional(object.source, stageAt, `${path}.source`),
    materials: optional(object.materials, stageAt, `${path}.materials`),
    buildRunners: optional(object.buildRunners, stringMapAt, `${path}.buildRunners`),
    commandIsolation: optional(object.commandIsolation, stringAt, `${path}.commandIsolation`),
  })
}

function stageAt(value: Json, path: string): { readonly mode: string; readonly verdict: string } {
  const { mode, verdict } = objectAt(value, path)
  return { mode: stringAt(mode, `${path}.mode`), verdict: stringAt(verdict, `${path}.verdict`) }
}

function dependenciesAt(value: Json | undefined): readonly Dependency[] {
  if (value === undefined || value === null) return []
  return arrayAt(value, 'resolvedDependencies').map((item, index) =>
    dependencyAt(item, `resolvedDependencies[${index}]`),
  )
}

function dependencyAt(value: Json, path: string): Dependency {
  const object = objectAt(value, path)
  return present({
    name: optional(object.name, stringAt, `${path}.name`),
    uri: optional(object.uri, stringAt, `${path}.uri`),
    digest: stringMapAt(object.digest, `${path}.digest`),
  })
}

function metadataAt(value: Json | undefined): Pick<ProvenanceClaims, 'invocationId' | 'startedOn' | 'finishedOn'> {
  const object = optional(value, objectAt, 'metadata') ?? {}
  return present({
    invocationId: optional(object.invocationId, stringAt, 'metadata.invocationId'),
    startedOn: optional(object.startedOn, stringAt, 'metadata.startedOn'),
    finishedOn: optional(object.finishedOn, stringAt, 'metadata.finishedOn'),
  })
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Leaves out what is undefined, so that "absent" has one spelling. */
function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>
}
