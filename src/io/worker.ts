import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

export interface WorkerTask {
  /** Absolute path of the script, which answers by `answerTask`. */
  readonly script: string
  /** Plain data. */
  readonly data: unknown
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>
  readonly deadlineMs: number
}

interface Handed {
  readonly data: unknown
  readonly authorities: readonly string[]
}

/**
 * Has a thread of its own do one thing. A library that reads its settings from the environment sees only what it is given there;
 * what it prints is nobody's command; what it throws where nobody catches ends the thread alone; and at the deadline it is ended.
 * Certificate authorities that were trusted here meanwhile are trusted there.
 * @returns what the script answered. @throws `core/worker-failed`
 */
export function runInWorker({ script, data, env, deadlineMs }: WorkerTask): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const handed: Handed = { data, authorities: getCACertificates('default') }
    const worker = new Worker(script, { workerData: handed, env: { ...env }, argv: [], stdout: true, stderr: true })
    worker.stdout.resume()
    worker.stderr.resume()
    let ended = false
    const end = (settle: () => void) => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      settle()
      worker.terminate().catch(() => {})
    }
    const failed = (found: string) => () =>
      reject(fail('core/worker-failed', 'A thread ended without an answer', { found }))
    const timer = setTimeout(() => end(failed(`no answer in ${deadlineMs / 1000} s`)), deadlineMs)
    worker.once('message', answer => end(() => resolve(answer)))
    worker.once('error', error => end(failed(error instanceof Error ? error.message : printable(String(error)))))
    worker.once('exit', code => end(failed(`it ended with ${code}`)))
  })
}

/** The other side: does what was asked for and hands back plain data. */
export async function answerTask(work: (data: unknown) => Promise<unknown>): Promise<void> {
  const { data, authorities } = workerData as Handed
  setDefaultCACertificates([...authorities])
  const answer = await work(data)
  parentPort?.postMessage(answer)
}
