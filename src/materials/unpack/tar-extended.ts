import { decodeUtf8, latin1, utf8 } from '../../core/bytes.ts'
import { printable } from '../../core/text.ts'
import { malformed } from './bounds.ts'

/** What stands before an entry and counts for it: longer names than its own header has room for. */
export interface Extended {
  readonly path?: Uint8Array
  readonly target?: Uint8Array
  readonly size?: number
}

/**
 * Records of a pax header, `<length> SP key=value LF` with the length of the whole record in bytes (POSIX.1-2017 pax § pax
 * Extended Header). What changes the meaning of the entry in another way is refused: sparse files, another character set.
 * @throws `materials/archive-malformed`
 */
export function readPax(bytes: Uint8Array): Extended {
  return meant(paxRecords(bytes))
}

/** By key, as they stand, each at most once. @throws `materials/archive-malformed` */
export function paxRecords(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const records = new Map<string, Uint8Array>()
  for (let at = 0; at < bytes.byteLength; ) {
    const [, digits = ''] = /^([1-9][0-9]{0,8}) /.exec(latin1(bytes.subarray(at, at + 11))) ?? []
    const end = at + Number(digits)
    if (digits === '' || end > bytes.byteLength || bytes[end - 1] !== 0x0a) throw malformed('a pax record of no length')
    const record = bytes.subarray(at + digits.length + 1, end - 1)
    const equals = record.indexOf(0x3d)
    const key = equals < 1 ? undefined : decodeUtf8(record.subarray(0, equals))
    if (key === undefined) throw malformed('a pax record without a key')
    // Of two values readers take the first or the last.
    if (records.has(key)) throw malformed(`a pax header with two values of ${printable(key, 60)}`)
    records.set(key, record.subarray(equals + 1))
    at = end
  }
  return records
}

const SPARSE = /^(?:GNU\.sparse\.|SCHILY\.realsize$)/

function meant(records: ReadonlyMap<string, Uint8Array>): Extended {
  for (const key of records.keys()) if (SPARSE.test(key)) throw malformed('a sparse file')
  const charset = records.get('hdrcharset')
  if (charset !== undefined && latin1(charset) !== 'ISO-IR 10646 2000 UTF-8') throw malformed('names that are no UTF-8')
  const path = records.get('path')
  const target = records.get('linkpath')
  const size = records.get('size')
  return {
    ...(path === undefined ? {} : { path: named(path) }),
    ...(target === undefined ? {} : { target: named(target) }),
    ...(size === undefined ? {} : { size: decimal(size) }),
  }
}

/** Of a header for all entries after it, as git writes one: it may hold a comment, and nothing that counts. */
export function requireComment(bytes: Uint8Array): void {
  const { path, target, size } = readPax(bytes)
  if (path !== undefined || target !== undefined || size !== undefined)
    throw malformed('a name or size that is to count for all its entries')
}

/** A name that GNU tar wrote as the content of an entry of its own, with a NUL behind it. */
export function readLongName(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  const text = end === -1 ? bytes : bytes.subarray(0, end)
  if (end !== -1 && bytes.subarray(end).some(byte => byte !== 0)) throw malformed('a name with another one behind it')
  return named(text)
}

function named(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === 0 || bytes.includes(0)) throw malformed('an empty name, or one with a NUL')
  return bytes
}

function decimal(bytes: Uint8Array): number {
  const text = latin1(bytes)
  const value = Number(text)
  if (/^(?:0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(value) && utf8(text).byteLength > 0) return value
  throw malformed('a size that is no number')
}
