import { PrivateFile } from '../../io/private-file.ts'
import { ByteCheck, type ByteFacts, type Wanted } from '../proof/byte-check.ts'
import type { FetchBudget } from './budget.ts'

/** From where the bytes of a part came. */
interface Piece {
  readonly url: string
  /** A strong entity tag: with it the server itself says whether the rest still belongs to the beginning. */
  readonly etag: string | undefined
}

/** What is there of one file so far, hashed while it is written. Nobody may use it before `end` was right. */
export class Part {
  readonly #file: PrivateFile
  readonly #wanted: Wanted
  readonly #budget: FetchBudget
  #check: ByteCheck
  #pieces: Piece[] = []

  private constructor(file: PrivateFile, wanted: Wanted, budget: FetchBudget) {
    this.#file = file
    this.#wanted = wanted
    this.#budget = budget
    this.#check = new ByteCheck(wanted)
  }

  /** @param path where nothing is yet. @throws `core/file-unwritable` */
  static async create(path: string, wanted: Wanted, budget: FetchBudget): Promise<Part> {
    return new Part(await PrivateFile.create(path), wanted, budget)
  }

  get size(): number {
    return this.#file.size
  }

  /** More than one answer went into it: a wrong digest may be the fault of any of them. */
  get isPieced(): boolean {
    return this.#pieces.length > 1
  }

  /**
   * What to ask for the rest with; undefined: from the beginning. Without a digest only an entity tag of the same address can
   * say that two halves belong together.
   */
  rangeFor(url: string): Readonly<Record<string, string>> | undefined {
    if (this.size === 0) return undefined
    const last = this.#pieces.at(-1)
    const etag = last?.url === url && !this.isPieced ? last.etag : undefined
    if (etag === undefined && this.#wanted.digest.size === 0) return undefined
    return { range: `bytes=${this.size}-`, ...(etag === undefined ? {} : { 'if-range': etag }) }
  }

  /** @throws `core/file-unwritable` */
  async restart(): Promise<void> {
    this.#check = new ByteCheck(this.#wanted)
    this.#pieces = []
    await this.#file.restart()
  }

  /** @param bytes that are said to come. @throws `materials/other-bytes` */
  requireRoom(bytes: number): void {
    this.#check.requireRoom(bytes)
  }

  /** An answer begins to give bytes. */
  begin(url: string, etag: string | undefined): void {
    const strong = etag !== undefined && /^"[\x21\x23-\x7e]{1,200}"$/.test(etag) ? etag : undefined
    this.#pieces.push({ url, etag: strong })
  }

  /** @throws `materials/other-bytes` above the bound, `materials/out-of-bytes`, `core/file-unwritable` */
  async add(chunk: Uint8Array): Promise<void> {
    this.#check.update(chunk)
    this.#budget.take(chunk.byteLength)
    await this.#file.write(chunk)
  }

  /** @throws `materials/other-bytes` for another digest; then the part must be begun again. */
  end(): ByteFacts {
    return this.#check.end()
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
