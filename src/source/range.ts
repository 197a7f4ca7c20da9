import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { parentsOf } from './commit.ts'
import { type CommitGraph, Marks, type ReadBytes } from './graph.ts'
import { IdSet } from './id-set.ts'
import { collect } from './walk.ts'

/** Where a head left another history, by number. */
export interface Divergence {
  /** Best common ancestors: none of them is an ancestor of another. More than one after criss-cross merges. */
  readonly bases: readonly number[]
  /** Reachable from the head and not from the other history, parents before children. */
  readonly commits: readonly number[]
}

/** A history that a head is compared with: the commit itself and everything below it. */
export interface Other {
  readonly has: (number: number) => Promise<boolean>
  /** Higher: came later. Only decides which common ancestor is looked at first. */
  readonly rank?: (number: number) => number
}

/**
 * Compares a head with another history by the parents in the bytes alone. Dates are the attacker's, so none is looked at.
 * @param limit commits of the result; beyond it `source/merge-not-checked` is thrown.
 * @throws whatever reading throws.
 */
export async function divergence(
  head: number,
  other: Other,
  graph: CommitGraph,
  limit = Number.POSITIVE_INFINITY,
): Promise<Divergence> {
  let count = 0
  const met = new Marks()
  const common: number[] = []
  const known = async (number: number): Promise<boolean> => {
    if (met.has(number)) return true
    if (!(await other.has(number))) return false
    met.add(number)
    common.push(number)
    return true
  }
  const note = (number: number): void => {
    if (++count > limit) throw tooMany(graph.id(head), limit)
    met.add(number)
  }
  const commits = await collect([head], known, note, graph)
  const { rank } = other
  if (rank !== undefined) common.sort((a, b) => rank(b) - rank(a))
  return { bases: await best(common, graph), commits }
}

function tooMany(head: CommitId, limit: number): Error {
  return fail('source/merge-not-checked', `${head} brings more commits than are looked at for one pull request`, {
    expected: `at most ${limit} commits`,
    found: 'more',
  })
}

/** Drops every one that is an ancestor of another. */
async function best(candidates: readonly number[], graph: CommitGraph): Promise<readonly number[]> {
  const left = new Set(candidates)
  for (const candidate of candidates) {
    if (left.size > 1 && left.has(candidate)) await dropAncestors(candidate, left, graph)
  }
  return [...left]
}

/** Level by level, because what is dropped mostly lies near. */
async function dropAncestors(from: number, left: Set<number>, graph: CommitGraph): Promise<void> {
  const seen = new Marks()
  for (let level: readonly number[] = [from]; level.length > 0 && left.size > 1; ) {
    await graph.ensure(level)
    level = level.flatMap(number => graph.parents(number)).filter(parent => seen.add(parent))
    for (const number of level) left.delete(number)
  }
}

/**
 * Every commit reachable from `head` and not from `base`: what a pull request brings, whatever its shape.
 * @returns parents before children; empty when the head lies in the base's history.
 * @throws whatever reading throws.
 */
export async function commitsBetween(head: CommitId, base: CommitId, graph: CommitGraph): Promise<readonly CommitId[]> {
  await graph.preload([head], [base])
  const below = await graph.ancestors(base)
  const { commits } = await divergence(await graph.index(head), { has: async number => below.has(number) }, graph)
  return commits.map(number => graph.id(number))
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
