import { annotationsOf } from '../../src/report/annotations.ts'
import { closedWords, materialsInOrder, proofText } from '../../src/report/materials.ts'
import type { MaterialReceipt, Receipt } from '../../src/report/receipt.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { RELEASE } from './receipts.ts'

const { materials: PASSED, 'materials-rejected': BAD } = MATERIAL_RECEIPTS
const [NODE] = PASSED.materials.items

const many = (count: number): Receipt => ({
  ...PASSED,
  materials: {
    items: Array.from({ length: count }, (_, at): MaterialReceipt => ({ ...NODE, name: `ghcr.io/acme/base-${at}:1` })),
  },
})

test('a run that did not ask has no section', () => {
  expect(renderSummary(RELEASE)).not.toContain('Base images and other materials')
  expect(renderTerminal(RELEASE, { colour: false })).not.toContain('\nmaterials:')
})

test('a build that takes nothing in says so', () => {
  const receipt = { ...PASSED, materials: { items: [] } }
  expect(renderSummary(receipt)).toContain('Nothing but the commit itself goes in.')
  expect(renderTerminal(receipt, { colour: false })).toContain('nothing but the commit itself')
})

test('old and new digest stand side by side, and what is pinned is never called verified', () => {
  const line = renderSummary(PASSED)
    .split('\n')
    .find(text => text.startsWith('| ') && text.includes('`docker.io/library/node:24`'))
  expect(line).toContain('`sha256:333333333333` → `sha256:4444')
  expect(line).toContain('**pinned**')
  for (const proof of ['pinned', 'none'] as const) expect(proofText({ ...NODE, proof })).not.toMatch(/verified|signed/)
})

test('a key that the judged commit declares is told apart from one of the policy', () => {
  expect(renderSummary(PASSED)).toContain('`minisign key RWQf6LRCGA9i53ml` (a key that the commit itself declares)')
  expect(renderTerminal(PASSED, { colour: false, columns: 200 })).toContain('a key that the commit itself declares')
})

test('what is refused comes first, and is an annotation on its line of the Dockerfile', () => {
  expect(materialsInOrder(BAD).map(({ verdict }) => verdict)).toEqual(['rejected', 'passed'])
  expect(annotationsOf(BAD)[0]).toMatchObject({
    level: 'error',
    title: 'verify/no-attestation',
    file: 'images/app/Dockerfile',
    line: 7,
  })
  // Once, though the run ended on it.
  expect(annotationsOf(BAD).filter(({ title }) => title === 'verify/no-attestation')).toHaveLength(1)
})

test('500 materials fold, and fit a small budget', () => {
  expect(renderSummary(many(500))).toContain('<details><summary>480 more</summary>')
  expect(renderSummary(many(500), 20_000)).toMatch(/^\d+ more in the result JSON\.$/m)
  expect(renderTerminal(many(500), { colour: false })).toContain('… 400 more in the result JSON')
})

test.each([
  ['builder', 'The builder itself refused everything else; builder fresh, cache none, network none.'],
  ['parser', 'What the Dockerfile names is all in this list; builder fresh, cache none, network none.'],
] as const)('13-adversary 18: the %s is said to have kept the rest out as far as it did', (by, words) => {
  expect(closedWords({ by, builder: 'fresh', cache: 'none', network: 'none' })).toBe(words)
})
