import { opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** What belongs to git or was installed is no part of what somebody wrote; it can be very large. */
const PASSED_OVER = new Set(['.git', 'node_modules'])

/**
 * Paths of regular files below a folder, `/` between their parts; folders of git and of installed packages are passed over, and
 * so is what cannot be read. @param most paths; of a larger folder those that come first.
 */
export async function pathsBelow(folder: string, most: number): Promise<readonly string[]> {
  const paths: string[] = []
  const open: string[] = ['']
  for (let below = open.pop(); below !== undefined && paths.length < most; below = open.pop()) {
    const entries = await opendir(join(folder, below)).catch(() => undefined)
    if (entries === undefined) continue
    for await (const entry of entries) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory() && !PASSED_OVER.has(entry.name)) open.push(path)
      else if (entry.isFile()) paths.push(path)
    }
  }
  return paths.slice(0, most).sort()
}
