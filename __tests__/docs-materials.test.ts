import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { utf8 } from '../src/core/bytes.ts'
import { CATALOGUE } from '../src/core/catalogue.ts'
import { parseManifest } from '../src/materials/manifest/parse.ts'
import { parsePolicy } from '../src/policy/parse.ts'
import { breaks, type Schema } from './report/schema.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const PAGE = read('docs/materials.md')
const blocks = (info: string) =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${info}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text)
const schema = (name: string) => JSON.parse(read(`schemas/${name}.json`)) as Schema

test('every block of docs/materials.md is of a kind that a test reads or carries out', () => {
  const all = [...PAGE.matchAll(/^\s*```(\S.*)$/gm)].map(([, info = '']) => info)
  const known = /^(?:yaml (?:policy|policy-part|manifest|step)|sh exit=.*|text(?: .*)?|dockerfile file=Dockerfile)$/
  expect(all.filter(info => !known.test(info))).toEqual([])
  expect(all.length).toBeGreaterThan(15)
})

test.each(blocks('yaml manifest').map((text, at) => [at + 1, text] as const))(
  'manifest %i of docs/materials.md is one that Waybill reads, and meets the schema',
  (_at, text) => {
    expect(parseManifest(utf8(text), '.github/waybill.materials.yml').length).toBeGreaterThan(0)
    expect(breaks(schema('materials'), parse(text))).toEqual([])
  },
)

test.each([...blocks('yaml policy'), ...blocks('yaml policy-part')].map((text, at) => [at + 1, text] as const))(
  'rules %i of docs/materials.md are some that Waybill reads, and meet the schema',
  (_at, text) => {
    const whole = `version: 1\n${text}`
    const { baseImages, materials } = parsePolicy(utf8(whole), '.github/waybill.yml')
    expect([...(baseImages ?? []), ...(materials ?? [])].length).toBeGreaterThan(0)
    expect(breaks(schema('policy'), parse(whole))).toEqual([])
  },
)

test('the step of docs/materials.md sets only inputs that exist', () => {
  const [step] = blocks('yaml step')
  const [{ with: given }] = parse(step ?? '') as readonly [{ readonly with: object }]
  const { inputs } = parse(read('action.yml')) as { readonly inputs: object }
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)))
})

test('every code that docs/materials.md names is one of the catalogue', () => {
  const codes = [...PAGE.matchAll(/`((?:materials|policy|verify|registry)\/[a-z-]+)`/g)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(10)
  expect(codes.filter(code => !Object.hasOwn(CATALOGUE, code))).toEqual([])
})
