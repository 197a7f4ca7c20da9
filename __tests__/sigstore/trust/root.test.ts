import { createRequire } from 'node:module'
import fc from 'fast-check'
import { sha256 } from '../../../src/core/digest.ts'
import { WaybillError } from '../../../src/core/error.ts'
import { parseTrustRoot } from '../../../src/sigstore/trust/root.ts'
import { type Bench, codeOf, errorOf, openBench, rootWith } from '../support.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const seeds = createRequire(import.meta.url)('@sigstore/tuf/seeds.json') as Record<
  string,
  { targets: Record<string, string> }
>
const publicRoot = () => Buffer.from(Object.values(seeds)[0]?.targets['trusted_root.json'] ?? '', 'base64')

describe('parseTrustRoot()', () => {
  test('reads the public instance’s own file, every service of it usable', () => {
    const root = parseTrustRoot(publicRoot(), 'public-good')
    expect(root.origin).toBe('public-good')
    expect(root.unusable).toEqual([])
    expect(root.material.tlogs.map(log => log.baseURL)).toContain('https://rekor.sigstore.dev')
  })

  test('13-adversary 29: names a file by its digest, never as the public instance', () => {
    expect(parseTrustRoot(publicRoot(), 'file').origin).toBe(`file:${sha256(publicRoot())}`)
  })

  test('leaves out a service it cannot use, and says so', () => {
    const broken = { uri: 'https://tsa.example', certChain: { certificates: [{ rawBytes: 'AAAA' }] }, validFor: {} }
    const root = rootWith(bench, { timestampAuthorities: [broken] })
    expect(root.material.timestampAuthorities).toEqual([])
    expect(root.unusable.join()).toContain('https://tsa.example')
  })

  test('leaves out a timestamp authority whose chain does not begin with the leaf', () => {
    const [authority] = structuredClone(bench.stack.trustedRoot.timestampAuthorities) as {
      certChain: { certificates: unknown[] }
    }[]
    authority?.certChain.certificates.reverse()
    const root = rootWith(bench, { timestampAuthorities: [authority] })
    expect(root.unusable.join()).toContain('does not begin with the certificate that signs timestamps')
  })

  test.each<readonly [string, Record<string, unknown>]>([
    ['an unknown field', { tlog: [] }],
    ['another media type', { mediaType: 'application/json' }],
    ['a key in base64url', { tlogs: [{ publicKey: { rawBytes: '_-8' } }] }],
    ['a time that is none', { tlogs: [{ publicKey: { validFor: { start: 'yesterday' } } }] }],
    ['no service at all', { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] }],
    ['services without keys', { tlogs: [{}], ctlogs: [{}], certificateAuthorities: [{}], timestampAuthorities: [{}] }],
    ['a list that is none', { tlogs: {} }],
  ])('refuses %s', async (_, change) => {
    const error = await errorOf(() => rootWith(bench, change))
    expect([error?.code, error?.kind]).toEqual(['sigstore/trust-malformed', 'configuration'])
  })

  test('refuses a duplicate key', async () => {
    const twice = publicRoot().toString().replace('{', '{"mediaType":"x",')
    expect(await codeOf(() => parseTrustRoot(Buffer.from(twice), 'file'))).toBe('sigstore/trust-malformed')
  })

  test('given one changed byte, reads it or throws a typed error', () => {
    const bytes = publicRoot()
    fc.assert(
      fc.property(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const copy = Uint8Array.from(bytes)
        copy[at] = (copy[at] ?? 0) ^ flip
        try {
          parseTrustRoot(copy, 'file')
        } catch (error) {
          expect(error).toBeInstanceOf(WaybillError)
        }
      }),
      { numRuns: 200 },
    )
  })
})
