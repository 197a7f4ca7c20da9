import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { lawFromFile, parseLaw } from '../../src/policy/law.ts'
import { ownersOf } from '../../src/policy/owner.ts'
import { rootFingerprints } from '../../src/policy/x509-roots.ts'
import {
  basicConstraintsAuthority,
  mintAuthority,
  mintCertificate,
  NO_NAME,
  name,
  usageAuthority,
} from '../fakes/certificate.ts'
import { p256 } from '../fakes/keys.ts'
import { errorOf, type Files, lawFiles } from './world.ts'

const SPAN = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') }

async function authority(common: string): Promise<Buffer> {
  return mintAuthority({ name: name('Example', common), keys: await p256(), ...SPAN }).certificate
}

function leaf(publicKey: KeyObject, extensions: readonly Buffer[] = []): Buffer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { name: name('Example', 'leaf'), key: privateKey }
  return mintCertificate({ issuer, subject: NO_NAME, publicKey, serial: Buffer.of(1), ...SPAN, extensions })
}

function pem(der: Buffer, label = 'CERTIFICATE'): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

const fingerprint = (der: Buffer): string => createHash('sha256').update(der).digest('hex').toUpperCase()
const messageOf = (text: string) => errorOf(() => rootFingerprints(utf8(text), 'keys/ca.pem')).message

let one: Buffer
let two: Buffer
beforeAll(async () => {
  one = await authority('one')
  two = await authority('two')
})

describe('rootFingerprints()', () => {
  test('reads every certificate of the file', () => {
    expect(rootFingerprints(utf8(pem(one)), 'ca.pem')).toEqual([fingerprint(one)])
    expect(rootFingerprints(utf8(`\n${pem(two)}\n${pem(one)}\n`.replaceAll('\n', '\r\n')), 'ca.pem')).toEqual([
      fingerprint(two),
      fingerprint(one),
    ])
  })

  test('refuses everything else', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { publicKey: weak } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const { privateKey } = generateKeyPairSync('ed25519')
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /something other/],
      [one.toString('latin1'), /something other/],
      [pem(one, 'TRUSTED CERTIFICATE'), /something other/],
      [`subject=Example\n${pem(one)}`, /something other/],
      [`${pem(one)}${publicKey.export({ type: 'spki', format: 'pem' })}`, /something other/],
      [`${pem(one)}${key}`, /a private key/],
      [`${pem(one)}${pem(leaf(publicKey))}`, /certificate 2, which is of nobody who may certify/],
      [pem(leaf(weak, [basicConstraintsAuthority(), usageAuthority()])), /1024 bits/],
      [pem(one.subarray(0, -1)), /certificate 1, which cannot be read/],
      [pem(one).repeat(101), /101 certificates/],
    ]
    for (const [text, message] of cases) expect(messageOf(text)).toMatch(message)
    expect(errorOf(() => rootFingerprints(utf8(''), 'ca.pem')).code).toBe('policy/unusable')
  })

  test('of any bytes gives fingerprints or its error', () => {
    const text = pem(one)
    fc.assert(
      fc.property(fc.nat(text.length), fc.string({ maxLength: 5 }), (at, part) => {
        try {
          const roots = rootFingerprints(utf8(text.slice(0, at) + part + text.slice(at + part.length)), 'ca.pem')
          expect(roots).toHaveLength(1)
        } catch (error) {
          expect(error).toBeInstanceOf(WaybillError)
          expect((error as WaybillError).code).toBe('policy/unusable')
        }
      }),
    )
  })
})

describe('parseLaw() with X.509 roots', () => {
  const policy = (alice: string, bob: string) => `version: 1
principals:
  alice: {emails: [alice@example.com], signers: [{x509: {san: alice@example.com, roots: ${alice}}}]}
  bob: {emails: [bob@example.com], signers: [{x509: {san: ${bob}}}]}
`
  const files = (bob: string, more: Files = {}) =>
    lawFiles({
      '.github/waybill.yml': policy('keys/one.pem', bob),
      '.github/keys/one.pem': pem(one),
      '.github/keys/both.pem': pem(two) + pem(one),
      ...more,
    })
  const x509 = (emails: readonly string[], root: Buffer) =>
    ({
      kind: 'x509',
      fingerprint: 'A'.repeat(64),
      root: fingerprint(root),
      chain: [],
      emails,
      algorithm: 'rsa',
      bits: 3072,
      ...SPAN,
    }) as const

  test('13-adversary 12: binds them, and hands their bytes to whoever builds chains', () => {
    const law = parseLaw(files('bob@example.com, roots: keys/both.pem'))
    expect(law.x509Roots.map(({ path }) => path)).toEqual(['.github/keys/one.pem', '.github/keys/both.pem'])
    expect(Buffer.from(law.x509Roots[0]?.bytes ?? []).toString()).toBe(pem(one))
    expect(law.keyFiles).toEqual([])
    expect(law.policy.principals.get('bob')?.signers).toMatchObject([{ roots: [fingerprint(two), fingerprint(one)] }])
    const names = (emails: readonly string[], root: Buffer) =>
      ownersOf(x509(emails, root), law).map(({ principal }) => principal.name)
    expect(names(['alice@EXAMPLE.com'], one)).toEqual(['alice'])
    expect(names(['Alice@example.com'], one)).toEqual([])
    expect(names(['alice@example.com'], two)).toEqual([])
    expect(names(['bob@example.com'], one)).toEqual(['bob'])
    expect(names(['x@example.com', 'bob@example.com'], two)).toEqual(['bob'])
    expect(names(['alice@example.com', 'bob@example.com'], one)).toEqual(['alice', 'bob'])
  })

  test('13-adversary 10: one address below one root, in whatever files it stands, is one principal’s', () => {
    const error = errorOf(() => parseLaw(files('alice@example.com, roots: keys/both.pem')))
    expect([error.code, error.kind]).toEqual(['policy/unusable', 'rejected'])
    expect(error.message).toMatch(/bob has certificates for alice@example\.com .*also alice’s/)
  })

  test('refuses a file that is missing or holds something else', () => {
    expect(errorOf(() => parseLaw(files('bob@example.com, roots: keys/none.pem'))).message).toMatch(/no such/)
    const broken = files('bob@example.com, roots: keys/x.pem', { '.github/keys/x.pem': 'x' })
    expect(errorOf(() => parseLaw(broken)).message).toMatch(/keys\/x\.pem is not a usable list of root/)
    const outside = errorOf(() =>
      lawFromFile(utf8(policy('one.pem', 'bob@example.com, roots: x.pem')), 'waybill.yml', path =>
        utf8(path === 'x.pem' ? 'x' : pem(one)),
      ),
    )
    expect([outside.code, outside.kind]).toEqual(['policy/unusable', 'configuration'])
  })
})
