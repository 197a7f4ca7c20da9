import { latin1 } from '../../core/bytes.ts'
import { LIMITS } from '../../core/limits.ts'
import { printable } from '../../core/text.ts'
import type { OpenedFile } from '../../io/private-file.ts'
import { type ArchiveBounds, malformed, tooLarge, unsafe } from './bounds.ts'
import { ByteReader } from './byte-reader.ts'
import type { ArchiveEntry } from './entry.ts'
import { gunzipped } from './inflate.ts'
import { type Extended, readLongName, readPax, requireComment } from './tar-extended.ts'
import { BLOCK, isZeros, padding, readHeader, type TarHeader } from './tar-header.ts'

const OTHER_COMPRESSIONS: Readonly<Record<string, string>> = {
  fd377a58: 'xz',
  '28b52ffd': 'zstd',
  '425a6839': 'bzip2',
  '04224d18': 'lz4',
}
const WHAT: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a pipe',
  S: 'a sparse file',
}

/**
 * The entries of a tar, plain or in gzip, as they come. Pax and GNU headers give longer names and sizes; everything else that
 * would mean something is refused.
 * @throws `materials/archive-malformed`, `materials/archive-unsafe`, `materials/archive-too-large`
 */
export async function* tarEntries(file: OpenedFile, bounds: ArchiveBounds): AsyncGenerator<ArchiveEntry, void> {
  const reader = new ByteReader(await plainChunks(file, bounds))
  try {
    let extended: Extended = {}
    let seen = 0
    for (;;) {
      const block = await reader.take(BLOCK)
      if (block === undefined) throw malformed('no end: it was cut')
      if (isZeros(block)) break
      if (++seen > bounds.entries * 2) throw tooLarge(`at most ${bounds.entries} entries`)
      const header = readHeader(block)
      const more = await extensionOf(header, reader, extended)
      if (more !== undefined) {
        extended = more
        continue
      }
      yield* entryOf({ ...header, ...extended }, reader)
      extended = {}
    }
    if (Object.keys(extended).length > 0) throw malformed('a header for an entry that does not come')
    await requireEnd(reader)
  } finally {
    await reader.close()
  }
}

async function plainChunks(file: OpenedFile, { bytes }: ArchiveBounds): Promise<AsyncIterable<Uint8Array>> {
  const magic = Buffer.from(await file.read(0, 4)).toString('hex')
  const other = OTHER_COMPRESSIONS[magic]
  if (other !== undefined) throw malformed(`the compression ${other}, which is not unpacked`)
  // Headers and padding come beside the files: at most as much again as for files of one byte each.
  return magic.startsWith('1f8b') ? gunzipped(file.chunks(), bytes * 2) : file.chunks()
}

/** @returns what counts for the next entry; undefined for an entry of its own. */
async function extensionOf(header: TarHeader, reader: ByteReader, known: Extended): Promise<Extended | undefined> {
  const { type } = header
  if (!['x', 'g', 'L', 'K'].includes(type)) return undefined
  if (header.size > LIMITS.archiveHeaderBytes)
    throw malformed(`a header of more than ${LIMITS.archiveHeaderBytes} bytes`)
  const bytes = await reader.take(header.size)
  if (bytes === undefined) throw malformed('an end in the middle of an entry')
  await reader.skip(padding(header.size))
  if (type === 'g') {
    requireComment(bytes)
    return known
  }
  const more =
    type === 'x' ? readPax(bytes) : type === 'L' ? { path: readLongName(bytes) } : { target: readLongName(bytes) }
  const twice = Object.keys(more).some(key => Object.hasOwn(known, key))
  if (twice) throw malformed('an entry with two headers that name it')
  return { ...known, ...more }
}

async function* entryOf(header: TarHeader, reader: ByteReader): AsyncGenerator<ArchiveEntry, void> {
  const { type, path, target, size, executable } = header
  const isFile = type === '0' || type === '\0'
  if (isFile && path.at(-1) !== 0x2f) {
    let read = false
    const content = (): AsyncIterable<Uint8Array> => {
      read = true
      return reader.stream(size)
    }
    yield { kind: 'file', path, executable, content }
    if (!read) await reader.skip(size)
    await reader.skip(padding(size))
    return
  }
  const text = latin1(path)
  if (size !== 0) throw malformed(`bytes in ${printable(text, 100)}, which is no file`)
  // A file whose name ends so was a folder once; some readers see one, others the other.
  if (isFile) throw unsafe(text, 'a file that is called like a folder')
  if (type === '5') yield { kind: 'folder', path }
  else if (type === '2') yield { kind: 'link', path, target }
  else throw unsafe(text, WHAT[type] ?? `of the type ${printable(type, 4)}, which is not unpacked`)
}

/** Nothing but zeros: what stands there some readers would read on. */
async function requireEnd(reader: ByteReader): Promise<void> {
  for (let block = await reader.take(1); block !== undefined; block = await reader.take(1)) {
    if (!isZeros(block)) throw malformed('bytes behind its end')
    for await (const chunk of reader.stream(64 * 1024, true))
      if (chunk.some(byte => byte !== 0)) throw malformed('bytes behind its end')
  }
}
