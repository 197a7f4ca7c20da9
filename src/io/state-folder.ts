import { constants } from 'node:fs'
import { lstat, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { printable } from '../core/text.ts'

/** What lies in a folder that an earlier attempt may have left: unverified bytes, and what was not even read. */
export interface StateFolder {
  readonly files: readonly {
    readonly name: string
    readonly bytes: Uint8Array
    /** Where it was found, in words; absent: in the folder. */
    readonly place?: string
  }[]
  /** What is no plain file of a sane size, each with the reason. */
  readonly ignored: readonly { readonly name: string; readonly why: string }[]
}

export interface StateBounds {
  /** Names that are looked at. */
  readonly files: number
  /** Bytes of one file, and of all together. */
  readonly fileBytes: number
  readonly totalBytes: number
}

const NOTHING: StateFolder = { files: [], ignored: [] }
/** What a killed `writeFileAtomic` leaves. */
const UNFINISHED = /^\.[0-9a-f]{12}\.tmp$/

/**
 * Reads the plain files that lie directly in a folder, by name, bounded. Whoever ran before in the same job may have put anything
 * there: a link, a pipe that would block for ever, a file of any size. Never throws.
 */
export async function readStateFolder(folder: string, bounds: StateBounds): Promise<StateFolder> {
  const info = await lstat(folder).catch(() => undefined)
  if (info === undefined) return NOTHING
  if (!info.isDirectory()) return { files: [], ignored: [{ name: folder, why: 'it is not a folder' }] }
  const files: { name: string; bytes: Uint8Array }[] = []
  const ignored: { name: string; why: string }[] = []
  let left = bounds.totalBytes
  for (const name of await plainNames(folder, bounds.files, ignored)) {
    try {
      const bytes = await readPlain(join(folder, name), Math.min(bounds.fileBytes, left))
      left -= bytes.byteLength
      files.push({ name, bytes })
    } catch (error) {
      ignored.push({ name, why: reason(error) })
    }
  }
  return { files, ignored }
}

/** Folders are passed over: the run keeps other documents in them. */
async function plainNames(folder: string, most: number, ignored: { name: string; why: string }[]) {
  const names: string[] = []
  try {
    for await (const entry of await opendir(folder)) {
      if (entry.isDirectory() || UNFINISHED.test(entry.name)) continue
      if (names.length === most) {
        ignored.push({ name: folder, why: `it holds more than ${most} files` })
        break
      }
      names.push(entry.name)
    }
  } catch (error) {
    ignored.push({ name: folder, why: reason(error) })
  }
  return names.sort()
}

async function readPlain(path: string, most: number): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const info = await handle.stat()
    if (!info.isFile()) throw new Error('it is no regular file')
    if (info.size > most) throw new Error(`it is larger than ${most} bytes`)
    const bytes = new Uint8Array(info.size)
    const { bytesRead } = await handle.read(bytes, 0, info.size, 0)
    return bytes.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return /\bELOOP\b/.test(text) ? 'it is a symbolic link' : printable(text)
}
