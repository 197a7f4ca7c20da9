import { join } from 'node:path'
import { annotationsOf } from '../../src/report/annotations.ts'
import { renderReceiptPage } from '../../src/report/html-receipt.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { differenceText, reproducibleSentence, worstDifference } from '../../src/report/reproducible.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import type { Difference } from '../../src/reproducible/difference.ts'
import { expectGolden } from './golden.ts'
import { digest, HOSTILE_TEXTS, RELEASE } from './receipts.ts'
import { REPRODUCIBLE_RECEIPTS } from './reproducible-receipts.ts'

const golden = (name: string) => join(import.meta.dirname, 'golden', name)
const RECEIPTS: readonly (readonly [string, Receipt])[] = Object.entries(REPRODUCIBLE_RECEIPTS)

describe.each(RECEIPTS)('%s', (name, receipt) => {
  test('its summary is the golden file', () => expectGolden(golden(`summary-${name}.md.txt`), renderSummary(receipt)))
  test('its terminal text is the golden file', () =>
    expectGolden(golden(`terminal-${name}.txt`), renderTerminal(receipt, { colour: false })))
})

test('a run that did not ask says nothing of it', () => {
  expect(renderSummary(RELEASE)).not.toContain('Built again')
  expect(renderTerminal(RELEASE, { colour: false })).not.toContain('built again')
})

test('what differs is an annotation, and only a build that was the same is called reproducible', () => {
  const { reproducible: passed, ...others } = REPRODUCIBLE_RECEIPTS
  expect(reproducibleSentence(passed.reproducible as never)).toMatch(/^Reproducible:/)
  for (const receipt of Object.values<Receipt>(others)) {
    if (receipt.reproducible === undefined) throw new RangeError('no outcome')
    expect(reproducibleSentence(receipt.reproducible)).toMatch(/^Not /)
    expect(annotationsOf(receipt)[0]).toMatchObject({ level: 'error', title: expect.stringMatching(/^build\//) })
  }
})

test('content that is only compressed in another way is not called other content', () => {
  const { 'other-packing': packing } = REPRODUCIBLE_RECEIPTS
  expect(renderSummary(packing)).toContain('Not bit for bit: the second build has the same content')
})

test('of several differences that is named which somebody can mend', () => {
  const differences: readonly Difference[] = [
    { kind: 'config', path: 'created', first: 'a', second: 'b' },
    { kind: 'unread', layer: 1, second: 'registry/not-found' },
    { kind: 'file', layer: 2, path: 'x', what: 'mode', first: '0644', second: '0755' },
  ]
  const platforms = [{ platform: 'linux/amd64', first: digest('1'), second: digest('2'), differences }]
  expect(worstDifference(platforms)).toEqual({
    platform: 'linux/amd64',
    message: 'layer 2: x has other permissions',
    first: '0644',
    second: '0755',
  })
})

test.each(HOSTILE_TEXTS)('a file called %j stays text everywhere', text => {
  const difference: Difference = {
    kind: 'file',
    layer: 1,
    madeBy: text,
    path: text,
    what: 'content',
    first: text,
    second: text,
  }
  const platforms = [{ platform: text, first: digest('1'), second: digest('2'), differences: [difference] }]
  const receipt: Receipt = { ...RELEASE, reproducible: { state: 'rejected', platforms, findings: [] } }
  const lines = renderSummary(receipt).split('\n')
  // One row, whatever it is called.
  const row = lines.findIndex(line => line.startsWith('| platform | what differs'))
  expect(lines[row + 2]).toMatch(/^\| .* \|$/)
  expect(lines[row + 3]).toBe('')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(renderTerminal(receipt, { colour: false })).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/)
  expect(differenceText(difference)).not.toContain('\n')
  expect(renderReceiptPage(receipt)).not.toContain('<script')
})
