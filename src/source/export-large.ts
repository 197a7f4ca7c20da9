import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { FreshFolder } from '../io/fresh-folder.ts'
import type { LfsPointer } from './lfs-pointer.ts'
import { shownPath } from './submodules.ts'

/** Where the content of pointers comes from. Safe to call concurrently. */
export interface LfsContent {
  /** The repository it is asked of, `https://host/owner/name`. */
  readonly remote: string
  /**
   * Exactly the bytes that the pointer names, in a private file that is now the caller's.
   * @param path of the pointer, for people. @throws `source/lfs-…`, `materials/other-bytes`
   */
  obtain(pointer: LfsPointer, path: string): Promise<string>
}

/** A file of an exported tree whose content was fetched, verified by the SHA-256 in the tree. */
export interface LargeFile extends LfsPointer {
  /** For people. */
  readonly path: string
  /** The repository it was asked of. */
  readonly remote: string
  /** In a submodule: its commit, and the path in it. */
  readonly within?: { readonly commit: CommitId; readonly path: string }
}

/** Puts the content of pointers where they stand; of several with one content it is fetched once. */
export class LargeFiles {
  readonly #folder: FreshFolder
  readonly #content: LfsContent | undefined
  readonly #placed = new Map<string, Promise<string>>()
  readonly #files: LargeFile[] = []

  constructor(folder: FreshFolder, content: LfsContent | undefined) {
    this.#folder = folder
    this.#content = content
  }

  get files(): readonly LargeFile[] {
    return [...this.#files].sort((one, other) => (one.path < other.path ? -1 : 1))
  }

  /** @throws `source/lfs-unavailable` where nobody can be asked, and what `LfsContent` throws */
  async place(path: string, mode: 0o644 | 0o755, pointer: LfsPointer): Promise<void> {
    const content = this.#content
    if (content === undefined)
      throw fail('source/lfs-unavailable', `The file ${shownPath(path)} is a Git LFS pointer, and no server is known`, {
        found: 'a pointer in place of the content',
      })
    this.#files.push({ ...pointer, path: shownPath(path), remote: content.remote })
    const known = this.#placed.get(keyOf(pointer))
    if (known !== undefined) return this.#folder.copyFile(path, await known, mode)
    const placing = content.obtain(pointer, shownPath(path)).then(file => {
      this.#folder.adoptFile(path, file, mode)
      return path
    })
    this.#placed.set(keyOf(pointer), placing)
    await placing
  }
}

/** A second pointer with another size is another claim, and is asked about by itself. */
function keyOf({ oid, size }: LfsPointer): string {
  return `${oid} ${size}`
}
