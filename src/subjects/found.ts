import type { WaybillError } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import type { Reference } from '../registry/reference.ts'
import type { Place } from './place.ts'

/** The characters of one scalar in the text of its file: what pinning replaces, and nothing else. */
export interface Scalar {
  /** Offsets in UTF-16 units, quotes and the header of a block included, anchors and tags not. */
  readonly start: number
  readonly end: number
  /** What the characters mean, before any variable is filled in. */
  readonly text: string
  readonly style: 'plain' | 'single' | 'double' | 'literal' | 'folded'
}

/** One image that a file names, at one place. An image that is named five times is found five times. */
export interface FoundImage {
  readonly place: Place
  /** As written, with variables filled in and parts of a map put together. */
  readonly text: string
  readonly reference: Reference
  /**
   * True where the format itself says that an image stands: containers and image volumes of the built-in kinds, `image` of a
   * compose service. False where only the name of the key says so: without a rule such an image makes the result unknown
   * (`verify/unexamined-image`), with one it is judged (13-adversary 33).
   */
  readonly certain: boolean
  /** Absent when the image is put together from several values (`repository`, `tag`): such a one cannot be pinned. */
  readonly scalar?: Scalar
}

/** A place where an image stands or may stand that could not be understood. Each makes the result unknown. */
export interface Unexamined {
  readonly place: Place
  /** Of kind `unknown`; its message names the place. */
  readonly error: WaybillError
}

/** All that was seen in one file (compose: in one project). `images` and `unexamined` stand in the order of the file. */
export interface Examined {
  readonly images: readonly FoundImage[]
  readonly unexamined: readonly Unexamined[]
  /** What a person should know and what does not count: a file without images, text that is not looked into. */
  readonly notes: readonly Finding[]
}
