import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Digest, hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'

/** What is to be uploaded: bytes at hand, or a stream that can be opened again. */
export interface Blob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly bytes?: Uint8Array
  readonly open?: () => Readable
}

/**
 * Reads a blob piece by piece and hashes it on its way; the last bytes are given away only when the whole is what its digest
 * says. Nothing is kept but what the source handed over last, so memory does not grow with the blob.
 */
export class BlobReader {
  /** Set when the source is not what it claims to be: then no other try helps. */
  mismatch: Error | undefined
  readonly #blob: Blob
  #pass: Pass | undefined

  constructor(blob: Blob) {
    this.#blob = blob
  }

  /**
   * A fresh stream of `length` bytes from `start` on. Where the piece before was read to its end reading goes on; else
   * the source is opened anew and read again up to there, since the hash is over all of it.
   */
  piece(start: number, length: number): Readable {
    return Readable.from(this.#read(start, length), { objectMode: false })
  }

  /** Lets go of the source. */
  close(): void {
    this.#pass?.end()
    this.#pass = undefined
  }

  async *#read(start: number, length: number): AsyncGenerator<Uint8Array> {
    const pass = await this.#at(start)
    // Taken for as long as it is read: a piece that breaks off leaves nobody a half-read source.
    this.#pass = undefined
    let isWhole = false
    try {
      yield* this.#bounded(pass, start + length)
      isWhole = true
    } finally {
      if (isWhole && pass.position < this.#blob.size) this.#pass = pass
      else pass.end()
    }
  }

  async #at(start: number): Promise<Pass> {
    if (this.#pass?.position === start) return this.#pass
    this.close()
    const pass = new Pass(openSource(this.#blob))
    while (pass.position < start) {
      if ((await pass.next(start - pass.position)) === undefined) throw this.#note(pass)
    }
    return pass
  }

  async *#bounded(pass: Pass, end: number): AsyncGenerator<Uint8Array> {
    const { size } = this.#blob
    while (pass.position < end) {
      const bytes = await pass.next(end - pass.position)
      if (bytes === undefined) throw this.#note(pass)
      if (pass.position === size) await this.#expectEnd(pass)
      yield bytes
    }
    if (size === 0) await this.#expectEnd(pass)
  }

  async #expectEnd(pass: Pass): Promise<void> {
    const more = await pass.next(1)
    if (more !== undefined || pass.hex() !== hexOf(this.#blob.digest)) throw this.#note(pass)
  }

  #note(pass: Pass): Error {
    const { size, digest } = this.#blob
    const found = pass.position > size ? `more than ${size} bytes` : `${pass.position} bytes, sha256:${pass.hex()}`
    this.mismatch = fail('registry/digest-mismatch', 'A blob that was to be pushed is not what its digest says', {
      expected: `${size} bytes, ${digest}`,
      found,
      remedy: 'Write the image layout again; a file of it is damaged or was changed meanwhile.',
    })
    return this.mismatch
  }
}

/** One reading of the source from its beginning. */
class Pass {
  position = 0
  readonly #source: Readable
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #hash: Hash = createHash('sha256')
  #rest: Uint8Array = new Uint8Array()

  constructor(source: Readable) {
    this.#source = source
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** At most `max` bytes, hashed; undefined at the end. @throws what the source throws */
  async next(max: number): Promise<Uint8Array | undefined> {
    while (this.#rest.byteLength === 0) {
      const { done, value } = await this.#chunks.next()
      if (done === true) return undefined
      this.#rest = value
    }
    const bytes = this.#rest.subarray(0, max)
    this.#rest = this.#rest.subarray(bytes.byteLength)
    this.#hash.update(bytes)
    this.position += bytes.byteLength
    return bytes
  }

  hex(): string {
    return this.#hash.copy().digest('hex')
  }

  end(): void {
    this.#source.destroy()
  }
}

function openSource({ open, bytes = new Uint8Array() }: Blob): Readable {
  return open === undefined ? Readable.from([bytes], { objectMode: false }) : open()
}
