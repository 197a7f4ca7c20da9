import { isAbsolute, join, normalize, relative, sep } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { globNames, kindAt, leavesFolder, realPath } from '../io/glob.ts'
import { SUBJECT_LIMITS } from './limits.ts'

/** A file to be judged. */
export interface FileSubject {
  /** With `/`: relative to the folder, or as it was written when it lies outside. */
  readonly name: string
  /** Absolute. */
  readonly path: string
}

/**
 * The files that names and patterns mean, each once, sorted by name.
 *
 * A name without `*?[]{}` (and one with them, if a file is really called so) is taken as it stands and may lie anywhere. A pattern
 * stays below the folder. Nothing is passed over: a pattern that matches a link or a device is an error, for a file that is not
 * judged must not look as if it was; folders that a pattern matches are only ways to files.
 * @throws `verify/no-files` for each name or pattern that matches no file; `verify/file-not-plain`; `core/file-unreadable`.
 */
export async function fileSubjects(
  patterns: readonly string[],
  { cwd }: { readonly cwd: string },
): Promise<readonly [FileSubject, ...FileSubject[]]> {
  const found = new Map<string, FileSubject>()
  for (const pattern of patterns) {
    const files = await matching(pattern, cwd)
    if (files.length === 0) throw nothing(pattern)
    for (const file of files) found.set(file.path, file)
    if (found.size > SUBJECT_LIMITS.files)
      throw fail('verify/no-files', `More than ${SUBJECT_LIMITS.files} files are named`, {
        expected: `at most ${SUBJECT_LIMITS.files} files`,
        remedy: 'Name fewer files in one run.',
      })
  }
  const [first, ...rest] = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  if (first === undefined) throw nothing('')
  return [first, ...rest]
}

async function matching(pattern: string, cwd: string): Promise<readonly FileSubject[]> {
  const literal = isAbsolute(pattern) ? pattern : join(cwd, pattern)
  const kind = pattern === '' ? undefined : await kindAt(literal)
  if (kind === 'folder') throw notPlain(pattern, 'a folder', `Name its files: '${pattern.replace(/\/+$/, '')}/**'`)
  if (kind !== undefined) return [await plainFile(pattern, literal, kind, cwd)]
  if (!/[*?[\]{}]/.test(pattern)) return []
  if (leavesFolder(pattern)) {
    const remedy = 'Run in the folder above, or name the files one by one.'
    throw notPlain(pattern, 'a pattern that leads out of the folder', remedy)
  }
  const files: FileSubject[] = []
  for (const name of await globNames(pattern, cwd, SUBJECT_LIMITS.files * 4)) {
    const path = join(cwd, name)
    const matched = await kindAt(path)
    if (matched !== undefined && matched !== 'folder') files.push(await plainFile(name, path, matched, cwd))
  }
  return files
}

/** @throws `verify/file-not-plain` also when a folder on the way from `cwd` is a link: it may point elsewhere a moment later. */
async function plainFile(name: string, path: string, kind: string, cwd: string): Promise<FileSubject> {
  const real = await realPath(path)
  if (kind === 'link') throw notPlain(name, 'a symbolic link', toTarget(real))
  if (kind !== 'file') throw notPlain(name, 'a device, pipe or socket')
  const below = relative(cwd, normalize(path))
  const outside = isAbsolute(below) || below.startsWith('..')
  const home = await realPath(cwd)
  if (!outside && home !== undefined && real !== join(home, below))
    throw notPlain(name, 'a file behind a symbolic link', toTarget(real))
  return { name: (outside ? name : below).split(sep).join('/'), path: normalize(path) }
}

function toTarget(real: string | undefined): string | undefined {
  return real === undefined ? undefined : `Name the file itself: ${printable(real)}`
}

function notPlain(name: string, found: string, remedy?: string): Error {
  return fail('verify/file-not-plain', `${printable(name)} is ${found}`, {
    expected: 'a regular file',
    found,
    ...(remedy === undefined ? {} : { remedy }),
  })
}

function nothing(pattern: string): Error {
  return fail('verify/no-files', `${printable(pattern) || 'An empty name'} matches no file`, {
    expected: 'at least one file',
    found: 'none',
  })
}
