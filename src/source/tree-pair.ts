import type { CommitId } from '../core/digest.ts'
import type { TreeEntry } from './tree.ts'

/** Reads a tree, its id recomputed. */
export type ReadTree = (id: CommitId) => Promise<readonly TreeEntry[]>

/**
 * Ids of all files on which the trees do not agree: all that a merge of them can read, renames included, since only what was
 * added, removed or changed somewhere can be one. Folders that are the same everywhere are not opened.
 * @throws what reading throws; every tree on which they differ is read.
 */
export async function contestedBlobs(roots: readonly CommitId[], read: ReadTree): Promise<ReadonlySet<CommitId>> {
  const blobs = new Set<CommitId>()
  const seen = new Set<string>()
  const open: (readonly CommitId[])[] = [roots]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const key = next.join()
    // The same folders under another path hold the same files; this also ends trees made to unfold without end.
    if (seen.has(key)) continue
    seen.add(key)
    const distinct = [...new Set(next)]
    const trees = new Map(await Promise.all(distinct.map(async id => [id, await read(id)] as const)))
    const sides = next.map(id => trees.get(id) ?? [])
    open.push(...differences(sides, roots.length, blobs))
  }
  return blobs
}

/** @returns for each name whose entries differ, the folders among them. */
function differences(
  sides: readonly (readonly TreeEntry[])[],
  wanted: number,
  blobs: Set<CommitId>,
): readonly (readonly CommitId[])[] {
  const byName = new Map<string, TreeEntry[]>()
  for (const entry of sides.flat()) byName.set(entry.name, [...(byName.get(entry.name) ?? []), entry])
  const folders: (readonly CommitId[])[] = []
  for (const entries of byName.values()) {
    const [first] = entries
    const same =
      entries.length === wanted && entries.every(entry => entry.id === first?.id && entry.mode === first.mode)
    if (same && sides.length === wanted) continue
    for (const { mode, id } of entries) if (mode !== '40000' && mode !== '160000') blobs.add(id)
    const below = entries.filter(({ mode }) => mode === '40000').map(({ id }) => id)
    if (below.length > 0) folders.push(below)
  }
  return folders
}
