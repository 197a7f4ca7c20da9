import type { CommitId } from '../core/digest.ts'
import { isMalformed, type JudgedCommit } from '../core/facts.ts'
import { acceptedLaws, type BroughtLaw, type Fold, mayHaveChangedLaw } from '../policy/fold.ts'
import type { History } from '../source/git.ts'
import type { CommitGraph } from '../source/graph.ts'
import type { FirstParents } from '../source/walk.ts'

/** What a first-parent commit brought in, parents before children. */
interface Side {
  readonly broughtIn: readonly JudgedCommit[]
}

/**
 * Law files of commits beside the line that may have changed the law, for many merges together. Only those are read that
 * somebody signed who may change it.
 */
export class BroughtLaws {
  readonly #history: History
  readonly #graph: CommitGraph
  #warm = false

  constructor(history: History, graph: CommitGraph) {
    this.#history = history
    this.#graph = graph
  }

  /** @returns for each side in its order; empty: nothing that was brought in changed the law. */
  async of(sides: readonly Side[], fold: Fold, line: FirstParents): Promise<readonly (readonly BroughtLaw[])[]> {
    const accepted = acceptedLaws(fold)
    const asked = sides.map(({ broughtIn }) => broughtIn.filter(commit => mayHaveChangedLaw(accepted, commit)))
    if (asked.every(({ length }) => length === 0)) return sides.map(() => [])
    await this.#warmUp()
    const brought: BroughtLaw[][] = []
    for (const [at, side] of sides.entries()) brought.push(await this.#changes(asked[at] ?? [], side, line))
    return brought
  }

  async #changes(asked: readonly JudgedCommit[], { broughtIn }: Side, line: FirstParents): Promise<BroughtLaw[]> {
    if (asked.length === 0) return []
    const since = await this.#leavings(broughtIn, line)
    const pairs: { readonly id: CommitId; readonly tree: CommitId }[] = []
    const changed: { readonly commit: CommitId; readonly parent: CommitId | undefined }[] = []
    for (const commit of asked) {
      if (isMalformed(commit)) continue
      const [parent] = commit.parents
      changed.push({ commit: commit.id, parent })
      pairs.push({ id: commit.id, tree: commit.tree })
      const tree = parent === undefined ? undefined : this.#graph.tree(await this.#graph.index(parent))
      if (parent !== undefined && tree !== undefined) pairs.push({ id: parent, tree })
    }
    const laws = new Map<CommitId, BroughtLaw['law']>()
    for await (const { id, law } of this.#history.lawFiles(pairs)) laws.set(id, law)
    return changed.flatMap(({ commit, parent }) => {
      const law = laws.get(commit) ?? { files: [] }
      const before = (parent === undefined ? undefined : laws.get(parent)) ?? { files: [] }
      const same = law.tree !== undefined && law.tree === before.tree
      return same ? [] : [{ commit, law, before, since: since.get(commit) ?? -1 }]
    })
  }

  /** For each commit the last place of the line from which it can be reached. */
  async #leavings(broughtIn: readonly JudgedCommit[], line: FirstParents): Promise<ReadonlyMap<CommitId, number>> {
    const since = new Map<CommitId, number>()
    for (const { id, parents } of broughtIn) {
      const places = parents.map(parent => since.get(parent) ?? line.rank(this.#graph.number(parent)))
      since.set(id, Math.max(-1, ...places))
    }
    return since
  }

  /** Root trees of everything that was read so far come in one fetch, else every window would ask for its own. */
  async #warmUp(): Promise<void> {
    if (this.#warm) return
    this.#warm = true
    const commits: { readonly id: CommitId; readonly tree: CommitId }[] = []
    for (let number = 0; number < this.#graph.size; number++) {
      const tree = this.#graph.isRead(number) ? this.#graph.tree(number) : undefined
      if (tree !== undefined) commits.push({ id: this.#graph.id(number), tree })
    }
    for await (const _ of this.#history.lawFiles(commits));
  }
}
