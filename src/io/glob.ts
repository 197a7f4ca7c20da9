import { glob, lstat, realpath } from 'node:fs/promises'
import { isAbsolute, normalize } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

/** What a name leads to, links not followed. */
export type NamedKind = 'file' | 'link' | 'folder' | 'other'

/** Kind of what stands at a path; undefined when nothing does. */
export async function kindAt(path: string): Promise<NamedKind | undefined> {
  try {
    const info = await lstat(path)
    if (info.isSymbolicLink()) return 'link'
    return info.isFile() ? 'file' : info.isDirectory() ? 'folder' : 'other'
  } catch {
    return undefined
  }
}

/** The path with every link on the way followed; undefined when it leads nowhere. */
export async function realPath(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined)
}

/** Whether a pattern may lead out of the folder it is used in. Braces may hide a way up: `{a,..}/b`. */
export function leavesFolder(pattern: string): boolean {
  return isAbsolute(pattern) || normalize(pattern).startsWith('..') || /(?:^|[/{,])\.\.(?:[/},]|$)/.test(pattern)
}

/**
 * Names below a folder that match a pattern (`*`, `**`, `?`, `[…]`, `{a,b}`), relative to it, in any order, folders and links
 * among them. @throws `core/file-unreadable` when there are more than `max`, or a folder cannot be read.
 */
export async function globNames(pattern: string, folder: string, max: number): Promise<readonly string[]> {
  const names: string[] = []
  try {
    for await (const name of glob(pattern, { cwd: folder })) {
      if (names.length >= max) throw new Error(`more than ${max} names match`)
      names.push(name)
    }
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error)
    throw fail('core/file-unreadable', `Cannot list ${printable(pattern)}`, { found, cause: error })
  }
  return names
}
