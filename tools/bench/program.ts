import { spawn } from 'node:child_process'

export interface Ended {
  readonly code: number
  /** Whole life of the process, in milliseconds. */
  readonly ms: number
  readonly log: string
}

/** Runs a program to its end with exactly this environment and takes the time. */
export function runProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(file, [...args], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let log = ''
    let ms = 0
    for (const output of [child.stdout, child.stderr])
      output.on('data', chunk => {
        log += chunk
      })
    child.on('error', reject)
    child.on('exit', () => {
      ms = performance.now() - started
    })
    child.on('close', code => resolve({ code: code ?? -1, ms, log }))
  })
}
