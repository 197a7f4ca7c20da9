import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT_CODE, EXIT_CONFIGURATION } from '../src/core/verdict.ts'
import { COMMANDS } from '../src/entry/commands/table.ts'

const PAGE = join(import.meta.dirname, '../docs/command-line.md')
const SOURCES = join(import.meta.dirname, '../src')
const PART = /(<!-- commands: .* -->\n)[\s\S]*?(<!-- end -->)/

/** A row a command: its words, and what its help says of it in the first line. */
function commandTable(): string {
  const rows = COMMANDS.map(({ words, usage }) => {
    const [first = ''] = usage.split('\n')
    return `| \`waybill ${words}\` | ${first.replace(`waybill ${words} – `, '').replaceAll('|', '\\|')} |`
  })
  return ['| command | what it does |', '|---|---|', ...rows, ''].join('\n')
}

test('docs/command-line.md has every command, with the first line of its help', () => {
  if (process.env.UPDATE_GOLDEN === '1') {
    const page = readFileSync(PAGE, 'utf8')
    writeFileSync(
      PAGE,
      page.replace(PART, (_, begin: string, end: string) => `${begin}${commandTable()}${end}`),
    )
  }
  expect(PART.exec(readFileSync(PAGE, 'utf8'))?.[0]).toContain(commandTable())
})

test('docs/command-line.md has the exit codes of the program', () => {
  const rows = [...readFileSync(PAGE, 'utf8').matchAll(/^\| (\d) \| (\w+)/gm)].map(([, code, word]) => [
    Number(code),
    word,
  ])
  expect(rows.slice(0, 3)).toEqual(Object.entries(EXIT_CODE).map(([word, code]) => [code, word]))
  expect(rows[3]?.[0]).toBe(EXIT_CONFIGURATION)
  expect(rows).toHaveLength(4)
})

/** Read by Node itself, or by the libraries of the trust root. */
const NOT_OURS = ['NODE_EXTRA_CA_CERTS']

test('every variable that docs/command-line.md names is one that the program reads', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.ts'))
  const text = files.map(path => readFileSync(join(SOURCES, path), 'utf8')).join('\n')
  const table = readFileSync(PAGE, 'utf8').split('| variable | effect |')[1] ?? ''
  const cells = [...table.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell)
  const names = cells.flatMap(cell => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name))
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter(name => !NOT_OURS.includes(name) && !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
})
