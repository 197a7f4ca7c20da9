import type { CommitId } from '../core/digest.ts'
import { parentsOf, parseCommit } from './commit.ts'
import { IdSet } from './id-set.ts'
import type { ReadBytes, ReadCommit } from './walk.ts'

/**
 * Every commit reachable from `head` and not from `base`: what a pull request brings, whatever its shape.
 * @returns parents before children; empty when the head lies in the base's history.
 * @throws whatever `read` throws.
 */
export async function commitsBetween(head: CommitId, base: CommitId, read: ReadBytes): Promise<readonly ReadCommit[]> {
  const known = await ancestorsOf(base, read)
  const found: ReadCommit[] = []
  const stack: (CommitId | ReadCommit)[] = [head]
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (typeof top !== 'string') {
      found.push(top)
    } else if (known.add(top)) {
      const commit = parseCommit(top, await read(top))
      stack.push(commit, ...[...commit.parents].reverse())
    }
  }
  return found
}

/** The commit itself and everything below it, by the parents in the bytes alone. */
async function ancestorsOf(tip: CommitId, read: ReadBytes): Promise<IdSet> {
  const ids = new IdSet()
  ids.add(tip)
  for (const stack = [tip]; ; ) {
    const next = stack.pop()
    if (next === undefined) return ids
    for (const parent of parentsOf(await read(next))) if (ids.add(parent)) stack.push(parent)
  }
}

/**
 * Where `commit` stands on the first-parent line of `tip`.
 * @returns the ids from the tip down to and including the commit; undefined when it is not on that line.
 */
export async function firstParentsDownTo(
  tip: CommitId,
  commit: CommitId,
  read: ReadBytes,
): Promise<readonly CommitId[] | undefined> {
  const line: CommitId[] = []
  const seen = new IdSet()
  for (let id: CommitId | undefined = tip; id !== undefined && seen.add(id); id = parentsOf(await read(id))[0]) {
    line.push(id)
    if (id === commit) return line
  }
  return undefined
}
