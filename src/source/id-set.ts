import { type CommitId, parseCommitId } from '../core/digest.ts'

/** Above this share of filled places the table of places is doubled. */
const MAX_FILL = 0.5
const ID_BYTES = 20

/**
 * Object ids in the order in which they came, each once, with its number: 30–60 bytes an id instead of several hundred,
 * because histories have millions. Open addressing over the first bytes of an id. An attacker who grinds ids with equal
 * first bytes costs himself a SHA-1 search for each and us one more step of probing.
 */
export class IdTable {
  #ids = Buffer.alloc(1024 * ID_BYTES)
  /** Number + 1 of the id at this place; 0: empty. */
  #places = new Uint32Array(2048)
  #size = 0
  readonly #asked = Buffer.alloc(ID_BYTES)

  get size(): number {
    return this.#size
  }

  /** Its number, or -1. */
  indexOf(id: CommitId): number {
    this.#asked.write(id, 'hex')
    return (this.#places[this.#find(this.#asked)] ?? 0) - 1
  }

  /** @returns its number, whether it is new or was there already. */
  add(id: CommitId): number {
    this.#asked.write(id, 'hex')
    const place = this.#find(this.#asked)
    const known = this.#places[place] ?? 0
    if (known !== 0) return known - 1
    if ((this.#size + 1) * ID_BYTES > this.#ids.byteLength) this.#ids = doubled(this.#ids)
    this.#ids.set(this.#asked, this.#size * ID_BYTES)
    this.#places[place] = ++this.#size
    if (this.#size > this.#places.length * MAX_FILL) this.#rehash()
    return this.#size - 1
  }

  /** A new string each time, so that nothing larger is kept alive by it. */
  at(index: number): CommitId {
    if (index < 0 || index >= this.#size) throw new RangeError(`no id has the number ${index}`)
    return parseCommitId(this.#ids.toString('hex', index * ID_BYTES, (index + 1) * ID_BYTES))
  }

  #find(id: Buffer, at = 0): number {
    const last = this.#places.length - 1
    for (let place = id.readUInt32BE(at) & last; ; place = (place + 1) & last) {
      const number = this.#places[place] ?? 0
      if (number === 0 || this.#is(number - 1, id, at)) return place
    }
  }

  #is(index: number, id: Buffer, at: number): boolean {
    const start = index * ID_BYTES
    return this.#ids.compare(id, at, at + ID_BYTES, start, start + ID_BYTES) === 0
  }

  #rehash(): void {
    this.#places = new Uint32Array(this.#places.length * 2)
    for (let index = 0; index < this.#size; index++) this.#places[this.#find(this.#ids, index * ID_BYTES)] = index + 1
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

function doubled(ids: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const larger = Buffer.alloc(ids.byteLength * 2)
  larger.set(ids)
  return larger
}
