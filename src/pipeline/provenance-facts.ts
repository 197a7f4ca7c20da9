import type { RunClaims } from '../statements/claims.ts'
import type { BuildInputs, ProvenanceFacts, RecordedContext } from '../statements/provenance.ts'
import { isRecorded } from '../statements/provenance.ts'
import type { Subject } from '../statements/statement.ts'
import type { AttestRequest } from './attest-request.ts'
import { buildOptionFacts } from './build-options-facts.ts'
import type { Built } from './build-stage.ts'
import type { ServedImage } from './digest-stage.ts'
import { proofWord } from './materials-receipt.ts'
import { resolvedMaterials, sourcePolicyByproduct } from './materials-statements.ts'
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
}

/** Gathers what the provenance states; every value was verified, measured or given as an input in this run. */
export function provenanceFacts(
  request: AttestRequest,
  { source, built, image, claims, claimsBy }: ProvenanceInput,
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
    ...materialsFacts(built),
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
    byproducts: [
      ...(image?.attestationManifests ?? []).map(digest => ({
        name: 'buildkit-attestation-manifest',
        digest: { sha256: digest.slice('sha256:'.length) },
      })),
      ...sourcePolicyByproduct(built),
    ],
  }
}

function materialsFacts(built: Built): Pick<ProvenanceFacts, 'resolvedMaterials'> {
  const materials = resolvedMaterials(built)
  return materials.length === 0 ? {} : { resolvedMaterials: materials }
}

/** Names of build arguments always, values only where the workflow asked for it (5-build § 3). */
function buildInputs(request: AttestRequest, built: Built, sourceDateEpoch: number): BuildInputs {
  const { build, given, recordBuildArgs } = request
  const { imageRefs } = built.result
  if (isRecorded(built.result.builder)) return { ...given, ...(imageRefs === undefined ? {} : { imageRefs }) }
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
    ...buildOptionFacts(request, built),
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
    if (!target.startsWith(IMAGE)) return { name, from: contexts.has(name) ? 'material' : 'commit' }
    const reference = target.slice(IMAGE.length)
    const own = judged.find(
      ({ kind, name: called, digest }) =>
        kind === 'image' &&
        (reference === called || (digest.sha256 !== undefined && reference.endsWith(`@sha256:${digest.sha256}`))),
    )
    return { name, from: 'image', verified: own === undefined ? 'none' : proofWord(own) }
  })
}

/** Nothing is told by an empty list that its absence does not tell. */
function listed<K extends string, T>(key: K, items: readonly T[] | undefined): { readonly [key in K]?: readonly T[] } {
  return (items === undefined || items.length === 0 ? {} : { [key]: items }) as { readonly [key in K]?: readonly T[] }
}
