import { printable } from '../core/text.ts'
import { closedWords, materialsInOrder, proofText } from './materials.ts'
import type { Receipt } from './receipt.ts'
import { findingBranches, type Paint, treeLines, wrap } from './terminal-lines.ts'

/** Materials printed in full; the rest is counted, the result JSON has all. */
const MATERIALS = 100

/** What goes into the build, each with its findings below it. */
export function materialLines(receipt: Receipt, paint: Paint, columns: number): readonly string[] {
  const { materials } = receipt
  if (materials === undefined) return []
  const items = materialsInOrder(receipt)
  const lines = items.slice(0, MATERIALS).flatMap(item => {
    const { name, digest, previous, verdict, hosts = [], findings } = item
    const from = previous === undefined ? '' : ` (was ${printable(previous)})`
    return [
      `${paint(verdict, verdict)}  ${printable(name)}`,
      ...(hosts.length === 0 ? [] : wrap(printable(`by way of ${hosts.join(', ')}`, 600), columns, '  ', '    ')),
      ...(digest === '' ? [] : [`  ${printable(digest)}${from}`]),
      ...wrap(printable(proofText(item), 600), columns, '  ', '    '),
      ...treeLines(findingBranches(findings), columns),
    ]
  })
  const more = items.length > MATERIALS ? [`… ${items.length - MATERIALS} more in the result JSON`] : []
  const closed = closedWords(materials.closed)
  const end = closed === undefined ? [] : wrap(closed, columns, '', '  ')
  return ['', 'materials:', ...(items.length === 0 ? ['nothing but the commit itself'] : lines), ...more, ...end]
}
