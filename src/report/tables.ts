import type { Finding } from '../core/verdict.ts'
import type { AttestationReceipt, ImageReceipt, Receipt, SubjectReceipt } from './receipt.ts'
import { bytes, cell, duration, shortDigest } from './text.ts'
import { MARKS, STAGE_WORDS } from './words.ts'

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

export function isCommit(subject: SubjectReceipt): boolean {
  return subject.kind !== undefined
}

export function commitTable(subjects: readonly SubjectReceipt[], limit: number): string {
  const rows = subjects.map(({ verdict, digest, title, author, principal, key, kind, basis }) =>
    row([
      MARKS[verdict],
      cell(shortDigest(digest)),
      cell(title, 80),
      cell(author, 80),
      cell(principal),
      cell(key, 80),
      kind ?? '–',
      basis ?? '–',
    ]),
  )
  return table(['', 'commit', 'title', 'author, as claimed', 'signer', 'key', 'signature', 'basis'], rows, limit)
}

export function subjectTable(subjects: readonly SubjectReceipt[], limit: number): string {
  const rows = subjects.map(({ verdict, name, digest, basis, by }) =>
    row([MARKS[verdict], cell(name.replace(`@${digest}`, '')), cell(digest), basis ?? '–', cell(by, 500)]),
  )
  return table(['', 'subject', 'digest', 'basis', 'signed by'], rows, limit)
}

export function findingTable(findings: readonly Finding[], limit: number): string {
  const rows = findings.map(({ severity, code, subject, message, expected, found, remedy }) =>
    row([
      severity === 'reject' ? '❌' : 'ℹ️',
      cell(code),
      cell(shortSubject(subject)),
      cell(message, 500),
      cell(expected),
      cell(found),
      cell(remedy, 500),
    ]),
  )
  return table(['', 'code', 'subject', 'what', 'expected', 'found', 'what to do'], rows, limit)
}

export function platformTable(image: ImageReceipt, limit: number): string {
  const rows = image.platforms.map(({ platform, digest, size }) => row([cell(platform), cell(digest), bytes(size)]))
  return table(['platform', 'digest', 'size'], rows, limit)
}

export function attestationTable(attestations: readonly AttestationReceipt[], limit: number): string {
  const rows = attestations.map(({ predicateType, subject, manifest, log, stored }) =>
    row([cell(predicateType), cell(shortDigest(subject)), cell(manifest), logCell(log), cell(stored?.join(', '))]),
  )
  return table(['predicate', 'subject', 'referrer', 'log entry', 'stored'], rows, limit)
}

export function timingTable({ stages, requests }: Receipt): string {
  const rows = stages.map(({ name, state, mode, ms }) =>
    row([
      name,
      STAGE_WORDS[name],
      `${MARKS[state]} ${state}`,
      mode ?? '–',
      duration(ms),
      String(requests?.[name] ?? '–'),
    ]),
  )
  return table(['stage', 'about', 'state', 'mode', 'time', 'requests'], rows, rows.length)
}

/** A link only for the public log, by a number: no URL that came from outside becomes a link. */
function logCell(log: AttestationReceipt['log']): string {
  if (log === undefined) return '–'
  const index = /^\d{1,20}$/.test(log.index) ? log.index : undefined
  if (index !== undefined && log.url === 'https://rekor.sigstore.dev')
    return `[${index}](https://search.sigstore.dev/?logIndex=${index})`
  return cell(`${log.index} in ${log.url}`)
}

function shortSubject(subject: string): string {
  return /^(sha256:)?[0-9a-f]{40,64}$/.test(subject) ? shortDigest(subject) : subject
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
