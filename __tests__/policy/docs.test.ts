import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { KEYS, REQUIREMENTS } from '../../src/policy/keys.ts'
import { parsePolicy } from '../../src/policy/parse.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = readFileSync(join(ROOT, 'docs/policy.md'), 'utf8')
const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'schemas/policy.json'), 'utf8')) as Schema

interface Schema {
  readonly properties: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly $defs: Readonly<Record<string, { readonly properties: object; readonly additionalProperties: unknown }>>
}

const EXAMPLES = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text)

/** The table at the end of the page, rendered from the parser's own list of keys. */
function keyTable(): string {
  const code = (keys: readonly string[]) => keys.map(key => `\`${key}\``).join(', ')
  return Object.entries(KEYS)
    .map(([place, { judged, later }]) => {
      const refused = later.length === 0 ? '' : ` (refused so far: ${code(later)})`
      return `| ${place} | ${code(judged)}${refused} |\n`
    })
    .join('')
}

describe('docs/policy.md', () => {
  test('has examples', () => expect(EXAMPLES.length).toBeGreaterThan(4))

  test.each(EXAMPLES.map((text, index) => [index + 1, text] as const))('example %i is a policy', (_index, text) => {
    expect(parsePolicy(utf8(text), '.github/waybill.yml').version).toBe(1)
  })

  test('lists every key as the parser knows it', () => {
    expect(PAGE.slice(PAGE.indexOf('## Every key')).split('|---|---|\n')[1]).toBe(keyTable())
  })

  test('names every requirement that is judged, and every key somewhere before the list', () => {
    const text = PAGE.slice(0, PAGE.indexOf('## Every key'))
    const keys = Object.values(KEYS).flatMap(({ judged }) => [...judged])
    for (const key of [...REQUIREMENTS.judged, ...keys]) expect([key, text.includes(key)]).toEqual([key, true])
  })
})

describe('schemas/policy.json', () => {
  test.each(Object.entries(KEYS))('knows the keys of %s that the parser judges, and no others', (place, { judged }) => {
    const part = place === 'policy' ? SCHEMA : SCHEMA.$defs[place]
    expect(Object.keys(part?.properties ?? {}).sort()).toEqual([...judged].sort())
    expect(part).toMatchObject({ additionalProperties: false })
  })
  test('has no definition the parser does not know', () => {
    expect(Object.keys(SCHEMA.$defs).sort()).toEqual(
      Object.keys(KEYS)
        .filter(place => place !== 'policy')
        .sort(),
    )
  })
})
