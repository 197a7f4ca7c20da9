import type { CommitId } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import type { LawFile, LawFiles, LawLink } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { missing, type Objects, treeOf } from './objects.ts'
import { nameText, type TreeEntry } from './tree.ts'

/** Objects asked for at once; bounds what waits in memory. */
const BATCH = 256
const NONE: LawFiles = { files: [] }

/** How missing objects are brought into the private repositories, many ids in one request. */
export interface LawFetch {
  /** Root trees alone, without what they hold. */
  readonly roots: (ids: readonly CommitId[]) => Promise<void>
  /** Trees with the trees below them. */
  readonly trees: (ids: readonly CommitId[]) => Promise<void>
  /** Trees with everything below them. */
  readonly whole: (ids: readonly CommitId[]) => Promise<void>
}

/**
 * Reads the `.github` folder of many commits with two fetches, whatever their number (13-adversary 13).
 * Rule: an unreadable object throws and is never taken for an absent one (13-adversary 5); a *malformed* tree, or a folder
 * of more than `LIMITS.lawFiles` files, gives no law files at all, so that it can never be accepted as a law and the
 * commits after it can still be judged.
 */
export class LawReader {
  readonly #objects: Objects
  readonly #fetch: LawFetch
  readonly #laws = new Map<CommitId, LawFiles>()

  constructor(objects: Objects, fetch: LawFetch) {
    this.#objects = objects
    this.#fetch = fetch
  }

  /** In the order given. Commits with the same `.github` tree get the same object. */
  async *read(
    commits: readonly { readonly id: CommitId; readonly tree: CommitId }[],
  ): AsyncGenerator<{ readonly id: CommitId; readonly law: LawFiles }> {
    const folders = await this.#folders([...new Set(commits.map(commit => commit.tree))])
    await this.#fetchWhole([...new Set(folders.values())].filter(id => id !== undefined))
    for (const commit of commits) {
      const folder = folders.get(commit.tree)
      yield { id: commit.id, law: folder === undefined ? NONE : await this.#law(folder) }
    }
  }

  /** Root tree → id of its `.github` tree. */
  async #folders(roots: readonly CommitId[]): Promise<Map<CommitId, CommitId | undefined>> {
    const absent: CommitId[] = []
    const found = new Map<CommitId, CommitId | undefined>()
    const note = (id: CommitId, entries: readonly TreeEntry[] | 'absent'): void => {
      if (entries === 'absent') absent.push(id)
      else found.set(id, entries.find(entry => entry.name === '.github' && entry.mode === '40000')?.id)
    }
    // The first one tells for all: a server that ignores the filter has sent every tree with the commits.
    const [first] = roots
    const none = first === undefined || (await this.#root(first)) === 'absent'
    if (none) absent.push(...roots)
    else await this.#each(roots, async id => note(id, await this.#root(id)))
    // When one root is a folder of another, git leaves the inner one out and calls its own answer incomplete: what came is
    // kept, and the rest is asked for with its folders. Nobody can make a history unreadable by pushing such a commit.
    for (const bring of [ignoringIncomplete(this.#fetch.roots), this.#fetch.trees]) {
      if (absent.length === 0) return found
      const asked = absent.splice(0)
      await bring(asked)
      await this.#each(asked, async id => note(id, await this.#root(id)))
    }
    const [still] = absent
    if (still !== undefined) throw missing(still, 'tree')
    return found
  }

  async #root(id: CommitId): Promise<readonly TreeEntry[] | 'absent'> {
    const object = await this.#objects.find({ id, keep: LIMITS.treeBytes })
    if (object === undefined) return 'absent'
    return orEmpty(async () => treeOf(object, id), [])
  }

  async #fetchWhole(folders: readonly CommitId[]): Promise<void> {
    const absent: CommitId[] = []
    await this.#each(folders, async id => {
      if (!this.#laws.has(id) && (await this.#objects.find({ id, keep: 0 })) === undefined) absent.push(id)
    })
    if (absent.length > 0) await this.#fetch.whole(absent)
  }

  async #law(folder: CommitId): Promise<LawFiles> {
    const known = this.#laws.get(folder)
    if (known !== undefined) return known
    const law = { tree: folder, ...(await this.#filesOrFetch(folder)) }
    this.#laws.set(folder, law)
    return law
  }

  /**
   * A folder can be there without what it holds, when somebody made it the root tree of another commit as well. That must
   * not end in "unknown" for everybody, so it is fetched once more, by itself.
   */
  async #filesOrFetch(folder: CommitId): Promise<Content> {
    try {
      return await orEmpty(() => this.#contentOf(folder), NONE)
    } catch (error) {
      if (asWaybillError(error).code !== 'source/object-missing') throw error
      await this.#fetch.whole([folder])
      return orEmpty(() => this.#contentOf(folder), NONE)
    }
  }

  /** Regular files, sorted by path. Links and submodules are no files: what they point at is not in the signed folder. */
  async #contentOf(folder: CommitId): Promise<Content> {
    const files: LawFile[] = []
    const links: LawLink[] = []
    const open: { path: string; id: CommitId }[] = [{ path: '.github', id: folder }]
    // Trees are counted too: forty small trees that name each other twice unfold to more files than there are atoms.
    let visited = 0
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { path, id } = next
      const entries = await this.#objects.tree(id)
      visited += entries.length
      if (visited > LIMITS.lawFiles) return NONE
      for (const entry of entries) {
        const name = `${path}/${nameText(entry.name)}`
        if (entry.mode === '40000') open.push({ path: name, id: entry.id })
        else if (entry.mode === '100644' || entry.mode === '100755') files.push(await this.#file(name, entry.id))
        else links.push({ path: name, id: entry.id, kind: entry.mode === '120000' ? 'link' : 'submodule' })
      }
    }
    return { files: sorted(files), ...(links.length === 0 ? {} : { links: sorted(links) }) }
  }

  /** A file above the bound keeps its id, so that a change of it is seen, but has no bytes: it can be no policy and no key. */
  async #file(path: string, id: CommitId): Promise<LawFile> {
    const object = await this.#objects.read({ id, keep: LIMITS.policyFileBytes }, 'blob')
    return { path, id, bytes: object.size > LIMITS.policyFileBytes ? new Uint8Array() : object.bytes }
  }

  async #each<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
    for (let at = 0; at < items.length; at += BATCH) await Promise.all(items.slice(at, at + BATCH).map(act))
  }
}

type Content = Omit<LawFiles, 'tree'>

function sorted<T extends { readonly path: string }>(items: T[]): readonly T[] {
  return items.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function ignoringIncomplete(bring: LawFetch['roots']): LawFetch['roots'] {
  return async ids => {
    try {
      await bring(ids)
    } catch (error) {
      if (asWaybillError(error).code !== 'source/object-missing') throw error
    }
  }
}

async function orEmpty<T>(read: () => Promise<T>, empty: T): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (asWaybillError(error).code === 'source/tree-malformed') return empty
    throw error
  }
}
