import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import { othersOf } from './counts.ts'
import { placeText } from './places.ts'
import type { QuarantineReceipt, Receipt, SubjectReceipt } from './receipt.ts'
import { visibleJson } from './visible-json.ts'

/**
 * What a SIEM reads of one subject that was refused or is held back (`schemas/event.json`, docs/events.md): one line of JSON.
 * Never what passed, and never what could not be checked: an outage is no attack, and its place is the exit code.
 */
export interface GateEvent {
  readonly schemaVersion: 1
  /** ISO 8601, of this machine. */
  readonly time: string
  readonly event: 'waybill.rejected' | 'waybill.quarantined'
  readonly command: string
  readonly subject: string
  /** Absent: it was refused before it had one. */
  readonly digest?: string
  readonly verdict: SubjectReceipt['verdict']
  readonly codes: readonly string[]
  /** Of the finding that decides: what it should have been, usually a signer, and what it was. */
  readonly expected?: string
  readonly found?: string
  readonly quarantine?: QuarantineReceipt
  readonly policy?: { readonly uri: string; readonly digest?: string }
  readonly places?: readonly string[]
  /** URL of the workflow run. */
  readonly run?: string
}

/** Bytes of one line: what fits a syslog message by TCP everywhere (RFC 5425 § 4.3.1 asks receivers for 2,048, most take 8,192). */
export const EVENT_BYTES = 8_000
/** Bytes of one text as it is written, items of one list; the eleven texts and both lists stay below `EVENT_BYTES`. */
const TEXT_BYTES = 500
const CODES = 10
const PLACES = 3

/**
 * One line for each rejected or quarantined subject, in the order in which they were asked for; empty when there is none.
 * The same receipt and time give the same bytes. No text holds a line break, a control character, or what looks like a secret.
 */
export function renderEvents(receipt: Receipt, at: Date): string {
  return eventsOf(receipt, at)
    .map(event => `${visibleJson(JSON.stringify(event))}\n`)
    .join('')
}

/** The same as objects. */
export function eventsOf(receipt: Receipt, at: Date): readonly GateEvent[] {
  return othersOf(receipt.subjects).flatMap(subject => {
    const event = eventName(subject)
    return event === undefined ? [] : [eventOf(event, subject, receipt, at)]
  })
}

function eventName({ verdict, quarantine }: SubjectReceipt): GateEvent['event'] | undefined {
  // What a record holds back is told as such, whatever else is wrong with it.
  if (quarantine?.state === 'quarantined') return 'waybill.quarantined'
  return verdict === 'rejected' ? 'waybill.rejected' : undefined
}

function eventOf(event: GateEvent['event'], subject: SubjectReceipt, receipt: Receipt, at: Date): GateEvent {
  const { name, digest, verdict, findings, quarantine, places = [] } = subject
  const against = findings.filter(({ severity }) => severity === 'reject')
  const decisive = against.find(hasFacts) ?? against[0]
  const { policy, run, command } = receipt
  return {
    schemaVersion: 1,
    time: at.toISOString(),
    event,
    command: plain(command),
    subject: plain(name === '' ? digest : name),
    ...(digest === '' ? {} : { digest: plain(digest) }),
    verdict,
    codes: [...new Set(against.map(({ code }) => code))].slice(0, CODES),
    ...(decisive?.expected === undefined ? {} : { expected: plain(decisive.expected) }),
    ...(decisive?.found === undefined ? {} : { found: plain(decisive.found) }),
    ...(quarantine === undefined ? {} : { quarantine: plainQuarantine(quarantine) }),
    ...(policy === undefined ? {} : { policy: plainPolicy(policy) }),
    ...(places.length === 0 ? {} : { places: places.slice(0, PLACES).map(place => plain(placeText(place))) }),
    ...(run === undefined ? {} : { run: plain(run) }),
  }
}

function hasFacts({ expected, found }: Finding): boolean {
  return expected !== undefined && found !== undefined
}

function plainQuarantine({ moved, ...rest }: QuarantineReceipt): QuarantineReceipt {
  return { ...rest, ...(moved === undefined ? {} : { moved: plain(moved) }) }
}

function plainPolicy({ uri, digest }: NonNullable<Receipt['policy']>): NonNullable<GateEvent['policy']> {
  return { uri: plain(uri), ...(digest === undefined ? {} : { digest }) }
}

/** Tokens of GitHub and GitLab, JSON web tokens, private keys, and what stands before the @ of a URL. */
const SECRETS =
  /\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{15,}|\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----.*|(?<=:\/\/)[^/\s@]+(?=@)/gs

function plain(text: string): string {
  const whole = printable(text.replaceAll(SECRETS, '***'), TEXT_BYTES)
  let bytes = 0
  let shown = ''
  for (const letter of whole) {
    bytes += Buffer.byteLength(JSON.stringify(letter)) - 2
    if (bytes > TEXT_BYTES - 3) return `${shown}…`
    shown += letter
  }
  return shown
}
