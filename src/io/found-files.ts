import { join, sep } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { globNames, leavesFolder } from './glob.ts'
import { followPath } from './paths.ts'

export interface FoundFile {
  /** Absolute and real. */
  readonly path: string
  /** Below the folder, with `/`. */
  readonly name: string
}

/** Folders are among the names that a pattern matches. */
const NAMES_PER_FILE = 4

/**
 * Regular files below a folder that match patterns of `*`, `**`, `?` and `{a,b}`; each once, in the order of their names.
 * Folders are passed over. A file behind a symbolic link is refused: its link could be turned to another after it was read, or
 * lead out of the folder.
 * @param most files; more are refused.
 * @throws `core/file-unreadable` for a pattern that leads elsewhere or matches no file, for links, and for too many.
 */
export async function findFiles(
  folder: string,
  patterns: readonly string[],
  most: number,
): Promise<readonly FoundFile[]> {
  const root = (await followPath(folder))?.path ?? folder
  const found = new Map<string, FoundFile>()
  for (const pattern of patterns) {
    checkPattern(pattern)
    let matched = false
    for (const name of await globNames(pattern, root, most * NAMES_PER_FILE)) {
      const file = await fileAt(root, name)
      if (file === undefined) continue
      matched = true
      found.set(file.name, file)
      if (found.size > most) throw refused(`The patterns match more than ${most} files`, pattern, `at most ${most}`)
    }
    // A pattern with a slip in it would sign nothing, and look well.
    if (!matched) throw refused(`No file matches ${printable(pattern, 200)}`, 'no file', 'at least one file')
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function checkPattern(pattern: string): void {
  if (!/^[!-]|[\\\0]/.test(pattern) && !leavesFolder(pattern)) return
  throw refused(`${printable(pattern, 200)} is not a pattern below the folder`, pattern, 'dist/*.tgz, without .. or !')
}

async function fileAt(root: string, name: string): Promise<FoundFile | undefined> {
  const path = join(root, name)
  const real = await followPath(path)
  if (real?.kind === 'folder') return undefined
  if (real?.kind !== 'file' || real.path !== path)
    throw refused(
      `${printable(name, 200)} is not a regular file of the folder`,
      real === undefined || real.kind === 'file' ? 'a symbolic link' : 'a special file',
      'a regular file, reached without symbolic links',
    )
  return { path, name: name.split(sep).join('/') }
}

function refused(sentence: string, found: string, expected: string): Error {
  return fail('core/file-unreadable', sentence, { expected, found })
}
