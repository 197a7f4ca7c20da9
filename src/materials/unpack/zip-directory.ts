import { equalBytes, latin1 } from '../../core/bytes.ts'
import { printable } from '../../core/text.ts'
import type { OpenedFile } from '../../io/private-file.ts'
import { type ArchiveBounds, malformed, tooLarge } from './bounds.ts'

/** One row of the directory, found again in front of its bytes. */
export interface ZipEntry {
  readonly path: Uint8Array
  readonly stored: boolean
  readonly crc: number
  readonly compressed: number
  readonly size: number
  /** Of its bytes in the file. */
  readonly from: number
  /** Type and permissions as Unix has them; 0 where another system packed it. */
  readonly mode: number
}

interface Row extends Omit<ZipEntry, 'from'> {
  readonly flags: number
  readonly method: number
  readonly at: number
}

const END = 22
const ROW = 46
const LOCAL = 30
/** Bytes of a row with its name and everything else. */
const MAX_ROW = ROW + 3 * 0xffff
const ENCRYPTED = 0x0001
const DESCRIPTOR = 0x0008
const UTF8 = 0x0800
/** How fast deflate packed, a descriptor behind the bytes, names in UTF-8; everything else changes what the bytes mean. */
const KNOWN_FLAGS = 0x0006 | DESCRIPTOR | UTF8

/**
 * The directory of a zip, in which every byte of the file has exactly one meaning (APPNOTE.TXT 6.3.10 § 4.3): entries lie one
 * behind the other from the first byte on, each with a header of its own that says the same as the directory, then the
 * directory, then its end. So nothing can hide between them, and no two of them can share their bytes.
 * @throws `materials/archive-malformed` (encrypted, zip64, several disks and other lies too), `materials/archive-too-large`
 */
export async function readDirectory(file: OpenedFile, bounds: ArchiveBounds): Promise<readonly ZipEntry[]> {
  const { count, at, size } = await readEnd(file)
  if (count > bounds.entries) throw tooLarge(`at most ${bounds.entries} entries`)
  if (size > count * MAX_ROW) throw malformed('a directory of another size')
  const rows = await readRows(file, { count, at, size }, bounds)
  const entries: ZipEntry[] = []
  let next = 0
  for (const row of [...rows].sort((a, b) => a.at - b.at)) {
    if (row.at !== next) throw malformed('bytes between its entries, or entries that share them')
    const from = await readLocal(file, row, at)
    next = await endOf(file, row, from, at)
    entries.push({ ...row, from })
  }
  if (next !== at) throw malformed('bytes between its entries and its directory')
  return entries
}

interface Directory {
  readonly count: number
  readonly at: number
  readonly size: number
}

async function readEnd(file: OpenedFile): Promise<Directory> {
  const tail = await file.read(Math.max(0, file.size - END - 0xffff), END + 0xffff)
  const view = viewOf(tail)
  const places: number[] = []
  for (let at = tail.byteLength - END; at >= 0; at--)
    if (view.getUint32(at, true) === 0x06054b50 && at + END + view.getUint16(at + 20, true) === tail.byteLength)
      places.push(at)
  const [at, second] = places
  if (at === undefined) throw malformed('no end of a directory: it is no zip, or was cut')
  if (second !== undefined) throw malformed('a comment that looks like the end of another directory')
  const [disk, first, here, count] = [4, 6, 8, 10].map(offset => view.getUint16(at + offset, true))
  const size = view.getUint32(at + 12, true)
  const begin = view.getUint32(at + 16, true)
  if (disk !== 0 || first !== 0 || here !== count) throw malformed('more than one disk')
  if (count === 0xffff || size === 0xffffffff || begin === 0xffffffff)
    throw malformed('the form zip64, which is not read')
  if (begin + size !== file.size - tail.byteLength + at) throw malformed('bytes between its directory and its end')
  return { count: count ?? 0, at: begin, size }
}

async function readRows(
  file: OpenedFile,
  { count, at, size }: Directory,
  bounds: ArchiveBounds,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  let from = at
  let bytes = 0
  for (let index = 0; index < count; index++) {
    const head = await file.read(from, ROW)
    if (head.byteLength < ROW || from + ROW > at + size) throw malformed('a directory that ends early')
    const view = viewOf(head)
    if (view.getUint32(0, true) !== 0x02014b50) throw malformed('a row of its directory that is none')
    const [name = 0, extra = 0, comment = 0, disk = 0] = [28, 30, 32, 34].map(offset => view.getUint16(offset, true))
    const rest = await file.read(from + ROW, name + extra + comment)
    const row = rowOf(view, rest.slice(0, name), disk)
    requirePlainExtra(rest.subarray(name, name + extra))
    bytes += row.size
    if (bytes > bounds.bytes) throw tooLarge(`at most ${bounds.bytes} bytes from an archive of this size`)
    rows.push(row)
    from += ROW + name + extra + comment
  }
  if (from !== at + size) throw malformed('a directory of another size')
  return rows
}

function rowOf(view: DataView, path: Uint8Array, disk: number): Row {
  const flags = view.getUint16(8, true)
  const method = view.getUint16(10, true)
  const [crc = 0, compressed = 0, size = 0] = [16, 20, 24].map(offset => view.getUint32(offset, true))
  const at = view.getUint32(42, true)
  const name = printable(latin1(path), 100)
  if ((flags & ENCRYPTED) !== 0) throw malformed(`the encrypted entry ${name}`)
  if ((flags & ~KNOWN_FLAGS) !== 0) throw malformed(`the entry ${name} with flags that are not known`)
  if (method !== 0 && method !== 8) throw malformed(`the entry ${name} packed in another way than stored or deflate`)
  if (method === 0 && compressed !== size) throw malformed(`the entry ${name} with two sizes`)
  if ([compressed, size, at].includes(0xffffffff) || disk !== 0) throw malformed('the form zip64, which is not read')
  if ((flags & UTF8) === 0 && path.some(byte => byte >= 0x80))
    throw malformed(`the name ${name} in an unnamed alphabet`)
  const unix = view.getUint8(5) === 3
  const mode = unix ? view.getUint32(38, true) >>> 16 : 0
  return { path, flags, method, stored: method === 0, crc, compressed, size, at, mode }
}

/** Fields that give an entry another size, name or key than its row does (APPNOTE § 4.5, § 4.6.9; WinZip AES). */
const LYING_FIELDS: ReadonlySet<number> = new Set([0x0001, 0x7075, 0x9901, 0x0017])

function requirePlainExtra(extra: Uint8Array): void {
  const view = viewOf(extra)
  let at = 0
  while (at + 4 <= extra.byteLength) {
    if (LYING_FIELDS.has(view.getUint16(at, true)))
      throw malformed('a field that gives an entry another name, size or key')
    at += 4 + view.getUint16(at + 2, true)
  }
  if (at !== extra.byteLength) throw malformed('a field that ends early')
}

/** @returns where the bytes begin. */
async function readLocal(file: OpenedFile, row: Row, limit: number): Promise<number> {
  const head = await file.read(row.at, LOCAL)
  if (head.byteLength < LOCAL || row.at + LOCAL > limit) throw malformed('an entry that ends early')
  const view = viewOf(head)
  const [name = 0, extra = 0] = [26, 28].map(offset => view.getUint16(offset, true))
  const rest = await file.read(row.at + LOCAL, name + extra)
  const numbers = [14, 18, 22].map(offset => view.getUint32(offset, true))
  const same = [row.crc, row.compressed, row.size].every((value, at) => value === numbers[at])
  const later = (row.flags & DESCRIPTOR) !== 0 && numbers.every(value => value === 0)
  if (
    view.getUint32(0, true) !== 0x04034b50 ||
    view.getUint16(6, true) !== row.flags ||
    view.getUint16(8, true) !== row.method ||
    !equalBytes(rest.subarray(0, name), row.path) ||
    !(same || later)
  )
    throw malformed(
      `two answers about ${printable(latin1(row.path), 100)}, one in its directory and one before its bytes`,
    )
  requirePlainExtra(rest.subarray(name))
  return row.at + LOCAL + name + extra
}

/** @returns where the next entry has to begin: behind the bytes, and behind a descriptor that repeats the numbers. */
async function endOf(file: OpenedFile, row: Row, from: number, limit: number): Promise<number> {
  const end = from + row.compressed
  if (end > limit) throw malformed('an entry that ends early')
  if ((row.flags & DESCRIPTOR) === 0) return end
  const view = viewOf(await file.read(end, 16))
  const signed = view.byteLength >= 4 && view.getUint32(0, true) === 0x08074b50 && matches(view, 4, row)
  const length = signed ? 16 : 12
  if (!signed && !matches(view, 0, row)) throw malformed('an entry with other numbers behind its bytes')
  if (end + length > limit) throw malformed('an entry that ends early')
  return end + length
}

function matches(view: DataView, at: number, { crc, compressed, size }: Row): boolean {
  if (view.byteLength < at + 12) return false
  return [crc, compressed, size].every((value, index) => view.getUint32(at + index * 4, true) === value)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
