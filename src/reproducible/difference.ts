import type { Digest } from '../core/digest.ts'

/** Of one file of a layer: what the two builds say otherwise. `order`: the files are the same, one comes earlier. */
export type FileAspect =
  | 'presence'
  | 'type'
  | 'content'
  | 'target'
  | 'mode'
  | 'owner'
  | 'time'
  | 'xattrs'
  | 'device'
  | 'order'

/** One file of a layer that is not the same in both builds. */
export interface FileDifference {
  /** As the layer names it; not printable yet. */
  readonly path: string
  readonly what: FileAspect
  /** In words, of each build. */
  readonly first: string
  readonly second: string
}

/**
 * One thing in which two builds of a platform part.
 *
 *     platform   only one of the builds made it
 *     manifest   a field of the manifest but for the parts it names
 *     config     a field of the configuration but for the layers it names
 *     layers     another number of layers
 *     file       a file of a layer
 *     format     the same files, written into the archive in another way
 *     packing    the same archive, compressed in another way
 *     unread     the layer is another one, and could not be looked into; `second` is the code of why
 */
export interface Difference {
  readonly kind: 'platform' | 'manifest' | 'config' | 'layers' | 'file' | 'format' | 'packing' | 'unread'
  /** Of a layer, from 1. */
  readonly layer?: number
  /** The instruction that made the layer, by the image's own history. */
  readonly madeBy?: string
  /** Path of a file, or of a field: `config.Env[2]`. */
  readonly path?: string
  readonly what?: FileAspect
  readonly first?: string
  readonly second?: string
  /** True: this is the last of what was looked at, and there may be more. */
  readonly more?: true
}

export interface ComparedPlatform {
  /** `linux/amd64` */
  readonly platform: string
  /** The manifest of each build; absent: it made none. */
  readonly first?: Digest
  readonly second?: Digest
  /** Empty: both builds gave the same bytes. */
  readonly differences: readonly Difference[]
}

/** Bit for bit: every platform's manifest of one build is that of the other, and so is all that it names by digest. */
export function isReproduced(platforms: readonly ComparedPlatform[]): boolean {
  return (
    platforms.length > 0 &&
    platforms.every(
      ({ first, second, differences }) => first !== undefined && first === second && differences.length === 0,
    )
  )
}
