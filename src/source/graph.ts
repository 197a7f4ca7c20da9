import { latin1 } from '../core/bytes.ts'
import { type CommitId, isCommitId } from '../core/digest.ts'
import { parentsOf } from './commit.ts'
import { IdTable } from './id-set.ts'

/** Gives the bytes of a commit, its id recomputed. */
export type ReadBytes = (id: CommitId) => Promise<Uint8Array>

/**
 * Ids that are probably reachable from the tips and not from the others. It decides only which bytes are read together;
 * what is a parent of what, the bytes say. A wrong guess costs time.
 */
export type Guess = (tips: readonly CommitId[], without: readonly CommitId[]) => Promise<Iterable<CommitId>>

/** Commits read at once. */
const BATCH = 128
const NOT_READ = -1

/**
 * The shape of a history: parents and root tree of each commit, by number, from the parsed bytes alone. Some hundred
 * bytes a commit, because the content of a commit is read again when it is judged.
 */
export class CommitGraph {
  readonly #read: ReadBytes
  readonly #guess: Guess
  readonly #ids = new IdTable()
  readonly #trees = new IdTable()
  /** By number: where its parents begin in `#edges`, or NOT_READ. */
  readonly #start: number[] = []
  readonly #edges: number[] = []
  readonly #tree: number[] = []

  constructor(read: ReadBytes, guess: Guess = async () => []) {
    this.#read = read
    this.#guess = guess
  }

  get size(): number {
    return this.#ids.size
  }

  id(index: number): CommitId {
    return this.#ids.at(index)
  }

  /** The commit's number; it is read if it was not. @throws what reading throws. */
  async index(id: CommitId): Promise<number> {
    const index = this.number(id)
    if (this.#start[index] === NOT_READ) await this.#load([index])
    return index
  }

  /** Its number, without reading it. */
  number(id: CommitId): number {
    const index = this.#ids.add(id)
    if (index === this.#start.length) {
      this.#start.push(NOT_READ)
      this.#tree.push(-1)
    }
    return index
  }

  /** Its number if it was met before, without reading it. */
  find(id: CommitId): number | undefined {
    const index = this.#ids.indexOf(id)
    return index === -1 ? undefined : index
  }

  isRead(index: number): boolean {
    return this.#start[index] !== NOT_READ
  }

  /** Numbers of the parents of a commit that was read, in order. A parent may not be read yet. */
  parents(index: number): readonly number[] {
    const start = this.#start[index] ?? NOT_READ
    if (start === NOT_READ) throw new RangeError(`commit ${this.id(index)} was not read`)
    const count = this.#edges[start] ?? 0
    return this.#edges.slice(start + 1, start + 1 + count)
  }

  /** Undefined when the object does not name one. */
  tree(index: number): CommitId | undefined {
    const tree = this.#tree[index] ?? -1
    return tree < 0 ? undefined : this.#trees.at(tree)
  }

  /** Reads those that were not read. */
  async ensure(indexes: readonly number[]): Promise<void> {
    const open = indexes.filter(index => !this.isRead(index))
    for (let at = 0; at < open.length; at += BATCH) await this.#load(open.slice(at, at + BATCH))
  }

  /** Reads what is probably needed, many commits together. */
  async preload(tips: readonly CommitId[], without: readonly CommitId[] = []): Promise<void> {
    const ids = (await this.#guess(tips, without))[Symbol.iterator]()
    for (;;) {
      const batch: number[] = []
      for (let next = ids.next(); next.done !== true; next = ids.next()) {
        if (batch.push(this.number(next.value)) === BATCH) break
      }
      if (batch.length === 0) return
      // What the guess names wrongly is nobody's loss; what is really needed is asked for again, by name.
      await this.ensure(batch).catch(() => {})
    }
  }

  /** Numbers of the commit itself and everything below it, read completely. */
  async ancestors(tip: CommitId): Promise<Marks> {
    await this.preload([tip])
    const marks = new Marks()
    let level = [await this.index(tip)]
    marks.add(level[0] ?? 0)
    while (level.length > 0) {
      await this.ensure(level)
      level = level.flatMap(index => this.parents(index)).filter(parent => marks.add(parent))
    }
    return marks
  }

  async #load(indexes: readonly number[]): Promise<void> {
    const all = await Promise.all(indexes.map(async index => ({ index, bytes: await this.#read(this.id(index)) })))
    for (const { index, bytes } of all) {
      // Somebody else may have read it meanwhile.
      if (!this.isRead(index)) this.#note(index, bytes)
    }
  }

  #note(index: number, bytes: Uint8Array): void {
    const parents = parentsOf(bytes).map(id => this.number(id))
    this.#start[index] = this.#edges.length
    this.#edges.push(parents.length, ...parents)
    // A malformed commit still has a tree to git, and its law must be seen where it was brought, not one commit later.
    const tree = /^tree ([0-9a-f]{40})\n$/.exec(latin1(bytes.subarray(0, 46)))?.[1]
    this.#tree[index] = isCommitId(tree) ? this.#trees.add(tree) : -1
  }
}

/** A set of numbers, one bit each. */
export class Marks {
  #bits = new Uint32Array(1024)

  has(index: number): boolean {
    return ((this.#bits[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0
  }

  /** @returns false when it was there already. */
  add(index: number): boolean {
    if (this.has(index)) return false
    while (index >>> 5 >= this.#bits.length) {
      const larger = new Uint32Array(this.#bits.length * 2)
      larger.set(this.#bits)
      this.#bits = larger
    }
    this.#bits[index >>> 5] = (this.#bits[index >>> 5] ?? 0) | (1 << (index & 31))
    return true
  }
}
