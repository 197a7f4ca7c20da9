/**
 * `node tools/release/check.ts --tag TAG [--notes FILE]`: what a tag releases, or why it does not. Writes the outputs of a
 * workflow step (`version`, `major-tag`, `dist-tag`), and what CHANGELOG.md says of it to FILE. Needs nothing installed.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { WAYBILL_VERSION } from '../../src/entry/version.ts'
import { OWN_URI_BASE, requireOwnNames } from '../../src/statements/uris.ts'
import { sectionOf } from './changelog.ts'
import { releaseOf } from './version.ts'

const root = join(import.meta.dirname, '../..')
const { values } = parseArgs({ options: { tag: { type: 'string' }, notes: { type: 'string' } } })

try {
  const { version: declared } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const release = releaseOf(values.tag ?? '', declared)
  if (WAYBILL_VERSION !== declared) throw new Error(`src/entry/version.ts says ${WAYBILL_VERSION}`)
  const notes = sectionOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), release.version)
  if (values.notes !== undefined) writeFileSync(values.notes, notes)
  requireHome()
  const outputs = { version: release.version, 'major-tag': release.majorTag ?? '', 'dist-tag': release.distTag }
  const lines = Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`)
  if (process.env.GITHUB_OUTPUT !== undefined) appendFileSync(process.env.GITHUB_OUTPUT, lines.join(''))
  process.stdout.write(lines.join(''))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** The tag offers `dist/` as it is committed, which is no release build: so nothing is tagged while that one could not sign. */
function requireHome(): void {
  try {
    requireOwnNames(true)
  } catch (error) {
    throw new Error(
      `Not to be released: own names begin with ${OWN_URI_BASE}, which nobody owns. Decide on a home, change OWN_URI_BASE in src/statements/uris.ts.`,
      { cause: error },
    )
  }
}
