import { createHash } from 'node:crypto'
import type { CatalogueEntry } from '../core/catalogue.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { Place } from '../subjects/place.ts'
import { type FindingGroup, outcomeOf, shortName } from './groups.ts'
import { fileOf, lineOf } from './places.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { visibleJson } from './visible-json.ts'

/**
 * SARIF 2.1.0: findings for code scanning and editors. OASIS SARIF v2.1.0 errata 01.
 *
 *     runs[0].tool.driver.rules   the codes that occur, with their remedies
 *     runs[0].results             rejected: error, unknown: warning, note: note; the worst first
 *     runs[0].invocations[0]      what was not checked, and the error that ended the run
 */
export interface SarifOptions {
  /** Of Waybill. */
  readonly version: string
  readonly rulesFrom: Readonly<Record<string, CatalogueEntry>>
  /**
   * A file of the repository that stands for subjects which no file names (the policy, the workflow). GitHub's code scanning
   * refuses results without a file; without it such results have the reference alone.
   */
  readonly home?: string
}

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'
/** GitHub takes 25,000 results a run and shows 5,000; the worst stand first. */
const RESULTS = 5_000
/** Places of one result; GitHub reads the first ten, and one is enough to find the rest. */
const PLACES = 10
const MESSAGE = 3_000

type Level = 'error' | 'warning' | 'note'
const LEVELS = { rejected: 'error', unknown: 'warning', note: 'note' } as const
const RANK = { error: 0, warning: 1, note: 2 } as const

interface Result {
  readonly level: Level
  readonly code: string
  readonly subject: SubjectReceipt
  readonly text: string
}

/** The same receipt gives the same bytes: no time, no random id. */
export function renderSarif(receipt: Receipt, options: SarifOptions): string {
  const all = resultsOf(receipt)
  const shown = all.slice(0, RESULTS)
  const codes = [...new Set(shown.map(({ code }) => code))].sort()
  const driver = { name: 'Waybill', version: options.version, rules: codes.map(code => rule(code, options)) }
  const run = {
    tool: { driver },
    // Uploads of several steps of one commit must not replace each other's results.
    automationDetails: { id: `waybill/${receipt.command.replace(/[^A-Za-z0-9]+/g, '-') || 'run'}/` },
    invocations: [invocation(receipt, all.length - shown.length)],
    results: withFingerprints(shown).map(({ result, print }) => resultObject(result, print, codes, options)),
    columnKind: 'utf16CodeUnits',
  }
  return `${visibleJson(JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, undefined, 2))}\n`
}

/** Every finding of every subject; a verdict without a finding, and an error without a subject, are results too. */
function resultsOf({ subjects, error, verdict, command }: Receipt): readonly Result[] {
  const results = subjects.flatMap((subject): readonly Result[] => {
    const own = subject.findings.map(finding => resultOf(finding, subject))
    const { verdict: found } = subject
    if (found === 'passed' || found === 'not-asked' || own.some(({ level }) => level !== 'note')) return own
    return [
      { level: LEVELS[found], code: 'core/internal', subject, text: `${shortName(subject)}: the verdict is ${found}` },
      ...own,
    ]
  })
  const told = error === undefined || subjects.some(({ findings }) => findings.some(({ code }) => code === error.code))
  if (error !== undefined && !told) {
    const subject: SubjectReceipt = { name: command, digest: '', verdict: verdict, findings: [] }
    const level = verdict === 'rejected' ? 'error' : 'warning'
    results.push({ level, code: error.code, subject, text: textOf({ ...error, subject: command }) })
  }
  return results.toSorted((a, b) => RANK[a.level] - RANK[b.level])
}

function resultOf(finding: Finding, subject: SubjectReceipt): Result {
  const outcome: FindingGroup['outcome'] = outcomeOf(finding, subject)
  const text = textOf({ ...finding, subject: shortName(subject) })
  return { level: LEVELS[outcome], code: finding.code, subject, text }
}

type Told = Pick<Finding, 'subject' | 'message' | 'remedy'> & {
  readonly [K in 'expected' | 'found']?: string | undefined
}

function textOf({ subject, message, expected, found, remedy }: Told): string {
  const facts = [
    ...(expected === undefined ? [] : [`Expected: ${expected}`]),
    ...(found === undefined ? [] : [`Found: ${found}`]),
    `What to do: ${remedy}`,
  ]
  return [message.includes(subject) ? message : `${subject}: ${message}`, ...facts].join('. ')
}

function rule(code: string, { rulesFrom }: SarifOptions): object {
  const entry = rulesFrom[code]
  if (entry === undefined) return { id: code }
  const level: Level = entry.kind === 'rejected' ? 'error' : 'warning'
  return {
    id: code,
    shortDescription: { text: plainText(code) },
    fullDescription: { text: plainText(entry.meaning) },
    help: { text: plainText(entry.remedy) },
    defaultConfiguration: { level },
    properties: { tags: ['security', 'supply-chain'] },
  }
}

/** What a viewer must know besides results: an empty list of results says nothing of what was left out. */
function invocation({ error, notChecked, notices }: Receipt, left: number): object {
  const notes = [
    ...notices,
    ...notChecked.map(item => `Not checked: ${item}`),
    ...(left > 0 ? [`${left} more results stand in the result JSON`] : []),
  ].map(text => ({ level: 'note', message: { text: plainText(text) } }))
  const broken =
    error === undefined
      ? []
      : [{ level: 'error', descriptor: { id: error.code }, message: { text: plainText(error.message) } }]
  return { executionSuccessful: error === undefined, toolExecutionNotifications: [...broken, ...notes] }
}

function resultObject(result: Result, print: string, codes: readonly string[], options: SarifOptions): object {
  const { code, level, subject, text } = result
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level,
    message: { text: plainText(text) },
    locations: locations(subject, options),
    partialFingerprints: { 'waybill/v1': print },
  }
}

function locations(subject: SubjectReceipt, { home }: SarifOptions): readonly object[] {
  const logical = {
    name: printable(shortName(subject), 500),
    fullyQualifiedName: printable(subject.name === '' ? subject.digest : subject.name, 500),
    kind: 'resource',
  }
  const places = (subject.places ?? []).slice(0, PLACES).flatMap(place => physical(place, logical))
  if (places.length > 0) return places
  const physicalLocation = home === undefined ? {} : { physicalLocation: { artifactLocation: { uri: uriOf(home) } } }
  return [{ ...physicalLocation, logicalLocations: [logical] }]
}

function physical(place: Place, logical: { readonly name: string }): readonly object[] {
  const file = fileOf(place)
  const line = lineOf(place)
  if (file === undefined) return []
  const region = line === undefined ? {} : { region: { startLine: line } }
  const path = { fullyQualifiedName: printable(place.path, 500), kind: 'property' }
  return [
    { physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...region }, logicalLocations: [logical, path] },
  ]
}

/** A relative URI reference, RFC 3986; a colon in the first segment would make it a scheme. */
function uriOf(path: string): string {
  const segments = path.split('/').map(segment => encodeURIComponent(segment.toWellFormed()))
  return segments.join('/')
}

/**
 * Tells a result of one run from the same in the next, so that an alert is opened and closed once: code, image without tag
 * and digest, first place without its line. Two that are equal in these are numbered.
 */
function withFingerprints(results: readonly Result[]): readonly { readonly result: Result; readonly print: string }[] {
  const seen = new Map<string, number>()
  return results.map(result => {
    const { code, subject } = result
    const [place] = subject.places ?? []
    const where = place === undefined ? [] : [place.file, place.document, place.path]
    const key = JSON.stringify([code, subject.ref ?? shortName(subject).replace(/:[\w.-]{1,128}$/, ''), ...where])
    const times = seen.get(key) ?? 0
    seen.set(key, times + 1)
    const print = createHash('sha256').update(`${key} ${times}`).digest('hex').slice(0, 32)
    return { result, print }
  })
}

/**
 * Text of a message as SARIF means it: braces would be placeholders (§ 3.11.5), and a bracket before a parenthesis a link
 * that somebody else chose (§ 3.11.6).
 */
function plainText(text: string): string {
  const shown = printable(text.replaceAll('\n', ' '), MESSAGE)
  return shown === '' ? '–' : shown.replaceAll('](', '] (').replaceAll('{', '{{').replaceAll('}', '}}')
}
