import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { CATALOGUE } from '../src/core/catalogue.ts'
import { IMPORT_RULES, type ImportRule, importTable } from './import-rules.ts'
import { codeOf, importsOf, roomOf, type SourceFile, sourceFiles, target } from './source-files.ts'

const ROOT = join(import.meta.dirname, '..')
const FILES = sourceFiles(ROOT)
const RULES = new Map(IMPORT_RULES.map(rule => [rule.room, rule]))

/** Modules that reach the world. Only `io` may; `node:crypto`, `node:path` and the like are pure. */
const WORLD = [
  'node:fs',
  'node:fs/promises',
  'node:child_process',
  'node:http',
  'node:https',
  'node:http2',
  'node:net',
  'node:tls',
  'node:dgram',
  'node:dns',
  'node:dns/promises',
  'node:worker_threads',
  'node:cluster',
  'node:process',
]

test('the tree of sources is found and every room has a rule', () => {
  expect(FILES.length).toBeGreaterThan(20)
  expect(FILES.filter(file => !RULES.has(roomOf(file.path))).map(file => file.path)).toEqual([])
})

test('importsOf() finds every form of import', () => {
  const text = [
    "import a from './a.ts'",
    "import type { B } from './b.ts'",
    "import {\n  c,\n  type D,\n} from './c.ts'",
    "export { e } from './e.ts'",
    "export type * from './f.ts'",
    "import * as g from './g.ts'",
    "import h, { i } from './h.ts'",
    "import './j.ts'",
    "const k = await import('./k.ts')",
    "// import { no } from './no.ts'",
  ].join('\n')
  const short = importsOf(text).map(({ from, typeOnly }) => `${from}${typeOnly ? ' type' : ''}`)
  expect(short.sort()).toEqual([
    './a.ts',
    './b.ts type',
    './c.ts',
    './e.ts',
    './f.ts type',
    './g.ts',
    './h.ts',
    './j.ts',
    './k.ts',
  ])
})

test.each(FILES.map(file => file.path))('%s imports only what its room may', path => {
  const file = FILES.find(other => other.path === path)
  const rule = RULES.get(roomOf(path))
  expect(file).toBeDefined()
  expect(rule).toBeDefined()
  if (file !== undefined && rule !== undefined) expect(violations(file, rule)).toEqual([])
})

function violations(file: SourceFile, rule: ImportRule): readonly string[] {
  return file.imports.flatMap(({ from, typeOnly }) => {
    const path = target(file, from)
    if (path !== undefined) return mayReach(rule, path, typeOnly) ? [] : [`${typeOnly ? 'type ' : ''}${from}`]
    if (isBuiltin(from)) return builtinAllowed(rule.room, from) ? [] : [from]
    return rule.packages.some(name => from === name || from.startsWith(`${name}/`)) ? [] : [from]
  })
}

function mayReach(rule: ImportRule, path: string, typeOnly: boolean): boolean {
  const allowed = [rule.room, ...rule.mayImport, ...(typeOnly ? rule.mayImportTypes : [])]
  return allowed.some(room => path.startsWith(`${room}/`))
}

function builtinAllowed(room: string, module: string): boolean {
  if (room === 'core') return module === 'node:crypto'
  if (room === 'io') return true
  return module.startsWith('node:') && !WORLD.includes(module)
}

test('no file is part of a circle of value imports', () => {
  expect(FILES.filter(file => reached(file.path).has(file.path)).map(file => file.path)).toEqual([])
})

test('what verifies bundles cannot reach what signs them, through any number of imports', () => {
  const verifiers = FILES.filter(file => file.path.startsWith('sigstore/verify/'))
  expect(verifiers.length).toBeGreaterThan(0)
  const reachers = verifiers.filter(file => [...reached(file.path)].some(path => path.startsWith('sigstore/sign/')))
  expect(reachers.map(file => file.path)).toEqual([])
})

/** Every file that importing `path` loads, the file itself only if a circle leads back to it. */
function reached(path: string): ReadonlySet<string> {
  const seen = new Set<string>()
  const open = [path]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const file = FILES.find(other => other.path === next)
    for (const { from, typeOnly } of file?.imports ?? []) {
      const to = typeOnly || file === undefined ? undefined : target(file, from)
      if (to === undefined || seen.has(to)) continue
      seen.add(to)
      open.push(to)
    }
  }
  return seen
}

test('dynamic imports name their module in a literal, so that this test sees them', () => {
  expect(FILES.filter(file => /\bimport\(\s*[^'\s]/.test(codeOf(file.text))).map(file => file.path)).toEqual([])
})

test('Verified values are minted only in files named verify.ts', () => {
  const minters = FILES.filter(file => /\bmintVerified\b/.test(codeOf(file.text))).map(file => file.path)
  const elsewhere = minters.filter(path => path !== 'core/verified.ts' && !path.endsWith('/verify.ts'))
  expect(elsewhere).toEqual([])
})

test('nothing is cast to Verified outside core/verified.ts', () => {
  const casts = FILES.filter(file => /\bas\s+(unknown\s+as\s+)?Verified\b/.test(codeOf(file.text))).map(
    file => file.path,
  )
  expect(casts).toEqual(['core/verified.ts'])
})

test.each([
  { brand: 'Digest', home: 'core/digest.ts' },
  { brand: 'CommitId', home: 'core/digest.ts' },
])('the cast "as $brand" stands exactly once, in its parser', ({ brand, home }) => {
  const pattern = new RegExp(`\\bas ${brand}\\b`, 'g')
  const found = FILES.flatMap(file => [...codeOf(file.text).matchAll(pattern)].map(() => file.path))
  expect(found).toEqual([home])
})

test.each([
  { what: 'process.env', pattern: /\bprocess\.env\b/, allowed: ['io'] },
  { what: 'fetch()', pattern: /(^|[^.\w#])fetch\(/m, allowed: ['io'] },
  { what: 'process', pattern: /(^|[^./\w-])process\.(?!env\b|platform\b)\w/m, allowed: ['io', 'entry'] },
  { what: 'the clock', pattern: /\bDate\.now\(|\bnew Date\(\)/, allowed: ['io', 'entry'] },
  { what: 'randomness', pattern: /\bMath\.random\b/, allowed: ['io', 'entry'] },
  { what: 'console', pattern: /\bconsole\./, allowed: [] },
])('$what is used only in $allowed', ({ pattern, allowed }) => {
  const users = FILES.filter(file => pattern.test(codeOf(file.text))).map(file => file.path)
  expect(users.filter(path => !allowed.some(room => room === roomOf(path)))).toEqual([])
})

test('13-adversary 44: the home of own URIs is written once', () => {
  const users = FILES.filter(file => codeOf(file.text).includes('example.invalid')).map(file => file.path)
  expect(users).toEqual(['statements/uris.ts'])
})

test('no source file is longer than 300 lines', () => {
  const long = FILES.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 })).filter(
    ({ lines }) => lines > 300,
  )
  expect(long).toEqual([])
})

/** Every code has a row and every bound stands in one file (13-adversary 43): these grow with the program, not with core. */
const TABLES = ['core/catalogue', 'core/limits.ts']

test('core stays below 1,000 lines, its two tables not counted', () => {
  const core = FILES.filter(({ path }) => path.startsWith('core/') && !TABLES.some(table => path.startsWith(table)))
  expect(core.reduce((lines, { text }) => lines + text.split('\n').length - 1, 0)).toBeLessThan(1000)
})

const CODE_USERS = FILES.filter(file => !file.path.startsWith('core/catalogue')).map(file => codeOf(file.text))

test.each(Object.keys(CATALOGUE))('the error %s is produced somewhere', code => {
  expect(CODE_USERS.some(text => text.includes(`'${code}'`))).toBe(true)
})

test('every code that is thrown stands in the catalogue', () => {
  const thrown = CODE_USERS.flatMap(text => [...text.matchAll(/\bfail\(\s*'([^']+)'/g)].map(([, code = '']) => code))
  expect(thrown.length).toBeGreaterThan(10)
  expect(thrown.filter(code => !Object.hasOwn(CATALOGUE, code))).toEqual([])
})

test('every row of the catalogue says what happened and what to do, in whole sentences', () => {
  for (const [code, { meaning, remedy }] of Object.entries(CATALOGUE)) {
    expect([code, meaning]).toEqual([code, expect.stringMatching(/^[A-Z“"`].{20,}[.”]$/su)])
    expect([code, remedy]).toEqual([code, expect.stringMatching(/^[A-Z].{9,}$/su)])
  }
})

test('docs/architecture.md shows exactly these rules', () => {
  const page = join(ROOT, 'docs/architecture.md')
  expect(existsSync(page)).toBe(true)
  const text = readFileSync(page, 'utf8')
  const [start, end] = ['<!-- import rules: written by the architecture test -->\n', '\n<!-- end of import rules -->']
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)]
  expect(from).toBeGreaterThan(start.length)
  expect(to).toBeGreaterThanOrEqual(from)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(page, text.slice(0, from) + importTable() + text.slice(to))
  expect(readFileSync(page, 'utf8')).toContain(start + importTable() + end)
})
