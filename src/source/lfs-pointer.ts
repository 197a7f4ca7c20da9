import { latin1 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'

/** What a pointer file stands for. The commit is signed over it, so these bytes and no others belong to the commit. */
export interface LfsPointer {
  /** SHA-256 of the content, 64 lower-case hex. */
  readonly oid: string
  /** Bytes of the content. */
  readonly size: number
}

/** First line of a pointer file; git-lfs docs/spec.md, v3. A pointer is under 1,024 bytes. */
const VERSION = 'version https://git-lfs.github.com/spec/v1\n'
const MAX = 1_024
const POINTER = /^oid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,14})\n$/

/**
 * The pointer that a file is: exactly the version line, `oid`, `size`, nothing else (git-lfs docs/spec.md, v3 § The Pointer).
 * Extensions (`ext-…`) name programs that would have to run over the content, so a pointer with them is refused.
 * @returns undefined for a file that is none. @throws `source/lfs-pointer-malformed` for one that only begins as one,
 * `source/lfs-too-large`
 */
export function parseLfsPointer(bytes: Uint8Array, path: string): LfsPointer | undefined {
  if (bytes.byteLength > MAX || bytes.byteLength < VERSION.length) return undefined
  const text = latin1(bytes)
  if (!text.startsWith(VERSION)) return undefined
  const [, oid, digits] = POINTER.exec(text.slice(VERSION.length)) ?? []
  if (oid === undefined)
    throw fail('source/lfs-pointer-malformed', `The file ${path} begins as a Git LFS pointer and is none`, {
      expected: 'the lines version, oid sha256:… and size, and nothing else',
    })
  const size = Number(digits)
  if (size > LIMITS.lfsObjectBytes)
    throw fail('source/lfs-too-large', `The file ${path} stands for more bytes than are fetched`, {
      expected: `at most ${LIMITS.lfsObjectBytes} bytes`,
      found: `${size} bytes`,
    })
  return { oid, size }
}
