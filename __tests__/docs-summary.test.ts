import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isPrintable } from '../src/core/text.ts'
import { cell, shellQuote } from '../src/report/text.ts'
import { ESCAPES } from './report/receipts.ts'

const PATH = join(import.meta.dirname, '../docs/summary.md')
const BLOCK = /<!-- escapes -->\n[\s\S]*?<!-- \/escapes -->/

/** The list of escapes tried: written by this test, so that it is what was tried. */
function escapesTable(): string {
  const rows = ESCAPES.map(({ text, tries }) => {
    const shown = text.length > 60 ? cell(text, 40) : cell(text)
    return `| ${tries} | ${shown} | ${shellQuote(text) === undefined ? 'left out' : 'quoted'} |`
  })
  return [
    '<!-- escapes -->',
    '| it tries to | shown as | in a command |',
    '|---|---|---|',
    ...rows,
    '<!-- /escapes -->',
  ].join('\n')
}

test('docs/summary.md holds the list of escapes tried', () => {
  const page = readFileSync(PATH, 'utf8')
  const wanted = page.replace(BLOCK, () => escapesTable())
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PATH, wanted)
  expect(readFileSync(PATH, 'utf8')).toBe(wanted)
  for (const line of wanted.split('\n')) expect(isPrintable(line)).toBe(true)
})

test('the pictures of docs/summary.md are there', () => {
  const named = [...readFileSync(PATH, 'utf8').matchAll(/\]\((images\/[a-z-]+\.png)\)/g)].map(([, path = '']) => path)
  expect(named).toHaveLength(2)
  for (const path of named) expect(existsSync(join(PATH, '..', path))).toBe(true)
})
