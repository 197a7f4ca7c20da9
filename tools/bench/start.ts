import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './program.ts'
import { median, type Row, ratio, seconds } from './table.ts'

const ROUNDS = 9
const CONFIGURATION_ERROR = 3
const MEGABYTE = 1_000_000

/** How long it takes to say that an input is missing, and how much a job downloads for it. */
export async function benchStart(dist: string): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'))
  const env = { PATH: process.env.PATH ?? '', RUNNER_TEMP: folder, HOME: folder }
  const times: number[] = []
  const empty: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { code, ms, log } = await runProgram(process.execPath, [join(dist, 'verify.js')], env)
    if (code !== CONFIGURATION_ERROR) throw new Error(`verify.js without inputs ended with ${code}:\n${log}`)
    times.push(ms)
    empty.push((await runProgram(process.execPath, ['--eval', '0'], env)).ms)
  }
  await rm(folder, { recursive: true, force: true })
  const ours = median(times)
  const limit = median(empty)
  const { eager, lazy } = bundleBytes(dist)
  return [
    {
      case: 'start: verify.js, configuration error (goal 0.12 s)',
      waybill: seconds(ours),
      limit: `${seconds(limit)} (node --eval 0)`,
      toLimit: ratio(ours, limit),
    },
    {
      case: 'start: bundle without lazy chunks (goal 2 MB)',
      waybill: `${(eager / MEGABYTE).toFixed(2)} MB + ${(lazy / MEGABYTE).toFixed(2)} MB lazy`,
    },
  ]
}

/** What every door imports is `index.js`; the numbered chunks are loaded when they are needed. */
function bundleBytes(dist: string): { eager: number; lazy: number } {
  const sizeOf = (name: string) => statSync(join(dist, name)).size
  const scripts = readdirSync(dist).filter(name => name.endsWith('.js'))
  const lazy = scripts.filter(name => /^\d+\.index\.js$/.test(name))
  const imported = lazy.filter(name => readFileSync(join(dist, 'verify.js'), 'utf8').includes(name))
  if (imported.length > 0) throw new Error(`verify.js imports ${imported.join(', ')} at once`)
  const total = (names: readonly string[]) => names.reduce((sum, name) => sum + sizeOf(name), 0)
  return { eager: total(scripts) - total(lazy), lazy: total(lazy) }
}
