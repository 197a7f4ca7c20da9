import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { utf8 } from '../src/core/bytes.ts'
import { CATALOGUE } from '../src/core/catalogue.ts'
import { parsePolicy } from '../src/policy/parse.ts'
import { breaks, type Schema } from './report/schema.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const PAGE = read('docs/publish.md')
const blocks = (kind: string) =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`yaml ${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text)

test('every block of docs/publish.md is of a kind that a test reads', () => {
  const all = [...PAGE.matchAll(/^\s*```(\S.*)$/gm)].map(([, info = '']) => info)
  expect(all.filter(info => !/^yaml (?:step|workflow|policy)$/.test(info))).toEqual([])
  expect(all.length).toBeGreaterThan(5)
})

test.each(blocks('step').map((text, at) => [at + 1, text] as const))(
  'step %i sets only inputs that exist',
  (_, text) => {
    const [{ with: given }] = parse(text) as readonly [{ readonly with: object }]
    const { inputs } = parse(read('action.yml')) as { readonly inputs: object }
    expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)))
  },
)

test('the permissions are those that the store asks for', () => {
  const [text = ''] = blocks('workflow')
  expect(parse(text).permissions).toMatchObject({ attestations: 'write', 'id-token': 'write' })
})

test('the rule is one that Waybill reads, meets the schema, and asks for a bill of materials', () => {
  const [text = ''] = blocks('policy')
  const whole = `version: 1\n${text}`
  expect(parsePolicy(utf8(whole), '.github/waybill.yml').deploy).toMatchObject([
    { require: ['signature', 'provenance', 'sbom'] },
  ])
  expect(breaks(JSON.parse(read('schemas/policy.json')) as Schema, parse(whole))).toEqual([])
})

test('every code and every sink that docs/publish.md names exists', () => {
  const codes = [...PAGE.matchAll(/`((?:github|pipeline|registry|sigstore)\/[a-z-]+)`/g)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(5)
  expect(codes.filter(code => !Object.hasOwn(CATALOGUE, code))).toEqual([])
})
