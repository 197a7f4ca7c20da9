import { join } from 'node:path'
import { runProgram } from './program.ts'
import { median, type Row } from './table.ts'

const ROUNDS = 7
const GOAL_MS = 50

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
  const parts = Object.keys(rounds[0] ?? {})
  const of = (name: string) => median(rounds.map(round => round[name] ?? 0))
  const all = median(rounds.map(round => Object.values(round).reduce((sum, ms) => sum + ms, 0)))
  return [
    {
      case: `report: 300 commits, 40 platforms, 100 images, all of it (goal ${GOAL_MS} ms)`,
      waybill: `${all.toFixed(0)} ms (${parts.map(name => `${name} ${of(name).toFixed(0)}`).join(', ')})`,
    },
  ]
}
