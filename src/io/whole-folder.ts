import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, opendir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

/** One file of a folder that is written as a whole. `path` is relative, with `/`; that it stays inside is the caller's. */
export interface FolderFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * Writes a folder so that a reader (or a killed run) sees the whole of it or nothing: temporary folder beside it, rename.
 * Folders get 0755 and files 0644, less what the umask takes. An empty folder in its place is replaced, nothing else is.
 * @throws `core/file-unwritable`, the temporary folder removed.
 */
export async function writeFolderAtomic(path: string, files: Iterable<FolderFile>): Promise<void> {
  const target = resolve(path)
  const temporary = join(dirname(target), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(target), { recursive: true })
    await mkdir(temporary)
    const made = new Set<string>()
    for (const file of files) await writeNew(temporary, file, made)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    throw fail('core/file-unwritable', `Cannot write the folder ${printable(path)}`, {
      expected: 'a folder that does not exist yet, or is empty',
      found: error instanceof Error ? error.message : String(error),
      cause: error,
    })
  }
}

async function writeNew(folder: string, { path, bytes }: FolderFile, made: Set<string>): Promise<void> {
  const file = join(folder, path)
  const above = dirname(file)
  if (!made.has(above)) await mkdir(above, { recursive: true })
  made.add(above)
  const handle = await open(
    file,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o644,
  )
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Something below a folder. */
export interface FolderEntry {
  /** From the folder, with `/`. */
  readonly path: string
  readonly kind: 'file' | 'other'
  /** Bytes. */
  readonly size: number
}

/**
 * All that lies below a folder, folders themselves left out; links are `other`, never followed.
 * @returns undefined when there are more than `most` entries, without having read them all.
 * @throws `core/file-unreadable`
 */
export async function listBelow(folder: string, most: number): Promise<readonly FolderEntry[] | undefined> {
  const entries: FolderEntry[] = []
  const open: string[] = ['']
  let seen = 0
  try {
    for (let below = open.pop(); below !== undefined; below = open.pop()) {
      for await (const entry of await opendir(join(folder, below))) {
        if (++seen > most) return undefined
        const path = below === '' ? entry.name : `${below}/${entry.name}`
        if (entry.isDirectory()) open.push(path)
        else entries.push(await entryAt(folder, path))
      }
    }
  } catch (error) {
    throw fail('core/file-unreadable', `Cannot list ${printable(folder)}`, {
      found: error instanceof Error ? error.message : String(error),
      cause: error,
    })
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function entryAt(folder: string, path: string): Promise<FolderEntry> {
  const info = await lstat(join(folder, path))
  return { path, kind: info.isFile() ? 'file' : 'other', size: info.size }
}
