import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { parseManifest } from '../../src/materials/manifest/parse.ts'
import { isCanonicalUri } from '../../src/policy/uri-pattern.ts'

/** The URI as the manifest's reader spells it; undefined where it refuses. */
function spelled(uri: string): string | undefined {
  const digest = uri.startsWith('git+') ? `{gitCommit: ${'0f3c'.repeat(10)}}` : `{sha256: ${'ab'.repeat(32)}}`
  const use = uri.startsWith('git+') ? '{build-context: x}' : '{path: x}'
  const text = `version: 1\nmaterials: [{name: x, uri: ${JSON.stringify(uri)}, digest: ${digest}, use: ${use}}]\n`
  try {
    return parseManifest(utf8(text), 'm.yml')[0]?.uri.canonical
  } catch {
    return undefined
  }
}

const HOST = fc.constantFrom(
  'example.com',
  'Example.com',
  'example.com:443',
  'example.com:8443',
  'example.com.',
  '[::1]',
  '127.0.0.1:80',
  'a@b.example',
  'acme',
  'a_b.example',
)
const PART = fc.oneof(
  fc.constantFrom(
    'a',
    'x.yml',
    'core',
    'lib@v1',
    '@v1',
    'a?b=c',
    '..',
    '.',
    '',
    '%2F',
    '%41',
    'ä',
    'a b',
    '#',
    '..;',
    'x.lock',
  ),
  fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
)
const URI = fc
  .tuple(
    fc.constantFrom('https://', 'HTTPS://', 'http://', 'git+https://', 'artifact://'),
    HOST,
    fc.array(PART, { maxLength: 4 }),
  )
  .map(([scheme, host, path]) => `${scheme}${host}/${path.join('/')}`)

describe('13-adversary 34: the manifest and the rules spell alike', () => {
  test('property: what rules can match is what the manifest writes, to the letter', () => {
    let seen = 0
    fc.assert(
      fc.property(URI, uri => {
        if (!isCanonicalUri(uri)) return
        seen++
        expect(spelled(uri)).toBe(uri)
      }),
      { numRuns: 5_000 },
    )
    expect(seen).toBeGreaterThan(50)
  })

  test('property: what the manifest writes and no rule can match holds what servers read in two ways', () => {
    let seen = 0
    fc.assert(
      fc.property(URI, uri => {
        const canonical = spelled(uri)
        if (canonical === undefined) return
        seen++
        if (!isCanonicalUri(canonical))
          expect(canonical).toMatch(/%(?:2[ef5]|5c|[01][0-9a-f]|7f)|\.;|^git\+.*[@?].*@|^(?:git\+)?https?:\/\/[^/]*_/i)
      }),
      { numRuns: 5_000 },
    )
    expect(seen).toBeGreaterThan(50)
  })
})
