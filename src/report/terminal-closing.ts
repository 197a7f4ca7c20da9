import type { Outcome } from '../core/verdict.ts'
import type { Receipt } from './receipt.ts'
import { reproducibleSubjects } from './reproducible.ts'
import { columnsFor, painter, type TerminalOptions, wrap } from './terminal-lines.ts'

/** Causes named in the last line; the rest is counted. */
const CAUSES = 4

/**
 * Why the process does not end with 0, as the last of everything:
 *
 *     exit code 1, rejected: verify/no-attestation (90), policy/no-rule
 */
export function closingLines(receipt: Receipt, options: TerminalOptions): readonly string[] {
  const { exitCode = 0 } = options
  if (exitCode === 0) return []
  const state = exitCode === 1 ? 'rejected' : exitCode === 2 ? 'unknown' : 'not understood'
  const causes = causesOf(receipt)
  const shown = causes.slice(0, CAUSES).map(([code, count]) => (count === 1 ? code : `${code} (${count})`))
  const more = causes.length > CAUSES ? [`${causes.length - CAUSES} more`] : []
  const why = shown.length === 0 ? '' : `: ${[...shown, ...more].join(', ')}`
  const [first = '', ...rest] = wrap(`exit code ${exitCode}, ${state}${why}`, columnsFor(options), '', '  ')
  const paint = painter(options)
  const coloured = state === 'not understood' ? first : first.replace(state, paint(state, state))
  return ['', coloured, ...rest]
}

/** Codes of what decided, the most frequent first. */
function causesOf(receipt: Receipt): readonly (readonly [string, number])[] {
  const { error, subjects, materials, verdict } = receipt
  const counts = new Map<string, number>()
  const judged = [...subjects, ...(materials?.items ?? []), ...reproducibleSubjects(receipt)].filter(item =>
    weighs(item.verdict, verdict),
  )
  const codes = judged.flatMap(({ findings }) => {
    const against = findings.filter(({ severity }) => severity === 'reject')
    return [...new Set(against.map(({ code }) => code))]
  })
  for (const code of [...(error === undefined ? [] : [error.code]), ...codes])
    counts.set(code, (counts.get(code) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)
}

function weighs(of: Receipt['subjects'][number]['verdict'], verdict: Outcome): boolean {
  return of === verdict
}
