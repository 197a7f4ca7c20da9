import { WaybillError } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import type { Finding } from '../core/verdict.ts'
import { KEYS, SNAPSHOT_KEYS } from './keys.ts'
import { type FileReading, namedFile, type ReadFile } from './paths.ts'
import { DEFAULT_WARN_AFTER_DAYS, type Policy, type Principal, type Snapshot } from './policy.ts'
import { parsePrincipals } from './principals.ts'
import { asciiOf, type Field, fieldsOf, integerOf, listOf, namedFields, required, textOf, wrong } from './read.ts'
import { type Roles, roleName } from './roles.ts'
import { readYaml } from './yaml.ts'

/** Snapshots of one policy. */
const MAX_SNAPSHOTS = 20
const DAY = 24 * 60 * 60_000

/**
 * `snapshots:`: principals that were imported from elsewhere and came into the repository by a reviewed commit, because no
 * list is fetched while judging (12-policy § 5). They stand beside the declared ones and join the role that is named.
 * @param owners what identifies somebody → whose it is, of the declared principals; it grows.
 * @throws `policy/unusable` for a file that is missing or broken, and for a name, key, account or e-mail somebody has already.
 */
export function parseSnapshots(
  reading: FileReading,
  field: Field | undefined,
  declared: Policy['principals'],
  owners: Map<string, string>,
  readFile: ReadFile,
): { readonly snapshots: readonly Snapshot[]; readonly principals: Policy['principals'] } {
  const items = field === undefined ? [] : listOf(reading, field)
  if (field !== undefined && items.length > MAX_SNAPSHOTS)
    throw wrong(reading, field, `has more than ${MAX_SNAPSHOTS} snapshots`)
  const principals = new Map(declared)
  const files = new Set<string>()
  const snapshots = items.map(item => {
    const fields = fieldsOf(reading, item, KEYS.snapshot)
    const at = required(reading, item, fields, 'file')
    const file = namedFile(reading, at, 'snapshot')
    if (files.has(file)) throw wrong(reading, at, `names ${file} twice`)
    files.add(file)
    const role = roleName(reading, required(reading, item, fields, 'role'))
    const days = fields.get('warn-after-days')
    const warnAfterDays = days === undefined ? DEFAULT_WARN_AFTER_DAYS : integerOf(reading, days, 3_650)
    const { people, taken, keys } = readSnapshot(bytesOf(reading, at, file, readFile), file, principals, owners)
    for (const [name, principal] of people) principals.set(name, principal)
    return { file, role, warnAfterDays, taken, principals: [...people.keys()], keys }
  })
  return { snapshots, principals }
}

/** Role → members that snapshots give it. */
export function importedRoles(snapshots: readonly Snapshot[]): Roles {
  const roles = new Map<string, readonly string[]>()
  for (const { role, principals } of snapshots) roles.set(role, [...(roles.get(role) ?? []), ...principals])
  return roles
}

/** A list that nobody renews still names people who left. */
export function snapshotNotes({ snapshots }: Pick<Policy, 'snapshots'>, now: Date): readonly Finding[] {
  return snapshots.flatMap(({ file, taken, warnAfterDays }): readonly Finding[] => {
    const days = Math.floor((now.getTime() - taken.at.getTime()) / DAY)
    if (days <= warnAfterDays) return []
    return [
      {
        code: 'policy/snapshot-old',
        severity: 'note',
        subject: file,
        message: `The snapshot ${file} was taken ${days} days ago from ${taken.source}`,
        expected: `at most ${warnAfterDays} days (warn-after-days)`,
        found: taken.at.toISOString(),
        remedy: `Take it again and have the difference reviewed: waybill signers import --help`,
      },
    ]
  })
}

function bytesOf(reading: FileReading, at: Field, file: string, readFile: ReadFile): Uint8Array {
  const bytes = readFile(file)
  if (bytes === undefined) throw wrong(reading, at, `names ${file}, which is no regular file of the same commit`)
  if (bytes.byteLength > LIMITS.policyFileBytes)
    throw wrong(reading, at, `names ${file}, which is too large`, `${LIMITS.policyFileBytes} bytes at most`)
  return bytes
}

interface ReadSnapshot {
  readonly people: ReadonlyMap<string, Principal>
  readonly taken: Snapshot['taken']
  readonly keys: Snapshot['keys']
}

function readSnapshot(
  bytes: Uint8Array,
  path: string,
  known: Policy['principals'],
  owners: Map<string, string>,
): ReadSnapshot {
  const reading: Required<FileReading> = { path, files: new Map(), inline: new Map() }
  const root: Field = { node: readJson(bytes, path), name: '' }
  const fields = fieldsOf(reading, root, SNAPSHOT_KEYS.file)
  const whole = { ...root, name: 'The snapshot' }
  const version = required(reading, whole, fields, 'schemaVersion')
  if (integerOf(reading, version) !== 1) throw wrong(reading, version, 'is not known to this version', '1')
  const taken = {
    at: timeOf(reading, required(reading, whole, fields, 'taken')),
    source: textOf(reading, required(reading, whole, fields, 'source')),
  }
  const field = required(reading, whole, fields, 'principals')
  for (const [name, value] of namedFields(reading, field))
    if (known.has(name)) throw wrong(reading, value, `has a name that another principal has already`, 'another name')
  const people = parsePrincipals(reading, field, owners)
  return { people, taken, keys: [...reading.inline].map(([name, key]) => ({ path: name, bytes: key })) }
}

/** Every JSON document is a YAML document, too, and read as one its values know where they stand. */
function readJson(bytes: Uint8Array, path: string) {
  const reading = { path }
  const site: Field = { node: { kind: 'text', at: '1:1', text: '', plain: true }, name: 'The snapshot' }
  try {
    parseJsonObject(bytes, `snapshot ${path}`)
  } catch (error) {
    const found = error instanceof WaybillError ? error.found : undefined
    throw wrong(reading, site, 'is not acceptable JSON', 'one JSON object, as waybill signers import writes it', found)
  }
  return readYaml(bytes, path)
}

/** `2026-05-01T12:00:00Z`, with or without milliseconds. */
function timeOf(reading: FileReading, field: Field): Date {
  const text = asciiOf(reading, field)
  const date = new Date(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/.test(text) ? text : Number.NaN)
  const exact = !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === text.slice(0, 19)
  if (!exact) throw wrong(reading, field, 'is not a time', '2026-05-01T12:00:00Z', text)
  return date
}
