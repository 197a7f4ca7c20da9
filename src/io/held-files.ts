import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, remove, writePrivateFile } from './files.ts'

/** Told to end by the runner (SIGINT, then SIGTERM) or by a terminal that closes. Nothing can be done of SIGKILL. */
const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Writes files that only this user may read into a folder that holds nothing else, and removes them when they are released or the
 * process is told to end, whichever is first. What a killed run left there goes away before.
 * @param files name → content
 * @returns releases them; what cannot be removed is an error. @throws `core/file-unwritable`
 */
export async function holdFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<() => Promise<void>> {
  await remove(folder)
  const forget = atTheEnd(() => rmSync(folder, { recursive: true, force: true }))
  const release = async () => {
    await remove(folder)
    forget()
  }
  try {
    await makeFolder(folder)
    for (const [name, bytes] of files) await writePrivateFile(join(folder, name), bytes)
  } catch (error) {
    await release()
    throw error
  }
  return release
}

/** Acts before the process ends by a signal, and then lets the signal do what it does. */
function atTheEnd(act: () => void): () => void {
  const ended = (signal: NodeJS.Signals) => {
    act()
    forget()
    process.kill(process.pid, signal)
  }
  const forget = () => {
    for (const signal of ENDINGS) process.removeListener(signal, ended)
  }
  for (const signal of ENDINGS) process.once(signal, ended)
  return forget
}
