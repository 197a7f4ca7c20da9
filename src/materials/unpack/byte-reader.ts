import { malformed } from './bounds.ts'

/** Takes chunks of any size apart into what a format asks for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array()
  #done = false

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Exactly `length` bytes, which the caller has bounded; undefined at the end. @throws `materials/archive-malformed` */
  async take(length: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = []
    let missing = length
    for await (const part of this.stream(length, true)) {
      parts.push(part)
      missing -= part.byteLength
    }
    if (missing === length && length > 0) return undefined
    if (missing > 0) throw malformed('an end in the middle of an entry')
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : new Uint8Array(Buffer.concat(parts))
  }

  /** The next `length` bytes as they come. @throws `materials/archive-malformed` when the end comes before, unless `mayEnd` */
  async *stream(length: number, mayEnd = false): AsyncGenerator<Uint8Array, void> {
    let missing = length
    while (missing > 0) {
      const chunk = await this.#next()
      if (chunk === undefined) {
        if (mayEnd) return
        throw malformed('an end in the middle of an entry')
      }
      const part = chunk.subarray(0, missing)
      this.#rest = chunk.subarray(part.byteLength)
      missing -= part.byteLength
      yield part
    }
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.stream(length));
  }

  async #next(): Promise<Uint8Array | undefined> {
    while (this.#rest.byteLength === 0 && !this.#done) {
      const { done, value } = await this.#chunks.next()
      if (done === true) this.#done = true
      else this.#rest = value
    }
    const chunk = this.#rest
    this.#rest = new Uint8Array()
    return chunk.byteLength === 0 ? undefined : chunk
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}
