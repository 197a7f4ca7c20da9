import type { CommitId } from '../core/digest.ts'

/**
 * Bytes that were read a moment ago and will be read once more: each commit is met when the shape of the history is read and
 * again when it is judged. What does not fit drops out, first in first out, and is read again: the shape is read from the
 * newest commit down, so what stays is the oldest, which is judged first.
 */
export class RecentBytes {
  readonly #max: number
  readonly #kept = new Map<CommitId, Uint8Array>()
  #bytes = 0

  /** @param max bytes kept altogether. */
  constructor(max: number) {
    this.#max = max
  }

  /** Bytes whose id was recomputed. */
  keep(id: CommitId, bytes: Uint8Array): void {
    this.take(id)
    this.#kept.set(id, bytes)
    this.#bytes += bytes.byteLength
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#max) return
      this.take(oldest)
    }
  }

  /** Gives them away: whoever reads a third time reads again. */
  take(id: CommitId): Uint8Array | undefined {
    const bytes = this.#kept.get(id)
    if (bytes === undefined) return undefined
    this.#kept.delete(id)
    this.#bytes -= bytes.byteLength
    return bytes
  }
}
