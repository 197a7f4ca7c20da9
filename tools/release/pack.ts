/**
 * `node tools/release/pack.ts --out DIR [--name NAME] [--repository URL]`: packs `dist/` as it lies there, checks what is in
 * the package, and prints path and SHA-256; to a workflow as the outputs `file` and `sha256`, by which later jobs know it.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { pack } from './stage.ts'

const { values } = parseArgs({
  options: { out: { type: 'string' }, name: { type: 'string' }, repository: { type: 'string' } },
})
const { out, name, repository } = values
if (out === undefined) throw new Error('--out DIR says where the tarball goes')
const packed = pack({
  root: join(import.meta.dirname, '../..'),
  out,
  // A workflow passes variables that may be empty.
  ...(name === undefined || name === '' ? {} : { name }),
  ...(repository === undefined || repository === '' ? {} : { repository }),
})
const digest = createHash('sha256').update(readFileSync(packed.path)).digest('hex')
const file = relative(process.cwd(), packed.path)
if (process.env.GITHUB_OUTPUT !== undefined)
  appendFileSync(process.env.GITHUB_OUTPUT, `file=${file}\nsha256=${digest}\n`)
console.log(`${file}  sha256:${digest}`)
