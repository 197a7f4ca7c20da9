/**
 * `npm run bench -- [start] [commits] [fold] [publish] [index] [overhead] [gate] [layout] [materials] [report] [--verbose]`: measures Waybill and its peers in the same run and prints one table.
 * It measures the bundle in `dist`, as a job downloads it; where a branch is judged over http, a bundle made of the same sources
 * whose door does nothing else. A missing peer is an error.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CheckDoor } from './bench/check.ts'
import { benchCommits } from './bench/commits.ts'
import { benchFold } from './bench/fold.ts'
import { benchGate } from './bench/gate.ts'
import { benchIndex } from './bench/index.ts'
import { benchLayout } from './bench/layout.ts'
import { benchMaterials } from './bench/materials.ts'
import { benchOverhead } from './bench/overhead.ts'
import { benchPublish } from './bench/publish.ts'
import { benchReport } from './bench/report.ts'
import { benchStart } from './bench/start.ts'
import { type Row, renderTable } from './bench/table.ts'
import { sourceStamp } from './source-stamp.ts'

const root = join(import.meta.dirname, '..')

interface Result {
  readonly rows: readonly Row[]
  readonly notes?: readonly string[]
}

const CASES: Readonly<Record<string, (verbose: boolean) => Promise<Result>>> = {
  start: async () => ({ rows: await benchStart(currentDist()) }),
  commits: async () => benchCommits(currentDist(), await CheckDoor.build(root)),
  fold: async () => ({ rows: await benchFold(await CheckDoor.build(root)) }),
  publish: async verbose => benchPublish(currentDist(), verbose),
  index: async verbose => benchIndex(currentDist(), verbose),
  overhead: async () => benchOverhead(currentDist()),
  gate: async verbose => benchGate(currentDist(), verbose),
  layout: async () => ({ rows: await benchLayout(root) }),
  materials: async () => benchMaterials(currentDist()),
  report: async () => ({ rows: await benchReport() }),
}

function currentDist(): string {
  const dist = join(root, 'dist')
  const stamp = join(dist, 'SOURCE')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8').trim() !== sourceStamp(root))
    throw new Error('dist/ is not what the sources build: run npm run build first')
  return dist
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { verbose: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const names = positionals.length === 0 ? Object.keys(CASES) : positionals
  const results: Result[] = []
  for (const name of names) {
    const measure = CASES[name]
    if (measure === undefined) throw new Error(`There is no case ${name}: ${Object.keys(CASES).join(', ')}`)
    console.error(`${name} …`)
    results.push(await measure(values.verbose))
  }
  console.log(renderTable(results.flatMap(({ rows }) => rows)))
  for (const note of results.flatMap(({ notes = [] }) => notes))
    console.log(note.startsWith('    ') ? note : `\n${note}`)
}

await main().catch(error => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
