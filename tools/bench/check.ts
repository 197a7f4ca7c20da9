import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from './bundle.ts'
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
    return new CheckDoor(await bundle(root, 'check-source'))
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
