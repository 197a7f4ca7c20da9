import type { Json, JsonObject } from '../core/json.ts'
import type { BuildRunners } from './runners.ts'

/** A further named context of a build: where it came from, and what was proved of it. */
export interface RecordedContext {
  readonly name: string
  /** `commit`: a folder of the built commit; `image`: judged by `base-images`; `target`: of a bake file; `material`: fetched and verified. */
  readonly from: 'commit' | 'image' | 'target' | 'material'
  /** How an image or a material was verified, in the words of the materials statement. */
  readonly verified?: 'signed' | 'declared' | 'pinned' | 'none'
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
  /** Ids only; never where a value came from. */
  readonly secrets?: readonly string[]
  /** Ids only; never a path of a socket or key. */
  readonly ssh?: readonly string[]
  readonly buildContexts?: readonly RecordedContext[]
  /** Seconds since the epoch given to the builder. */
  readonly sourceDateEpoch?: number
  readonly network?: string
  /** Checked entries without credentials. */
  readonly cacheFrom?: readonly string[]
  readonly cacheTo?: readonly string[]
  /** Which runner built which platform, where the job that signs is not the one that built. */
  readonly runners?: BuildRunners
  /** The builder was asked for a list of what is in the image. */
  readonly sbom?: boolean
  /** The file of the commit and its one target that the other fields were read from. */
  readonly bake?: { readonly file: string; readonly target: string }
  /** The build was done twice and compared; what came of it is a claim of its own. */
  readonly reproducible?: 'check'
  /** Digest given to `builder: none`. */
  readonly digest?: string
  /** Path given to `builder: layout`. */
  readonly layout?: string
  /** Path of the file that `builder: command` wrote; never the command. */
  readonly imageRefs?: string
}

/** Names every field by hand: a field somebody adds to the type must not reach a public log unseen. */
export function inputsParameter(inputs: BuildInputs): JsonObject {
  return present({
    context: inputs.context,
    file: inputs.file,
    target: inputs.target,
    platforms: inputs.platforms,
    buildArgs: inputs.buildArgs?.map(({ name, value }) => present({ name, value })),
    labels: inputs.labels,
    annotations: inputs.annotations,
    secrets: inputs.secrets,
    ssh: inputs.ssh,
    buildContexts: inputs.buildContexts?.map(({ name, from, verified }) => present({ name, from, verified })),
    sourceDateEpoch: inputs.sourceDateEpoch,
    network: inputs.network,
    cacheFrom: inputs.cacheFrom,
    cacheTo: inputs.cacheTo,
    runners: inputs.runners && { ...inputs.runners },
    sbom: inputs.sbom,
    bake: inputs.bake && { file: inputs.bake.file, target: inputs.bake.target },
    reproducible: inputs.reproducible,
    digest: inputs.digest,
    layout: inputs.layout,
    imageRefs: inputs.imageRefs,
  })
}

/** Drops absent fields: strict decoders of other tools refuse `null`. */
export function present(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  return Object.fromEntries(kept)
}
