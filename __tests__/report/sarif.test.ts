import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { CATALOGUE } from '../../src/core/catalogue.ts'
import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { renderSarif } from '../../src/report/sarif.ts'
import { GATE_RECEIPTS, many } from './gate-receipts.ts'
import { expectGolden } from './golden.ts'
import { HOSTILE_TEXTS, hostile, REJECTED, RELEASE, UNKNOWN, without } from './receipts.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

const OPTIONS = { version: '0.1.0', rulesFrom: CATALOGUE }
const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'sarif.json'), 'utf8')) as object
const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true })
ajv.addFormat('uri', URL.canParse)
ajv.addFormat('uri-reference', /^(?:[\w.~!$&'()*+,;=:@/?#[\]-]|%[0-9A-F]{2})*$/)
const validate = ajv.compile(schema)
/** The committee's own schema (`tools/sarif-schema.ts`), which allows much that Waybill never writes. */
const official = officialSchema()

function officialSchema() {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'sarif-2.1.0.json'), 'utf8')) as object
  // One of its patterns has a bracket that is none, which a regular expression may hold only without the u flag.
  const reader = new Ajv({ strictTypes: false, strictRequired: false, unicodeRegExp: false, allErrors: true })
  reader.addFormat('uri', URL.canParse)
  reader.addFormat('uri-reference', reference => URL.canParse(reference, 'file:///'))
  reader.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/)
  return reader.compile(schema)
}

interface Sarif {
  readonly runs: readonly [
    {
      readonly tool: {
        readonly driver: {
          readonly rules: readonly { readonly id: string; readonly help: { readonly text: string } }[]
        }
      }
      readonly invocations: readonly [
        {
          readonly executionSuccessful: boolean
          readonly toolExecutionNotifications: readonly { readonly message: { readonly text: string } }[]
        },
      ]
      readonly results: readonly {
        readonly ruleId: string
        readonly ruleIndex: number
        readonly level: string
        readonly message: { readonly text: string }
        readonly locations: readonly {
          readonly physicalLocation?: {
            readonly artifactLocation: { readonly uri: string }
            readonly region?: { readonly startLine: number }
          }
          readonly logicalLocations: readonly { readonly fullyQualifiedName: string }[]
        }[]
        readonly partialFingerprints: Readonly<Record<string, string>>
      }[]
    },
  ]
}

function sarif(receipt: Receipt, more: { readonly home?: string } = {}): Sarif['runs'][0] {
  const parsed: unknown = JSON.parse(renderSarif(receipt, { ...OPTIONS, ...more }))
  validate(parsed)
  expect(validate.errors ?? []).toEqual([])
  official(parsed)
  expect(official.errors ?? []).toEqual([])
  return (parsed as Sarif).runs[0]
}

const RECEIPTS = { RELEASE, REJECTED, UNKNOWN, ...SOURCE_RECEIPTS, ...GATE_RECEIPTS }

test('renderSarif() of a manifest is the golden file', () => {
  expectGolden(
    join(import.meta.dirname, 'golden/manifest.sarif.txt'),
    renderSarif(GATE_RECEIPTS['gate-manifest'], OPTIONS),
  )
})

test("the committee's schema refuses what is no SARIF", () => {
  const parsed = JSON.parse(renderSarif(GATE_RECEIPTS['gate-manifest'], OPTIONS))
  parsed.runs[0].results[0].level = 'fatal'
  delete parsed.runs[0].tool.driver.name
  expect(official(parsed)).toBe(false)
  expect(official.errors?.map(({ instancePath }) => instancePath)).toEqual(
    expect.arrayContaining(['/runs/0/tool/driver', '/runs/0/results/0/level']),
  )
})

test.each(Object.entries(RECEIPTS))(
  'renderSarif() of %s meets both schemas, each result names its rule',
  (_name, receipt) => {
    const { results, tool } = sarif(receipt)
    for (const result of results) expect(tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId)
  },
)

test('rejected is an error on the line of the manifest, unknown a warning, notes are notes; the worst first', () => {
  const { results, tool } = sarif(GATE_RECEIPTS['gate-manifest'])
  expect(results.map(({ level, ruleId }) => [level, ruleId])).toEqual([
    ['error', 'verify/source-not-passed'],
    ['warning', 'core/unreachable'],
  ])
  expect(results[0]?.locations.map(({ physicalLocation }) => physicalLocation)).toEqual([
    { artifactLocation: { uri: 'deploy/worker.yaml' }, region: { startLine: 21 } },
    { artifactLocation: { uri: 'deploy/all.yaml' }, region: { startLine: 70 } },
  ])
  expect(tool.driver.rules[0]?.help.text).toBe(CATALOGUE['core/unreachable'].remedy)
  expect(sarif(RELEASE).results.map(({ level }) => level)).toEqual(['note'])
})

test('an image that no file names has its reference, and the file that stands for it if the caller has one', () => {
  const receipt = {
    ...GATE_RECEIPTS['gate-manifest'],
    subjects: many(2).subjects.map(subject => without(subject, 'places')),
  }
  const [alone] = sarif(receipt).results
  expect(alone?.locations).toEqual([
    {
      logicalLocations: [
        { name: 'ghcr.io/acme/service-1:v1', fullyQualifiedName: 'ghcr.io/acme/service-1:v1', kind: 'resource' },
      ],
    },
  ])
  const [homed] = sarif(receipt, { home: '.github/waybill.yml' }).results
  expect(homed?.locations[0]?.physicalLocation).toEqual({ artifactLocation: { uri: '.github/waybill.yml' } })
})

test.each(['-', '/etc/passwd', '../outside.yaml', 'a/../../b.yaml', 'C:\\x.yaml'])(
  'a place in %s is no file of the repository, so no result points there',
  file => {
    const subjects = [
      { ...many(2).subjects[1], places: [{ file, document: 1, path: 'image', line: 1 }] } as SubjectReceipt,
    ]
    const [result] = sarif({ ...many(2), subjects }).results
    expect(result?.locations.map(({ physicalLocation }) => physicalLocation)).toEqual([undefined])
  },
)

test('names of files are percent-encoded, so that none becomes a scheme, a query or a fragment', () => {
  const subjects = [
    {
      ...many(2).subjects[1],
      places: [{ file: './a:b #1?/ü x.yaml', document: 1, path: 'image', line: 0 }],
    } as SubjectReceipt,
  ]
  const [result] = sarif({ ...many(2), subjects }).results
  expect(result?.locations[0]?.physicalLocation).toEqual({
    artifactLocation: { uri: 'a%3Ab%20%231%3F/%C3%BC%20x.yaml' },
  })
})

test('the same finding keeps its fingerprint when tag, digest, line and words change; another image has another', () => {
  const print = (change: Partial<SubjectReceipt>) => {
    const subject = { ...many(2).subjects[1], ...change } as SubjectReceipt
    return sarif({ ...many(2), subjects: [subject] }).results[0]?.partialFingerprints['waybill/v1']
  }
  const places = many(2).subjects[1]?.places ?? []
  const before = print({})
  expect(print({ name: 'ghcr.io/acme/service-1:v2', digest: `sha256:${'f'.repeat(64)}` })).toBe(before)
  expect(print({ places: places.map(place => ({ ...place, line: 99 })) })).toBe(before)
  expect(print({ name: 'ghcr.io/acme/service-2:v1' })).not.toBe(before)
  expect(print({ places: [] })).not.toBe(before)
})

test('fingerprints of one run are all different', () => {
  const twice = { ...many(40), subjects: [...many(40).subjects, ...many(40).subjects] }
  const prints = sarif(twice).results.map(({ partialFingerprints }) => partialFingerprints['waybill/v1'])
  expect(new Set(prints).size).toBe(prints.length)
})

test('a verdict without a finding and an error without a subject are results, or an alert would close by itself', () => {
  const [bare] = sarif({ ...many(2), subjects: [{ name: 'x', digest: '', verdict: 'unknown', findings: [] }] }).results
  expect([bare?.level, bare?.message.text]).toEqual(['warning', 'x: the verdict is unknown'])
  const unreachable = sarif(UNKNOWN)
  expect(unreachable.results.map(({ level, ruleId }) => [level, ruleId])).toEqual([['warning', 'core/unreachable']])
  expect(unreachable.invocations[0].executionSuccessful).toBe(false)
})

test('what was not checked is always told', () => {
  const { invocations } = sarif(GATE_RECEIPTS['gate-image'])
  expect(invocations[0].toolExecutionNotifications.map(({ message }) => message.text)).toContain(
    'Not checked: The base images, and whatever else a build downloads.',
  )
})

test('of many results the worst are written and the rest is counted', () => {
  const { results, invocations } = sarif(many(6000))
  expect(results).toHaveLength(5000)
  expect(results.every(({ level }) => level === 'error')).toBe(true)
  expect(invocations[0].toolExecutionNotifications.at(-1)?.message.text).toBe(
    '400 more results stand in the result JSON',
  )
})

test('no text from outside becomes a placeholder, a link or a control character', () => {
  const text = fc.oneof(
    fc.constantFrom(...HOSTILE_TEXTS, '{0}', '[click](https://evil.example)'),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(text, foreign => {
      const json = renderSarif(hostile(foreign), OPTIONS)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
      expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/)
      const { results } = sarif(hostile(foreign))
      for (const { message } of results) expect(message.text).not.toContain('](')
    }),
  )
})

test('renderSarif() gives the same bytes whatever order the fields were set in', () => {
  const receipt = GATE_RECEIPTS['gate-manifest']
  const backwards = Object.fromEntries(Object.entries(receipt).reverse()) as unknown as Receipt
  expect(renderSarif(backwards, OPTIONS)).toBe(renderSarif(receipt, OPTIONS))
})
