import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs `work` while no other process of the machine does so under the same lock file, which holds the owner's pid.
 * The lock of a process that is gone is taken over. It saves work, it does not guard data: two owners at once, which
 * a takeover at the same instant can give, only do the same thing twice.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!take(path)) {
    if (isAbandoned(path)) rmSync(path, { force: true })
    else await sleep(200)
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A lock is written in one instant; one that stays empty belongs to nobody. */
const EMPTY_MS = 5_000

function isAbandoned(path: string): boolean {
  try {
    const owner = Number.parseInt(readFileSync(path, 'utf8'), 10)
    return Number.isNaN(owner) ? Date.now() - statSync(path).mtimeMs > EMPTY_MS : !isAlive(owner)
  } catch {
    // Just released.
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
