import fc from 'fast-check'
import { WaybillError } from '../../src/core/error.ts'
import { parseSshCertificate, verifySshCertificate } from '../../src/source/ssh-certificate.ts'
import { sshKeyObject } from '../../src/source/ssh-signature.ts'
import { type CertificateOptions, certify, FOR_EVER, makeSshKey, type SshKind, YEAR_2026 } from '../fakes/ssh-keys.ts'

const KINDS: readonly SshKind[] = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa', 'sk-ed25519', 'sk-ecdsa256']
const AUTHORITY = makeSshKey('ed25519')
const ALICE = makeSshKey('ed25519')

async function attempt(blob: Uint8Array): Promise<string> {
  try {
    const certificate = parseSshCertificate(blob)
    return (await verifySshCertificate(certificate, sshKeyObject(certificate.authority))) ? 'accepted' : 'forged'
  } catch (error) {
    if (error instanceof WaybillError) return error.code
    throw error
  }
}

function factOf(options: CertificateOptions) {
  return parseSshCertificate(certify(AUTHORITY, ALICE, options)).fact
}

describe.each(KINDS)('a certificate on a key of kind %s', kind => {
  const key = makeSshKey(kind)
  test.each(KINDS)('by an authority of kind %s', async by => {
    const authority = makeSshKey(by)
    const blob = certify(authority, key)
    expect(await attempt(blob)).toBe('accepted')
    const { key: certified, fact } = parseSshCertificate(blob)
    expect(certified).toMatchObject({ algorithm: key.algorithm, fingerprint: key.fingerprint })
    expect(Buffer.from(certified.blob)).toEqual(key.blob)
    expect(fact.authority).toBe(authority.fingerprint)
  })
})

test('parseSshCertificate() gives facts, and leaves the dates and names to the policy', () => {
  expect(factOf({ serial: 2n ** 64n - 1n, names: ['alice', 'bob'], critical: [['verify-required', '']] })).toEqual({
    authority: AUTHORITY.fingerprint,
    keyId: 'alice@laptop',
    serial: 2n ** 64n - 1n,
    principals: ['alice', 'bob'],
    validAfter: new Date(Number(YEAR_2026[0]) * 1000),
    validBefore: new Date(Number(YEAR_2026[1]) * 1000),
    criticalOptions: ['verify-required'],
  })
  expect(factOf({ after: 0n, before: FOR_EVER })).not.toHaveProperty('validBefore')
  expect(factOf({ after: FOR_EVER }).validAfter.getTime()).toBe(8.64e15)
  expect(factOf({ names: [] }).principals).toEqual([])
})

test('parseSshCertificate() passes over extensions and escapes the key id, which is free text', () => {
  expect(
    factOf({
      extensions: [
        ['permit-pty', ''],
        ['a@example.com', 'x'],
      ],
    }).criticalOptions,
  ).toEqual([])
  expect(factOf({ keyId: 'alice\u001b[2J' }).keyId).toBe('alice\\u{1b}[2J')
})

test.each<[string, CertificateOptions, string]>([
  ['a certificate of a host', { kind: 2 }, 'source/certificate-unusable'],
  ['a certificate of nobody', { kind: 0 }, 'source/malformed'],
  ['a reserved field', { reserved: 'x' }, 'source/malformed'],
  ['an empty name', { names: ['alice', ''] }, 'source/malformed'],
  ['a name with a NUL', { names: ['alice\0'] }, 'source/malformed'],
  ['an invisible name', { names: ['ali\u200bce'] }, 'source/malformed'],
  ['too many names', { names: Array.from({ length: 257 }, () => 'alice') }, 'source/malformed'],
  [
    'an option twice',
    {
      critical: [
        ['a', ''],
        ['a', 'b'],
      ],
    },
    'source/malformed',
  ],
  [
    'an extension twice',
    {
      extensions: [
        ['a', ''],
        ['a', 'b'],
      ],
    },
    'source/malformed',
  ],
  ['the type of another key', { type: 'ssh-rsa-cert-v01@openssh.com' }, 'source/malformed'],
  ['a type like a property of every object', { type: 'constructor-cert-v01@openssh.com' }, 'source/malformed'],
  ['a certificate as authority', { authority: certify(AUTHORITY, ALICE) }, 'source/certificate-unusable'],
  ['an authority that is somebody else', { authority: ALICE.blob }, 'forged'],
])('parseSshCertificate() refuses %s', async (_name, options, code) => {
  expect(await attempt(certify(AUTHORITY, ALICE, options))).toBe(code)
})

test('13-adversary 12: an authority on a security key must have been touched', async () => {
  const device = makeSshKey('sk-ed25519')
  expect(await attempt(certify(device, ALICE, { flags: 4 }))).toBe('source/user-presence-missing')
  expect(await attempt(certify(device, ALICE, { flags: 5 }))).toBe('accepted')
})

test.each(['ed25519', 'ecdsa256', 'rsa', 'sk-ecdsa256'] as const)(
  'no byte of a certificate by a key of kind %s can be changed, left out or added',
  async kind => {
    const blob = certify(makeSshKey(kind), ALICE)
    for (let at = 0; at < blob.byteLength; at++) {
      const changed = new Uint8Array(blob)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(await attempt(changed)).not.toBe('accepted')
      expect(await attempt(blob.subarray(0, at))).toBe('source/malformed')
    }
    expect(await attempt(new Uint8Array([...blob, 0]))).toBe('source/malformed')
  },
)

test('parseSshCertificate() of any bytes gives a certificate or an error of this room', async () => {
  const blob = certify(AUTHORITY, ALICE, { critical: [['a', 'b']], extensions: [['c', '']] })
  const near = fc
    .tuple(fc.nat(blob.byteLength), fc.uint8Array({ maxLength: 9 }))
    .map(([at, part]) => new Uint8Array([...blob.subarray(0, at), ...part, ...blob.subarray(at + part.byteLength)]))
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), near), async bytes => {
      expect(await attempt(bytes)).toMatch(/^source\/|^forged$|^accepted$/)
    }),
    { numRuns: 500 },
  )
})
