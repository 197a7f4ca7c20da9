import { decodeUtf8 } from '../core/bytes.ts'
import { asWaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { OpenedFile } from '../io/private-file.ts'
import type { StateBounds, StateFolder } from '../io/state-folder.ts'
import { ARCHIVE_BOUNDS, mostOf } from '../materials/unpack/bounds.ts'
import { zipContent } from '../materials/unpack/zip.ts'
import { readDirectory, type ZipEntry } from '../materials/unpack/zip-directory.ts'

/** As a run names its bundles; everything else in an archive is somebody else's. */
const NAME = /^(?:legacy\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,250}\.sigstore\.json$/
const TYPE = 0o170000
const FILE = 0o100000

/**
 * The bundles in the archive of a state artifact, as unverified bytes. Nothing is unpacked: no entry ever becomes a path. Any job of
 * the run may have put the archive there. Never throws.
 * @param place what it is called in messages.
 */
export async function readStateArchive(path: string, place: string, bounds: StateBounds): Promise<StateFolder> {
  const files: { name: string; bytes: Uint8Array; place: string }[] = []
  const ignored: { name: string; why: string }[] = []
  try {
    const file = await OpenedFile.open(path)
    try {
      const archive = { ...ARCHIVE_BOUNDS, entries: bounds.files, bytes: mostOf(file.size, ARCHIVE_BOUNDS) }
      let left = bounds.totalBytes
      for (const entry of await readDirectory(file, archive)) {
        const name = decodeUtf8(entry.path) ?? ''
        const why = refusal(entry, name, Math.min(bounds.fileBytes, left))
        if (why !== undefined) {
          ignored.push({ name: `${printable(name, 100)} in ${place}`, why })
          continue
        }
        left -= entry.size
        files.push({ name, bytes: await contentOf(file, entry), place: `in ${place} as ${name}` })
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    const { message, code } = asWaybillError(error)
    return {
      files,
      ignored: [...ignored, { name: place, why: `it cannot be read: ${printable(message, 300)} (${code})` }],
    }
  }
  return { files, ignored }
}

function refusal({ mode, size }: ZipEntry, name: string, most: number): string | undefined {
  if (!NAME.test(name)) return 'it has not the name of a bundle'
  const type = mode & TYPE
  if (type !== 0 && type !== FILE) return 'it is no regular file'
  return size > most ? `it is larger than ${most} bytes` : undefined
}

async function contentOf(file: OpenedFile, entry: ZipEntry): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of zipContent(file, entry)) parts.push(Uint8Array.from(chunk))
  return new Uint8Array(Buffer.concat(parts))
}
