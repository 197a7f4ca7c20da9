/** What the thread with the artifact library is asked to do; plain data. */
export type ArtifactTask =
  | {
      readonly kind: 'upload'
      readonly name: string
      /** Absolute; names in the artifact are relative to it. */
      readonly folder: string
      /** Absolute paths below it. */
      readonly files: readonly string[]
      /** One of this name is deleted first: this very attempt wrote it. */
      readonly replace: boolean
    }
  | {
      readonly kind: 'download'
      readonly name: string
      /** Absolute and empty; the archive is put there as it is. */
      readonly folder: string
      /** Bytes; a larger one is left where it is. */
      readonly most: number
    }

/** What it answers. `absent`: there is no artifact of that name. */
export type ArtifactAnswer =
  | { readonly state: 'done'; readonly id: number; readonly bytes: number }
  | { readonly state: 'absent' }
  | { readonly state: 'failed'; readonly why: string }
