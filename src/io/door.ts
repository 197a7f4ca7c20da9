import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'

/** What a door of the program needs of its process; read and written nowhere else. */
export interface Door {
  /** Words after the program's name. */
  readonly args: readonly string[]
  /** Absolute path of the script that was started. */
  readonly script: string
  readonly workingFolder: string
  readonly isTerminal: boolean
  readonly columns: number
  out(bytes: Uint8Array | string): void
  err(text: string): void
  exit(code: number): void
}

export function door(): Door {
  return {
    args: process.argv.slice(2),
    script: process.argv[1] ?? '',
    workingFolder: process.cwd(),
    isTerminal: process.stdout.isTTY === true,
    columns: process.stdout.columns ?? 80,
    // Synchronous, so that a command to the runner and a child's output never change places.
    out: bytes => writeWhole(1, bytes),
    err: text => writeWhole(2, text),
    exit: code => {
      process.exitCode = code
    },
  }
}

/** A word nobody can guess: 32 hex digits of random bytes. */
export function randomWord(): string {
  return randomBytes(16).toString('hex')
}

function writeWhole(fd: number, data: Uint8Array | string): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  for (let at = 0; at < bytes.byteLength; ) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      // A full pipe is written to again; a reader that went away is nobody to tell.
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
      else if (code === 'EPIPE') return
      else throw error
    }
  }
}
