import { join } from 'node:path'
import fc from 'fast-check'
import { fail } from '../../src/core/error.ts'
import { isPrintable } from '../../src/core/text.ts'
import type { ChainLink } from '../../src/policy/chain.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { renderError, renderTerminal, wantsColour } from '../../src/report/terminal.ts'
import { columnsOf } from '../../src/report/width.ts'
import { GATE_RECEIPTS, many } from './gate-receipts.ts'
import { expectGolden } from './golden.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { DRAFT, HOSTILE_TEXTS, hostile, REJECTED, RELEASE, UNKNOWN, WITHOUT_POLICY } from './receipts.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

const RECEIPTS = {
  release: RELEASE,
  'without-policy': WITHOUT_POLICY,
  rejected: REJECTED,
  unknown: UNKNOWN,
  draft: DRAFT,
  ...SOURCE_RECEIPTS,
  ...MATERIAL_RECEIPTS,
  ...GATE_RECEIPTS,
}

test.each(Object.entries(RECEIPTS))('renderTerminal() of %s is the golden file', (name, receipt) => {
  expectGolden(join(import.meta.dirname, `golden/terminal-${name}.txt`), renderTerminal(receipt, { colour: false }))
})

test('renderError() is code, sentence and remedy, wrapped at spaces', () => {
  const error = fail(
    'source/signer-unknown',
    'commit 3f1c9e2 "Fix login" is signed by ssh key SHA256:Qm1, which belongs to no principal of the policy (.github/waybill.yml at 9a04d11)',
    { remedy: 'add the key to a principal, or run: waybill signers import --github alice' },
  )
  expect(renderError(error, 90)).toBe(
    [
      'source/signer-unknown: commit 3f1c9e2 "Fix login" is signed by ssh key SHA256:Qm1, which',
      'belongs to no principal of the policy (.github/waybill.yml at 9a04d11).',
      '→ add the key to a principal, or run: waybill signers import --github alice',
      '',
    ].join('\n'),
  )
})

test('renderError() says what was expected and found on lines of their own', () => {
  const error = fail('core/digest-malformed', 'x is not a sha256 digest', { expected: 'sha256:<64 hex>', found: 'x' })
  expect(renderError(error).split('\n').slice(0, 3)).toEqual([
    'core/digest-malformed: x is not a sha256 digest.',
    '  expected: sha256:<64 hex>',
    '  found:    x',
  ])
})

test('colour stands around states only, and its absence leaves the same text', () => {
  const coloured = renderTerminal(REJECTED, { colour: true })
  expect(coloured).toContain('\u001b[31mrejected\u001b[0m')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape is what is removed
  expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(renderTerminal(REJECTED, { colour: false }))
})

test.each([
  { noColor: undefined, isTerminal: true, colour: true },
  { noColor: '', isTerminal: true, colour: true },
  { noColor: '1', isTerminal: true, colour: false },
  { noColor: undefined, isTerminal: false, colour: false },
])('wantsColour($noColor, $isTerminal) is $colour', ({ noColor, isTerminal, colour }) => {
  expect(wantsColour(noColor, isTerminal)).toBe(colour)
})

test('prose fits 80 columns; only lines with an id, a command or a value may be longer', () => {
  const long = renderTerminal(
    { ...REJECTED, notChecked: ['word '.repeat(60).trim()], notices: ['word '.repeat(60).trim()] },
    { colour: false },
  )
  for (const line of long.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

test('no text of a commit or image reaches the terminal as a control, bidi or line break', () => {
  const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary' }))
  const lines = (foreign: string) => renderTerminal(hostile(foreign), { colour: false }).split('\n')
  fc.assert(
    fc.property(text, foreign => {
      for (const line of lines(foreign)) expect(isPrintable(line)).toBe(true)
    }),
  )
})

test('a remedy of several lines cannot imitate a line of ours', () => {
  const receipt = {
    ...REJECTED,
    error: { code: 'core/internal', message: 'x', remedy: 'add:\nwaybill attest: passed' },
  }
  expect(renderTerminal(receipt, { colour: false })).toContain('→ add:\n  waybill attest: passed\n')
})

test('the table of commits fits 80 columns whatever names and subjects are, and tells basis, signer and reviewers', () => {
  const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(fc.array(fc.tuple(name, name, fc.boolean()), { minLength: 1, maxLength: 5 }), rows => {
      const subjects = rows.map(([principal, title, enough], at) => ({
        name: `${at}`,
        digest: `${at}`.repeat(40),
        verdict: 'rejected' as const,
        basis: 'excepted' as const,
        findings: [],
        kind: 'ssh' as const,
        principal,
        title,
        review: { enough, label: 'signed-by-reviewer' as const, by: [principal, title], pull: 12, statements: [] },
      }))
      const lines = renderTerminal({ ...REJECTED, subjects }, { colour: false }).split('\n')
      const table = lines.filter(line => /^(verdict|rejected) /.test(line))
      expect(table).toHaveLength(rows.length + 1)
      for (const line of table) expect([...line].length).toBeLessThanOrEqual(80)
    }),
  )
})

test('13-adversary 3: changed rules come before the verdict, and more than forty lines are counted', () => {
  const lines = Array.from({ length: 100 }, (_, at) => ({
    how: 'added' as const,
    what: 'exception' as const,
    text: `commit ${at}`,
    loosens: true,
  }))
  const [change] = SOURCE_RECEIPTS.loosened.ruleChanges ?? []
  if (change === undefined) throw new Error('no change')
  const text = renderTerminal({ ...SOURCE_RECEIPTS.loosened, ruleChanges: [{ ...change, lines }] }, { colour: false })
  expect(text).toContain('! … 60 more in the result JSON')
  expect(text.indexOf('exception commit 0')).toBeLessThan(text.indexOf('waybill attest: passed'))
})

test('the chain fits 80 columns however deep it is, whoever signed', () => {
  let below: readonly ChainLink[] = []
  for (let depth = 0; depth < 20; depth++)
    below = [
      { link: 'reproducible', state: 'not-asked', digest: 'a'.repeat(64), by: `${depth}${'w'.repeat(200)}`, below },
    ]
  const subject = { name: 'x', digest: 'x', verdict: 'passed' as const, findings: [], links: below }
  const text = renderTerminal({ ...GATE_RECEIPTS['gate-image'], subjects: [subject] }, { colour: false })
  const tree = text.split('\n').filter(line => /[├└│]/.test(line))
  expect(tree.length).toBeGreaterThan(8)
  for (const line of tree) expect([...line].length).toBeLessThanOrEqual(80)
})

test('the table of many subjects fits 80 columns; the first line says how many and how bad', () => {
  const lines = renderTerminal(many(100), { colour: false }).split('\n')
  expect(lines[0]).toBe('verify manifest: rejected (100 subjects: 90 rejected, 10 passed)')
  const table = lines.filter(line => /^(verdict|rejected|passed) /.test(line))
  expect(table).toHaveLength(101)
  for (const line of table) expect([...line].length).toBeLessThanOrEqual(80)
})

test('ninety images with the same cause are one sentence with a count', () => {
  const text = renderTerminal(many(100), { colour: false })
  expect(text.match(/verify\/no-attestation/g)).toHaveLength(1)
  expect(text).toContain(
    '90 subjects, rejected:\nverify/no-attestation: No signature of … is by whom the rule expects.',
  )
  expect(text).toContain('ghcr.io/acme/service-1:v1  deploy/service-1.yaml:11 spec')
  expect(text).toContain('  and 85 more')
})

test('a hundred thousand links are drawn up to a bound', () => {
  const links = Array.from({ length: 100_000 }, (): ChainLink => ({ link: 'sbom', state: 'passed', below: [] }))
  const subject = { name: 'x', digest: 'x', verdict: 'passed' as const, findings: [], links }
  const text = renderTerminal({ ...GATE_RECEIPTS['gate-image'], subjects: [subject] }, { colour: false })
  expect(text.split('\n').length).toBeLessThan(100)
})

test('13-adversary 29: what only the folder says is told in the line of the verdict', () => {
  const [first] = renderTerminal(GATE_RECEIPTS['gate-recorded'], { colour: false }).split('\n')
  expect(first).toBe('verify image: unknown; passed as recorded by whoever wrote this folder')
})

test('a command in a notice stands on one line, whatever its length', () => {
  const command = `waybill quarantine release '/${'folder/'.repeat(20)}record.json' --reason TEXT`
  const receipt = { ...GATE_RECEIPTS['gate-image'], notices: [`to release it, if that was wrong: ${command}`] }
  expect(renderTerminal(receipt, { colour: false }).split('\n')[1]).toBe(
    `! to release it, if that was wrong: ${command}`,
  )
})

test('what findings have in common is said once, each cause with its own sentence', () => {
  const [subject] = GATE_RECEIPTS['gate-image'].subjects
  const finding = {
    code: 'verify/no-attestation',
    severity: 'reject',
    subject: 'x',
    expected: 'a signature by alice',
    remedy: 'Sign it.',
  } as const
  const findings = ['No signature', 'No provenance'].map(message => ({ ...finding, message }))
  const text = renderTerminal(
    {
      ...GATE_RECEIPTS['gate-image'],
      subjects: [{ name: 'x', digest: '', verdict: 'rejected', ...subject, findings }],
    },
    { colour: false },
  )
  expect(text.match(/verify\/no-attestation: No (signature|provenance)\./g)).toHaveLength(2)
  expect(text.match(/expected: a signature by alice/g)).toHaveLength(1)
  expect(text.match(/→ Sign it\./g)).toHaveLength(1)
})

test('13-adversary 38: that nothing was judged stands in the line of the verdict', () => {
  const [first] = renderTerminal(WITHOUT_POLICY, { colour: false }).split('\n')
  expect(first).toBe('waybill attest: passed; nothing was judged')
  expect(renderTerminal(RELEASE, { colour: false })).not.toContain('nothing was judged')
})

test('what a person must know stands below the verdict, never above it', () => {
  const receipt = { ...GATE_RECEIPTS['gate-image'], notices: ['moved to quarantine', 'two'] }
  expect(renderTerminal(receipt, { colour: false }).split('\n').slice(0, 3)).toEqual([
    'verify image: passed',
    '! moved to quarantine',
    '! two',
  ])
})

test('the last line repeats why the process does not end with 0, and only then', () => {
  const last = (receipt: Receipt, exitCode?: number) =>
    renderTerminal(receipt, { colour: false, ...(exitCode === undefined ? {} : { exitCode }) })
      .trimEnd()
      .split('\n')
      .at(-1)
  expect(last(many(100), 1)).toBe('exit code 1, rejected: verify/no-attestation (90)')
  expect(last(many(100))).not.toContain('exit code')
  expect(last(GATE_RECEIPTS['gate-image'], 0)).not.toContain('exit code')
  expect(last(UNKNOWN, 2)).toMatch(/^exit code 2, unknown: [a-z-]+\/[a-z-]+$/)
  const coloured = renderTerminal(many(100), { colour: true, exitCode: 1 })
  expect(coloured).toContain('exit code 1, \u001b[31mrejected\u001b[0m: ')
})

test.each([1, 20, 33, 60])('in %i columns every receipt is told, its table no wider than it must be', columns => {
  for (const receipt of [...Object.values(RECEIPTS), many(100)]) {
    const text = renderTerminal(receipt, { colour: false, columns, exitCode: 1 })
    expect(text).toContain(receipt.verdict)
    for (const line of text.split('\n').filter(row => /^verdict /.test(row)))
      expect(columnsOf(line)).toBeLessThanOrEqual(Math.max(columns, 40))
  }
})

test('values of 70,000 characters make no long line, but for a command, which is whole or not there', () => {
  for (const letter of ['x', '世', '\u202e', 'e\u0301', 'x '])
    for (const line of renderTerminal(hostile(letter.repeat(70_000)), { colour: false }).split('\n'))
      if (!/^ *(--replay|cosign verify|waybill verify)/.test(line)) expect(line.length).toBeLessThan(20_000)
})
