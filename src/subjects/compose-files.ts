import { join, sep } from 'node:path'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { readFileBounded } from '../io/files.ts'
import { realPath } from '../io/glob.ts'
import type { ComposeFiles } from './compose-reader.ts'

/**
 * The files of a folder for `imagesInCompose`. A link is followed only to somewhere inside the folder: a compose file under
 * judgement must not make the gate read other files of the machine.
 * @param folder of the project, or one above it when it includes files from there.
 */
export function composeFilesIn(folder: string): ComposeFiles {
  return {
    async read(path, maxBytes) {
      const [home, real] = [await realPath(folder), await realPath(join(folder, path))]
      if (real === undefined) return undefined
      if (home === undefined || !real.startsWith(home.endsWith(sep) ? home : home + sep))
        throw fail('verify/file-not-plain', `${printable(path)} leads out of the project folder`, {
          expected: 'a file in the folder',
          found: real,
        })
      return readFileBounded(real, maxBytes)
    },
  }
}
