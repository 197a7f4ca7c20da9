import { latin1 } from '../../core/bytes.ts'
import { LIMITS } from '../../core/limits.ts'
import { printable } from '../../core/text.ts'
import type { OpenedFile } from '../../io/private-file.ts'
import { type ArchiveBounds, malformed, unsafe } from './bounds.ts'
import { crc32 } from './crc32.ts'
import type { ArchiveEntry } from './entry.ts'
import { inflated } from './inflate.ts'
import { readDirectory, type ZipEntry } from './zip-directory.ts'

const TYPE = 0o170000
const FILE = 0o100000
const FOLDER = 0o040000
const LINK = 0o120000

/**
 * The entries of a zip, in the order in which they lie.
 * @throws `materials/archive-malformed`, `materials/archive-unsafe`, `materials/archive-too-large`
 */
export async function* zipEntries(file: OpenedFile, bounds: ArchiveBounds): AsyncGenerator<ArchiveEntry, void> {
  for (const entry of await readDirectory(file, bounds)) yield await entryOf(file, entry)
}

async function entryOf(file: OpenedFile, entry: ZipEntry): Promise<ArchiveEntry> {
  const { path, mode, size } = entry
  const type = mode & TYPE
  const isFolder = path.at(-1) === 0x2f
  if (isFolder !== (type === FOLDER) && type !== 0)
    throw unsafe(latin1(path), 'a folder in one place and none in another')
  if (isFolder) {
    if (size !== 0) throw malformed(`bytes in ${printable(latin1(path), 100)}, which is a folder`)
    return { kind: 'folder', path }
  }
  if (type === LINK) return { kind: 'link', path, target: await targetOf(file, entry) }
  if (type !== 0 && type !== FILE) throw unsafe(latin1(path), 'a device, a pipe or a socket')
  return { kind: 'file', path, executable: (mode & 0o100) !== 0, content: () => zipContent(file, entry) }
}

async function targetOf(file: OpenedFile, entry: ZipEntry): Promise<Uint8Array> {
  if (entry.size > LIMITS.archiveTargetBytes) throw unsafe(latin1(entry.path), 'a link with a target that is too long')
  const parts: Uint8Array[] = []
  for await (const chunk of zipContent(file, entry)) parts.push(Uint8Array.from(chunk))
  return new Uint8Array(Buffer.concat(parts))
}

/** The bytes of one entry, which are known to be the right ones only once the last was given. */
export async function* zipContent(
  file: OpenedFile,
  { stored, from, compressed, size, crc }: ZipEntry,
): AsyncGenerator<Uint8Array, void> {
  const packed = file.chunks(from, from + compressed)
  let sum = 0
  for await (const chunk of stored ? packed : inflated(packed, compressed, size)) {
    sum = crc32(chunk, sum)
    yield chunk
  }
  if (sum !== crc) throw malformed('an entry with a wrong checksum')
}
