import { spawn } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { breaks, type Schema } from '../report/schema.ts'

const CLI = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')
const SCHEMA = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/result.json'), 'utf8')) as Schema

export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CheckedJson extends Answer {
  readonly receipt: Receipt
  /** Code of the error, then of every finding that is held against a commit. */
  readonly codes: readonly string[]
}

/** A desk: a folder for clones, one for temporary files, and the bundled command in an environment of its own. */
export class Desk {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'waybill-desk-')))
  readonly temporary = join(this.folder, 'tmp')
  readonly home = join(this.folder, 'home')

  constructor() {
    mkdirSync(this.temporary)
    mkdirSync(this.home)
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = this.folder): Promise<Answer> {
    const own = { PATH: process.env.PATH ?? '', HOME: this.home, TMPDIR: this.temporary, ...env }
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [CLI, ...args], { cwd, env: own, stdio: ['ignore', 'pipe', 'pipe'] })
      const text = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', chunk => (text[stream] += chunk))
      child.on('error', reject)
      child.on('close', code => resolve({ code: code ?? -1, ...text }))
    })
  }

  /** `waybill source check … --json` in a clone, parsed and held against schemas/result.json. */
  async check(
    clone: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<CheckedJson> {
    const answer = await this.run(['source', 'check', '--repo', clone, ...args, '--json'], env)
    const receipt = JSON.parse(answer.stdout) as Receipt
    expect(breaks(SCHEMA, receipt)).toEqual([])
    const error = receipt.error === undefined ? [] : [receipt.error.code]
    const against = receipt.subjects.filter(({ verdict }) => verdict !== 'passed')
    const codes = [...error, ...against.flatMap(({ findings }) => findings.map(({ code }) => code))]
    return { ...answer, receipt, codes }
  }

  /** A folder for PATH in whose front these scripts stand in the place of real programs. */
  withPrograms(name: string, scripts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const folder = join(this.folder, name)
    mkdirSync(folder)
    for (const [program, script] of Object.entries(scripts)) {
      writeFileSync(join(folder, program), `#!/bin/sh\n${script}\n`)
      chmodSync(join(folder, program), 0o755)
    }
    return { PATH: `${folder}:${process.env.PATH ?? ''}` }
  }

  /** What runs have left behind. */
  leftovers(): readonly string[] {
    return readdirSync(this.temporary)
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function titled({ subjects }: Receipt, title: string): SubjectReceipt {
  const subject = subjects.find(item => item.title === title)
  if (subject === undefined) throw new Error(`There is no commit "${title}"`)
  return subject
}
