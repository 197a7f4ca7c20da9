import { createHash, type Hash } from 'node:crypto'
import { fail } from '../../core/error.ts'

const HASHES = { sha256: 'sha256', sha512: 'sha512', blake2b512: 'blake2b512' } as const
export type HashName = keyof typeof HASHES

export interface Wanted {
  /** For messages. */
  readonly name: string
  /** Hex, each of which must be met. */
  readonly digest: ReadonlyMap<string, string>
  /** Bytes at most. */
  readonly size: number
  /** Hashes beside those of `digest` and SHA-256, for whoever checks a signature afterwards. */
  readonly also?: readonly HashName[]
}

export interface ByteFacts {
  readonly bytes: number
  readonly digests: ReadonlyMap<HashName, Uint8Array>
}

/**
 * Hashes bytes while they arrive. It stops at the first byte too many, before that is handed on; but that the digest is right
 * is known only at the end, so until then nobody may use them: write to a file of no name that the build knows, then rename.
 */
export class ByteCheck {
  readonly #wanted: Wanted
  readonly #hashes: ReadonlyMap<HashName, Hash>
  #bytes = 0

  constructor(wanted: Wanted) {
    this.#wanted = wanted
    const names = new Set<string>(['sha256', ...wanted.digest.keys(), ...(wanted.also ?? [])])
    const known = (Object.keys(HASHES) as HashName[]).filter(name => names.has(name))
    this.#hashes = new Map(known.map(name => [name, createHash(HASHES[name])]))
  }

  /** @throws `materials/other-bytes` at the first byte above the bound. */
  update(chunk: Uint8Array): void {
    this.requireRoom(chunk.byteLength)
    this.#bytes += chunk.byteLength
    for (const hash of this.#hashes.values()) hash.update(chunk)
  }

  /** @param bytes that are to come. @throws `materials/other-bytes` when they are more than there may be. */
  requireRoom(bytes: number): void {
    const { name, size } = this.#wanted
    if (this.#bytes + bytes > size)
      throw fail('materials/other-bytes', `The material ${name} is larger than it may be`, {
        expected: `${size} bytes at most`,
      })
  }

  /** @throws `materials/other-bytes` for another digest than wanted. */
  end(): ByteFacts {
    const digests = new Map([...this.#hashes].map(([name, hash]) => [name, new Uint8Array(hash.digest())]))
    for (const [algorithm, hex] of this.#wanted.digest) {
      const bytes = digests.get(algorithm as HashName)
      const found = bytes === undefined ? 'a hash that is not computed' : Buffer.from(bytes).toString('hex')
      if (found !== hex)
        throw fail(
          'materials/other-bytes',
          `The material ${this.#wanted.name} has another ${algorithm} than the one wanted`,
          {
            expected: hex,
            found,
          },
        )
    }
    return { bytes: this.#bytes, digests }
  }
}

/** Hands chunks on while they are checked; `done` gets what is known when the last one was right. */
export async function* checkedChunks(
  chunks: AsyncIterable<Uint8Array>,
  wanted: Wanted,
  done: (facts: ByteFacts) => void,
): AsyncGenerator<Uint8Array, void> {
  const check = new ByteCheck(wanted)
  for await (const chunk of chunks) {
    check.update(chunk)
    yield chunk
  }
  done(check.end())
}
