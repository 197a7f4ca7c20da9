import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type CommitGraph, Marks } from './graph.ts'

/** One commit of the line of first parents, with what it brought in. */
export interface WalkStep {
  readonly commit: CommitId
  /** On the line, 0 for the commit after the anchor. */
  readonly place: number
  /** Reachable through its other parents, in no earlier step, no ancestor of the anchor; parents before children. */
  readonly broughtIn: readonly CommitId[]
}

const NEVER = 0x3fffffff

/** First parents after the anchor, oldest first: ids alone, so that a long line stays small. */
export class FirstParents {
  readonly #graph: CommitGraph
  /** Newest first, as it was walked. */
  readonly #numbers: readonly number[]
  /** By number: the place at which a commit came into the line's history, its own or that of the merge; NEVER so far. */
  readonly #cameIn: number[] = []
  readonly #past: Past
  /** By place; made when first asked for, so that everybody who keeps an id keeps the same string. */
  readonly #ids: CommitId[] = []
  readonly anchor: CommitId

  constructor(graph: CommitGraph, anchor: CommitId, numbers: readonly number[]) {
    this.#graph = graph
    this.#numbers = numbers
    this.anchor = anchor
    this.#past = new Past(anchor, graph)
    for (const [at, number] of numbers.entries()) this.#note(number, numbers.length - 1 - at)
  }

  get length(): number {
    return this.#numbers.length
  }

  number(place: number): number {
    const number = this.#numbers[this.#numbers.length - 1 - place]
    if (number === undefined) throw new RangeError(`the line has no place ${place}`)
    return number
  }

  at(place: number): CommitId {
    for (let next = this.#ids.length; next <= place; next++) this.#ids.push(this.#graph.id(this.number(next)))
    return this.#ids[place] ?? this.#graph.id(this.number(place))
  }

  /** Its place on the line; undefined when it is not there. */
  placeOf(number: number): number | undefined {
    const place = this.#cameIn[number] ?? NEVER
    return place < this.length && this.number(place) === number ? place : undefined
  }

  /**
   * Whether a commit is the one at `place` (-1: the anchor) or reachable from it, exactly and at once: what came in up to
   * there. The line must have been walked up to `place`.
   */
  async reaches(place: number, number: number): Promise<boolean> {
    const cameIn = this.#cameIn[number] ?? NEVER
    return cameIn === NEVER ? this.#past.has(number) : cameIn <= place
  }

  /** For ordering: of two commits the one that came in later is no ancestor of the other. Below the anchor: -1. */
  rank(number: number): number {
    const cameIn = this.#cameIn[number] ?? NEVER
    return cameIn === NEVER ? -1 : cameIn
  }

  /**
   * Walks the line once and collects what each commit brought in. Every commit that is reachable from the head and not from
   * the anchor is in exactly one place of the result.
   */
  async *steps(): AsyncGenerator<WalkStep> {
    const graph = this.#graph
    for (let place = 0; place < this.length; place++) {
      const known = async (number: number) => (this.#cameIn[number] ?? NEVER) !== NEVER || this.#past.has(number)
      const note = (number: number) => this.#note(number, place)
      const broughtIn = await collect(graph.parents(this.number(place)).slice(1), known, note, graph)
      yield { commit: this.at(place), place, broughtIn: broughtIn.map(number => graph.id(number)) }
    }
  }

  #note(number: number, place: number): void {
    while (this.#cameIn.length <= number) this.#cameIn.push(NEVER)
    this.#cameIn[number] = place
  }
}

/**
 * The line of first parents from `head` down to `anchor`. Only the parents in the bytes count: no ref, graft, replacement or
 * commit-graph file is asked.
 * @returns empty when they are the same.
 * @throws `source/anchor-not-ancestor` when the line ends before the anchor; whatever reading throws.
 */
export async function walkFirstParents(head: CommitId, anchor: CommitId, graph: CommitGraph): Promise<FirstParents> {
  await graph.preload([head], [anchor])
  const end = graph.number(anchor)
  const numbers: number[] = []
  const seen = new Marks()
  for (let number: number | undefined = await graph.index(head); number !== end; ) {
    // Ids are hashes, so a cycle cannot be made; a reader that lies must not make this endless all the same.
    if (number === undefined || !seen.add(number)) throw notAncestor(head, anchor, numbers.length)
    if (!graph.isRead(number)) await graph.ensure([number])
    numbers.push(number)
    number = graph.parents(number)[0]
  }
  return new FirstParents(graph, anchor, numbers)
}

/**
 * What is reachable from the tips and not known, parents before children. Depth first with an own stack: a chain of a million
 * commits must not end in a stack overflow.
 * @param note called for each commit when it is first met; from then on it must be known.
 */
export async function collect(
  tips: readonly number[],
  known: (number: number) => Promise<boolean>,
  note: (number: number) => void,
  graph: CommitGraph,
): Promise<readonly number[]> {
  const found: number[] = []
  // A number is a commit to visit; its complement one whose parents are all done.
  const stack = [...tips].reverse()
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top < 0) {
      found.push(~top)
    } else if (!(await known(top))) {
      note(top)
      if (!graph.isRead(top)) await graph.ensure([top])
      stack.push(~top)
      for (const parent of [...graph.parents(top)].reverse()) stack.push(parent)
    }
  }
  return found
}

/** The anchor and everything below it, read only when a side line makes it necessary: a linear history never pays for it. */
class Past {
  readonly #anchor: CommitId
  readonly #graph: CommitGraph
  #marks: Promise<Marks> | undefined

  constructor(anchor: CommitId, graph: CommitGraph) {
    this.#anchor = anchor
    this.#graph = graph
  }

  /** Dates cannot shorten this: they are the attacker's, and one false "not an ancestor" or "is one" is a wrong verdict. */
  async has(number: number): Promise<boolean> {
    this.#marks ??= this.#graph.ancestors(this.#anchor)
    return (await this.#marks).has(number)
  }
}

function notAncestor(head: CommitId, anchor: CommitId, walked: number): Error {
  return fail('source/anchor-not-ancestor', `The anchor ${anchor} is not on the first-parent line of ${head}`, {
    expected: `${anchor} among the first parents of ${head}`,
    found: `${walked} commits down to the root, none of them the anchor`,
    remedy: `If the branch was force-pushed, restore it: git push --force-with-lease origin <old tip>:<branch>. If the rewrite is wanted, review it and set a new anchor from outside: since: <commit of the new line that contains the policy>. If a merge was made the wrong way round, make it again from the protected branch.`,
  })
}
