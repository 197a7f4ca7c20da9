import { printable } from '../core/text.ts'
import type { Outcome } from '../core/verdict.ts'
import { materialTable } from './materials-table.ts'
import type { MaterialReceipt } from './receipt.ts'
import { type Paint, painter, type TerminalOptions, wrap } from './terminal-lines.ts'

/** One digest that the manifest is to have. */
export interface LockChange {
  /** Of the item. */
  readonly name: string
  readonly uri: string
  readonly algorithm: string
  /** Hex; absent: there was none. */
  readonly old?: string
  readonly next: string
  /** What the new one rests on: who signed it, or that nobody did. */
  readonly proof: MaterialReceipt['proof']
  readonly by?: string
  /** The whole item is new. */
  readonly added: boolean
}

export interface LockReport {
  /** Of the manifest. */
  readonly path: string
  readonly outcome: Outcome
  /** What could not be verified; while there is anything, nothing is written. */
  readonly failed: readonly MaterialReceipt[]
  readonly changes: readonly LockChange[]
}

const COLUMNS = 80

/** Which digests change, old → new, before the difference itself. */
export function renderLock(report: LockReport, state: 'written' | 'checked', options: TerminalOptions): string {
  const columns = Math.max(60, options.columns ?? COLUMNS)
  const paint = painter(options)
  const { path, changes, failed, outcome } = report
  const lines = [
    `materials lock: ${paint(verdictOf(report, state), headline(report))}`,
    ...changes.flatMap(change => changeLines(change, paint, columns)),
    ...(failed.length === 0 ? [] : ['', ...materialTable(failed, paint, columns)]),
    ...(outcome === 'passed'
      ? []
      : ['', ...wrap(`Nothing was written: ${printable(path)} is as it was.`, columns, '', '')]),
  ]
  return `${lines.join('\n')}\n`
}

function verdictOf({ outcome, changes }: LockReport, state: 'written' | 'checked'): Outcome {
  return outcome === 'passed' && state === 'checked' && changes.length > 0 ? 'rejected' : outcome
}

function headline({ outcome, failed, changes, path }: LockReport): string {
  if (outcome !== 'passed')
    return `${outcome}, ${failed.length === 1 ? '1 material' : `${failed.length} materials`} could not be locked`
  const added = new Set(changes.filter(change => change.added).map(({ name }) => name)).size
  const changed = changes.filter(change => !change.added).length
  const said = [
    ...(changed === 0 ? [] : [changed === 1 ? '1 digest changes' : `${changed} digests change`]),
    ...(added === 0 ? [] : [added === 1 ? '1 item is new' : `${added} items are new`]),
  ]
  return said.length === 0 ? `${printable(path)} is up to date` : said.join(', ')
}

function changeLines(
  { name, uri, algorithm, old, next, proof, by, added }: LockChange,
  paint: Paint,
  columns: number,
): readonly string[] {
  const from = old === undefined ? 'none' : old.slice(0, 12)
  const rests = proof === 'signed' ? 'signed by' : proof === 'declared' ? 'by a key of the commit alone:' : ''
  const told = rests === '' ? 'pinned: nobody signed it' : `${rests} ${printable(by ?? '', 300)}`
  return [
    '',
    `  ${added ? '+ ' : ''}${printable(name)}: ${printable(uri, 500)}`,
    ...wrap(`${algorithm} ${from} → ${next.slice(0, 12)} (${told})`, columns, '    ', '      ').map((line, at) =>
      at === 0 && proof !== 'signed' && old !== undefined ? paint('unknown', line) : line,
    ),
  ]
}
