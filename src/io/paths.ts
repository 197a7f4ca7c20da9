import { lstat, realpath, stat } from 'node:fs/promises'
import { isAbsolute, relative, sep } from 'node:path'

/** What stands at a path once every symbolic link on the way is followed; `undefined` when nothing does. */
export async function followPath(
  path: string,
): Promise<{ readonly path: string; readonly kind: 'file' | 'folder' | 'other' } | undefined> {
  try {
    const real = await realpath(path)
    const info = await stat(real)
    return { path: real, kind: info.isFile() ? 'file' : info.isDirectory() ? 'folder' : 'other' }
  } catch {
    return undefined
  }
}

/** True when anything stands at the path itself, also a link that leads nowhere. */
export async function standsAt(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** True for the folder itself and what lies in it. Both absolute and followed before: a symbolic link may lead anywhere. */
export function isBelow(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
