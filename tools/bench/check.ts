import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Checked } from './check-source.ts'
import { runProgram } from './program.ts'

/** What is judged: a repository behind a server. */
export interface Subject {
  readonly url: string
  readonly anchor: string
  readonly head: string
}

/** One run of the check. */
export interface CheckRun extends Checked {
  /** Whole life of the process, in milliseconds. */
  readonly ms: number
}

/** The check as a bundle of its own, made of the same sources and in the same way as `dist`. */
export class CheckDoor {
  readonly #file: string

  private constructor(file: string) {
    this.#file = file
  }

  static async build(root: string): Promise<CheckDoor> {
    const out = join(root, '.cache', 'bench')
    await rm(out, { recursive: true, force: true })
    await mustPass(root, ['node_modules/typescript/bin/tsc', '-p', 'tools/bench/tsconfig.json'])
    const entry = join(out, 'lib', 'tools', 'bench', 'check-source.js')
    const ncc = ['node_modules/@vercel/ncc/dist/ncc/cli.js', 'build', entry, '-o', join(out, 'dist')]
    await mustPass(root, [...ncc, '-m', '--no-cache', '--quiet'])
    return new CheckDoor(join(out, 'dist', 'index.js'))
  }

  /** A process of its own each time, its repositories in a folder that is gone afterwards. */
  async run({ url, anchor, head }: Subject): Promise<CheckRun> {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'))
    const env = { PATH: process.env.PATH ?? '', HOME: folder }
    const { code, ms, log } = await runProgram(
      process.execPath,
      [this.#file, url, anchor, head, join(folder, 'git')],
      env,
    )
    await rm(folder, { recursive: true, force: true })
    if (code !== 0) throw new Error(`The check ended with ${code}:\n${log}`)
    return { ...(JSON.parse(log) as Checked), ms }
  }
}

async function mustPass(root: string, args: readonly string[]): Promise<void> {
  const { code, log } = await runProgram(process.execPath, args, { PATH: process.env.PATH ?? '' }, root)
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}:\n${log}`)
}
