import type { Digest } from '../core/digest.ts'
import type { PullOptions } from '../materials/dockerfile/pull.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import type { Law } from '../policy/law.ts'
import type { LfsPointer } from '../source/lfs-pointer.ts'
import type { Submodule } from '../source/submodules.ts'
import type { JudgedTree } from './materials-fetch-request.ts'
import type { MaterialsPorts } from './materials-ports.ts'

/** The files of a checkout that `waybill materials` looks at, as they lie there. */
export interface MaterialsFiles {
  /** `path` as the caller named it. */
  readonly dockerfile: { readonly path: string; readonly bytes: Uint8Array }
  /** One for each platform, without the manifest's contexts. */
  readonly builds: readonly [PullOptions, ...PullOptions[]]
  readonly manifest?: ReadManifest
  /** Absent: nothing says what may enter. */
  readonly policy?: { readonly path: string; readonly law: Law }
  /** Of the files below the context, for the lock files among them. */
  readonly contextPaths: readonly string[]
  /** Absent: nothing there speaks of submodules or Git LFS. */
  readonly content?: CheckoutContent
}

/** What the commit of a checkout only points to. */
export interface CheckoutContent {
  readonly tree: JudgedTree
  readonly submodules: readonly Submodule[]
  readonly large: readonly (LfsPointer & { readonly path: string })[]
}

export interface ReadManifest {
  readonly path: string
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly items: readonly MaterialItem[]
}

/** As `MaterialsFiles`, with rules to judge by. */
export type JudgedFiles = MaterialsFiles & { readonly policy: NonNullable<MaterialsFiles['policy']> }

/** All that judging a checkout may ask of the world. */
export interface JudgePorts extends Pick<MaterialsPorts, 'images' | 'bring'> {
  /** A file of the checkout; undefined when there is none. */
  file(path: string): Promise<Uint8Array | undefined>
  /** An empty private folder, removed when the command ends. */
  folder(): Promise<string>
  /** Milliseconds from any beginning. */
  clock(): number
}
