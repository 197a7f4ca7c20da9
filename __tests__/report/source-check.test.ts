import fc from 'fast-check'
import { isPrintable } from '../../src/core/text.ts'
import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { renderResult } from '../../src/report/result.ts'
import { renderSourceCheck } from '../../src/report/source-check.ts'
import { columnsOf } from '../../src/report/width.ts'
import { HOSTILE_TEXTS, hostile } from './receipts.ts'
import { SOURCE_RECEIPTS } from './source-receipts.ts'

const id = (at: number) => at.toString(16).padStart(40, '0')

function commit(at: number, more: Partial<SubjectReceipt> = {}): SubjectReceipt {
  const name = id(at).slice(-7)
  return {
    name,
    digest: id(at),
    verdict: 'passed',
    basis: 'signed',
    findings: [],
    kind: 'ssh',
    principal: 'alice',
    title: `Change ${at}`,
    ...more,
  }
}

function bad(at: number): SubjectReceipt {
  const { basis: _basis, principal: _principal, ...rest } = commit(at)
  const message = `commit ${rest.name} "Change ${at}" carries no signature`
  const finding = { code: 'source/unsigned', severity: 'reject', subject: id(at), message, remedy: 'Sign it' } as const
  return { ...rest, verdict: 'rejected', kind: 'none', findings: [finding] }
}

function receipt(subjects: readonly SubjectReceipt[], more: Partial<Receipt> = {}): Receipt {
  const verdict = subjects.some(({ verdict: one }) => one === 'rejected') ? 'rejected' : 'passed'
  return {
    schemaVersion: 1,
    command: 'source check',
    verdict,
    subjects,
    stages: [],
    attestations: [],
    notices: ['Commit 1234567 changed the policy (approved by alice): .github/waybill.yml'],
    notChecked: ['Reviews: not asked.'],
    ...more,
  }
}

const plain = (it: Receipt) => renderSourceCheck(it, { colour: false })

test('renderSourceCheck() tells the verdict first, then what must be known, the commits, and what was not checked', () => {
  const lines = plain(receipt([commit(1), bad(2)])).split('\n')
  expect(lines.slice(0, 7)).toEqual([
    'source check: rejected (2 commits: 1 passed, 1 rejected)',
    '! Commit 1234567 changed the policy (approved by alice): .github/waybill.yml',
    '',
    'commit   verdict   kind  principal  basis   subject',
    '0000001  passed    ssh   alice      signed  Change 1',
    '0000002  rejected  none  –          –       Change 2',
    '',
  ])
  expect(lines).toContain('└─ source/unsigned: commit 0000002 "Change 2" carries no signature.')
  expect(lines).toContain('   → Sign it')
})

test('renderSourceCheck() tells every change of the rules in the range before all else, also an accepted one', () => {
  const change = {
    commit: id(1),
    title: 'Let Carol commit',
    by: 'alice',
    kind: 'policy',
    accepted: true,
    paths: ['.github/waybill.yml'],
    lines: [{ what: 'role', how: 'added', text: '@developers: carol', loosens: true }],
  } as const
  const lines = plain(receipt([commit(1), commit(2)], { ruleChanges: [change] })).split('\n')
  expect(lines[0]).toMatch(/^! Commit 000000000000 changes the policy \(accepted, signed by alice\)/)
  expect(lines).toContain('!   + role @developers: carol (loosens)')
})

test('renderSourceCheck() fits its table into the columns for any text in it', () => {
  const title = `${'漢字'.repeat(50)}\u001b[2J\u202e`
  const rows = [commit(1, { title, principal: 'p'.repeat(80) }), commit(2, { title: 'y'.repeat(300) })]
  for (const columns of [60, 80, 200]) {
    const text = renderSourceCheck(receipt(rows), { colour: false, columns })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may reach a terminal
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    expect(Math.max(...text.split('\n').map(columnsOf))).toBeLessThanOrEqual(columns)
  }
})

test('renderSourceCheck() shows both ends of a long range and counts what lies between', () => {
  const subjects = Array.from({ length: 5_000 }, (_, at) => (at % 10 === 0 ? bad(at) : commit(at)))
  const text = plain(receipt(subjects))
  expect(text).toContain('\n… 4960 more: ')
  expect(text).toContain('\n… and 470 more commits: source/unsigned 470; all of them with --json\n')
  expect(text.split('\n').length).toBeLessThan(250)
})

test('renderSourceCheck() puts an explanation in the place of the table, with its colours', () => {
  const explanation = [
    { step: 'commit', outcome: 'note', text: 'word '.repeat(40).trim() },
    { step: 'verdict', outcome: 'passed', text: 'passed, basis signed' },
  ] as const
  const it = receipt([commit(1)], { explanation })
  const text = plain(it)
  expect(text).toContain('\nverdict  passed     passed, basis signed\n')
  expect(text).not.toContain('principal')
  expect(Math.max(...text.split('\n').map(columnsOf))).toBeLessThanOrEqual(80)
  expect(renderSourceCheck(it, { colour: true })).toContain('\u001b[32mpassed   \u001b[0m')
})

test.each([
  ['both', 0, 'no disagreement'],
  ['both', 1, '1 disagreement'],
  ['both', 2, '2 disagreements'],
] as const)('renderSourceCheck() says what came of the other engines: %s, %d', (asked, disagreements, words) => {
  const counts = { openpgp: 3, ssh: 4, x509: 0 }
  const engines = { asked, compared: counts, notCompared: counts, refusedBefore: 0, disagreements }
  const text = plain(receipt([commit(1)], { engines })).replaceAll('\n  ', ' ')
  expect(text).toContain(`checked twice: 3 OpenPGP signatures by gpg, 4 SSH signatures by ssh-keygen; ${words}`)
})

test('renderResult() puts the steps of an explanation in reading order', () => {
  const it = receipt([commit(1)], { explanation: [{ text: 'x', outcome: 'note', step: 'commit' }] })
  expect(renderResult(it)).toContain('{\n      "step": "commit",\n      "outcome": "note",\n      "text": "x"\n    }')
})

test('13-adversary 3: renderSourceCheck() puts changed rules before the verdict', () => {
  const text = plain({ ...SOURCE_RECEIPTS.loosened, command: 'source check' })
  const at = ['+ role @maintainers: alice, bob, mallory (loosens)', '- role', 'source check: passed'].map(it =>
    text.indexOf(it),
  )
  expect(at).not.toContain(-1)
  expect(at).toEqual([...at].sort((a, b) => a - b))
})

test('renderSourceCheck() fits reviewers into the columns', () => {
  const review = { enough: true, label: 'signed-by-reviewer', by: ['b'.repeat(40)], pull: 12, statements: [] } as const
  const subjects = [commit(1, { review, kind: 'malformed', principal: 'p'.repeat(40), title: 't'.repeat(100) }), bad(2)]
  for (const columns of [60, 80, 120]) {
    const lines = renderSourceCheck(receipt(subjects), { colour: false, columns }).split('\n')
    const table = lines.filter(line => /^(commit|0{6}\d) {2}/.test(line))
    expect(table).toHaveLength(3)
    for (const line of table) expect(columnsOf(line)).toBeLessThanOrEqual(columns)
    expect(table[0]).toContain('reviewed by')
  }
})

test('renderSourceCheck() lets no text of a commit reach the terminal as a control, bidi or line break', () => {
  const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(text, foreign => {
      for (const line of plain(hostile(foreign)).split('\n')) expect(isPrintable(line)).toBe(true)
    }),
  )
})

test.each([20, 40, 59, 60, 80, 200])('the table fits %i columns, whatever names and reviews are', columns => {
  const review = {
    enough: true,
    label: 'signed-by-reviewer' as const,
    by: ['世界'.repeat(20)],
    pull: 12,
    statements: [],
  }
  const subjects = [commit(1, { principal: '世界'.repeat(20), title: '世界'.repeat(80), review }), bad(2)]
  const text = renderSourceCheck(receipt(subjects, { notices: [] }), { colour: false, columns })
  const table = text.split('\n').filter(line => /^(commit |000000[12] {2}(passed|rejected))/.test(line))
  expect(table).toHaveLength(3)
  for (const line of table) expect(columnsOf(line)).toBeLessThanOrEqual(columns)
})
