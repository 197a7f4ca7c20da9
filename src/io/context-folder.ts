import { constants } from 'node:fs'
import { lstat, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { chunksOf } from './private-file.ts'

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** What is in the way of a new file or folder below another folder. */
export interface InTheWay {
  /** Relative. */
  readonly path: string
  readonly kind: 'link' | 'other'
}

/**
 * Makes the folders above `path`, each of which must be a real one: a link of somebody's would choose where things go.
 * @param path relative, checked by the caller.
 * @returns what is in the way, also at `path` itself, where nothing may be yet. @throws `core/file-unwritable`
 */
export async function makeWay(root: string, path: string): Promise<InTheWay | undefined> {
  const parts = path.split('/')
  try {
    for (const [at] of parts.entries()) {
      const here = parts.slice(0, at + 1).join('/')
      const info = await lstat(join(root, here)).catch(absent)
      const isLast = at === parts.length - 1
      if (info !== undefined && (isLast || !info.isDirectory()))
        return { path: here, kind: info.isSymbolicLink() ? 'link' : 'other' }
      if (info === undefined && !isLast) await mkdir(join(root, here), { mode: 0o755 })
    }
    return undefined
  } catch (error) {
    throw unwritable(join(root, path), error)
  }
}

/** Copies a file to where nothing is, readable for everybody. @throws `core/file-unwritable`, `core/file-unreadable` */
export async function copyNew(from: string, to: string): Promise<void> {
  const handle = await open(to, CREATE, 0o644).catch((error: unknown) => {
    throw unwritable(to, error)
  })
  try {
    await handle.chmod(0o644)
    for await (const chunk of chunksOf(from)) await handle.writeFile(chunk)
  } finally {
    await handle.close()
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}

function unwritable(path: string, error: unknown): Error {
  const found = error instanceof Error ? error.message : String(error)
  return fail('core/file-unwritable', `Cannot write ${printable(dirname(path))}`, { found, cause: error })
}
