import fc from 'fast-check'
import { WaybillError } from '../../../src/core/error.ts'
import { loadSigningConfig } from '../../../src/sigstore/trust/services.ts'
import { codeOf } from '../support.ts'

const NOW = new Date('2026-06-01T00:00:00Z')
const MEDIA_TYPE = 'application/vnd.dev.sigstore.signingconfig.v0.2+json'

interface Entry {
  url: string
  majorApiVersion: number
  operator: string
  validFor: { start: string; end?: string }
}
const service = (url: string, own: Partial<Entry> = {}): Entry => ({
  url,
  majorApiVersion: 1,
  operator: 'a',
  validFor: { start: '2025-01-01T00:00:00Z' },
  ...own,
})
const base = {
  mediaType: MEDIA_TYPE,
  caUrls: [service('https://ca.example')],
  oidcUrls: [service('https://oidc.example')],
  rekorTlogUrls: [service('https://log.example')],
  rekorTlogConfig: { selector: 'ANY' },
  tsaUrls: [service('https://tsa.example/api/v1/timestamp')],
  tsaConfig: { selector: 'ANY' },
}
const load = (change: object) => loadSigningConfig(Buffer.from(JSON.stringify({ ...base, ...change })), NOW)
const logs = (change: object) => load(change).rekor.map(r => `${r.url} v${r.majorApiVersion}`)

describe('loadSigningConfig()', () => {
  test('gives one service of each kind', () => {
    expect(load({})).toEqual({
      fulcioUrl: 'https://ca.example',
      rekor: [{ url: 'https://log.example', majorApiVersion: 1, operator: 'a' }],
      tsa: ['https://tsa.example/api/v1/timestamp'],
      oidcIssuers: ['https://oidc.example'],
      selection: { rekor: 1, tsa: 1 },
    })
  })

  const newer = service('https://new.example', { validFor: { start: '2026-01-01T00:00:00Z' } })
  const future = service('https://future.example', { validFor: { start: '2027-01-01T00:00:00Z' } })
  const past = service('https://past.example', {
    validFor: { start: '2020-01-01T00:00:00Z', end: '2021-01-01T00:00:00Z' },
  })
  const v2 = service('https://v2.example', { majorApiVersion: 2, validFor: { start: '2020-01-01T00:00:00Z' } })
  const v3 = service('https://v3.example', { majorApiVersion: 3 })
  const v0 = service('https://v0.example', { majorApiVersion: 0 })
  const b = service('https://b.example', { operator: 'b' })
  const old = base.rekorTlogUrls[0] as Entry

  test.each<readonly [string, Entry[], string[]]>([
    ['takes the newest that is valid', [old, newer], ['https://new.example v1']],
    ['never takes one that is not valid yet', [future, old], ['https://log.example v1']],
    ['never takes one that is over', [past, old], ['https://log.example v1']],
    ['takes the highest version it speaks, before the newest', [newer, v2], ['https://v2.example v2']],
    ['never takes a version it does not speak', [v3, old], ['https://log.example v1']],
    ['never takes version 0, which is not released', [v0, old], ['https://log.example v1']],
    ['takes one of each operator', [old, b, v2], ['https://v2.example v2', 'https://b.example v1']],
    [
      'counts the ends of the validity in',
      [service('https://now.example', { validFor: { start: NOW.toISOString(), end: NOW.toISOString() } })],
      ['https://now.example v1'],
    ],
  ])('%s', (_, rekorTlogUrls, expected) => {
    expect(logs({ rekorTlogUrls })).toEqual(expected)
  })

  test.each([
    [{ selector: 'ANY' }, 1],
    [{ selector: 'ALL' }, 2],
    [{ selector: 'EXACT', count: 1 }, 1],
    [{ selector: 'EXACT', count: 2 }, 2],
  ])('needs of two operators with %j: %i', (rekorTlogConfig, expected) => {
    expect(load({ rekorTlogUrls: [old, b], rekorTlogConfig }).selection.rekor).toBe(expected)
  })

  test('needs none of a kind that is not listed', () => {
    const none = load({ rekorTlogUrls: [], rekorTlogConfig: undefined, caUrls: undefined })
    expect([none.rekor, none.selection.rekor, none.fulcioUrl]).toEqual([[], 0, undefined])
  })

  test.each<readonly [string, object, string]>([
    ['only services of the future', { rekorTlogUrls: [future] }, 'sigstore/no-service'],
    ['no certificate authority in use', { caUrls: [past] }, 'sigstore/no-service'],
    [
      'more services asked for than operators',
      { rekorTlogConfig: { selector: 'EXACT', count: 2 } },
      'sigstore/no-service',
    ],
    ['no selector', { rekorTlogConfig: undefined }, 'sigstore/signing-config-malformed'],
    ['an unknown selector', { tsaConfig: { selector: 'SOME' } }, 'sigstore/signing-config-malformed'],
    ['EXACT without a count', { tsaConfig: { selector: 'EXACT' } }, 'sigstore/signing-config-malformed'],
    [
      'a time that is none',
      { caUrls: [service('https://x', { validFor: { start: 'soon' } })] },
      'sigstore/signing-config-malformed',
    ],
    [
      'a day that does not exist',
      { caUrls: [service('https://x', { validFor: { start: '2026-13-40T00:00:00Z' } })] },
      'sigstore/signing-config-malformed',
    ],
    ['a URL that is none', { caUrls: [service('ca.example')] }, 'sigstore/signing-config-malformed'],
    ['a URL with a password', { caUrls: [service('https://a:b@ca.example')] }, 'sigstore/signing-config-malformed'],
    ['a file URL', { caUrls: [service('file:///etc/passwd')] }, 'sigstore/signing-config-malformed'],
    ['an unknown field', { fulcio: 'https://ca.example' }, 'sigstore/signing-config-malformed'],
    ['the old media type', { mediaType: MEDIA_TYPE.replace('v0.2', 'v0.1') }, 'sigstore/signing-config-malformed'],
  ])('refuses %s', async (_, change, code) => {
    expect(await codeOf(() => load(change))).toBe(code)
  })

  test('given any bytes, loads them or throws a typed error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 50 }),
          fc.json().map(t => Buffer.from(t)),
        ),
        bytes => {
          try {
            loadSigningConfig(bytes, NOW)
          } catch (error) {
            expect(error).toBeInstanceOf(WaybillError)
          }
        },
      ),
    )
  })
})
