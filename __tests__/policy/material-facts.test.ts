import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { policyDifference } from '../../src/policy/difference.ts'
import { explainPolicy } from '../../src/policy/explain.ts'
import { compilePattern, matches } from '../../src/policy/match.ts'
import { overlaps } from '../../src/policy/overlap.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { BUILD_TEXT } from './gate-world.ts'
import { filled } from './world.ts'

const IMAGES = `base-images:
  - {match: "ghcr.io/acme/bad", deny: true}
  - {match: "ghcr.io/acme/**", signers: [{key: a.pem}, {key: b.pem}], predicate: "https://slsa.dev/provenance/v1", max-age: 30d}
  - {match: "quay.io/acme/**", waybill: {build: {${BUILD_TEXT}, builders: [buildx]}, require: [signature, provenance], quarantine-by: {key: guard.pem}, max-age: 9d}}
  - {match: "docker.io/docker/**", docker: true}
  - {match: "docker.io/library/**", digest-lock: true}
`
const MATERIALS = `materials:
  - {match: "https://example.com/old/**", deny: true}
  - {match: "https://example.com/signed/**", keys: [tini]}
  - {match: "https://example.com/**"}
  - {match: "https://other.example/**", keys: [tini]}
`
const KEYS = `material-keys:
  tini: {ssh: {key: "{{tini}}"}}
  more: {minisign: {file: keys/more.pub}}
`
const TEXT = `version: 1\n${IMAGES}${MATERIALS}${KEYS}`
const parse = (text: string) => parsePolicy(utf8(filled(text)), '.github/waybill.yml')
const loosening = (from: string | RegExp, to: string, back: boolean) => {
  const changed = TEXT.replace(from, to)
  if (changed === TEXT) throw new Error(`${from} does not stand in the policy`)
  const [before, after] = back ? [changed, TEXT] : [TEXT, changed]
  const lines = policyDifference(parse(before), parse(after))
  expect(lines.length).toBeGreaterThan(0)
  return [...new Set(lines.filter(line => line.loosens === true).map(({ what, how }) => `${how} ${what}`))].sort()
}

test('policyDifference() of a policy with itself is empty', () => {
  expect(policyDifference(parse(TEXT), parse(TEXT))).toEqual([])
})

const ADDED = ['added base-images']
const REMOVED = ['removed base-images']
const OTHER = ['added materials']

/** What is changed, which lines then loosen, and which do when it is changed back. */
const CHANGES: readonly (readonly [string, string | RegExp, string, readonly string[], readonly string[]])[] = [
  ['an image allowed', 'base-images:\n', 'base-images:\n  - {match: "a.example/**", digest-lock: true}\n', ADDED, []],
  ['an image denied', 'base-images:\n', 'base-images:\n  - {match: "a.example/**", deny: true}\n', [], REMOVED],
  ['one that was denied is pinned', 'bad", deny: true', 'bad", digest-lock: true', ADDED, []],
  ['a signer more', '{key: b.pem}]', '{key: b.pem}, {key: c.pem}]', ADDED, []],
  ['any statement', ', predicate: "https://slsa.dev/provenance/v1"', '', ADDED, []],
  ['another statement', 'slsa.dev/provenance/v1', 'spdx.dev/Document', ADDED, ADDED],
  ['an older signature', 'max-age: 30d', 'max-age: 90d', ADDED, []],
  ['a signature of any age', ', max-age: 30d', '', ADDED, []],
  ['another root', ', max-age: 30d', ', max-age: 30d, trust: github', ADDED, ADDED],
  ['an address inside', 'docker: true', 'docker: true, private: true', ADDED, []],
  ['a pin for a signature', 'docker: true', 'digest-lock: true', ADDED, ADDED],
  ['less of a chain', 'require: [signature, provenance]', 'require: [provenance]', ADDED, []],
  ['a builder more', 'builders: [buildx]', 'builders: [buildx, none]', ADDED, []],
  ['an audited chain', 'max-age: 9d', 'max-age: 9d, allow-audit: true', ADDED, []],
  ['nobody who may warn', ', quarantine-by: {key: guard.pem}', '', ADDED, []],
  ['an older chain', 'max-age: 9d', 'max-age: 10d', ADDED, []],
  ['another pattern', '"docker.io/library/**"', '"docker.io/library/*"', ADDED, ADDED],
  [
    'a rule above a looser one',
    'base-images:\n',
    'base-images:\n  - {match: "docker.io/library/go", signers: {key: a.pem}}\n',
    ADDED,
    REMOVED,
  ],
  ['no base images judged', IMAGES, '', ['removed base-images'], []],
  ['a place allowed', 'materials:\n', 'materials:\n  - {match: "https://a.example/**"}\n', OTHER, []],
  [
    'a place denied',
    'materials:\n',
    'materials:\n  - {match: "https://a.example/**", deny: true}\n',
    [],
    ['removed materials'],
  ],
  ['a key more in a rule', 'other.example/**", keys: [tini]', 'other.example/**", keys: [tini, more]', OTHER, []],
  ['no signature asked for', 'other.example/**", keys: [tini]', 'other.example/**"', OTHER, []],
  ['hosts inside', '{match: "https://example.com/**"', '{private: true, match: "https://example.com/**"', OTHER, []],
  [
    'a rule above a looser one goes',
    '  - {match: "https://example.com/signed/**", keys: [tini]}\n',
    '',
    ['removed materials'],
    OTHER,
  ],
  ['a rule above nothing goes', '  - {match: "https://other.example/**", keys: [tini]}\n', '', [], OTHER],
  ['no materials judged', MATERIALS, '', ['removed materials'], []],
  ['a key more', 'material-keys:\n', 'material-keys:\n  new: {ssh: {key: "{{new}}"}}\n', ['added material-key'], []],
  ['another key', '{{tini}}', '{{other}}', ['added material-key'], ['added material-key']],
]

test.each(CHANGES)('13-adversary 3: %s', (_what, from, to, loosens, back) => {
  expect(loosening(from, to, false)).toEqual(loosens)
  expect(loosening(from, to, true)).toEqual(back)
})

test.each([
  ['base-images', /( +- \{match: "docker\.io\/docker.*\n)( +- .*\n)/],
  ['materials', /( +- \{match: "https:\/\/example\.com\/\*\*.*\n)( +- .*\n)/],
] as const)('13-adversary 3: the same rules of %s in another order are told', (what, pair) => {
  const lines = policyDifference(parse(TEXT), parse(TEXT.replace(pair, '$2$1')))
  expect(lines).toEqual([{ what, how: 'added', text: expect.stringContaining('another order'), loosens: true }])
})

test('explainPolicy() says everything that is judged, in words', () => {
  const sections = explainPolicy(parse(TEXT)).filter(({ title }) => /Base|materials/i.test(title))
  expect(sections.map(({ title, lines }) => [title, lines.length])).toEqual([
    ['Base images', 6],
    ['Other materials', 5],
    ['Keys of materials', 2],
  ])
  const text = sections.flatMap(({ lines }) => lines).join('\n')
  for (const words of [
    '5 rules; the first match decides, no match denies',
    'ghcr.io/acme/bad: denied',
    'signed by the key .github/a.pem or by the key .github/b.pem, as a statement of https://slsa.dev/provenance/v1, trust public-good, at most 2592000 seconds old',
    'made by Waybill: signature, provenance by https://github.com/acme/app (id 4711)',
    'quarantine by the key .github/guard.pem',
    'signed by Docker, platform by platform',
    'pinned to a digest that was reviewed, never verified',
    'https://example.com/signed/**: signed by tini',
    'https://example.com/**: with a digest, whoever signed',
    'tini: SSH key SHA256:',
    'more: minisign key in .github/keys/more.pub',
  ])
    expect(text).toContain(words)
})

describe('overlaps()', () => {
  const pattern = (text: string) => compilePattern(text) ?? fail(text)
  const fail = (text: string): never => {
    throw new Error(text)
  }
  const ask = (a: string, b: string, left = 10_000) => overlaps(pattern(a), pattern(b), { left })
  test.each([
    ['a/**', 'a/b', true],
    ['a/*', 'a/b/c', false],
    ['a/*', '**/c', true],
    ['*a', 'b*', true],
    ['a*b', 'a*c', false],
    ['**', 'x', true],
    ['ghcr.io/*', 'docker.io/**', false],
    ['a*', 'a', true],
  ])('%s and %s: %s', (a, b, expected) => {
    expect([ask(a, b), ask(b, a)]).toEqual([expected, expected])
  })
  test('says yes when it may not look any further', () => expect(ask('a*b', 'a*c', 1)).toBe(true))
  const PATTERN = fc.stringMatching(/^[ab/*]{1,6}$/).filter(text => compilePattern(text) !== undefined)
  test('property: what both match overlaps', () => {
    fc.assert(
      fc.property(PATTERN, PATTERN, fc.stringMatching(/^[ab/]{0,6}$/), (a, b, text) => {
        if (matches(pattern(a), text) && matches(pattern(b), text)) expect(ask(a, b)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })
  test('property: what does not overlap has no text in common', () => {
    const texts = ['', 'a', 'b', '/', ...['aa', 'ab', 'ba', 'bb', 'a/', '/a', 'a/b', 'ab/', 'aab', 'abab', 'a/a/b']]
    fc.assert(
      fc.property(PATTERN, PATTERN, (a, b) => {
        if (ask(a, b)) return
        for (const text of texts) expect(matches(pattern(a), text) && matches(pattern(b), text)).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })
})
