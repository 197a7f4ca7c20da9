import fc from 'fast-check'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import { isPrintable } from '../../src/core/text.ts'
import { addQuarantined, quarantinedDigests, removeQuarantined } from '../../src/policy/quarantine-edit.ts'
import { codeOf } from '../sigstore/support.ts'

const PATH = '.github/waybill.yml'
const A = sha256('a')
const B = sha256('b')
const ENTRY = { digest: B, reason: 'signed by mallory: "oops"', since: '2026-05-02' }
const LINE = `{digest: "${B}", reason: "signed by mallory: \\"oops\\"", since: 2026-05-02}`

const BLOCK = `# who may what
version: 1   # never changes
roles: {maintainers: [ alice,  bob ]}

quarantined:   # see the record
  # the first one
  - {digest: "${A}", reason: old, since: 2026-01-31}   # by alice

deploy: []   # nothing yet
`

test('addQuarantined() adds a line to the list and changes no other byte', () => {
  const made = addQuarantined(BLOCK, PATH, ENTRY)
  expect(made).toBe(BLOCK.replace('# by alice\n', `# by alice\n  - ${LINE}\n`))
  expect(quarantinedDigests(made, PATH)).toEqual([{ digest: A, reason: 'old', since: '2026-01-31' }, ENTRY])
})

test.each<[string, string, string]>([
  ['without a list', 'version: 1 # x\n', `version: 1 # x\nquarantined:\n  - ${LINE}\n`],
  ['without a last line end', 'version: 1', `version: 1\nquarantined:\n  - ${LINE}\n`],
  [
    'with a list in brackets',
    `quarantined: [{digest: "${A}", reason: r, since: 2026-01-31}]  # x\nversion: 1\n`,
    `quarantined: [{digest: "${A}", reason: r, since: 2026-01-31}, ${LINE}]  # x\nversion: 1\n`,
  ],
  [
    'with entries of several lines',
    `quarantined:\n- digest: "${A}"\n  reason: r # why\n  since: 2026-01-31\nversion: 1\n`,
    `quarantined:\n- digest: "${A}"\n  reason: r # why\n  since: 2026-01-31\n- ${LINE}\nversion: 1\n`,
  ],
])('addQuarantined() to a policy %s', (_, before, after) => {
  expect(addQuarantined(before, PATH, ENTRY)).toBe(after)
})

test.each([
  ['an empty list', 'version: 1 # x\nquarantined: []\n'],
  ['everything in braces', '{version: 1, roles: {}} # x\n'],
])('addQuarantined() to %s keeps comments and meaning', (_, before) => {
  const made = addQuarantined(before, PATH, ENTRY)
  expect(made).toContain('# x')
  expect(quarantinedDigests(made, PATH)).toEqual([ENTRY])
})

test('a digest that stands there already is not added twice', () => {
  expect(addQuarantined(BLOCK, PATH, { ...ENTRY, digest: A })).toBe(BLOCK)
})

test('removeQuarantined() takes back exactly what addQuarantined() added', () => {
  expect(removeQuarantined(addQuarantined(BLOCK, PATH, ENTRY), PATH, B)).toBe(BLOCK)
  expect(removeQuarantined(BLOCK, PATH, B)).toBeUndefined()
})

test('removeQuarantined() of the last entry leaves no empty list, and the other comments', () => {
  const made = removeQuarantined(BLOCK, PATH, A) ?? ''
  expect(quarantinedDigests(made, PATH)).toEqual([])
  expect(made).not.toContain('quarantined')
  for (const comment of ['# who may what', '# never changes', '# nothing yet']) expect(made).toContain(comment)
})

test.each([
  ['an entry without a reason', `quarantined: [{digest: "${A}", since: 2026-01-31}]`, 'policy/unusable'],
  ['a digest that is none', 'quarantined: [{digest: latest, reason: r, since: 2026-01-31}]', 'policy/unusable'],
  ['a text in place of the list', 'quarantined: all', 'policy/unusable'],
  ['a key twice', 'version: 1\nversion: 1', 'policy/unusable'],
])('addQuarantined() leaves a policy alone that has %s', async (_, text, code) => {
  expect(await codeOf(() => addQuarantined(text, PATH, ENTRY))).toBe(code)
})

test.each(['', 'two\nlines', `bidi \u202e`, 'x'.repeat(501)])('the reason %j is no reason', async reason => {
  expect(await codeOf(() => addQuarantined(BLOCK, PATH, { ...ENTRY, reason }))).toBe('entry/usage')
})

test('whatever the reasons are, each is read back as it was given and the rest stays', () => {
  // Which letters a reason may hold is isPrintable()'s matter, and tested there.
  const reason = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter(isPrintable)
  fc.assert(
    fc.property(fc.array(reason, { minLength: 1, maxLength: 4 }), reasons => {
      const entries = reasons.map((text, at) => ({
        digest: sha256(`${at}`) as Digest,
        reason: text,
        since: '2026-05-02',
      }))
      const made = entries.reduce((text, entry) => addQuarantined(text, PATH, entry), BLOCK)
      expect(quarantinedDigests(made, PATH).slice(1)).toEqual(entries)
      expect(entries.reduce((text, { digest }) => removeQuarantined(text, PATH, digest) ?? '', made)).toBe(BLOCK)
    }),
  )
})
