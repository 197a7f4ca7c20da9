import { fail } from '../../core/error.ts'

/** Path relative to the root of the context → a verified file or folder on disk. */
export type Placed = ReadonlyMap<string, { readonly path: string; readonly unpack?: 'tar' | 'zip' }>

/**
 * Puts verified materials into an exported context: never over a file of the commit, never through a link of it.
 * @throws `materials/place-taken`, `materials/archive-…`, `core/file-unwritable`
 */
export async function placeMaterials(_contextFolder: string, _placed: Placed): Promise<void> {
  throw fail('core/internal', 'Materials are not placed yet')
}
