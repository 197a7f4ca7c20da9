import { spawn } from 'node:child_process'
import { isAbsolute } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

export interface BatchRequest {
  /** Absolute path of the program. */
  readonly file: string
  readonly args: readonly string[]
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Every chunk of stdout. A promise stops reading until it is done, so that memory stays bounded. */
  readonly onData: (chunk: Uint8Array) => Promise<void> | undefined
  /** Called once when the program has ended or could not start, whatever the reason; `close()` counts as no failure. */
  readonly onEnd: (failure: Error | undefined) => void
}

/** A program that answers questions on stdin as long as it lives (`git cat-file --batch`). */
export interface BatchProcess {
  write(bytes: string): void
  /** Ends the program and waits until it is gone. Safe to call twice. */
  close(): Promise<void>
}

/** Bytes of stderr kept for the error message. */
const STDERR_KEPT = 4_096

/** Starts the program in a process group of its own. Failures arrive through `onEnd`, never as an exception. */
export function startBatch(request: BatchRequest): BatchProcess {
  const name = printable(request.file)
  if (!isAbsolute(request.file)) throw fail('core/process-failed', `Refusing to run ${name}: not an absolute path`)
  const child = spawn(request.file, [...request.args], {
    env: { ...request.env },
    cwd: request.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    shell: false,
  })
  let closing = false
  let stderr = ''
  const gone = new Promise<void>(resolve => {
    let ended = false
    const end = (failure: Error | undefined): void => {
      if (ended) return
      ended = true
      request.onEnd(closing ? undefined : failure)
      resolve()
    }
    child.on('error', error =>
      end(fail('core/process-failed', `Cannot start ${name}`, { found: error.message, cause: error })),
    )
    child.on('close', (code, signal) =>
      end(fail('core/process-failed', `${name} ended by itself`, { found: `${signal ?? `code ${code}`}: ${stderr}` })),
    )
  })
  child.stderr.on('data', (chunk: Uint8Array) => {
    stderr = (stderr + Buffer.from(chunk).toString('utf8')).slice(0, STDERR_KEPT)
  })
  // A child that died is told by `close`.
  child.stdin.on('error', () => {})
  let reading: Promise<void> | undefined
  child.stdout.on('data', (chunk: Uint8Array) => {
    // When the program ends, node hands on what is left, also to a reader that asked it to wait.
    const busy = reading === undefined ? request.onData(chunk) : reading.then(() => request.onData(chunk))
    if (busy === undefined) return
    child.stdout.pause()
    const turn: Promise<void> = busy
      .catch(() => {})
      .then(() => {
        if (reading !== turn) return
        reading = undefined
        child.stdout.resume()
      })
    reading = turn
  })
  let unsent = ''
  const send = (): void => {
    if (!closing) child.stdin.write(unsent)
    unsent = ''
  }
  return {
    write: bytes => {
      // Questions asked in one go are sent in one go: a system call for each would cost more than most answers.
      if (unsent === '') queueMicrotask(send)
      unsent += bytes
    },
    close: async () => {
      closing = true
      child.stdin.end()
      child.stdout.resume()
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child.pid)
      await gone
    },
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
