import fc from 'fast-check'
import { WaybillError } from '../../../src/core/error.ts'
import { observedSigner } from '../../../src/sigstore/verify/certificate.ts'
import { extension } from '../../fakes/certificate.ts'
import { context, contextPrimitive, octets, oid, sequence, utf8String } from '../../fakes/der.ts'
import { type KeyPair, p256 } from '../../fakes/keys.ts'
import { type Bench, codeOf, forgeLeaf, openBench, SAN } from '../support.ts'

let bench: Bench
let keys: KeyPair
beforeAll(async () => {
  bench = await openBench({ claims: { environment: 'production' } })
  keys = await p256()
})
afterAll(() => bench.close())

type Extensions = Record<string, Buffer>
const FULCIO = '1.3.6.1.4.1.57264.1'
const uri = (text: string) => contextPrimitive(6, Buffer.from(text))
const names = (...list: Buffer[]) => extension('2.5.29.17', sequence(...list), true)
const leaf = (change: (honest: Extensions) => Extensions) =>
  forgeLeaf(bench, keys, { extensions: honest => Object.values(change(honest)) })
const withSan = (san: Buffer) => leaf(e => ({ ...e, san }))
const withExtra = (arc: number, value: Uint8Array) => leaf(e => ({ ...e, extra: extension(`${FULCIO}.${arc}`, value) }))

describe('observedSigner()', () => {
  test('reads who signed, and every extension of a CI certificate', async () => {
    await bench.session().certificate()
    const signer = observedSigner(bench.stack.fulcio.issued.at(-1) ?? Buffer.alloc(0))
    expect(signer).toMatchObject({ san: { type: 'uri', value: SAN }, issuer: bench.stack.oidc.issuer })
    expect(signer.serial).toMatch(/^[1-9a-f][0-9a-f]*$/)
    expect(signer.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(signer.notAfter.getTime() - signer.notBefore.getTime()).toBe(600_000)
    expect(signer.ci).toEqual({
      buildSignerUri: SAN,
      buildSignerDigest: expect.stringMatching(/^[0-9a-f]{40}$/),
      runnerEnvironment: 'github-hosted',
      sourceRepositoryUri: 'https://github.com/acme/app',
      sourceRepositoryDigest: expect.stringMatching(/^[0-9a-f]{40}$/),
      sourceRepositoryRef: 'refs/heads/main',
      sourceRepositoryIdentifier: '792829709',
      sourceRepositoryOwnerUri: 'https://github.com/acme',
      sourceRepositoryOwnerIdentifier: '39804210',
      buildConfigUri: SAN,
      buildConfigDigest: expect.stringMatching(/^[0-9a-f]{40}$/),
      buildTrigger: 'push',
      runInvocationUri: 'https://github.com/acme/app/actions/runs/11997537386/attempts/1',
      sourceRepositoryVisibility: 'public',
      environment: 'production',
    })
  })

  test('leaves absent what the certificate does not say', () => {
    expect(observedSigner(leaf(e => e)).ci).toEqual({})
  })

  test('reads an e-mail address and Fulcio’s own kind of name', () => {
    const email = withSan(names(contextPrimitive(1, Buffer.from('alice@example.com'))))
    expect(observedSigner(email).san).toEqual({ type: 'email', value: 'alice@example.com' })
    const other = withSan(names(context(0, oid(`${FULCIO}.7`), context(0, utf8String('alice!example.com')))))
    expect(observedSigner(other).san).toEqual({ type: 'other', value: 'alice!example.com' })
  })

  test('reads the issuer of an old certificate from .1, which is raw text', () => {
    const old = leaf(e => ({ ...e, issuer: extension(`${FULCIO}.1`, Buffer.from('https://old.example')) }))
    expect(observedSigner(old).issuer).toBe('https://old.example')
  })

  test.each<readonly [string, () => Buffer]>([
    ['two subject alternative names', () => withSan(names(uri(SAN), uri('https://other.example')))],
    ['an empty list of names', () => withSan(names())],
    ['a DNS name', () => withSan(names(contextPrimitive(2, Buffer.from('example.com'))))],
    ['a name with a line break', () => withSan(names(uri('https://a.example\nhttps://b.example')))],
    ['a name with a NUL byte', () => withSan(names(uri('https://a.example\0.evil.example')))],
    ['a name outside ASCII', () => withSan(names(uri('https://exämple.com')))],
    ['an empty name', () => withSan(names(uri('')))],
    ['another kind of other name', () => withSan(names(context(0, oid('1.2.3'), context(0, utf8String('x')))))],
    ['the extension of names twice', () => leaf(e => ({ ...e, again: names(uri('https://other.example')) }))],
    ['an extension with raw text instead of a UTF8String', () => withExtra(13, Buffer.from('a'.repeat(40)))],
    ['an extension with an octet string instead', () => withExtra(13, octets(Buffer.from('abc')))],
    [
      'an extension with bytes after the UTF8String',
      () => withExtra(13, Buffer.concat([utf8String('x'), Buffer.from([0])])),
    ],
    ['an extension that is not UTF-8', () => withExtra(14, Buffer.from([0x0c, 1, 0xff]))],
    ['an extension with a control character', () => withExtra(14, utf8String('refs/heads/main\u0007'))],
    ['an issuer in the old extension that differs', () => withExtra(1, Buffer.from('https://other.example'))],
  ])('refuses a certificate with %s', async (_, make) => {
    expect(await codeOf(() => observedSigner(make()))).toBe('sigstore/certificate-malformed')
  })

  test('refuses trailing bytes, other DER and nothing', async () => {
    const good = leaf(e => e)
    for (const bytes of [Buffer.concat([good, Buffer.from([0])]), sequence(), Buffer.alloc(0), Buffer.alloc(40_000)])
      expect(await codeOf(() => observedSigner(bytes))).toBe('sigstore/certificate-malformed')
  })

  test('given one changed byte, reads it or throws a typed error', () => {
    const good = leaf(e => e)
    fc.assert(
      fc.property(fc.nat(good.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const copy = Uint8Array.from(good)
        copy[at] = (copy[at] ?? 0) ^ flip
        try {
          observedSigner(copy)
        } catch (error) {
          expect(error).toBeInstanceOf(WaybillError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
