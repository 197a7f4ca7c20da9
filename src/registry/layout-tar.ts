import { latin1 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { createReadStream } from '../io/files.ts'

/** Where a file's bytes lie inside a tar. */
export interface TarEntry {
  readonly offset: number
  /** Bytes. */
  readonly size: number
}

const BLOCK = 512
/** Files of one layout tar; each layer and manifest is one. */
const MAX_ENTRIES = 20_000
const MAX_NAME_BYTES = 64 * 1024

/**
 * Finds the regular files of an uncompressed tar (ustar, with pax and GNU long names), without reading their content.
 *
 *     512-byte header: name 100 | mode 8 | uid 8 | gid 8 | size 12 octal | mtime 12 | checksum 8 | type 1 | … | prefix 155
 *
 * Links and devices are ignored: a layout needs none, and a link would name a file outside. A name that comes twice is
 * refused, since readers differ in which one they take.
 * @throws `registry/layout-malformed`
 */
export async function indexTar(file: string): Promise<ReadonlyMap<string, TarEntry>> {
  const entries = new Map<string, TarEntry>()
  let position = 0
  let longName: string | undefined
  for (let count = 0; ; count++) {
    if (count > MAX_ENTRIES) throw malformed(file, `more than ${MAX_ENTRIES} entries`)
    const header = await readRange(file, position, BLOCK)
    if (header.byteLength === 0 || header.every(byte => byte === 0)) return entries
    if (header.byteLength < BLOCK || !checksumMatches(header)) throw malformed(file, 'a broken tar header')
    const size = octal(header.subarray(124, 136))
    if (size === undefined) throw malformed(file, 'a broken size in a tar header')
    const type = String.fromCharCode(header[156] ?? 0)
    const data = position + BLOCK
    position = data + Math.ceil(size / BLOCK) * BLOCK
    if (type === 'L' || type === 'x') {
      if (size > MAX_NAME_BYTES) throw malformed(file, 'an oversized name')
      longName = extendedName(type, await readRange(file, data, size)) ?? longName
      continue
    }
    if (type === '0' || type === '\0') {
      const name = cleanName(longName ?? headerName(header))
      if (entries.has(name)) throw malformed(file, `the file ${printable(name, 100)} twice`)
      entries.set(name, { offset: data, size })
    }
    if (type !== 'g') longName = undefined
  }
}

/** The bytes `[start, start + length)`, fewer at the end of the file. */
export async function readRange(file: string, start: number, length: number): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array()
  const parts: Uint8Array[] = []
  try {
    for await (const part of createReadStream(file, { start, end: start + length - 1 })) parts.push(part as Uint8Array)
  } catch (error) {
    throw fail('core/file-unreadable', `Cannot read ${printable(file)}`, { cause: error })
  }
  return new Uint8Array(Buffer.concat(parts))
}

function headerName(header: Uint8Array): string {
  const prefix = latin1(header.subarray(257, 262)) === 'ustar' ? text(header.subarray(345, 500)) : ''
  const name = text(header.subarray(0, 100))
  return prefix === '' ? name : `${prefix}/${name}`
}

/** `./blobs/sha256/…` and `blobs/sha256/…` are one file. */
function cleanName(name: string): string {
  return name.replace(/^(?:\.\/)+/, '')
}

/** GNU: the name itself; pax: records `<length> path=<name>\n`. */
function extendedName(type: string, data: Uint8Array): string | undefined {
  if (type === 'L') return text(data)
  let rest = Buffer.from(data)
  while (rest.byteLength > 0) {
    const length = Number(/^(\d{1,6}) /.exec(latin1(rest.subarray(0, 8)))?.[1] ?? 0)
    if (length < 5 || length > rest.byteLength) return undefined
    const record = rest.subarray(0, length - 1).toString('utf8')
    const found = /^\d+ path=([\s\S]*)$/.exec(record)?.[1]
    if (found !== undefined) return found
    rest = rest.subarray(length)
  }
  return undefined
}

function checksumMatches(header: Uint8Array): boolean {
  const claimed = octal(header.subarray(148, 156))
  let sum = 8 * 0x20
  for (const [i, byte] of header.entries()) if (i < 148 || i >= 156) sum += byte
  return claimed === sum
}

/** Octal text, or the GNU base-256 form that large layers need. */
function octal(field: Uint8Array): number | undefined {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0)
    return Number.isSafeInteger(value) ? value : undefined
  }
  const digits = text(field).trim()
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : undefined
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8')
}

function malformed(file: string, found: string): Error {
  return fail('registry/layout-malformed', `${printable(file)} is not an OCI layout tar`, {
    expected: 'an uncompressed tar with oci-layout, index.json and blobs/sha256/…',
    found,
  })
}
