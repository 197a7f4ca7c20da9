import { createHash, type Hash } from 'node:crypto'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { decodeUtf8, latin1 } from '../core/bytes.ts'
import { LIMITS } from '../core/limits.ts'
import { malformed, tooLarge } from '../materials/unpack/bounds.ts'
import { ByteReader } from '../materials/unpack/byte-reader.ts'
import { through } from '../materials/unpack/inflate.ts'
import { paxRecords, readLongName } from '../materials/unpack/tar-extended.ts'
import { BLOCK, isZeros, padding, readHeader, type TarHeader } from '../materials/unpack/tar-header.ts'
import type { LayerEntry } from './entries.ts'

/** Bytes handed out at once: a bomb is noticed after one of these. */
const PIECE = 64 * 1024

/** A layer as it is read: its entries, and once all of them were asked for, the digest of what was in the packing. */
export class LayerReading {
  readonly #chunks: AsyncIterable<Uint8Array>
  readonly #hash: Hash = createHash('sha256')

  /** @param chunks the blob: a tar, plain or in gzip or zstd (image-spec v1.1.1 § Layer Filesystem Changeset). */
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks
  }

  /** SHA-256 over the archive without its compression, in hex; only after `entries` came to its end. */
  diffHex(): string {
    return this.#hash.copy().digest('hex')
  }

  /**
   * Foreign bytes: every header is checked, every name and size bounded, nothing is written anywhere.
   * @throws `materials/archive-malformed`, `materials/archive-too-large`
   */
  async *entries(): AsyncGenerator<LayerEntry, void> {
    const reader = new ByteReader(this.#hashed())
    try {
      let records: ReadonlyMap<string, Uint8Array> = new Map()
      let ahead = 0
      for (;;) {
        const block = await reader.take(BLOCK)
        if (block === undefined || isZeros(block)) break
        const header = readHeader(block)
        const more = await recordsOf(header, ahead, reader)
        if (more !== undefined) {
          records = new Map([...records, ...more])
          ahead += header.size
        } else {
          yield await entryOf(header, block, records, reader)
          records = new Map()
          ahead = 0
        }
      }
      // To the end: what stands behind the last file counts for the digest.
      for (let rest = await reader.take(1); rest !== undefined; rest = await reader.take(1))
        for await (const _ of reader.stream(PIECE, true));
    } finally {
      await reader.close()
    }
  }

  async *#hashed(): AsyncGenerator<Uint8Array, void> {
    let bytes = 0
    for await (const chunk of unpacked(this.#chunks)) {
      bytes += chunk.byteLength
      if (bytes > LIMITS.comparedLayerBytes) throw tooLarge(`at most ${LIMITS.comparedLayerBytes} bytes of a layer`)
      this.#hash.update(chunk)
      yield chunk
    }
  }
}

/** By its first bytes, not by what the manifest calls it: both builders wrote that, and neither is believed. */
async function* unpacked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = new ByteReader(chunks)
  try {
    const parts: Uint8Array[] = []
    for await (const part of reader.stream(4, true)) parts.push(part)
    const head = new Uint8Array(Buffer.concat(parts))
    const magic = Buffer.from(head).toString('hex')
    const whole = joined(head, reader)
    if (magic.startsWith('1f8b')) yield* through(whole, createGunzip({ chunkSize: PIECE }))
    else if (magic === '28b52ffd') yield* through(whole, createZstdDecompress({ chunkSize: PIECE }))
    else yield* whole
  } finally {
    await reader.close()
  }
}

async function* joined(head: Uint8Array, reader: ByteReader): AsyncGenerator<Uint8Array, void> {
  if (head.byteLength > 0) yield head
  for (;;) {
    let read = 0
    for await (const part of reader.stream(PIECE, true)) {
      read += part.byteLength
      yield part
    }
    if (read === 0) return
  }
}

/**
 * What a header in front of an entry says of it; undefined for an entry of its own.
 * @param ahead bytes of the headers before it: one entry may have any number of them, and what all say is kept.
 */
async function recordsOf(
  header: TarHeader,
  ahead: number,
  reader: ByteReader,
): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
  const { type, size } = header
  if (!['x', 'g', 'L', 'K'].includes(type)) return undefined
  if (ahead + size > LIMITS.comparedHeaderBytes)
    throw malformed(`a header of more than ${LIMITS.comparedHeaderBytes} bytes`)
  const bytes = await reader.take(size)
  if (bytes === undefined) throw malformed('an end in the middle of an entry')
  await reader.skip(padding(size))
  if (type === 'x') return paxRecords(bytes)
  // Of all entries after it: what it says is in the digest, and no builder of images writes one that counts.
  if (type === 'g') return new Map()
  return new Map([[type === 'L' ? 'path' : 'linkpath', readLongName(bytes)]])
}

const KINDS: Readonly<Record<string, string>> = {
  '0': 'file',
  '\0': 'file',
  '1': 'hard link',
  '2': 'link',
  '3': 'character device',
  '4': 'block device',
  '5': 'folder',
  '6': 'pipe',
}
/** Records that are told by a fact of their own. */
const TOLD: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', 'mtime', 'uid', 'gid', 'uname', 'gname'])

async function entryOf(
  header: TarHeader,
  block: Uint8Array,
  records: ReadonlyMap<string, Uint8Array>,
  reader: ByteReader,
): Promise<LayerEntry> {
  const name = records.get('path') ?? header.path
  const kind = KINDS[header.type] ?? `type ${header.type}`
  const size = sizeOf(header, records)
  if (size !== 0 && kind !== 'file') throw malformed('bytes in an entry that is no file')
  const text = (key: string, from: number, to: number) => wordOf(records.get(key) ?? block.subarray(from, to))
  const facts = {
    type: kind,
    content: await contentOf(kind, size, reader),
    target: wordOf(records.get('linkpath') ?? header.target),
    mode: numberOf(block.subarray(100, 108)).padStart(4, '0'),
    owner: `${ownerOf(records.get('uid'), block.subarray(108, 116))}:${ownerOf(records.get('gid'), block.subarray(116, 124))} ${text('uname', 265, 297)}:${text('gname', 297, 329)}`,
    time: timeOf(records.get('mtime'), block.subarray(136, 148)),
    xattrs: extrasOf(records),
    device: kind.endsWith('device')
      ? `${numberOf(block.subarray(329, 337))},${numberOf(block.subarray(337, 345))}`
      : '',
  }
  await reader.skip(padding(size))
  return { id: latin1(name), path: decodeUtf8(name) ?? latin1(name), facts }
}

function sizeOf({ size }: TarHeader, records: ReadonlyMap<string, Uint8Array>): number {
  const record = records.get('size')
  if (record === undefined) return size
  const text = latin1(record)
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) throw malformed('a size that is no number')
  return Number(text)
}

async function contentOf(kind: string, size: number, reader: ByteReader): Promise<string> {
  if (kind !== 'file') return ''
  const hash = createHash('sha256')
  for await (const chunk of reader.stream(size)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}, ${size} bytes`
}

/** An octal field as it stands, without what fills it up; a number in another form as its bytes. */
function numberOf(field: Uint8Array): string {
  const text = latin1(field)
    .replace(/^[ 0]+(?=[0-7])/, '')
    .replace(/[ \0]+$/, '')
  return /^[0-7]*$/.test(text) ? text : `0x${Buffer.from(field).toString('hex')}`
}

function ownerOf(record: Uint8Array | undefined, field: Uint8Array): string {
  if (record !== undefined) return latin1(record)
  const octal = numberOf(field)
  return /^[0-7]+$/.test(octal) ? String(Number.parseInt(octal, 8)) : octal
}

/** Seconds since the epoch as a date, with the fraction that a pax record may have. */
function timeOf(record: Uint8Array | undefined, field: Uint8Array): string {
  const seconds = record === undefined ? ownerOf(undefined, field) : latin1(record)
  const whole = Number(seconds)
  const date = new Date(whole * 1000)
  if (seconds === '' || Number.isNaN(date.getTime())) return seconds
  const fraction = /\.[0-9]*[1-9]/.exec(seconds)?.[0] ?? ''
  return `${new Date(Math.floor(whole) * 1000).toISOString().slice(0, 19)}${fraction}Z`
}

/** Extended attributes and whatever else stands in front of the entry: names, and a digest of what they hold. */
function extrasOf(records: ReadonlyMap<string, Uint8Array>): string {
  const extra = [...records].filter(([key]) => !TOLD.has(key)).sort(([a], [b]) => (a < b ? -1 : 1))
  return extra
    .map(([key, value]) => `${key}=${createHash('sha256').update(value).digest('hex').slice(0, 16)}`)
    .join(' ')
}

function wordOf(field: Uint8Array): string {
  const end = field.indexOf(0)
  const bytes = end === -1 ? field : field.subarray(0, end)
  return decodeUtf8(bytes) ?? latin1(bytes)
}
