import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type MixedHistory, makeMixedHistory } from '../__tests__/fakes/mixed-history.ts'
import type { Receipt } from '../src/report/receipt.ts'

/**
 * `node tools/agreement.ts [--commits N] [--engine both|native|js]`: makes a history of N commits of all kinds, good and bad,
 * and has the bundle check it with its own engine and with real gpg and ssh-keygen. Prints what came of each kind, and every
 * disagreement; ends with 1 if there is one.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { commits: { type: 'string', default: '1000' }, engine: { type: 'string', default: 'both' } },
  })
  const folder = mkdtempSync(join(tmpdir(), 'waybill-agreement-'))
  try {
    const [made, history] = await timed(() => makeMixedHistory(folder, Number(values.commits)))
    console.log(`${history.kinds.size} commits made in ${made}`)
    const [checked, receipt] = await timed(() => check(folder, history.anchor, values.engine))
    print(history, receipt)
    console.log(
      `\nwaybill source check --engine ${values.engine}: ${receipt.verdict}, ${checked} for the whole process`,
    )
    console.log(JSON.stringify(receipt.engines ?? {}))
    const disagreements = codesOf(receipt).get('source/engines-disagree') ?? 0
    console.log(`${disagreements} disagreements`)
    return disagreements === 0 && receipt.subjects.length === history.kinds.size ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function check(folder: string, anchor: string, engine: string): Promise<Receipt> {
  const cli = join(import.meta.dirname, '..', 'dist', 'cli.js')
  const args = [
    'source',
    'check',
    'main',
    '--since',
    anchor,
    '--repo',
    folder,
    '--offline',
    '--engine',
    engine,
    '--json',
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', chunk => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', () => resolve(JSON.parse(Buffer.concat(chunks).toString()) as Receipt))
  })
}

function print({ kinds }: MixedHistory, { subjects, error }: Receipt): void {
  if (error !== undefined) console.log(`${error.code}: ${error.message}`)
  const rows = new Map<string, number>()
  for (const { digest, verdict, findings } of subjects) {
    const codes = findings.map(({ code }) => code).join(' ')
    const row = `${(kinds.get(digest) ?? '?').padEnd(26)} ${verdict.padEnd(9)} ${codes}`
    rows.set(row, (rows.get(row) ?? 0) + 1)
  }
  for (const [row, count] of [...rows].sort()) console.log(`${String(count).padStart(6)}  ${row}`)
}

function codesOf({ subjects }: Receipt): ReadonlyMap<string, number> {
  const codes = new Map<string, number>()
  for (const { code } of subjects.flatMap(({ findings }) => findings)) codes.set(code, (codes.get(code) ?? 0) + 1)
  return codes
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [string, T]> {
  const started = performance.now()
  const value = await work()
  return [`${((performance.now() - started) / 1000).toFixed(1)} s`, value]
}

process.exitCode = await main()
