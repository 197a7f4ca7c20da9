import { lstat, realpath, stat } from 'node:fs/promises'

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
