import { join } from 'node:path'
import { asWaybillError, type WaybillError } from '../../core/error.ts'
import { randomWord } from '../../io/door.ts'
import { remove } from '../../io/files.ts'
import { OpenedFile, PrivateFile, renameInto } from '../../io/private-file.ts'
import { type ByteFacts, checkedChunks, type Wanted } from '../proof/byte-check.ts'

const NAMES = ['sha256', 'sha512'] as const

/**
 * Copies bytes that an earlier run kept to `path`, hashing them anew: a folder that somebody else may write to is never
 * trusted, so it saves the way and nothing else. What does not fit is thrown away.
 * @returns undefined when there is nothing that fits; then there is nothing at `path` either.
 */
export async function fromCache(folder: string, wanted: Wanted, path: string): Promise<ByteFacts | undefined> {
  for (const kept of placesOf(folder, wanted.digest)) {
    try {
      return await copy(kept, path, wanted)
    } catch (error) {
      await remove(path)
      if (isBroken(asWaybillError(error))) await remove(kept)
    }
  }
  return undefined
}

/** Keeps verified bytes for later runs. A cache that cannot be written to is none. */
export async function intoCache(folder: string, digest: ReadonlyMap<string, string>, path: string): Promise<void> {
  for (const kept of placesOf(folder, digest)) {
    const temporary = `${kept}.${randomWord()}.part`
    try {
      await copy(path, temporary, { name: kept, digest, size: Number.MAX_SAFE_INTEGER })
      await renameInto(temporary, kept)
    } catch {
      await remove(temporary)
    }
  }
}

/** Found, and not what it is called by: as good as planted. */
function isBroken({ code }: WaybillError): boolean {
  return code === 'materials/other-bytes'
}

async function copy(from: string, to: string, wanted: Wanted): Promise<ByteFacts> {
  const source = await OpenedFile.open(from)
  const known: ByteFacts[] = []
  try {
    const file = await PrivateFile.create(to)
    try {
      for await (const chunk of checkedChunks(source.chunks(), wanted, facts => known.push(facts)))
        await file.write(chunk)
    } finally {
      await file.close()
    }
  } finally {
    await source.close()
  }
  const [facts] = known
  if (facts === undefined) throw new TypeError('checkedChunks() ended without facts')
  return facts
}

function placesOf(folder: string, digest: ReadonlyMap<string, string>): readonly string[] {
  return NAMES.flatMap(name => {
    const hex = digest.get(name)
    return hex === undefined ? [] : [join(folder, name, hex)]
  })
}
