/** One thing in an archive, as its reader understood it; nothing in it is believed yet. */
export type ArchiveEntry = FileEntry | { readonly kind: 'folder'; readonly path: Uint8Array } | LinkEntry

export interface FileEntry {
  readonly kind: 'file'
  readonly path: Uint8Array
  readonly executable: boolean
  /** Its bytes, once, before the next entry is asked for. Throws `materials/archive-…` when they are not what the archive says. */
  content(): AsyncIterable<Uint8Array>
}

export interface LinkEntry {
  readonly kind: 'link'
  readonly path: Uint8Array
  readonly target: Uint8Array
}
