import { decodeUtf8 } from '../../core/bytes.ts'
import { fail } from '../../core/error.ts'
import { printable } from '../../core/text.ts'
import { OpenedFile, PrivateFile } from '../../io/private-file.ts'
import { type ByteFacts, checkedChunks, type Wanted } from '../proof/byte-check.ts'
import { ARCHIVE_BOUNDS, mostOf } from './bounds.ts'
import { zipContent } from './zip.ts'
import { readDirectory, type ZipEntry } from './zip-directory.ts'

/**
 * Takes one file out of a zip: that of this name at its top, or else the only one so called below.
 * @param to where it is written; nothing is there yet.
 * @throws `materials/artifact-unavailable` when there is none, `materials/artifact-ambiguous`, `materials/archive-…`,
 * `materials/other-bytes`
 */
export async function takeOut(archive: string, name: string, to: string, wanted: Wanted): Promise<ByteFacts> {
  const file = await OpenedFile.open(archive)
  try {
    const bounds = { ...ARCHIVE_BOUNDS, bytes: mostOf(file.size, ARCHIVE_BOUNDS) }
    const entry = chosen(await readDirectory(file, bounds), name)
    const out = await PrivateFile.create(to)
    const known: ByteFacts[] = []
    try {
      for await (const chunk of checkedChunks(zipContent(file, entry), wanted, facts => known.push(facts)))
        await out.write(chunk)
    } finally {
      await out.close()
    }
    const [facts] = known
    if (facts === undefined) throw new TypeError('checkedChunks() ended without facts')
    return facts
  } finally {
    await file.close()
  }
}

function chosen(entries: readonly ZipEntry[], name: string): ZipEntry {
  const named = entries.map(entry => ({ entry, path: decodeUtf8(entry.path) ?? '' }))
  const [top, twice] = named.filter(({ path }) => path === name)
  const [below, another] = top === undefined ? named.filter(({ path }) => path.endsWith(`/${name}`)) : [top, twice]
  if (below === undefined)
    throw fail('materials/artifact-unavailable', `The artifact holds no file ${printable(name, 100)}`, {
      expected: name,
      found:
        named
          .map(({ path }) => path)
          .slice(0, 10)
          .join(', ') || 'nothing',
    })
  if (another !== undefined)
    throw fail('materials/artifact-ambiguous', `The artifact holds several files ${printable(name, 100)}`, {
      expected: 'one of that name',
      found: `${below.path}, ${another.path}`,
    })
  return below.entry
}
