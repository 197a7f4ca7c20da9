import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { History } from './git.ts'
import { parseGitmodules } from './gitmodules.ts'
import { nameText, type TreeEntry } from './tree.ts'

/** Another repository at one commit, as a tree pins it. */
export interface Submodule {
  /** From the root of the tree, one character a byte. */
  readonly path: string
  readonly commit: CommitId
  /** As `.gitmodules` of the same tree says it. */
  readonly url: string
}

const FILE = '.gitmodules'

/** Whether the tree says of any submodule where it is. Reads one tree. */
export async function hasGitmodules(history: Pick<History, 'tree'>, root: CommitId): Promise<boolean> {
  return (await history.tree(root)).some(({ name }) => name === FILE)
}

/**
 * Every submodule of a tree with its address. Sections for which the tree has no entry are no submodules, as git has it.
 * @throws `source/gitmodules-malformed`, `source/submodule-undeclared` for an entry of which nobody says where it is,
 * `source/tree-too-large`
 */
export async function readSubmodules(
  history: Pick<History, 'tree' | 'blob'>,
  root: CommitId,
): Promise<readonly Submodule[]> {
  const file = (await history.tree(root)).find(({ name }) => name === FILE)
  if (file === undefined) return []
  // A link would let another file of the machine, or of another program's reading, speak for the commit.
  if (file.mode !== '100644' && file.mode !== '100755')
    throw fail('source/gitmodules-malformed', '.gitmodules is no regular file', {
      expected: 'a regular file of the commit',
      found: `mode ${file.mode}`,
    })
  const bytes = await history.blob(file.id, LIMITS.gitmodulesBytes)
  const entries = new Map(parseGitmodules(bytes).map(entry => [entry.path, entry]))
  const links = entries.size === 0 ? [] : await linksBelow(history, root)
  return links.map(({ path, id: commit }) => {
    const entry = entries.get(path)
    if (entry === undefined) throw undeclared(path, commit)
    return { path, commit, url: entry.url }
  })
}

/** Of a gitlink that nothing allows to be fetched. @param path one character a byte. */
export function undeclared(path: string, commit: CommitId, remedy?: string): Error {
  return fail('source/submodule-undeclared', `The tree holds a submodule at ${shownPath(path)} that nothing declares`, {
    expected: 'an item of the materials manifest, or a rule of the policy’s materials',
    found: `commit ${commit}`,
    ...(remedy === undefined ? {} : { remedy }),
  })
}

/** Readable and without ambiguity. */
export function shownPath(path: string): string {
  return path.split('/').map(nameText).join('/')
}

/** Bounded by folders: small trees that name each other unfold without end. */
async function linksBelow(
  history: Pick<History, 'tree'>,
  root: CommitId,
): Promise<readonly { readonly path: string; readonly id: CommitId }[]> {
  const found: { path: string; id: CommitId }[] = []
  const open: { readonly id: CommitId; readonly prefix: string }[] = [{ id: root, prefix: '' }]
  let entries = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { prefix } = next
    const tree: readonly TreeEntry[] = await history.tree(next.id)
    entries += tree.length
    for (const { mode, name, id } of tree) {
      if (mode === '40000') open.push({ id, prefix: `${prefix}${name}/` })
      if (mode === '160000') found.push({ path: `${prefix}${name}`, id })
    }
    if (entries > LIMITS.exportedFiles || found.length > LIMITS.submodules)
      throw fail('source/tree-too-large', 'The tree is larger than one that is looked through for submodules', {
        found: found.length > LIMITS.submodules ? `more than ${LIMITS.submodules} submodules` : `${entries} entries`,
      })
  }
  return found.sort((one, other) => (one.path < other.path ? -1 : 1))
}
