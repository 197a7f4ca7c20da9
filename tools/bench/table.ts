/** One line of the table. Figures have their unit written: seconds, bytes, requests. */
export interface Row {
  readonly case: string
  readonly waybill: string
  /** The same work by the peer, measured in the same run. */
  readonly peer?: string
  /** Waybill divided by the peer, and the goal for it. */
  readonly ratio?: string
  /** What no program could go below, where that can be said. */
  readonly limit?: string
  /** Waybill divided by the limit. */
  readonly toLimit?: string
}

const COLUMNS = [
  ['case', 'case'],
  ['waybill', 'Waybill'],
  ['peer', 'peer, same run'],
  ['ratio', 'ratio (goal)'],
  ['limit', 'physical limit'],
  ['toLimit', 'ratio to it'],
] as const satisfies readonly (readonly [keyof Row, string])[]

/** The table as Markdown, columns aligned. */
export function renderTable(rows: readonly Row[]): string {
  const cells = [COLUMNS.map(([, title]) => title), ...rows.map(row => COLUMNS.map(([key]) => row[key] ?? '—'))]
  const widths = COLUMNS.map((_, at) => Math.max(...cells.map(line => (line[at] ?? '').length)))
  const lineOf = (line: readonly string[]) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = cells
  return [lineOf(head), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...body.map(lineOf)].join('\n')
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

export function ratio(ours: number, theirs: number): string {
  return (ours / theirs).toFixed(2)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = 0, high = 0] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1)
  return (low + high) / 2
}
