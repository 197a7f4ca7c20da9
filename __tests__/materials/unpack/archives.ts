import { deflateRawSync } from 'node:zlib'
import { crc32 } from '../../../src/materials/unpack/crc32.ts'

/** One entry of a hand-made tar; whatever is not said is as in an honest one. */
export interface TarPart {
  readonly name?: string | Uint8Array
  readonly type?: string
  readonly body?: string | Uint8Array
  readonly target?: string
  readonly mode?: number
  readonly prefix?: string
  /** Said instead of the length of `body`. */
  readonly size?: number | string
  readonly magic?: string
  readonly checksum?: number
}

const BLOCK = 512

export function tarEntry(part: TarPart): Buffer {
  const { name = 'file', type = '0', target = '', mode = 0o644, prefix = '', magic = 'ustar\x0000' } = part
  const body = Buffer.from(part.body ?? '')
  const block = Buffer.alloc(BLOCK)
  const put = (at: number, text: string | Uint8Array) => Buffer.from(text).copy(block, at)
  put(0, name)
  put(100, `${mode.toString(8).padStart(7, '0')}\0`)
  put(108, '0000000\0')
  put(116, '0000000\0')
  const size = part.size ?? body.byteLength
  put(124, typeof size === 'string' ? size : `${size.toString(8).padStart(11, '0')}\0`)
  put(136, '00000000000\0')
  put(148, '        ')
  put(156, type)
  put(157, target)
  put(257, magic)
  put(345, prefix)
  const sum = block.reduce((all, byte) => all + byte, 0)
  put(148, `${(part.checksum ?? sum).toString(8).padStart(6, '0')}\0 `)
  return Buffer.concat([block, body, Buffer.alloc((BLOCK - (body.byteLength % BLOCK)) % BLOCK)])
}

export const TAR_END = Buffer.alloc(2 * BLOCK)

export function tar(...parts: readonly (TarPart | Buffer)[]): Buffer {
  return Buffer.concat([...parts.map(part => (Buffer.isBuffer(part) ? part : tarEntry(part))), TAR_END])
}

export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const length = Buffer.byteLength(rest)
  let digits = String(length).length
  while (String(length + digits).length > digits) digits++
  return `${length + digits}${rest}`
}

export function pax(records: Readonly<Record<string, string>>, type = 'x'): TarPart {
  return {
    name: 'PaxHeader',
    type,
    body: Object.entries(records)
      .map(([key, value]) => paxRecord(key, value))
      .join(''),
  }
}

/** One entry of a hand-made zip. `local` and `central` change what the header before the bytes or the directory says. */
export interface ZipPart {
  readonly name?: string | Uint8Array
  readonly body?: string | Uint8Array
  readonly stored?: boolean
  readonly flags?: number
  /** Type and permissions; absent: not packed by Unix. */
  readonly mode?: number
  readonly descriptor?: boolean | Buffer
  readonly extra?: Buffer
  readonly localExtra?: Buffer
  readonly packed?: Buffer
  readonly local?: Partial<ZipNumbers>
  readonly central?: Partial<ZipNumbers>
  /** Bytes behind it that belong to nothing. */
  readonly gap?: Buffer
}

export interface ZipNumbers {
  readonly name: Buffer
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressed: number
  readonly size: number
  readonly at: number
}

export function extraField(id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16LE(id, 0)
  head.writeUInt16LE(data.byteLength, 2)
  return Buffer.concat([head, data])
}

export interface ZipEnd {
  readonly count?: number
  readonly here?: number
  readonly disk?: number
  readonly size?: number
  readonly at?: number
  readonly comment?: Buffer
  readonly before?: Buffer
  readonly gap?: Buffer
}

export function zip(parts: readonly ZipPart[], end: ZipEnd = {}): Buffer {
  const files: Buffer[] = [end.before ?? Buffer.alloc(0)]
  const rows: Buffer[] = []
  let at = files[0]?.byteLength ?? 0
  for (const part of parts) {
    const { file, row } = zipEntry(part, at)
    files.push(file)
    rows.push(row)
    at += file.byteLength
  }
  const directory = Buffer.concat(rows)
  const comment = end.comment ?? Buffer.alloc(0)
  const tail = Buffer.alloc(22)
  tail.writeUInt32LE(0x06054b50, 0)
  tail.writeUInt16LE(end.disk ?? 0, 4)
  tail.writeUInt16LE(end.here ?? end.count ?? parts.length, 8)
  tail.writeUInt16LE(end.count ?? parts.length, 10)
  tail.writeUInt32LE(end.size ?? directory.byteLength, 12)
  tail.writeUInt32LE(end.at ?? at, 16)
  tail.writeUInt16LE(comment.byteLength, 20)
  return Buffer.concat([...files, directory, end.gap ?? Buffer.alloc(0), tail, comment])
}

function zipEntry(part: ZipPart, at: number): { file: Buffer; row: Buffer } {
  const { descriptor = false, extra = Buffer.alloc(0), localExtra = extra, gap = Buffer.alloc(0) } = part
  const body = Buffer.from(part.body ?? '')
  const packed = part.packed ?? (part.stored === true ? body : deflateRawSync(body))
  const truth: ZipNumbers = {
    name: Buffer.from(part.name ?? 'file'),
    flags: (part.flags ?? 0x0800) | (descriptor === false ? 0 : 0x0008),
    method: part.stored === true ? 0 : 8,
    crc: crc32(body),
    compressed: packed.byteLength,
    size: body.byteLength,
    at,
  }
  const later = descriptor === false ? {} : { crc: 0, compressed: 0, size: 0 }
  const local = { ...truth, ...later, ...part.local }
  const central = { ...truth, ...part.central }
  const behind = descriptor === true ? descriptorOf(truth) : descriptor === false ? Buffer.alloc(0) : descriptor
  return {
    file: Buffer.concat([localHeader(local, localExtra), packed, behind, gap]),
    row: directoryRow(central, extra, part.mode),
  }
}

export function descriptorOf(
  { crc, compressed, size }: Pick<ZipNumbers, 'crc' | 'compressed' | 'size'>,
  signed = true,
): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(0x08074b50, 0)
  bytes.writeUInt32LE(crc, 4)
  bytes.writeUInt32LE(compressed, 8)
  bytes.writeUInt32LE(size, 12)
  return signed ? bytes : bytes.subarray(4)
}

function localHeader(numbers: ZipNumbers, extra: Buffer): Buffer {
  const head = Buffer.alloc(30)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(20, 4)
  common(head, 6, numbers)
  head.writeUInt16LE(numbers.name.byteLength, 26)
  head.writeUInt16LE(extra.byteLength, 28)
  return Buffer.concat([head, numbers.name, extra])
}

function directoryRow(numbers: ZipNumbers, extra: Buffer, mode: number | undefined): Buffer {
  const row = Buffer.alloc(46)
  row.writeUInt32LE(0x02014b50, 0)
  row.writeUInt8(20, 4)
  row.writeUInt8(mode === undefined ? 0 : 3, 5)
  row.writeUInt16LE(20, 6)
  common(row, 8, numbers)
  row.writeUInt16LE(numbers.name.byteLength, 28)
  row.writeUInt16LE(extra.byteLength, 30)
  row.writeUInt32LE(((mode ?? 0) << 16) >>> 0, 38)
  row.writeUInt32LE(numbers.at, 42)
  return Buffer.concat([row, numbers.name, extra])
}

/** Flags, method, time, date, checksum and the two sizes stand in the same order in both. */
function common(bytes: Buffer, at: number, { flags, method, crc, compressed, size }: ZipNumbers): void {
  bytes.writeUInt16LE(flags, at)
  bytes.writeUInt16LE(method, at + 2)
  bytes.writeUInt32LE(crc, at + 8)
  bytes.writeUInt32LE(compressed, at + 12)
  bytes.writeUInt32LE(size, at + 16)
}
