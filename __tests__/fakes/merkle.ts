import { hash256 } from './keys.ts'

/**
 * A growing Merkle tree over SHA-256 as in RFC 6962 § 2.1: leaf = H(0x00 ‖ entry), node = H(0x01 ‖ left ‖ right).
 * `#levels[k][i]` is the hash of the complete subtree over leaves `i·2^k … (i+1)·2^k`, so appending costs O(1) on
 * average and a root or a proof O(log n).
 */
export class MerkleTree {
  readonly #levels: Buffer[][] = [[]]

  get size(): number {
    return this.#levels[0]?.length ?? 0
  }

  /** @returns the index of the new leaf. */
  append(entry: Uint8Array): number {
    let hash = leafHash(entry)
    const index = this.size
    for (let level = 0; ; level++) {
      const row = this.#levels[level] ?? []
      this.#levels[level] = row
      row.push(hash)
      const left = row.at(-2)
      if (row.length % 2 === 1 || left === undefined) return index
      hash = nodeHash(left, hash)
    }
  }

  root(size = this.size): Buffer {
    return size === 0 ? hash256() : this.#range(0, size)
  }

  /** Audit path of RFC 6962 § 2.1.1, nearest sibling first. */
  proof(index: number, size = this.size): Buffer[] {
    const path: Buffer[] = []
    let start = 0
    let end = size
    while (end - start > 1) {
      const middle = start + split(end - start)
      if (index < middle) {
        path.unshift(this.#range(middle, end))
        end = middle
      } else {
        path.unshift(this.#range(start, middle))
        start = middle
      }
    }
    return path
  }

  #range(start: number, end: number): Buffer {
    const size = end - start
    const level = Math.log2(size)
    if (Number.isInteger(level) && start % size === 0) {
      const known = this.#levels[level]?.[start / size]
      if (known !== undefined) return known
    }
    const middle = start + split(size)
    return nodeHash(this.#range(start, middle), this.#range(middle, end))
  }
}

/** Largest power of two smaller than `size`. */
function split(size: number): number {
  return 2 ** (Math.ceil(Math.log2(size)) - 1)
}

export function leafHash(entry: Uint8Array): Buffer {
  return hash256(Buffer.from([0]), entry)
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash256(Buffer.from([1]), left, right)
}
