import { join } from 'node:path'
import type { AdmissionFile } from '../admission/link.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { exists, isFolder, listFolder, readFileBounded, remove, writeFileAtomic } from '../io/files.ts'

/** What lies in a folder beside what was generated. */
export interface Difference {
  /** Wanted files that are not there. */
  readonly missing: readonly string[]
  /** Wanted files with other bytes, ours. */
  readonly stale: readonly string[]
  /** Wanted names under which lies what somebody else wrote. */
  readonly foreign: readonly string[]
  /** Files that were generated once and are not wanted any more. */
  readonly left: readonly string[]
}

/** Far more than any folder of policies has. */
const MAX_NAMES = 10_000

/**
 * Compares a folder with the files that should be in it. Files that do not begin with `mark` are nobody's business here.
 * @param mark first line of every generated file.
 */
export async function compareFolder(
  folder: string,
  files: readonly AdmissionFile[],
  mark: string,
): Promise<Difference> {
  const names = (await isFolder(folder)) ? await listFolder(folder) : []
  if (names.length > MAX_NAMES)
    throw fail('entry/usage', `${folder} has too many files`, {
      expected: 'a folder of its own',
      found: `${names.length}`,
    })
  const wanted = new Map(files.map(({ name, text }) => [name, text]))
  const difference = { missing: [] as string[], stale: [] as string[], foreign: [] as string[], left: [] as string[] }
  for (const [name, text] of wanted) {
    if (!names.includes(name)) difference.missing.push(name)
    else {
      const found = await textOf(join(folder, name))
      if (found !== text) (isMarked(found, mark) ? difference.stale : difference.foreign).push(name)
    }
  }
  for (const name of names)
    if (name.endsWith('.yaml') && !wanted.has(name) && isMarked(await textOf(join(folder, name)), mark))
      difference.left.push(name)
  return difference
}

/**
 * Makes the folder hold exactly these of our files. @throws `entry/usage` before anything is written when a name is taken by a file
 * that was not generated.
 */
export async function writeFolder(
  folder: string,
  files: readonly AdmissionFile[],
  { foreign, left, missing, stale }: Difference,
): Promise<void> {
  const [taken] = foreign
  if (taken !== undefined)
    throw fail('entry/usage', `${taken} exists and was not generated, and is not replaced`, {
      expected: 'a folder without it',
      found: join(folder, taken),
      remedy: 'Move that file elsewhere, or name another folder with --out.',
    })
  for (const { name, text } of files)
    if (missing.includes(name) || stale.includes(name)) await writeFileAtomic(join(folder, name), text)
  for (const name of left) await remove(join(folder, name))
}

/** Undefined for what cannot be read as a small file: it is not ours. */
async function textOf(path: string): Promise<string | undefined> {
  if (!(await exists(path)) || (await isFolder(path))) return undefined
  const bytes = await readFileBounded(path, LIMITS.policyFileBytes).catch(() => undefined)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')
}

function isMarked(text: string | undefined, mark: string): boolean {
  return text?.startsWith(`${mark}\n`) === true
}
