import type { CommitId } from '../core/digest.ts'
import type { History } from '../source/git.ts'
import { nameText } from '../source/tree.ts'

/** Objects of a commit whose tree is here already; every id was recomputed when it was read. */
export type TreeReader = Pick<History, 'tree' | 'blob'>

/**
 * A regular file of a tree; links and submodules are none, what they point at is not in this commit.
 * @param path from the root, `/` between its parts. @returns undefined when there is no such file.
 * @throws `source/blob-too-large` above `maxBytes`
 */
export async function fileAt(
  history: TreeReader,
  root: CommitId,
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  // Names in a tree are bytes, one character each.
  const segments = path.split('/').map(part => Buffer.from(part, 'utf8').toString('latin1'))
  const last = segments.pop()
  const tree = await folderAt(history, root, segments)
  if (tree === undefined) return undefined
  const entry = (await history.tree(tree)).find(item => item.name === last)
  const isFile = entry?.mode === '100644' || entry?.mode === '100755'
  return isFile ? history.blob(entry.id, maxBytes) : undefined
}

/**
 * Paths of the regular files below a folder, relative to it, in the order of the tree.
 * @param folder from the root; `.` is the root. @param max names at most; of a larger tree the first ones.
 */
export async function pathsBelow(
  history: Pick<History, 'tree'>,
  root: CommitId,
  folder: string,
  max: number,
): Promise<readonly string[]> {
  const segments = folder === '.' ? [] : folder.split('/').map(part => Buffer.from(part, 'utf8').toString('latin1'))
  const tree = await folderAt(history, root, segments)
  const open = tree === undefined ? [] : [{ tree, prefix: '' }]
  const paths: string[] = []
  for (let next = open.pop(); next !== undefined && paths.length < max; next = open.pop()) {
    const { prefix } = next
    for (const { mode, name, id } of await history.tree(next.tree)) {
      const path = `${prefix}${nameText(name)}`
      if (mode === '40000') open.push({ tree: id, prefix: `${path}/` })
      else if (mode === '100644' || mode === '100755') paths.push(path)
    }
  }
  return paths.slice(0, max)
}

async function folderAt(
  history: Pick<History, 'tree'>,
  root: CommitId,
  segments: readonly string[],
): Promise<CommitId | undefined> {
  let tree = root
  for (const segment of segments) {
    const folder = (await history.tree(tree)).find(entry => entry.name === segment && entry.mode === '40000')
    if (folder === undefined) return undefined
    tree = folder.id
  }
  return tree
}
