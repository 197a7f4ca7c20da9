import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** What a file of an artifact may be called: its store serves file systems that know less than ours. */
const NAME = /^[^"\\:<>|*?\r\n]+$/

/**
 * Absolute paths of the regular files that lie directly in these folders below another, in the order of their names. Links, hidden
 * files and names that other file systems do not have are passed over, and so is a folder that is a link.
 * @param folders below `root`; empty for itself. @param most files; more are left out.
 */
export async function plainFilesBelow(
  root: string,
  folders: readonly string[],
  most: number,
): Promise<readonly string[]> {
  const found: string[] = []
  for (const below of folders) {
    const folder = join(root, below)
    const info = await lstat(folder).catch(() => undefined)
    if (info?.isDirectory() !== true) continue
    const entries = await readdir(folder, { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
      if (entry.isFile() && !entry.name.startsWith('.') && NAME.test(entry.name)) found.push(join(folder, entry.name))
  }
  return found.slice(0, most)
}
