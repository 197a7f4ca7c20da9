import { type CommitId, parseCommitId } from '../core/digest.ts'

/** Above this share of filled places the table of places is doubled. */
const MAX_FILL = 0.5
const WORDS = 5

/**
 * Object ids in the order in which they came, each once, with its number: 30–60 bytes an id instead of several hundred,
 * because histories have millions. Open addressing over the first bytes of an id. An attacker who grinds ids with equal
 * first bytes costs himself a SHA-1 search for each and us one more step of probing.
 */
export class IdTable {
  #words = new Uint32Array(1024 * WORDS)
  /** Number + 1 of the id at this place; 0: empty. */
  #places = new Uint32Array(2048)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Its number, or -1. */
  indexOf(id: CommitId): number {
    return (this.#places[this.#find(wordsOf(id))] ?? 0) - 1
  }

  /** @returns its number, whether it is new or was there already. */
  add(id: CommitId): number {
    const words = wordsOf(id)
    const place = this.#find(words)
    const known = this.#places[place] ?? 0
    if (known !== 0) return known - 1
    if ((this.#size + 1) * WORDS > this.#words.length) this.#words = doubled(this.#words)
    this.#words.set(words, this.#size * WORDS)
    this.#places[place] = ++this.#size
    if (this.#size > this.#places.length * MAX_FILL) this.#rehash()
    return this.#size - 1
  }

  /** A new string each time, so that nothing larger is kept alive by it. */
  at(index: number): CommitId {
    if (index < 0 || index >= this.#size) throw new RangeError(`no id has the number ${index}`)
    let hex = ''
    for (let at = index * WORDS; at < (index + 1) * WORDS; at++)
      hex += (this.#words[at] ?? 0).toString(16).padStart(8, '0')
    return parseCommitId(hex)
  }

  #find(words: readonly number[]): number {
    const last = this.#places.length - 1
    for (let place = (words[0] ?? 0) & last; ; place = (place + 1) & last) {
      const number = this.#places[place] ?? 0
      if (number === 0 || this.#is(number - 1, words)) return place
    }
  }

  #is(index: number, words: readonly number[]): boolean {
    const at = index * WORDS
    for (let i = 0; i < WORDS; i++) if (this.#words[at + i] !== words[i]) return false
    return true
  }

  #rehash(): void {
    this.#places = new Uint32Array(this.#places.length * 2)
    for (let index = 0; index < this.#size; index++) {
      const words = [...this.#words.subarray(index * WORDS, (index + 1) * WORDS)]
      this.#places[this.#find(words)] = index + 1
    }
  }
}

/** A set of object ids in flat buffers, see `IdTable`. */
export class IdSet {
  readonly #table = new IdTable()

  get size(): number {
    return this.#table.size
  }

  has(id: CommitId): boolean {
    return this.#table.indexOf(id) !== -1
  }

  /** @returns false when it was there already. */
  add(id: CommitId): boolean {
    const before = this.#table.size
    return this.#table.add(id) === before
  }
}

function doubled(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2)
  larger.set(words)
  return larger
}

function wordsOf(id: CommitId): readonly number[] {
  return [0, 8, 16, 24, 32].map(at => Number.parseInt(id.slice(at, at + 8), 16))
}
