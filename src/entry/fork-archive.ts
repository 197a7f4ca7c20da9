import { join } from 'node:path'
import { decodeUtf8 } from '../core/bytes.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { makeTemporaryFolder, remove, writeFileAtomic } from '../io/files.ts'
import { OpenedFile } from '../io/private-file.ts'
import { ARCHIVE_BOUNDS, mostOf } from '../materials/unpack/bounds.ts'
import { zipContent } from '../materials/unpack/zip.ts'
import { readDirectory, type ZipEntry } from '../materials/unpack/zip-directory.ts'

const RESULT = 'result.json'
const TYPE = 0o170000
const FILE = 0o100000
const FOLDER = 0o040000

/**
 * `result.json` out of the archive that a run for a pull request left. Anybody may have made it: it is never unpacked, no
 * entry becomes a path, and one entry that Waybill would not have written refuses all of it.
 * @param folder a private one. @throws `github/fork-report-unusable`
 */
export async function readForkArchive(bytes: Uint8Array, folder: string): Promise<Uint8Array> {
  const own = await makeTemporaryFolder(folder, 'fork-')
  try {
    const path = join(own, 'archive')
    await writeFileAtomic(path, bytes)
    const file = await OpenedFile.open(path)
    try {
      return await resultIn(file)
    } finally {
      await file.close()
    }
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code === 'github/fork-report-unusable') throw known
    throw unusable(`${known.code}: ${known.found ?? known.message}`, error)
  } finally {
    await remove(own)
  }
}

async function resultIn(file: OpenedFile): Promise<Uint8Array> {
  const most = { ...ARCHIVE_BOUNDS, entries: LIMITS.forkArchiveEntries }
  const entries = await readDirectory(file, { ...most, bytes: mostOf(file.size, most) })
  for (const entry of entries) requirePlain(entry)
  const found = entries.filter(entry => decodeUtf8(entry.path) === RESULT)
  const [only, ...more] = found
  if (only === undefined || more.length > 0) throw unusable(`${found.length} entries called ${RESULT}`)
  if (only.size > LIMITS.forkResultBytes) throw unusable(`a result of ${only.size} bytes`)
  const parts: Uint8Array[] = []
  for await (const chunk of zipContent(file, only)) parts.push(Uint8Array.from(chunk))
  return new Uint8Array(Buffer.concat(parts))
}

/** Files and folders below the archive's own root. */
function requirePlain({ path, mode }: ZipEntry): void {
  const name = decodeUtf8(path)
  const type = mode & TYPE
  if (type !== 0 && type !== FILE && type !== FOLDER) throw unusable('a link, a device or a pipe')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly what is looked for
  const plain = name !== undefined && name !== '' && !/[\\\u0000-\u001f\u007f:]|^\//.test(name)
  if (
    !plain ||
    name
      .replace(/\/$/, '')
      .split('/')
      .some(part => part === '' || part === '.' || part === '..')
  )
    throw unusable(`an entry called ${printable(name ?? 'in no alphabet', 100)}`)
}

function unusable(found: string, cause?: unknown): Error {
  return fail('github/fork-report-unusable', 'The archive that the run left is not one of Waybill', {
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}
