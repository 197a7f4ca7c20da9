import { isPrintable } from '../../src/core/text.ts'
import { compareInspections } from '../../src/report/compare.ts'
import type { Inspection } from '../../src/report/inspection.ts'
import { renderComparison, renderInspection } from '../../src/report/inspection-text.ts'
import { commitsOf, digestOf, hostileInspection, inspectionOf, SEEN } from './inspections.ts'

const options = { colour: false, columns: 80 }
const A = inspectionOf({ commits: commitsOf(6) })
const B = inspectionOf({ commits: commitsOf(9), digit: '5', base: '6' })

test('compareInspections() names commits, materials and sizes that differ', () => {
  const found = compareInspections(A, B)
  expect(found.commits).toMatchObject({ basis: 'details', removed: [] })
  expect(found.commits.added.map(({ id }) => id)).toEqual(
    commitsOf(9)
      .slice(6)
      .map(({ id }) => id),
  )
  expect(found.materials).toEqual([{ what: 'docker.io/library/node:24-slim', from: digestOf('7'), to: digestOf('6') }])
  expect([found.same, found.policy, found.builder, found.platforms]).toEqual([false, [], [], []])
})

test('compareInspections() of one image finds nothing', () => {
  const found = compareInspections(A, A)
  expect([found.same, found.commits.added, found.materials, found.signers]).toEqual([true, [], [], []])
})

test('compareInspections() calls no commit added where only the built ones are known', () => {
  const { source: _, ...origin } = B.origin ?? (undefined as never)
  const found = compareInspections(A, { ...B, origin })
  expect(found.commits).toMatchObject({ basis: 'ids', added: [], removed: [] })
  expect(found.notCompared.join(' ')).toContain('no source detail')
})

test('compareInspections() compares nothing of provenances that contradict each other', () => {
  const { origin: _, ...rest } = B
  const found = compareInspections(A, { ...rest, stories: 2 })
  expect([found.commits.basis, found.materials, found.builder.length]).toEqual(['none', [], 3])
  expect(found.notCompared.join(' ')).toContain('2 provenances that tell different stories')
})

test('a tree fits its columns and shows foreign text escaped', () => {
  for (const inspection of [SEEN, hostileInspection('\u202e<b>\u001b[31m\n│ passed')]) {
    const text = renderInspection(inspection, options)
    for (const line of text.split('\n')) expect(isPrintable(line)).toBe(true)
  }
  expect(renderInspection(SEEN, options)).not.toMatch(/\b(passed|verified)\b/)
  expect(renderComparison([A, B], compareInspections(A, B), options)).toContain('3 added, 0 removed')
})

const VERIFIED = inspectionOf({ commits: commitsOf(6), standing: 'verified' })
const JUDGED: Inspection = {
  ...VERIFIED,
  gate: { name: VERIFIED.name, digest: VERIFIED.digest, verdict: 'passed', findings: [] },
}

test('compareInspections() says so where commits come from a source summary that nobody verified', () => {
  const { origin } = JUDGED
  const source = origin?.source
  if (origin === undefined || source === undefined) throw new Error('no source')
  const verified = { ...JUDGED, origin: { ...origin, source: { ...source, standing: 'verified' } } } as const
  const seen = { ...JUDGED, origin: { ...origin, source: { ...source, standing: 'seen' } } } as const
  expect(compareInspections(verified, verified).notCompared).toEqual([])
  expect(compareInspections(verified, seen).notCompared.join(' ')).toContain('word of whoever signed')
})

test('compareInspections() calls nobody a signer whom the gate did not accept', () => {
  const stranger = {
    what: 'statement',
    standing: 'seen',
    by: 'https://github.com/mallory/x/.github/workflows/x.yml@refs/heads/main',
    bundle: digestOf('e'),
    facts: [],
    below: [],
  } as const
  const more = { ...JUDGED, chain: { ...JUDGED.chain, below: [...JUDGED.chain.below, stranger] } }
  expect(compareInspections(JUDGED, more).signers).toEqual([{ what: 'who signed, not verified', to: stranger.by }])
})

test('compareInspections() says that nobody is expected where there is no provenance, too', () => {
  const { origin: _, ...bare } = inspectionOf()
  expect(compareInspections(bare, bare).notCompared.join(' ')).toContain('Nobody said who is expected')
})
