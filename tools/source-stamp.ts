import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * SHA-256 over everything that decides the bytes of `dist/`: sources, lockfile, compiler settings.
 * `dist/SOURCE` holds it, so that tests on the bundle fail at once, and say why, when the bundle is older than the sources.
 */
export function sourceStamp(root: string): string {
  const files = [
    'package-lock.json',
    'tsconfig.json',
    'tools/build.ts',
    'tools/leave-out.ts',
    'tools/narrow.ts',
    'tools/notices.ts',
    'tools/release.ts',
  ]
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join('src', name))
  const hash = createHash('sha256')
  for (const file of [...files, ...sources].sort())
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  return hash.digest('hex')
}
