import { groupFindings, shortName, subjectsText } from './groups.ts'
import type { AttestationReceipt, ImageReceipt, Receipt, SinkReceipt, SubjectReceipt } from './receipt.ts'
import { table } from './table.ts'
import { bytes, cell, duration, growth, shortDigest } from './text.ts'
import { MARKS, STAGE_WORDS, stateWord, wasTimed } from './words.ts'

/** One subject with its whole digest to copy; of many the short ones, for the whole ones stand in the details below. */
export function subjectTable(subjects: readonly SubjectReceipt[], limit: number): string {
  const many = subjects.length > 1
  // A run that signs names itself elsewhere: a dash here would read as "signed by nobody".
  const signers = subjects.some(({ by }) => by !== undefined)
  const rows = subjects.map(subject => {
    const { verdict, digest, basis, by } = subject
    const shown = many ? shortDigest(digest) : digest
    const cells = [MARKS[verdict], cell(shortName(subject)), cell(shown), basis ?? '–']
    return row(signers ? [...cells, cell(by, 500)] : cells)
  })
  return table(['', 'subject', 'digest', 'basis', ...(signers ? ['signed by'] : [])], rows, limit)
}

const OUTCOME_MARKS = { rejected: '❌', unknown: '⚠️', note: 'ℹ️' } as const

/** Each cause once, with whom it befell. */
export function findingTable(subjects: readonly SubjectReceipt[], limit: number): string {
  const rows = groupFindings(subjects).map(group => {
    const { code, message, expected, found, remedy, subject } = group.finding
    const shown = group.subjects.length === 1 ? shortSubject(subject) : subjectsText(group)
    return row([
      OUTCOME_MARKS[group.outcome],
      cell(code),
      cell(shown),
      cell(message, 500),
      cell(expected),
      cell(found),
      cell(remedy, 500),
    ])
  })
  return table(['', 'code', 'subject', 'what', 'expected', 'found', 'what to do'], rows, limit)
}

export function platformTable(image: ImageReceipt, limit: number): string {
  const rows = image.platforms.map(({ platform, digest, size, previousSize }) =>
    row([cell(platform), cell(digest), bytes(size), growth(size, previousSize)]),
  )
  return table(['platform', 'digest', 'size', 'since the last image'], rows, limit)
}

export function attestationTable(attestations: readonly AttestationReceipt[], limit: number): string {
  const rows = attestations.map(({ predicateType, subject, manifest, log, stored = [], notStored = [] }) =>
    row([
      cell(predicateType),
      cell(shortDigest(subject)),
      cell(manifest),
      logCell(log),
      cell([...stored, ...notStored.map(place => `not in ${place}`)].join(', ') || undefined),
    ]),
  )
  return table(['predicate', 'attached to', 'referrer', 'log entry', 'stored'], rows, limit)
}

const SINK_MARKS = { passed: '✅', failed: '❌', 'not-available': 'ℹ️' } as const
const SINK_WORDS = {
  registry: 'attached in the registry',
  'legacy-signatures': 'tags for cosign 2',
  'github-attestations': 'attestation store of GitHub',
  'github-artifacts': 'list of artifacts of the job',
} as const

/** Each place with what became of it. */
export function sinkTable(sinks: readonly SinkReceipt[], limit: number): string {
  const rows = sinks.map(({ name, place, state, added, error }) =>
    row([
      SINK_MARKS[state],
      SINK_WORDS[name],
      cell(place),
      state,
      added === undefined ? '–' : String(added),
      cell(error && `${error.code}: ${error.message}`, 500),
    ]),
  )
  return table(['', 'where', 'place', 'state', 'new', 'why'], rows, limit)
}

export function timingTable({ stages, requests }: Receipt): string {
  const rows = stages.map(({ name, state, mode, ms }) =>
    row([
      name,
      STAGE_WORDS[name],
      `${MARKS[state]} ${stateWord(state)}`,
      mode ?? '–',
      wasTimed({ state, ms }) ? duration(ms) : '–',
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
