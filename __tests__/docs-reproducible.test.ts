import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../src/core/bytes.ts'
import { CATALOGUE } from '../src/core/catalogue.ts'
import { LIMITS } from '../src/core/limits.ts'
import { ATTEST_INPUTS } from '../src/github/input-table.ts'
import { parsePolicy } from '../src/policy/parse.ts'
import { differenceText } from '../src/report/reproducible.ts'
import type { Difference } from '../src/reproducible/difference.ts'
import { COMPARISON_NAME } from '../src/statements/comparison.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../docs/reproducible.md'), 'utf8')

test('the step sets only inputs that are served', () => {
  const [, step = ''] = /```yaml\n(- uses:[\s\S]*?)```/.exec(PAGE) ?? []
  const names = [...step.matchAll(/^ {4}([a-z-]+):/gm)].map(([, name]) => name)
  expect(names).toEqual(['tags', 'reproducible'])
  for (const name of names) expect(ATTEST_INPUTS.find(row => row.name === name)?.served).toBe(true)
})

test.each<[string, Difference]>([
  ['a file', { kind: 'file', layer: 4, path: 'app/build.txt', what: 'content', first: 'a', second: 'b' }],
  ['a field', { kind: 'config', path: 'config.Env[2]', first: 'a', second: 'b' }],
  ['layers', { kind: 'layers', first: '7', second: '6' }],
  ['the format', { kind: 'format' }],
  ['the packing', { kind: 'packing' }],
])('what the page quotes of %s is what a summary says', (_, difference) => {
  expect(PAGE).toContain(`\`${differenceText(difference)}\``)
})

test('its numbers and names are those of the code', () => {
  expect([LIMITS.comparedFiles, LIMITS.comparedLayers]).toEqual([10, 3])
  expect(LIMITS.comparedLayerBytes).toBe(64 * 1024 ** 3)
  expect(PAGE).toContain(COMPARISON_NAME)
  for (const [code] of PAGE.matchAll(/\b(?:build|verify)\/[a-z-]+/g)) expect(Object.hasOwn(CATALOGUE, code)).toBe(true)
})

test('its rule is one that a gate reads', () => {
  const [, require = ''] = /```yaml\n(require: [^\n]*)\n```/.exec(PAGE) ?? []
  const text = `version: 1
deploy:
  - match: "ghcr.io/acme/**"
    build: { sigstore: { identity: "https://example.com/x", issuer: "https://example.com" } }
    ${require}
`
  expect(() => parsePolicy(utf8(text), '.github/waybill.yml')).not.toThrow()
})
