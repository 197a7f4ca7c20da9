import { join } from 'node:path'
import { runProgram } from './program.ts'
import { median, type Row } from './table.ts'

const ROUNDS = 7
const GOAL_MS = 50
/** Made only on a pull request, and only where somebody asks for it. */
const NOT_ALWAYS: readonly string[] = ['comment', 'page']

/** What the report adds to a run: everything rendered once, in a process that has rendered nothing before. */
export async function benchReport(): Promise<readonly Row[]> {
  const script = join(import.meta.dirname, 'report-once.ts')
  const rounds: Record<string, number>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { code, log } = await runProgram(process.execPath, [script], { PATH: process.env.PATH ?? '' })
    const found = /\{.*\}/.exec(log)?.[0]
    if (code !== 0 || found === undefined) throw new Error(`report-once.ts ended with ${code}:\n${log}`)
    rounds.push(JSON.parse(found) as Record<string, number>)
  }
  const parts = Object.keys(rounds[0] ?? {}).filter(name => !NOT_ALWAYS.includes(name))
  const of = (name: string) => median(rounds.map(round => round[name] ?? 0))
  const all = median(rounds.map(round => parts.reduce((sum, name) => sum + (round[name] ?? 0), 0)))
  return [
    {
      case: `report: 300 commits, 40 platforms, 100 images, what every run shows (goal ${GOAL_MS} ms)`,
      waybill: `${all.toFixed(0)} ms (${parts.map(name => `${name} ${of(name).toFixed(0)}`).join(', ')})`,
    },
    ...NOT_ALWAYS.map(name => ({
      case: `report: the same, ${name}, after these`,
      waybill: `${of(name).toFixed(0)} ms`,
    })),
  ]
}
