import { printable } from '../core/text.ts'
import { materialsInOrder } from './materials.ts'
import type { MaterialReceipt, Receipt } from './receipt.ts'
import { notCheckedLines } from './terminal.ts'
import { closingLines } from './terminal-closing.ts'
import {
  describe,
  findingBranches,
  type Paint,
  painter,
  type TerminalOptions,
  treeLines,
  wrap,
} from './terminal-lines.ts'
import { shortDigest } from './text.ts'

const COLUMNS = 80
/** Places named of one material. */
const PLACES = 4
/** What was proved, in one word of at most eight letters; a digest alone is never called verified. */
const PROOF_WORDS = { signed: 'signed', declared: 'declared', pinned: 'pinned', none: '–' } as const

/** The result of `waybill materials verify` as text. */
export function renderMaterials(receipt: Receipt, options: TerminalOptions): string {
  const columns = Math.max(60, options.columns ?? COLUMNS)
  const paint = painter(options)
  const items = materialsInOrder(receipt)
  const lines = [
    `${printable(receipt.command)}: ${paint(receipt.verdict, receipt.verdict)}${counted(items)}`,
    ...receipt.notices.flatMap(notice => wrap(printable(notice, 2_000), columns, '! ', '  ')),
    ...(items.length === 0 ? [] : ['', ...materialTable(items, paint, columns)]),
    ...(receipt.error === undefined ? [] : ['', ...describe(receipt.error, columns)]),
    ...notCheckedLines(receipt, columns),
    ...closingLines(receipt, options),
  ]
  return `${lines.join('\n')}\n`
}

function counted(items: readonly MaterialReceipt[]): string {
  if (items.length === 0) return ' (nothing is pulled in)'
  const numbers = new Map<string, number>()
  for (const { verdict, proof } of items) {
    const word = verdict === 'passed' ? proof : verdict
    numbers.set(word, (numbers.get(word) ?? 0) + 1)
  }
  const all = items.length === 1 ? '1 material' : `${items.length} materials`
  return ` (${all}: ${[...numbers].map(([word, count]) => `${count} ${word}`).join(', ')})`
}

/** A table of materials, each with who signed it, where it is named and what stands against it. */
export function materialTable(items: readonly MaterialReceipt[], paint: Paint, columns: number): readonly string[] {
  const width = Math.min(44, Math.max(4, ...items.map(({ name }) => printable(name, 500).length)))
  return [
    `verdict   proof     ${'name'.padEnd(width)}  digest`,
    ...items.flatMap(item => itemLines(item, width, paint, columns)),
  ]
}

const INDENT = ' '.repeat(20)

function itemLines(item: MaterialReceipt, width: number, paint: Paint, columns: number): readonly string[] {
  const { name, verdict, proof, digest, previous, by, places, findings } = item
  const shown = printable(name, 500)
  const short = digest === '' ? '–' : shortDigest(digest)
  // A long name has its line for itself, so that it can be copied whole.
  const row =
    shown.length > width ? [shown, `${INDENT}${' '.repeat(width)}  ${short}`] : [`${shown.padEnd(width)}  ${short}`]
  const rest = places.length > PLACES ? ` and at ${places.length - PLACES} more places` : ''
  return [
    `${paint(verdict, verdict.padEnd(8))}  ${PROOF_WORDS[proof].padEnd(8)}  ${row[0]}`,
    ...row.slice(1),
    ...(by === undefined ? [] : wrap(`by ${printable(by, 500)}`, columns, INDENT, `${INDENT}  `)),
    ...(previous === undefined ? [] : [`${INDENT}before: ${shortDigest(previous)}`]),
    ...(places.length === 0
      ? []
      : wrap(
          `at ${places
            .slice(0, PLACES)
            .map(place => printable(place, 200))
            .join(', ')}${rest}`,
          columns,
          INDENT,
          INDENT,
        )),
    ...treeLines(findingBranches(findings), columns - 2).map(line => `  ${line}`),
  ]
}
