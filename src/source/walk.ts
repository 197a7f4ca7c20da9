import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { MalformedCommit } from '../core/facts.ts'
import { type ParsedCommit, parentsOf, parseCommit } from './commit.ts'
import { IdSet } from './id-set.ts'

export type ReadCommit = ParsedCommit | MalformedCommit

/** One commit of the line of first parents, with what it brought in. */
export interface JudgedStep {
  readonly commit: ReadCommit
  /** Reachable through its other parents, in no earlier step, no ancestor of the anchor; parents before children. */
  readonly broughtIn: readonly ReadCommit[]
}

/** Gives the bytes of a commit, its id recomputed. */
export type ReadBytes = (id: CommitId) => Promise<Uint8Array>

/**
 * Walks first parents from `head` down to `anchor` and collects what each commit of that line brought in.
 * Only the parents in the bytes count: no ref, graft, replacement or commit-graph file is asked. Every commit that is
 * reachable from the head and not from the anchor is in exactly one place of the result.
 * @returns oldest first, from the commit after the anchor to the head; empty when they are the same.
 * @throws `source/anchor-not-ancestor` when the line ends before the anchor; whatever `read` throws.
 */
export async function walkFirstParents(
  head: CommitId,
  anchor: CommitId,
  read: ReadBytes,
): Promise<readonly JudgedStep[]> {
  const line = await firstParentLine(head, anchor, read)
  const seen = new IdSet()
  for (const commit of line) seen.add(commit.id)
  seen.add(anchor)
  const past = new Past(anchor, read)
  const steps: JudgedStep[] = []
  for (const commit of line) {
    steps.push({ commit, broughtIn: await collect(commit.parents.slice(1), seen, past, read) })
  }
  return steps
}

async function firstParentLine(head: CommitId, anchor: CommitId, read: ReadBytes): Promise<readonly ReadCommit[]> {
  const line: ReadCommit[] = []
  const seen = new IdSet()
  for (let id: CommitId | undefined = head; id !== anchor; ) {
    // Ids are hashes, so a cycle cannot be made; a reader that lies must not make this endless all the same.
    if (id === undefined || !seen.add(id)) throw notAncestor(head, anchor, line.length)
    const commit: ReadCommit = parseCommit(id, await read(id))
    line.push(commit)
    id = commit.parents[0]
  }
  return line.reverse()
}

/** Depth first with an own stack: a chain of a million commits must not end in a stack overflow. */
async function collect(
  tips: readonly CommitId[],
  seen: IdSet,
  past: Past,
  read: ReadBytes,
): Promise<readonly ReadCommit[]> {
  const found: ReadCommit[] = []
  const stack: (CommitId | ReadCommit)[] = [...tips].reverse()
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (typeof top !== 'string') {
      found.push(top)
    } else if (!seen.has(top) && !(await past.has(top))) {
      seen.add(top)
      const commit = parseCommit(top, await read(top))
      stack.push(commit, ...[...commit.parents].reverse())
    }
  }
  return found
}

/** The anchor and everything below it, read only when a side line makes it necessary: a linear history never pays for it. */
class Past {
  readonly #anchor: CommitId
  readonly #read: ReadBytes
  #ids: Promise<IdSet> | undefined

  constructor(anchor: CommitId, read: ReadBytes) {
    this.#anchor = anchor
    this.#read = read
  }

  async has(id: CommitId): Promise<boolean> {
    this.#ids ??= this.#load()
    return (await this.#ids).has(id)
  }

  /** Dates cannot shorten this: they are the attacker's, and one false "not an ancestor" or "is one" is a wrong verdict. */
  async #load(): Promise<IdSet> {
    const ids = new IdSet()
    ids.add(this.#anchor)
    for (let level: readonly CommitId[] = [this.#anchor]; level.length > 0; ) {
      const next: CommitId[] = []
      for (let at = 0; at < level.length; at += 256) {
        const bytes = await Promise.all(level.slice(at, at + 256).map(this.#read))
        for (const parent of bytes.flatMap(parentsOf)) if (ids.add(parent)) next.push(parent)
      }
      level = next
    }
    return ids
  }
}

function notAncestor(head: CommitId, anchor: CommitId, walked: number): Error {
  return fail('source/anchor-not-ancestor', `The anchor ${anchor} is not on the first-parent line of ${head}`, {
    expected: `${anchor} among the first parents of ${head}`,
    found: `${walked} commits down to the root, none of them the anchor`,
    remedy: `If the branch was force-pushed, restore it: git push --force-with-lease origin <old tip>:<branch>. If the rewrite is wanted, review it and set a new anchor from outside: since: <commit of the new line that contains the policy>. If a merge was made the wrong way round, make it again from the protected branch.`,
  })
}
