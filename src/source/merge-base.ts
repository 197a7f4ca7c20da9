import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { CommitGraph } from './graph.ts'
import type { MergeQuestion, Side } from './merge-tree.ts'
import { divergence, type Other } from './range.ts'

/** A commit and its tree as a side of a merge. @throws `source/merge-not-checked` when the object names no tree. */
export async function sideOf(number: number, graph: CommitGraph): Promise<Side> {
  await graph.ensure([number])
  const [commit, tree] = [graph.id(number), graph.tree(number)]
  if (tree !== undefined) return { commit, tree }
  throw fail('source/merge-not-checked', `Commit ${commit} names no tree`, { found: commit })
}

/** The best common ancestors of a merge's sides, and the further trees that git reads when there are several. */
export async function basesOf(
  bases: readonly number[],
  graph: CommitGraph,
): Promise<Pick<MergeQuestion, 'bases' | 'deeper'>> {
  const sides = await Promise.all(bases.map(base => sideOf(base, graph)))
  if (bases.length < 2) return { bases: sides }
  return { bases: sides, deeper: await deeperTrees(bases, graph) }
}

/**
 * git merges several bases with each other first, and those have bases of their own: all that any pair among them has. Rare,
 * so each pair is compared the plain way.
 */
async function deeperTrees(bases: readonly number[], graph: CommitGraph): Promise<readonly CommitId[]> {
  const all = new Set(bases)
  const open: (readonly [number, number])[] = pairsOf(bases)
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [ours, theirs] = pair
    const found = await divergence(theirs, await historyOf(ours, graph), graph)
    if (found.bases.length > 1) open.push(...pairsOf(found.bases))
    for (const base of found.bases) all.add(base)
    if (all.size > LIMITS.mergeBases) throw tooMany()
  }
  const sides = await Promise.all([...all].map(number => sideOf(number, graph)))
  return sides.map(({ tree }) => tree)
}

/** The history below one commit, read completely. */
export async function historyOf(number: number, graph: CommitGraph): Promise<Other> {
  const marks = await graph.ancestors(graph.id(number))
  return { has: async other => marks.has(other) }
}

function pairsOf(numbers: readonly number[]): (readonly [number, number])[] {
  return numbers.flatMap((a, at) => numbers.slice(at + 1).map(b => [a, b] as const))
}

function tooMany(): Error {
  return fail('source/merge-not-checked', 'The sides of the merge have too many common ancestors to merge them again', {
    expected: `at most ${LIMITS.mergeBases}`,
    found: 'more',
  })
}
