import { type Digest, parseDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { arrayAt, integerAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'

/** Why a file lies in the quarantine directory: `record.json` beside it. schemas/quarantine-record.json */
export interface FileQuarantineRecord {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Under which names the same bytes were found, in that order. */
  readonly files: readonly [QuarantinedName, ...QuarantinedName[]]
  /** ISO 8601, by this machine. */
  readonly quarantinedAt: string
  /** As the gate named it. */
  readonly subject: string
  /** Codes of failed integrity. */
  readonly codes: readonly string[]
  readonly findings: readonly RecordedFinding[]
  /** Who was expected to have signed, and who did, in words; absent where no finding says. */
  readonly expected?: string
  readonly found?: string
  /** Where what it rests on can be seen: bundles by digest, log entries. */
  readonly evidence: readonly string[]
  readonly policy?: { readonly uri: string; readonly digest?: Digest }
  readonly environment?: string
}

export interface QuarantinedName {
  /** In the folder of the record. */
  readonly name: string
  /** Absolute path where it lay. */
  readonly original: string
  /** Permissions it had, four octal digits. */
  readonly mode: string
  readonly bundle?: { readonly name: string; readonly original: string; readonly digest: Digest; readonly mode: string }
}

export interface RecordedFinding {
  readonly code: string
  readonly message: string
  readonly expected?: string
  readonly found?: string
  readonly remedy: string
}

export const RECORD_NAME = 'record.json'
/** Bytes of one record.json; its texts are bounded where they are made. */
export const RECORD_BYTES = 1024 * 1024
const RELEASE = 'waybill quarantine release RECORD --reason TEXT [--restore], with the path of this file as RECORD'

/** The file's text, for people too. Reading it again gives the same record. */
export function renderFileRecord(record: FileQuarantineRecord): string {
  const { digest, size, files, ...rest } = record
  return `${JSON.stringify({ schemaVersion: 1, digest, size, files, ...rest, release: RELEASE }, null, 2)}\n`
}

/** Strict: what this version does not know might be a reason. @throws `pipeline/quarantine-record-malformed` */
export function parseFileRecord(bytes: Uint8Array, path: string): FileQuarantineRecord {
  try {
    const json = parseJsonObject(bytes, 'quarantine record')
    closed(json, KEYS, 'record')
    if (json.schemaVersion !== 1) throw new Error(`schemaVersion ${JSON.stringify(json.schemaVersion)}`)
    return recordOf(json)
  } catch (error) {
    throw fail('pipeline/quarantine-record-malformed', `Cannot read ${printable(path)}`, {
      expected: 'schemas/quarantine-record.json',
      found: printable(error instanceof Error ? error.message : String(error), 300),
      cause: error,
    })
  }
}

const KEYS = [
  'schemaVersion',
  'digest',
  'size',
  'files',
  'quarantinedAt',
  'subject',
  'codes',
  'findings',
  'expected',
  'found',
  'evidence',
  'policy',
  'environment',
  'release',
]

function recordOf(json: JsonObject): FileQuarantineRecord {
  const [first, ...more] = arrayAt(json.files, 'files').map((item, at) => nameOf(item, `files[${at}]`))
  if (first === undefined) throw new Error('files is empty')
  const policy = optional(json.policy, objectAt, 'policy')
  const expected = optional(json.expected, stringAt, 'expected')
  const found = optional(json.found, stringAt, 'found')
  const environment = optional(json.environment, stringAt, 'environment')
  return {
    digest: parseDigest(stringAt(json.digest, 'digest')),
    size: integerAt(json.size, 'size'),
    files: [first, ...more],
    quarantinedAt: stringAt(json.quarantinedAt, 'quarantinedAt'),
    subject: stringAt(json.subject, 'subject'),
    codes: arrayAt(json.codes, 'codes').map((code, at) => stringAt(code, `codes[${at}]`)),
    findings: arrayAt(json.findings, 'findings').map((item, at) => findingOf(item, `findings[${at}]`)),
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    evidence: arrayAt(json.evidence, 'evidence').map((item, at) => stringAt(item, `evidence[${at}]`)),
    ...(policy === undefined ? {} : { policy: policyOf(policy) }),
    ...(environment === undefined ? {} : { environment }),
  }
}

/** A name that is a path would lead out of the folder at a release. */
function plainName(value: Json | undefined, path: string): string {
  const name = stringAt(value, path)
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) throw new Error(`${path} is not a name`)
  return name
}

function modeOf(value: Json | undefined, path: string): string {
  const mode = stringAt(value, path)
  if (!/^[0-7]{4}$/.test(mode)) throw new Error(`${path} is not four octal digits`)
  return mode
}

function nameOf(value: Json, path: string): QuarantinedName {
  const json = objectAt(value, path)
  closed(json, ['name', 'original', 'mode', 'bundle'], path)
  const bundle = optional(json.bundle, objectAt, `${path}.bundle`)
  return {
    name: plainName(json.name, `${path}.name`),
    original: stringAt(json.original, `${path}.original`),
    mode: modeOf(json.mode, `${path}.mode`),
    ...(bundle === undefined ? {} : { bundle: bundleOf(bundle, `${path}.bundle`) }),
  }
}

function bundleOf(json: JsonObject, path: string): NonNullable<QuarantinedName['bundle']> {
  closed(json, ['name', 'original', 'mode', 'digest'], path)
  return {
    name: plainName(json.name, `${path}.name`),
    original: stringAt(json.original, `${path}.original`),
    mode: modeOf(json.mode, `${path}.mode`),
    digest: parseDigest(stringAt(json.digest, `${path}.digest`)),
  }
}

function findingOf(value: Json, path: string): RecordedFinding {
  const json = objectAt(value, path)
  closed(json, ['code', 'message', 'expected', 'found', 'remedy'], path)
  const expected = optional(json.expected, stringAt, `${path}.expected`)
  const found = optional(json.found, stringAt, `${path}.found`)
  return {
    code: stringAt(json.code, `${path}.code`),
    message: stringAt(json.message, `${path}.message`),
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    remedy: stringAt(json.remedy, `${path}.remedy`),
  }
}

function policyOf(json: JsonObject): NonNullable<FileQuarantineRecord['policy']> {
  closed(json, ['uri', 'digest'], 'policy')
  const digest = optional(json.digest, stringAt, 'policy.digest')
  return { uri: stringAt(json.uri, 'policy.uri'), ...(digest === undefined ? {} : { digest: parseDigest(digest) }) }
}

function closed(json: JsonObject, keys: readonly string[], path: string): void {
  const odd = Object.keys(json).find(key => !keys.includes(key))
  if (odd !== undefined) throw new Error(`${path} has the key ${printable(odd, 80)}, which is not known`)
}
