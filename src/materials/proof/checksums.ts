import { decodeUtf8 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { printable } from '../../core/text.ts'

export type ChecksumName = 'sha256' | 'sha512'

const LENGTHS: Readonly<Record<number, ChecksumName>> = { 64: 'sha256', 128: 'sha512' }

/**
 * The digests that a checksum file gives for one entry, in the form of `sha256sum` (`<hex>  name`, `<hex> *name`) or of BSD
 * (`SHA256 (name) = <hex>`). `./` in front of a name means nothing. Digests of weaker hashes are passed over.
 * @throws `materials/signature-malformed` for any other line, and for an entry with two digests of one kind; for no entry
 * `materials/other-bytes`.
 */
export function checksumsFor(bytes: Uint8Array, entry: string): ReadonlyMap<ChecksumName, string> {
  const wanted = plain(entry)
  const found = new Map<ChecksumName, string>()
  for (const [index, line] of linesOf(bytes).entries()) {
    if (line === '' || line.startsWith('#')) continue
    const row = rowOf(line, index + 1)
    if (row.algorithm === undefined || plain(row.name) !== wanted) continue
    const other = found.get(row.algorithm)
    if (other !== undefined && other !== row.hex)
      throw malformed(`names ${printable(entry, 100)} with two digests`, other, row.hex)
    found.set(row.algorithm, row.hex)
  }
  if (found.size > 0) return found
  throw fail('materials/other-bytes', `The checksum file says nothing of ${printable(entry, 100)}`, {
    expected: 'its SHA-256 or SHA-512 digest',
  })
}

interface Row {
  readonly algorithm: ChecksumName | undefined
  readonly hex: string
  readonly name: string
}

function rowOf(line: string, number: number): Row {
  const [, digits, name] = /^([0-9A-Fa-f]{32,128}) [ *](.+)$/.exec(line) ?? []
  if (digits !== undefined && name !== undefined)
    return { algorithm: LENGTHS[digits.length], hex: digits.toLowerCase(), name }
  const [, hash = '', bsd, hex = ''] = /^([A-Z0-9/-]{1,20}) \((.+)\) = ([0-9A-Fa-f]{32,128})$/.exec(line) ?? []
  // A name that was escaped has a backslash in front of its line, and needs none to be fetched.
  if (bsd === undefined) throw malformed(`has a line ${number} that is no checksum`, '<hex>  name', line)
  const algorithm = ({ SHA256: 'sha256', SHA512: 'sha512' } as const)[hash]
  if (algorithm !== undefined && LENGTHS[hex.length] !== algorithm)
    throw malformed(`has a digest of another length in line ${number}`, hash, hex)
  return { algorithm, hex: hex.toLowerCase(), name: bsd }
}

function linesOf(bytes: Uint8Array): readonly string[] {
  if (bytes.byteLength > LIMITS.checksumsBytes) throw malformed('is too large', `${LIMITS.checksumsBytes} bytes`)
  const text = decodeUtf8(bytes)
  if (text === undefined || text.includes('\0')) throw malformed('is no text', 'UTF-8')
  const lines = text.split(/\r?\n/)
  if (lines.length > LIMITS.checksumsLines) throw malformed('is too long', `${LIMITS.checksumsLines} lines`)
  return lines
}

function plain(name: string): string {
  return name.startsWith('./') ? name.slice(2) : name
}

function malformed(why: string, expected: string, found?: string): Error {
  return fail('materials/signature-malformed', `The checksum file ${why}`, {
    expected,
    ...(found === undefined ? {} : { found }),
  })
}
