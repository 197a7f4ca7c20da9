import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { isPrintable } from '../../src/core/text.ts'
import { EVENT_BYTES, eventsOf, renderEvents } from '../../src/report/events.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { GATE_RECEIPTS, many } from './gate-receipts.ts'
import { expectGolden } from './golden.ts'
import { HOSTILE_TEXTS, hostile, REJECTED, RELEASE, UNKNOWN } from './receipts.ts'
import { breaks, type Schema } from './schema.ts'

const SCHEMA = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/event.json'), 'utf8')) as Schema
const AT = new Date('2026-05-02T10:05:00Z')

const lines = (receipt: Receipt) => renderEvents(receipt, AT).split('\n').slice(0, -1)

test('renderEvents() of a manifest is the golden file', () => {
  expectGolden(
    join(import.meta.dirname, 'golden/manifest.events.txt'),
    renderEvents(GATE_RECEIPTS['gate-manifest'], AT),
  )
})

test('each rejected subject is one line that meets schemas/event.json', () => {
  const events = lines(many(100)).map(line => JSON.parse(line) as object)
  expect(events).toHaveLength(90)
  for (const event of events) expect(breaks(SCHEMA, event)).toEqual([])
})

test.each([
  { what: 'a release', receipt: RELEASE },
  { what: 'what could not be checked', receipt: UNKNOWN },
  { what: 'a commit that was rejected: that is for the run that judges commits', receipt: REJECTED },
  { what: 'an image that passed', receipt: GATE_RECEIPTS['gate-image'] },
])('renderEvents() of $what is empty', ({ receipt }) => {
  expect(renderEvents(receipt, AT)).toBe('')
})

test('a subject that is held back is told as such, also when it would pass', () => {
  const [subject] = GATE_RECEIPTS['gate-image'].subjects
  const quarantine = { state: 'quarantined', from: 'policy' } as const
  const held = { ...GATE_RECEIPTS['gate-image'], subjects: subject === undefined ? [] : [{ ...subject, quarantine }] }
  expect(eventsOf(held, AT)).toMatchObject([{ event: 'waybill.quarantined', verdict: 'passed', quarantine }])
  const released = {
    ...held,
    subjects: held.subjects.map(it => ({ ...it, quarantine: { ...quarantine, state: 'released' as const } })),
  }
  expect(eventsOf(released, AT)).toEqual([])
})

test('expected and found are those of the finding that decides', () => {
  const [event] = eventsOf(GATE_RECEIPTS['gate-manifest'], AT)
  expect([event?.codes, event?.expected, event?.found]).toEqual([['verify/source-not-passed'], 'PASSED', 'FAILED'])
})

test('the run is named where it is known', () => {
  expect(eventsOf(GATE_RECEIPTS['gate-manifest'], AT)[0]?.run).toBe('https://github.com/acme/deploy/actions/runs/42')
  expect(eventsOf(many(2), AT)[0]).not.toHaveProperty('run')
})

test('whatever stands in names and findings, an event is one short line without control characters', () => {
  const text = fc.oneof(
    fc.constantFrom(
      ...HOSTILE_TEXTS,
      '\u202e'.repeat(5000),
      '"'.repeat(5000),
      '\u0000'.repeat(5000),
      '\ud800'.repeat(5000),
    ),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(text, foreign => {
      const all = lines(hostile(foreign))
      expect(all).toHaveLength(2)
      for (const line of all) {
        expect(isPrintable(line)).toBe(true)
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(EVENT_BYTES)
        expect(() => JSON.parse(line) as unknown).not.toThrow()
      }
    }),
  )
})

test.each([
  { what: 'a token of GitHub', text: 'ghp_0123456789abcdefghijABCDEFGHIJ', secret: '0123456789abcdef' },
  { what: 'a fine-grained token', text: 'github_pat_0123456789_abcdefghijABCDEFGHIJ', secret: '0123456789_abc' },
  { what: 'a token of GitLab', text: 'glpat-0123456789abcdefghij', secret: '0123456789abcdef' },
  { what: 'a web token', text: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl', secret: 'c2lnbmF0dXJl' },
  { what: 'a private key', text: '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49', secret: 'MIGHAgEA' },
  { what: 'a password in a URL', text: 'https://alice:hunter2@registry.example/v2/', secret: 'hunter2' },
])('$what is not told to anybody, wherever it stands', ({ text, secret }) => {
  const told = renderEvents(hostile(`x ${text} y`), AT)
  expect(told).not.toContain(secret)
  expect(told).toContain('***')
})
