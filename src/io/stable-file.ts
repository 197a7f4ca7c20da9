import { createHash } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { type Digest, parseDigest } from '../core/digest.ts'
import { fail, WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'

/** What one reading of a file gave. */
export interface HashedFile {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

export interface HashOptions {
  /** Told after each piece with the bytes read so far; the next one is not read before it is done. */
  progress?(bytes: number): void | Promise<void>
}

/**
 * SHA-256 of a regular file, streamed in constant memory. Opened without following a link in its last part and without waiting
 * for a writer, so that a pipe or a link put in its place is an error and not a hang or another file.
 * @throws `verify/file-not-plain`; `verify/file-changed` when size, time of change or the file itself is another one after the
 * reading than before; `core/file-unreadable`.
 */
export async function hashStableFile(path: string, options: HashOptions = {}): Promise<HashedFile> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    try {
      return await hashed(handle, path, options)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof WaybillError) throw error
    const found = error instanceof Error ? error.message : String(error)
    if (/\b(?:ELOOP|ENXIO)\b/.test(found)) throw notPlain(path, 'a link or a socket')
    throw fail('core/file-unreadable', `Cannot read ${printable(path)}`, { found, cause: error })
  }
}

const PIECE = 1024 * 1024

async function hashed(handle: FileHandle, path: string, options: HashOptions): Promise<HashedFile> {
  const before = await handle.stat({ bigint: true })
  if (!before.isFile()) throw notPlain(path, before.isDirectory() ? 'a folder' : 'a device, pipe or socket')
  const hash = createHash('sha256')
  const piece = new Uint8Array(PIECE)
  let size = 0
  for (;;) {
    const { bytesRead } = await handle.read(piece, 0, PIECE, size)
    if (bytesRead === 0) break
    hash.update(piece.subarray(0, bytesRead))
    size += bytesRead
    await options.progress?.(size)
  }
  const [after, named] = [await handle.stat({ bigint: true }), await lstat(path, { bigint: true })]
  if (BigInt(size) !== before.size || !sameFile(before, after) || !sameFile(before, named)) throw changed(path)
  return { digest: parseDigest(`sha256:${hash.digest('hex')}`), size }
}

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

function changed(path: string): Error {
  return fail('verify/file-changed', `${printable(path)} changed while it was read`)
}

function notPlain(path: string, found: string): Error {
  return fail('verify/file-not-plain', `${printable(path)} is ${found}, not a file of its own`, {
    expected: 'a regular file',
    found,
  })
}
