import { basename, dirname, join, normalize, relative } from 'node:path'
import { asWaybillError, type WaybillError } from '../core/error.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import { readFileBounded } from '../io/files.ts'
import type { ImageSubjectRequest, Unreadable } from '../pipeline/verify-request.ts'
import { imagesInCompose } from '../subjects/compose.ts'
import { composeFilesIn } from '../subjects/compose-files.ts'
import type { ComposeFiles } from '../subjects/compose-reader.ts'
import { type FileSubject, fileSubjects } from '../subjects/files.ts'
import type { Examined, FoundImage } from '../subjects/found.ts'
import { SUBJECT_LIMITS } from '../subjects/limits.ts'
import { imagesInManifests } from '../subjects/manifests.ts'
import { fileWords } from '../subjects/place.ts'

/** What manifests and compose files name, and what `--pin` needs to write digests into them. */
export interface NamedImages {
  readonly subjects: readonly ImageSubjectRequest[]
  /** What could not be examined, and notes that do not count. */
  readonly unreadable: readonly Unreadable[]
  readonly sources: readonly PinSource[]
}

/** One file that was examined, with its bytes as they were then. */
export interface PinSource {
  /** As places name it; `-` for standard input. */
  readonly file: string
  /** Absolute; absent for standard input. */
  readonly path?: string
  readonly bytes: Uint8Array
  readonly images: readonly FoundImage[]
}

export const STANDARD_INPUT = '-'

/**
 * Reads Kubernetes manifests: names, patterns, and `-` for standard input.
 * @throws `verify/no-files`, `verify/file-not-plain`: a file that is not there must not look as if it were judged.
 */
export async function manifestImages(
  patterns: readonly string[],
  { folder, stdin }: { readonly folder: string; readonly stdin: () => Promise<Uint8Array> },
): Promise<NamedImages> {
  const named = patterns.filter(pattern => pattern !== STANDARD_INPUT)
  const files = named.length === 0 ? [] : await fileSubjects(named, { cwd: folder })
  const piped = named.length === patterns.length ? [] : [{ file: STANDARD_INPUT, read: stdin }]
  const all = files.map(({ name, path }) => {
    return { file: name, path, read: () => readFileBounded(path, SUBJECT_LIMITS.manifestBytes) }
  })
  // One after the other: the text of one of them may be large, and its tree many times as large.
  const parts: NamedImages[] = []
  for (const source of [...piped, ...all]) parts.push(await manifestImagesIn(source))
  return joinNamed(parts)
}

async function manifestImagesIn(source: {
  readonly file: string
  readonly path?: string
  readonly read: () => Promise<Uint8Array>
}): Promise<NamedImages> {
  const { file, path, read } = source
  const bytes = await read()
  try {
    const examined = imagesInManifests(bytes, { file })
    const pin = { file, ...(path === undefined ? {} : { path }), bytes, images: examined.images }
    return { ...namedIn(file, examined), sources: [pin] }
  } catch (error) {
    return unread(file, asWaybillError(error))
  }
}

/**
 * Reads the files of one compose application, each laid over the one before it.
 * @param files relative to `folder`. What they include is read from below the folder of the first alone.
 */
export async function composeImages(files: readonly [string, ...string[]], folder: string): Promise<NamedImages> {
  const [first, ...more] = await inOrder(files, folder)
  const home = dirname(first.path)
  const project = readOnce(home, [first, ...more])
  const name = (file: string): string => (dirname(first.name) === '.' ? file : `${dirname(first.name)}/${file}`)
  try {
    const over = more.map(({ path }) => relative(home, path))
    const examined = await imagesInCompose({ files: [basename(first.path), ...over] }, project)
    const written = [...new Set(examined.images.map(({ place }) => place.file))]
    const sources: PinSource[] = []
    for (const file of written) {
      const bytes = await project.read(file, SUBJECT_LIMITS.manifestBytes)
      const images = examined.images.filter(({ place }) => place.file === file)
      if (bytes !== undefined) sources.push({ file, path: join(home, file), bytes, images })
    }
    return { ...namedIn(first.name, examined), sources }
  } catch (error) {
    return unread(name(basename(first.path)), asWaybillError(error))
  }
}

/** As they were named: which of two files is on top decides which image runs. */
async function inOrder(
  [head, ...rest]: readonly [string, ...string[]],
  folder: string,
): Promise<readonly [FileSubject, ...FileSubject[]]> {
  const [first, ...more] = await fileSubjects([head], { cwd: folder })
  for (const file of rest) more.push(...(await fileSubjects([file], { cwd: folder })))
  return [first, ...more]
}

/** The project's folder, and exactly the files that the caller named elsewhere; each read once, so that what is pinned was examined. */
function readOnce(home: string, named: readonly FileSubject[]): ComposeFiles {
  const below = composeFilesIn(home)
  const elsewhere = new Set(named.map(({ path }) => relative(home, path)).filter(path => path.startsWith('..')))
  const known = new Map<string, Promise<Uint8Array | undefined>>()
  return {
    read(file, most) {
      const path = normalize(file)
      const bytes =
        known.get(path) ?? (elsewhere.has(path) ? readFileBounded(join(home, path), most) : below.read(path, most))
      known.set(path, bytes)
      return bytes
    },
  }
}

function namedIn(file: string, { images, unexamined, notes }: Examined): Pick<NamedImages, 'subjects' | 'unreadable'> {
  const subjects = images.map(({ reference, place, certain }) => {
    return { kind: 'image', reference, origin: 'judged', certain, places: [place] } as const
  })
  const unreadable = unexamined.map(({ error, place }): Unreadable => {
    return {
      name: `${fileWords(place.file)}:${place.line} ${place.path}`,
      findings: [findingOf(error, place.file)],
      places: [place],
    }
  })
  const [first, ...more] = notes.map((note): Finding => ({ ...note, severity: 'note' }))
  const told: readonly Unreadable[] =
    first === undefined ? [] : [{ name: fileWords(file), findings: [first, ...more], places: [] }]
  return { subjects, unreadable: [...unreadable, ...told] }
}

/** A file that nobody could read is never one without images. */
function unread(file: string, error: WaybillError): NamedImages {
  if (error.kind === 'configuration') throw error
  return {
    subjects: [],
    unreadable: [{ name: fileWords(file), findings: [findingOf(error, fileWords(file))], places: [] }],
    sources: [],
  }
}

export function joinNamed(parts: readonly NamedImages[]): NamedImages {
  return {
    subjects: parts.flatMap(({ subjects }) => subjects),
    unreadable: parts.flatMap(({ unreadable }) => unreadable),
    sources: parts.flatMap(({ sources }) => sources),
  }
}
