import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'admission-cases.md')

/** Replaces the part of docs/admission-cases.md that one test writes, and leaves those of the others; with UPDATE_GOLDEN=1 alone. */
export function writeSection(name: 'matrix' | 'tester', lines: readonly string[]): void {
  if (process.env.UPDATE_GOLDEN !== '1') return
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->\n`]
  const page = readFileSync(PAGE, 'utf8')
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/admission-cases.md has no part ${name}`)
  writeFileSync(PAGE, `${page.slice(0, from)}${begin}\n${lines.join('\n')}\n\n${page.slice(to)}`)
}
