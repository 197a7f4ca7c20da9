import type { CommitId } from '../core/digest.ts'

/** Above this share of filled places the table is doubled. */
const MAX_FILL = 0.5

/**
 * A set of object ids in one flat buffer: about 40–80 bytes an id instead of several hundred, because histories have
 * millions. Open addressing; the first bytes of an id are its hash. An attacker who grinds ids with equal first bytes
 * costs himself a SHA-1 search for each and us one more step of probing.
 */
export class IdSet {
  #table = new Uint32Array(1024 * 5)
  #places = 1024
  #size = 0
  /** The all-zero id marks an empty place, so it is kept apart. */
  #hasZero = false

  get size(): number {
    return this.#size + (this.#hasZero ? 1 : 0)
  }

  has(id: CommitId): boolean {
    const words = wordsOf(id)
    return isZero(words) ? this.#hasZero : this.#occupied(this.#find(words))
  }

  /** @returns false when it was there already. */
  add(id: CommitId): boolean {
    const words = wordsOf(id)
    if (isZero(words)) {
      const added = !this.#hasZero
      this.#hasZero = true
      return added
    }
    const place = this.#find(words)
    if (this.#occupied(place)) return false
    this.#table.set(words, place)
    this.#size++
    if (this.#size > this.#places * MAX_FILL) this.#grow()
    return true
  }

  /** Offset of the id, or of the empty place where it belongs. */
  #find(words: readonly number[]): number {
    let index = (words[0] ?? 0) & (this.#places - 1)
    for (;;) {
      const place = index * 5
      if (!this.#occupied(place) || words.every((word, i) => this.#table[place + i] === word)) return place
      index = (index + 1) & (this.#places - 1)
    }
  }

  #occupied(place: number): boolean {
    const table = this.#table
    return (
      table[place] !== 0 ||
      table[place + 1] !== 0 ||
      table[place + 2] !== 0 ||
      table[place + 3] !== 0 ||
      table[place + 4] !== 0
    )
  }

  #grow(): void {
    const old = this.#table
    this.#places *= 2
    this.#table = new Uint32Array(this.#places * 5)
    for (let at = 0; at < old.length; at += 5) {
      const words = [...old.subarray(at, at + 5)]
      if (!isZero(words)) this.#table.set(words, this.#find(words))
    }
  }
}

function wordsOf(id: CommitId): readonly number[] {
  return [0, 8, 16, 24, 32].map(at => Number.parseInt(id.slice(at, at + 8), 16))
}

function isZero(words: readonly number[]): boolean {
  return words.every(word => word === 0)
}
