import { lstat, readdir } from 'node:fs/promises'

/** Milliseconds between two looks at a folder that is being filled. */
const INTERVAL_MS = 500

/** Bytes of all files below a folder; what vanishes meanwhile counts nothing. Links are not followed. */
export async function folderBytes(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    const inner = `${path}/${entry.name}`
    if (entry.isDirectory()) bytes += await folderBytes(inner)
    else if (entry.isFile())
      bytes += await lstat(inner).then(
        info => info.size,
        () => 0,
      )
  }
  return bytes
}

/** Looks again and again at a folder that another process fills, and calls once when it holds more than `maxBytes`. */
export function watchFolder(path: string, maxBytes: number, onExceeded: () => void): { stop(): void } {
  let looking = false
  const look = async (): Promise<void> => {
    if (looking) return
    looking = true
    if ((await folderBytes(path)) > maxBytes) {
      clearInterval(timer)
      onExceeded()
    }
    looking = false
  }
  const timer = setInterval(() => void look(), INTERVAL_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
