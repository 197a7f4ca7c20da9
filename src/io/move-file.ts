import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Digest, parseDigest } from '../core/digest.ts'
import { fail, WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'

/** `O_NOFOLLOW`: a link in the last place of a path is refused by the system itself, between no two calls of ours. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const CHUNK = 1024 * 1024

/**
 * A folder of our own for exactly this purpose: made with mode 0700, or there already. A link in its place is refused, because
 * whoever can put one there would choose where files go. @throws `pipeline/quarantine-refused`, `core/file-unwritable`
 */
export async function privateFolder(path: string): Promise<void> {
  await guarded(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    await mkdir(path, { mode: 0o700 }).catch(ignore('EEXIST'))
    if (!(await lstat(path)).isDirectory()) throw refused(path, 'a folder', 'a link, or something else')
  })
}

/** Digest, size and mode of a regular file; a link is none. @throws `pipeline/quarantine-refused`, `core/file-unreadable` */
export async function ownFile(
  path: string,
): Promise<{ readonly digest: Digest; readonly size: number; readonly mode: number }> {
  const file = await openFile(path)
  if (file === undefined)
    throw fail('core/file-unreadable', `Cannot read ${printable(path)}`, { found: 'no such file' })
  try {
    const { size, mode } = await file.handle.stat()
    return { digest: await digestOf(file.handle), size, mode: mode & 0o7777 }
  } finally {
    await file.handle.close()
  }
}

/**
 * Moves a regular file, known by its digest, to a place where nothing is, and gives it `mode`. Nothing is ever overwritten and
 * no link is followed; what arrived is hashed again before the first place is given up. A call that was interrupted is
 * finished by the same call: at every instant the bytes lie in one of the two places, or in both.
 * @param expected of the bytes that were judged; another file in their place is left alone.
 * @throws `pipeline/quarantine-refused`, `core/file-unwritable`
 */
export async function moveFile(from: string, to: string, expected: Digest, mode: number): Promise<void> {
  await guarded(from, async () => {
    const source = await openFile(from)
    if (source === undefined) return arrived(to, expected, mode)
    try {
      const found = await digestOf(source.handle)
      if (found !== expected) throw refused(from, `the bytes that were judged, ${expected}`, found)
      const placed = await place(from, source.handle, to)
      await arrived(to, expected, mode).catch(async error => {
        // What was put there is not what was judged, and must not stand in the way of the next call.
        if (placed) await unlink(to).catch(ignore('ENOENT'))
        throw error
      })
      const now = await lstat(from)
      // Between judging and moving somebody may have put another file there; that one was not judged and stays.
      if (now.ino !== source.ino || now.dev !== source.dev)
        throw refused(from, 'the file that was judged', 'another one, put there meanwhile')
      await unlink(from)
      await syncFolder(dirname(from))
    } finally {
      await source.handle.close()
    }
  })
}

/**
 * Puts the source's bytes at `to`: as a second name where both lie on one file system, else as a synced copy.
 * @returns false when something lies there already.
 */
async function place(from: string, source: FileHandle, to: string): Promise<boolean> {
  try {
    // Unlike rename, link refuses to replace; and on Linux it makes a name for a link, never for what the link points at.
    await link(from, to)
    return true
  } catch (error) {
    return codeOf(error) !== 'EEXIST' && copy(source, to)
  }
}

async function copy(source: FileHandle, to: string): Promise<boolean> {
  const temporary = join(dirname(to), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const target = await open(temporary, CREATE, 0o600)
    try {
      for await (const chunk of chunksOf(source)) await target.writeFile(chunk)
      await target.sync()
    } finally {
      await target.close()
    }
    return await nameOnce(temporary, to)
  } finally {
    await unlink(temporary).catch(ignore('ENOENT'))
  }
}

async function nameOnce(temporary: string, to: string): Promise<boolean> {
  try {
    await link(temporary, to)
    return true
  } catch (error) {
    // A file system without second names; the folder is ours alone, so nobody comes between the look and the rename.
    if (codeOf(error) === 'EEXIST' || (await openFile(to).then(closed)) !== undefined) return false
    await rename(temporary, to)
    return true
  }
}

/** What lies at `to` must be the bytes that were expected, whoever put them there. */
async function arrived(to: string, expected: Digest, mode: number): Promise<void> {
  const target = await openFile(to)
  if (target === undefined) throw refused(to, `a file with ${expected}`, 'nothing')
  try {
    const found = await digestOf(target.handle)
    if (found !== expected) throw refused(to, `a file with ${expected}`, found)
    await target.handle.chmod(mode)
    await target.handle.sync()
  } finally {
    await target.handle.close()
  }
  await syncFolder(dirname(to))
}

interface OpenFile {
  readonly handle: FileHandle
  readonly ino: number
  readonly dev: number
}

/** Undefined when nothing is there. */
async function openFile(path: string): Promise<OpenFile | undefined> {
  let handle: FileHandle
  try {
    // A pipe in its place would make opening it wait for ever.
    handle = await open(path, READ | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    if (codeOf(error) === 'ELOOP' || codeOf(error) === 'EMLINK')
      throw refused(path, 'a regular file', 'a symbolic link')
    throw error
  }
  const info = await handle.stat()
  if (info.isFile()) return { handle, ino: info.ino, dev: info.dev }
  await handle.close()
  throw refused(path, 'a regular file', 'something else')
}

async function closed(file: OpenFile | undefined): Promise<OpenFile | undefined> {
  await file?.handle.close()
  return file
}

async function digestOf(handle: FileHandle): Promise<Digest> {
  const hash = createHash('sha256')
  for await (const chunk of chunksOf(handle)) hash.update(chunk)
  return parseDigest(`sha256:${hash.digest('hex')}`)
}

/** From the beginning, whatever was read before. */
async function* chunksOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK)
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.slice(0, bytesRead)
  }
}

/** Some systems cannot sync a folder; then the names in it are as safe as that system makes them. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY).catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof WaybillError) throw error
    const found = error instanceof Error ? error.message : String(error)
    throw fail('core/file-unwritable', `Cannot move ${printable(path)}`, { found, cause: error })
  }
}

function refused(path: string, expected: string, found: string): WaybillError {
  return fail('pipeline/quarantine-refused', `${printable(path)} is left as it is`, { expected, found })
}

function ignore(code: string): (error: unknown) => undefined {
  return error => {
    if (codeOf(error) !== code) throw error
    return undefined
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}
