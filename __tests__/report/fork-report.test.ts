import fc from 'fast-check'
import { readForkReport, renderForkReport } from '../../src/report/fork-report.ts'
import { renderResult } from '../../src/report/result.ts'
import { errorOf } from '../github/support.ts'
import { liveParts } from './markdown.ts'
import { DRAFT, HOSTILE_TEXTS, hostile, REJECTED, RELEASE } from './receipts.ts'

const read = (value: unknown) => readForkReport(Buffer.from(JSON.stringify(value)))

test('results of Waybill itself are read', () => {
  for (const receipt of [RELEASE, REJECTED, DRAFT]) {
    const report = readForkReport(Buffer.from(renderResult(receipt)))
    expect(report.verdict).toBe(receipt.verdict)
  }
})

test('13-adversary 36: whatever it says, nothing of it is alive, marked or long', () => {
  const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary', maxLength: 60 }))
  fc.assert(
    fc.property(text, value => {
      const { suggestedPolicy: _, ...receipt } = hostile(value)
      const markdown = renderForkReport(readForkReport(Buffer.from(renderResult(receipt))))
      const { html, links, texts, tables } = liveParts(markdown)
      expect({ html, links, texts }).toEqual({ html: [], links: [], texts: [] })
      for (const rows of tables) expect(new Set(rows)).toEqual(new Set([2]))
      expect(markdown.split('\n').filter(line => /^#/.test(line))).toEqual([
        '### Reported by the fork’s own run, not verified',
      ])
    }),
  )
  const many = { ...REJECTED, subjects: Array.from({ length: 500 }, () => REJECTED.subjects[0]) }
  expect(renderForkReport(read(many)).length).toBeLessThan(10_000)
})

test.each<[string, unknown]>([
  ['a list', []],
  ['another version', { ...RELEASE, schemaVersion: 2 }],
  ['a verdict of its own', { ...RELEASE, verdict: 'Passed' }],
  ['a key of its own', { ...RELEASE, x: 1 }],
  ['a stage that is none', { ...RELEASE, stages: [{ name: 'x', state: 'green' }] }],
  ['a digest that is none', { ...RELEASE, image: { ...RELEASE.image, digest: 'sha256:x' } }],
  ['a code that is none', { ...RELEASE, error: { code: '<b>', message: '' } }],
  ['no subjects', { ...RELEASE, subjects: undefined }],
])('13-adversary 36: %s is refused', async (_name, value) => {
  expect((await errorOf(() => read(value))).code).toBe('github/fork-report-unusable')
})
