import { isAbsolute, join } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { followPath, isBelow } from '../io/paths.ts'
import { findTool } from '../io/process.ts'

/**
 * The program that the first word of a command means: `./build.sh` is a file of the exported commit, a bare name is found on PATH.
 * Nothing else is accepted: an absolute path would lead to files that any step of the job could have written, the workspace among them.
 * @param tree absolute path of the exported commit, which the file must not leave. @param folder where the command runs, below it.
 * @returns an absolute path. @throws `build/command-missing`
 */
export async function commandProgram(word: string, tree: string, folder: string, path: string): Promise<string> {
  if (!word.includes('/')) {
    const found = findTool(word, path)
    if (found === undefined) throw missing(word, 'a program on PATH')
    return found
  }
  if (isAbsolute(word)) throw missing(word, 'a path that begins with ./, or a name that is found on PATH')
  const root = await followPath(tree)
  const file = await followPath(join(folder, word))
  if (root === undefined || file?.kind !== 'file' || !isBelow(root.path, file.path))
    throw missing(word, 'a file of the commit')
  const at = file.path.lastIndexOf('/')
  const executable = findTool(file.path.slice(at + 1), file.path.slice(0, at))
  if (executable === undefined)
    throw fail('build/command-missing', `${printable(word, 200)} is not executable in the commit`, {
      expected: 'the mode 100755',
      found: 'the mode 100644',
      remedy: 'Run `git update-index --chmod=+x FILE` with its path, and commit that.',
    })
  return executable
}

function missing(word: string, expected: string): Error {
  return fail('build/command-missing', `There is no program ${printable(word, 200)}`, {
    expected,
    found: printable(word, 200),
  })
}
