/** Rows shown at once; the rest of a long list folds into `<details>`. */
const OPEN_ROWS = 20

/**
 * A Markdown table, its long tail folded, and nothing after `limit` rows but their number.
 * @param rows each a finished line of cells.
 */
export function table(head: readonly string[], rows: readonly string[], limit: number): string {
  const lines = (part: readonly string[]) =>
    [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...part].join('\n')
  const shown = rows.slice(0, limit)
  const folded = shown.slice(OPEN_ROWS)
  const parts = [lines(shown.slice(0, OPEN_ROWS))]
  if (folded.length > 0)
    parts.push(`<details><summary>${folded.length} more</summary>\n\n${lines(folded)}\n\n</details>`)
  if (rows.length > shown.length) parts.push(`${rows.length - shown.length} more in the result JSON.`)
  return parts.join('\n\n')
}
