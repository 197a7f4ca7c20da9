import type { AllowedImage } from '../build/allowed.ts'
import type { Digest } from '../core/digest.ts'
import type { ReadDockerfile } from '../materials/dockerfile/instructions.ts'
import type { Pull, PullOptions } from '../materials/dockerfile/pull.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import type { Law } from '../policy/law.ts'
import type { Policy } from '../policy/policy.ts'
import type { FetchedMaterial, JudgedMaterial, MaterialsOutcome } from './materials-outcome.ts'

/** What the stage `materials` may ask of the world. Nothing is asked of it when the stage is not asked for. */
export interface MaterialsPorts {
  /** `os/arch` of the machine that builds. */
  readonly machine: string
  /** `judgeImages` with registries and trust roots behind it; keys and roots are those of the law. */
  images(request: ImagesQuestion, law: Law): Promise<ImagesAnswer>
  /** `fetchMaterials` with the network behind it. */
  fetch(request: FetchQuestion): Promise<readonly FetchedMaterial[]>
  /** `placeMaterials`. @param folder the context, real and inside the export. */
  place(folder: string, placed: MaterialsOutcome['placed']): Promise<void>
}

export interface ImagesQuestion {
  readonly policy: Policy
  readonly policyName?: { readonly uri: string; readonly digest?: Digest }
  readonly dockerfile: ReadDockerfile
  /** Of the Dockerfile, for places. */
  readonly path: string
  /** One a platform, without `bases`. */
  readonly builds: readonly PullOptions[]
  /** Canonical reference → digest that the manifest gives it. */
  readonly declared: ReadonlyMap<string, Digest>
  /** Images that no Dockerfile names. */
  readonly more: readonly { readonly canonical: string; readonly use: AllowedImage['use']; readonly place: string }[]
}

export interface ImagesAnswer {
  readonly images: readonly { readonly judged: JudgedMaterial; readonly allowed?: AllowedImage }[]
  /** Of all platforms, those of ONBUILD in base images among them. */
  readonly pulls: readonly Pull[]
}

export interface FetchQuestion {
  /** Without images. */
  readonly items: readonly MaterialItem[]
  /** Path of the manifest, for places. */
  readonly manifest: string
  readonly policy: Policy
  readonly policyFiles: ReadonlyMap<string, Uint8Array>
  /** A file of the judged commit, for keys that it declares. */
  commitFile(path: string): Promise<Uint8Array | undefined>
  /** Where the verified bytes go. */
  readonly folder: string
}
