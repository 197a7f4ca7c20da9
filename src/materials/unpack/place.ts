import { join } from 'node:path'
import { fail } from '../../core/error.ts'
import { printable } from '../../core/text.ts'
import { copyNew, makeWay } from '../../io/context-folder.ts'
import { ARCHIVE_BOUNDS } from './bounds.ts'
import { entryPath } from './names.ts'
import { unpack } from './unpack.ts'

/** Path relative to the root of the context → a verified file on disk, and how it is unpacked there. */
export type Placed = ReadonlyMap<string, { readonly path: string; readonly unpack?: 'tar' | 'zip' }>

/** Files that say what is built or what of the context counts: only the commit may bring them. */
const SAYS = /(?:^|\/)(?:(?:Dockerfile|Containerfile)[^/]*|[^/]*\.(?:docker|container)ignore)$/i

/**
 * Puts verified materials into an exported context, after its digest was taken: they add to the commit and change nothing of
 * it. Never over something that is there, never through a link, and never a Dockerfile or what it ignores.
 * @throws `materials/place-taken`, `materials/archive-…`, `core/file-unwritable`; after an error the context is not to be used
 */
export async function placeMaterials(contextFolder: string, placed: Placed): Promise<void> {
  for (const [path, material] of [...placed].sort(([a], [b]) => (a < b ? -1 : 1))) {
    requireOwnPlace(path)
    const way = await makeWay(contextFolder, path)
    if (way !== undefined)
      throw fail('materials/place-taken', `A material cannot be put at ${printable(path)}`, {
        expected: 'a path at which the commit has nothing',
        found:
          way.kind === 'link'
            ? `the link ${printable(way.path)} of the commit`
            : `${printable(way.path)} of the commit`,
      })
    const target = join(contextFolder, path)
    if (material.unpack === undefined) await copyNew(material.path, target)
    else await unpack(material.unpack, material.path, target)
  }
}

function requireOwnPlace(path: string): void {
  if (entryPath(Buffer.from(path), ARCHIVE_BOUNDS) === path && !SAYS.test(path)) return
  throw fail('materials/place-taken', `No material may be put at ${printable(path)}`, {
    expected: 'a path like vendor/NAME, and no Dockerfile or ignore file',
    found: path,
  })
}
