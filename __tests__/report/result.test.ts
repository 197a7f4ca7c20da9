import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { STAGES } from '../../src/core/stage.ts'
import { renderResult } from '../../src/report/result.ts'
import { BUILD_RECEIPTS } from './build-receipts.ts'
import { GATE_RECEIPTS } from './gate-receipts.ts'
import { expectGolden } from './golden.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { DRAFT, HOSTILE_TEXTS, hostile, REJECTED, RELEASE, UNKNOWN, WITHOUT_POLICY } from './receipts.ts'
import { REPRODUCIBLE_RECEIPTS } from './reproducible-receipts.ts'
import { breaks, type Schema } from './schema.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

const SCHEMA = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/result.json'), 'utf8')) as Schema
const RECEIPTS = {
  RELEASE,
  WITHOUT_POLICY,
  REJECTED,
  UNKNOWN,
  DRAFT,
  ...SOURCE_RECEIPTS,
  ...MATERIAL_RECEIPTS,
  ...REPRODUCIBLE_RECEIPTS,
  ...BUILD_RECEIPTS,
  ...GATE_RECEIPTS,
}

test('renderResult() of a manifest is the golden file', () => {
  expectGolden(
    join(import.meta.dirname, 'golden/result-manifest.json.txt'),
    renderResult(GATE_RECEIPTS['gate-manifest']),
  )
})

test('renderResult() of a release is the golden file', () => {
  expectGolden(join(import.meta.dirname, 'golden/result-release.json.txt'), renderResult(RELEASE))
})

test.each(Object.entries(RECEIPTS))(
  'renderResult() of %s meets schemas/result.json and loses nothing',
  (_name, receipt) => {
    const parsed: unknown = JSON.parse(renderResult(receipt))
    expect(breaks(SCHEMA, parsed)).toEqual([])
    expect(parsed).toEqual(receipt)
  },
)

const SUBJECT = { name: 'x', digest: 'x', verdict: 'passed', findings: [] }

test.each([
  { given: 'an unknown field', change: { later: 1 } },
  { given: 'a verdict of another word', change: { verdict: 'ok' } },
  { given: 'no list of what was not checked', change: { notChecked: undefined } },
  {
    given: 'a link nobody knows',
    change: { subjects: [{ ...SUBJECT, links: [{ link: 'x', state: 'passed', below: [] }] }] },
  },
  {
    given: 'a link without what is below',
    change: { subjects: [{ ...SUBJECT, links: [{ link: 'sbom', state: 'passed' }] }] },
  },
  {
    given: 'a place before the first line',
    change: { subjects: [{ ...SUBJECT, places: [{ file: 'a', document: 1, path: 'b', line: 0 }] }] },
  },
  { given: 'a quarantine by nobody', change: { subjects: [{ ...SUBJECT, quarantine: { state: 'quarantined' } }] } },
  {
    given: 'a difference nobody knows',
    change: {
      reproducible: {
        state: 'rejected',
        platforms: [{ platform: 'x', differences: [{ kind: 'mood' }] }],
        findings: [],
      },
    },
  },
  {
    given: 'a second build without what came of it',
    change: { reproducible: { platforms: [], findings: [] } },
  },
  {
    given: 'a cache nobody knows',
    change: { materials: { items: [], closed: { by: 'builder', builder: 'fresh', cache: 'maybe', network: 'none' } } },
  },
  { given: 'a stage nobody knows', change: { stages: [{ name: 'magic', state: 'passed', ms: 1 }] } },
  {
    given: 'a digest in upper case',
    change: { attestations: [{ predicateType: 'x', subject: `sha256:${'A'.repeat(64)}` }] },
  },
])('schemas/result.json refuses $given', ({ change }) => {
  expect(breaks(SCHEMA, JSON.parse(JSON.stringify({ ...RELEASE, ...change })))).not.toEqual([])
})

test('schemas/result.json names every stage', () => {
  const definitions = SCHEMA.$defs as { stage: { properties: { name: { enum: string[] } } } }
  expect(definitions.stage.properties.name.enum).toEqual(expect.arrayContaining([...STAGES]))
})

test('renderResult() gives the same bytes whatever order the fields were set in', () => {
  const backwards = Object.fromEntries(Object.entries(RELEASE).reverse()) as unknown as typeof RELEASE
  expect(renderResult(backwards)).toBe(renderResult(RELEASE))
})

test('renderResult() writes no character that a terminal would act on, and keeps every text as it was', () => {
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary' })), text => {
      const json = renderResult(hostile(text))
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
      expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/)
      expect(JSON.parse(json)).toEqual(hostile(text))
    }),
  )
})
