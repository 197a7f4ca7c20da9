import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream, lstatSync, readFileSync, statSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Digest, parseDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

export { createReadStream }

/** Reads a regular file of at most `maxBytes`. @throws `core/file-unreadable` (missing, not a file, too large). */
export async function readFileBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    // A pipe in a file's place would keep whoever opens it waiting for a writer.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      const info = await handle.stat()
      if (!info.isFile()) throw new Error('not a regular file')
      if (info.size > maxBytes) throw new Error(`larger than ${maxBytes} bytes`)
      return new Uint8Array(await handle.readFile())
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw fail('core/file-unreadable', `Cannot read ${printable(path)}`, { found: reason(error), cause: error })
  }
}

/** As `readFileBounded`, for a caller that cannot wait; undefined when it is missing, no regular file or too large. */
export function readSmallFile(path: string, maxBytes: number): Uint8Array | undefined {
  try {
    const info = statSync(path)
    return info.isFile() && info.size <= maxBytes ? new Uint8Array(readFileSync(path)) : undefined
  } catch {
    return undefined
  }
}

/** As `readSmallFile`, but a link is no file: in a commit it would not be one either. */
export function readOwnFile(path: string, maxBytes: number): Uint8Array | undefined {
  try {
    return lstatSync(path).isFile() ? readSmallFile(path, maxBytes) : undefined
  } catch {
    return undefined
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Bytes of a regular file; undefined when there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  const info = await stat(path).catch(() => undefined)
  return info?.isFile() === true ? info.size : undefined
}

/** Names in a folder; empty when there is none. */
export async function namesIn(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => [])
}

/** False for what is not there, too. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    info => info.isDirectory(),
    () => false,
  )
}

/**
 * Writes a file so that a reader (or a killed run) sees the whole of it or nothing: temporary name, fsync, rename.
 * @throws `core/file-unwritable` (disk full, permission), the temporary file removed.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(temporary, 'wx', mode)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw fail('core/file-unwritable', `Cannot write ${printable(path)}`, { found: reason(error), cause: error })
  }
}

/**
 * Writes a file whose name says its content (a git object), so that whoever finds it finds the whole of it. Not synced: the
 * private folder in which it lies lives no longer than the run. @throws `core/file-unwritable`
 */
export async function writeNamedByContent(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(temporary, bytes, { flag: 'wx', mode: 0o444 })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw fail('core/file-unwritable', `Cannot write ${printable(path)}`, { found: reason(error), cause: error })
  }
}

/** Writes a new file below a private folder, for a child to read; not synced, for it is removed after. @throws `core/file-unwritable` */
export async function writePrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    throw fail('core/file-unwritable', `Cannot write ${printable(path)}`, { found: reason(error), cause: error })
  }
}

/** Appends to a file the runner owns (`GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY`). @throws `core/file-unwritable` */
export async function appendTo(path: string, text: string): Promise<void> {
  try {
    await appendFile(path, text)
  } catch (error) {
    throw fail('core/file-unwritable', `Cannot write ${printable(path)}`, { found: reason(error), cause: error })
  }
}

/** SHA-256 and size of a file, streamed. */
export async function hashFile(path: string): Promise<{ digest: Digest; size: number }> {
  const { hex, size } = await hashed(path, 'sha256')
  return { digest: parseDigest(`sha256:${hex}`), size }
}

/** Lower-case hex digest of a file, streamed. */
export async function hashFileWith(path: string, algorithm: 'sha256' | 'sha512'): Promise<string> {
  return (await hashed(path, algorithm)).hex
}

async function hashed(path: string, algorithm: 'sha256' | 'sha512'): Promise<{ hex: string; size: number }> {
  const hash = createHash(algorithm)
  let size = 0
  try {
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk as Uint8Array)
      size += (chunk as Uint8Array).byteLength
    }
  } catch (error) {
    throw fail('core/file-unreadable', `Cannot read ${printable(path)}`, { found: reason(error), cause: error })
  }
  return { hex: hash.digest('hex'), size }
}

/** A fresh private folder below `parent`. */
export async function makeTemporaryFolder(parent: string, prefix: string): Promise<string> {
  try {
    await mkdir(parent, { recursive: true })
    return await mkdtemp(join(parent, prefix))
  } catch (error) {
    throw fail('core/file-unwritable', `Cannot make a folder below ${printable(parent)}`, {
      found: reason(error),
      cause: error,
    })
  }
}

export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    throw fail('core/file-unwritable', `Cannot make the folder ${printable(path)}`, {
      found: reason(error),
      cause: error,
    })
  }
}

export async function listFolder(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort()
  } catch (error) {
    throw fail('core/file-unreadable', `Cannot list ${printable(path)}`, { found: reason(error), cause: error })
  }
}

/** Removes a file or a whole folder; absent is fine. */
export async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
