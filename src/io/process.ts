import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'

export interface ProcessRequest {
  /** Absolute path of the program, from `findTool`. */
  readonly file: string
  /** Arguments as an array; there is never a shell. */
  readonly args: readonly string[]
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: Uint8Array
  readonly timeoutMs?: number
  /** Ends the program. */
  readonly signal?: AbortSignal
  /** Called with every chunk of stdout and stderr as it comes; the caller escapes it. */
  readonly onOutput?: (chunk: Uint8Array) => void
  readonly maxOutputBytes?: number
  /** The child stays where the caller's terminal is, so that it can ask the person there, for a passphrase perhaps. */
  readonly terminal?: boolean
  /** What the program leaves running in its group ends with it, and is not waited for. */
  readonly endGroup?: boolean
  /** Called with every chunk of stderr alone. */
  readonly onStderr?: (chunk: Uint8Array) => void
}

export interface ProcessResult {
  readonly code: number
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

/**
 * Runs a program to its end, in a process group of its own unless it needs the terminal, whatever its exit code.
 * @throws `core/process-failed` when it cannot start, is killed by a signal, prints more than is kept, or exceeds its time.
 */
export function run(request: ProcessRequest): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const name = printable(request.file)
    if (!isAbsolute(request.file)) {
      reject(fail('core/process-failed', `Refusing to run ${name}: not an absolute path`))
      return
    }
    const child = spawn(request.file, [...request.args], {
      env: { ...request.env },
      cwd: request.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: request.terminal !== true,
      shell: false,
    })
    const out: Uint8Array[] = []
    const err: Uint8Array[] = []
    let kept = 0
    let failure: Error | undefined
    const stop = (error: Error): void => {
      failure ??= error
      if (request.terminal === true) child.kill('SIGKILL')
      else killGroup(child.pid)
      letGo(child)
    }
    const timer =
      request.timeoutMs === undefined
        ? undefined
        : setTimeout(
            () =>
              stop(
                fail('core/process-failed', `${name} did not end in time`, {
                  kind: 'unknown',
                  expected: `at most ${request.timeoutMs} ms`,
                }),
              ),
            request.timeoutMs,
          )
    const onAbort = () => stop(fail('core/process-failed', `${name} is not needed any more`, { kind: 'unknown' }))
    if (request.signal?.aborted) onAbort()
    request.signal?.addEventListener('abort', onAbort)
    const keep = (list: Uint8Array[]) => (chunk: Uint8Array) => {
      request.onOutput?.(chunk)
      kept += chunk.byteLength
      if (kept <= (request.maxOutputBytes ?? LIMITS.processOutputBytes)) list.push(chunk)
      else if (request.onOutput === undefined)
        stop(fail('core/process-failed', `${name} printed more than is accepted`))
    }
    child.stdout.on('data', keep(out))
    child.stderr.on('data', keep(err))
    if (request.onStderr !== undefined) child.stderr.on('data', request.onStderr)
    // EPIPE of a child that does not read its input is told by its exit code.
    child.stdin.on('error', () => {})
    child.stdin.end(request.input)
    child.on('error', error => {
      clearTimeout(timer)
      reject(fail('core/process-failed', `Cannot start ${name}`, { found: error.message, cause: error }))
    })
    if (request.endGroup === true)
      child.on('exit', () => {
        killGroup(child.pid)
        letGo(child)
      })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', onAbort)
      if (failure) reject(failure)
      else if (code === null) reject(fail('core/process-failed', `${name} was ended by ${signal}`, { kind: 'unknown' }))
      else resolve({ code, stdout: new Uint8Array(Buffer.concat(out)), stderr: new Uint8Array(Buffer.concat(err)) })
    })
  })
}

/** What the program wrote itself is read long before: a pipe holds 64 KiB, pipe(7) § Pipe capacity. */
const LAST_WORDS_MS = 2_000

/** A process that left the group (`setsid`) holds the other end of its pipes, and would be waited for past every deadline. */
function letGo(child: ChildProcessWithoutNullStreams): void {
  const timer = setTimeout(() => {
    child.stdout.destroy()
    child.stderr.destroy()
  }, LAST_WORDS_MS)
  child.once('close', () => clearTimeout(timer))
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has ended already.
  }
}

/** Absolute path of a program on the given PATH, or undefined. */
export function findTool(name: string, path: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      if (statSync(file).isFile()) return file
    } catch {
      // Not here; the next folder is asked.
    }
  }
  return undefined
}
