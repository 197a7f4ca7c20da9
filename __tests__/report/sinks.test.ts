import type { SinkReceipt } from '../../src/report/receipt.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { HOSTILE_TEXTS, RELEASE } from './receipts.ts'

const REGISTRY: SinkReceipt = { name: 'registry', place: 'ghcr.io/acme/app', state: 'passed' }
const ERROR = { code: 'registry/tag-immutable', message: 'The registry does not let it', remedy: 'Exclude it.' }

const shown = (...sinks: readonly SinkReceipt[]) =>
  renderSummary({ ...RELEASE, sinks })
    .split('\n')
    .filter(line => / (?:attached in the registry|tags for cosign 2|attestation store|list of artifacts)/.test(line))

test('one registry that took everything is no news', () => {
  expect(shown(REGISTRY)).toEqual([])
  expect(renderSummary({ ...RELEASE, sinks: [REGISTRY] })).toBe(renderSummary(RELEASE))
})

test('each place is a row with its state, what was new, and why it failed', () => {
  const failed: SinkReceipt = { name: 'legacy-signatures', place: 'ghcr.io/acme/app', state: 'failed', error: ERROR }
  const stored: SinkReceipt = { name: 'github-attestations', place: 'acme/app', state: 'passed', added: 2 }
  const none: SinkReceipt = { name: 'github-attestations', place: 'acme/app', state: 'not-available', error: ERROR }
  const rows = shown(REGISTRY, failed, stored, none)
  expect(rows).toHaveLength(4)
  expect(rows[0]).toContain('| passed | – |')
  expect(rows[1]).toMatch(/❌.*failed.*registry\/tag-immutable: The registry does not let it/)
  expect(rows[2]).toContain('| passed | 2 |')
  expect(rows[3]).toContain('not-available')
})

test('one that failed is told even alone', () => {
  expect(shown({ ...REGISTRY, state: 'failed', error: ERROR })).toHaveLength(1)
})

test.each(HOSTILE_TEXTS.map((text, at) => [at, text] as const))(
  '13-adversary 38: hostile text %i stays text in its cell',
  (_, text) => {
    const error = { ...ERROR, message: text }
    const hostile: SinkReceipt = { name: 'legacy-signatures', place: text, state: 'failed', error }
    expect(shown(REGISTRY, hostile)).toHaveLength(2)
  },
)
