import { COMMIT_CONTEXT } from '../build/named-contexts.ts'
import { type Digest, hexOf } from '../core/digest.ts'
import type { RunClaims } from '../statements/claims.ts'
import type { BuildInputs, ProvenanceFacts, RecordedContext, ResourceDescriptor } from '../statements/provenance.ts'
import { RESOLVED_MATERIALS_NAME, RESOLVED_MATERIALS_TYPE } from '../statements/resolved-materials.ts'
import type { Subject } from '../statements/statement.ts'
import type { AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { contentOf } from './lfs-receipt.ts'
import { proofWord } from './materials-receipt.ts'
import { resolvedMaterials, sourcePolicyByproduct } from './materials-statements.ts'
import type { Ready } from './preflight.ts'
import { recordedBuilder } from './recorded.ts'
import type { SourceOutcome } from './source-stage.ts'

export interface ProvenanceInput {
  readonly source: SourceOutcome
  readonly built: Built
  /** As the registry serves it; absent when nothing was pushed. */
  readonly image: ServedImage | undefined
  /** Of the verified token, or for a draft of the runner's variables. */
  readonly claims: RunClaims
  /** Whose word they are; absent: a certificate certifies them. */
  readonly claimsBy?: 'token' | 'runner'
  /** With the bill of materials that was handed over, where one was. */
  readonly ready?: Pick<Ready, 'sbom'>
}

/** Gathers what the provenance states; every value was verified, measured or given as an input in this run. */
export function provenanceFacts(
  request: AttestRequest,
  { source, built, image, claims, claimsBy, ready }: ProvenanceInput,
  subjects: readonly [Subject, ...Subject[]],
): ProvenanceFacts {
  const { result, exported } = built
  return {
    subjects,
    builder: result.builder,
    claims,
    ...(claimsBy === undefined ? {} : { claimsBy }),
    serverUrl: request.serverUrl,
    commit: { id: source.commit.id, ...(source.foundOnRef ? { ref: request.source.ref } : {}) },
    ...(exported === undefined ? {} : { context: { gitTree: exported.gitTree, digest: exported.digest } }),
    source: source.claim,
    materials: built.materials.claim,
    ...materialsFacts(built, source.commit.id, `${request.serverUrl}/${claims.repository}`),
    inputs: {
      ...buildInputs(request, built, source.commit.committer.time),
      ...(result.imageRefs === undefined ? {} : { imageRefs: result.imageRefs }),
    },
    ...(request.dispatchInputs === undefined ? {} : { dispatchInputs: request.dispatchInputs }),
    ...(result.commandIsolation === undefined ? {} : { commandIsolation: result.commandIsolation }),
    ...(result.buildRunners === undefined ? {} : { buildRunners: result.buildRunners }),
    tools: result.tools,
    waybillVersion: request.waybillVersion,
    startedOn: built.startedOn,
    finishedOn: built.finishedOn,
    byproducts: byproducts(built, image, ready),
  }
}

/**
 * What else came of the build, by digest: the builder's own provenance and list of contents (bound by the manifest that holds them),
 * the bill of materials of the workflow, the resolved manifest, and the policy that the builder was given.
 */
function byproducts(
  built: Built,
  image: ServedImage | undefined,
  ready: ProvenanceInput['ready'],
): readonly ResourceDescriptor[] {
  const { resolved } = built.materials
  const sbom = ready?.sbom?.digest
  return [
    ...(image?.attestationManifests ?? []).map(digest => named('buildkit-attestation-manifest', digest)),
    ...(sbom === undefined ? [] : [named('sbom', sbom)]),
    ...(resolved === undefined
      ? []
      : [{ ...named(RESOLVED_MATERIALS_NAME, resolved.digest), mediaType: RESOLVED_MATERIALS_TYPE }]),
    ...sourcePolicyByproduct(built),
  ]
}

function named(name: string, digest: Digest): ResourceDescriptor {
  return { name, digest: { sha256: hexOf(digest) } }
}

function materialsFacts(built: Built, commit: string, repository: string): Pick<ProvenanceFacts, 'resolvedMaterials'> {
  const { exported, materials: judged } = built
  const content = exported === undefined ? [] : contentOf(exported, commit, judged.judged, repository)
  const materials = [...resolvedMaterials(built), ...content]
  return materials.length === 0 ? {} : { resolvedMaterials: materials }
}

/** Names of build arguments always, values only where the workflow asked for it (5-build § 3). */
function buildInputs(request: AttestRequest, built: Built, sourceDateEpoch: number): BuildInputs {
  const { build, given, recordBuildArgs } = request
  if (recordedBuilder(given) !== undefined) {
    const { command, ...named } = given
    return command === true ? { context: build.context, ...named } : named
  }
  return {
    context: build.context,
    ...(build.file === undefined ? {} : { file: build.file }),
    ...(build.target === undefined ? {} : { target: build.target }),
    platforms: build.platforms,
    buildArgs: Object.entries(build.buildArgs).map(([name, value]) =>
      recordBuildArgs.includes(name) ? { name, value } : { name },
    ),
    labels: Object.keys(build.labels),
    annotations: Object.keys(build.annotations),
    ...listed(
      'secrets',
      build.secrets?.map(({ id }) => id),
    ),
    ...listed(
      'ssh',
      build.ssh?.map(({ id }) => id),
    ),
    ...listed('buildContexts', recordedContexts(build.contexts ?? NO_CONTEXTS, built.materials)),
    ...listed('cacheFrom', build.cacheFrom),
    ...listed('cacheTo', build.cacheTo),
    ...(build.sbom === true ? { sbom: true } : {}),
    network: build.network,
    ...(request.reproducible === true ? { reproducible: 'check' as const } : {}),
    ...(request.bake === undefined ? {} : { bake: request.bake }),
    sourceDateEpoch,
  }
}

const NO_CONTEXTS: ReadonlyMap<string, string> = new Map()
const IMAGE = 'docker-image://'

/**
 * Whence each named context came and what was proved of it: by its name and kind alone, never by a path of this machine.
 * @param given of the inputs; a material of the same name stands in its place.
 */
export function recordedContexts(
  given: ReadonlyMap<string, string>,
  { contexts, judged }: Pick<Built['materials'], 'contexts' | 'judged'>,
): readonly RecordedContext[] {
  return [...new Map([...given, ...contexts])].map(([name, target]) => {
    if (target.startsWith(COMMIT_CONTEXT)) return { name, from: 'commit' }
    if (!target.startsWith(IMAGE)) return { name, from: 'material' }
    const reference = target.slice(IMAGE.length)
    const own = judged.find(
      ({ kind, name: called, digest }) =>
        kind === 'image' &&
        (reference === called || (digest.sha256 !== undefined && reference.endsWith(`@sha256:${digest.sha256}`))),
    )
    return { name, from: 'image', verified: own?.verdict === 'passed' ? proofWord(own) : 'none' }
  })
}

/** Nothing is told by an empty list that its absence does not tell. */
function listed<K extends string, T>(key: K, items: readonly T[] | undefined): { readonly [key in K]?: readonly T[] } {
  return (items === undefined || items.length === 0 ? {} : { [key]: items }) as { readonly [key in K]?: readonly T[] }
}
