import { utf8 } from '../../src/core/bytes.ts'
import { policyDifference } from '../../src/policy/difference.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { makeSshKey } from '../fakes/ssh-keys.ts'
import { errorOf, filled, sshFingerprintOf } from './world.ts'

const PATH = '.github/waybill.yml'
const DEVICE = makeSshKey('sk-ed25519')
const RSA = makeSshKey('rsa')

function policyOf(alice: string, bob = '{ssh: {key: "{{bob}}"}}'): string {
  return filled(`version: 1
principals:
  alice: {emails: [alice@example.com], signers: [${alice}]}
  bob: {emails: [bob@example.com], signers: [${bob}]}
`)
}

const parse = (alice: string, bob?: string) => parsePolicy(utf8(policyOf(alice, bob)), PATH)
const signersOf = (alice: string) => parse(alice).principals.get('alice')?.signers
const messageOf = (alice: string, bob?: string) => errorOf(() => parse(alice, bob)).message

const CA = 'key: "{{ca}}"'
const OAUTH = 'issuer: "https://github.com/login/oauth"'

describe('parsePrincipals() reads', () => {
  test('a security key and what it must say', () => {
    const device = (more: string) => signersOf(`{ssh: {key: "${DEVICE.line}"${more}}}`)
    const signer = { kind: 'ssh', fingerprint: DEVICE.fingerprint, algorithm: 'sk-ssh-ed25519@openssh.com' }
    expect(device('')).toEqual([{ ...signer, require: [] }])
    expect(device(', require: user-verification')).toEqual([{ ...signer, require: ['user-verification'] }])
    expect(device(', require: [user-presence, user-verification]')).toEqual([
      { ...signer, require: ['user-presence', 'user-verification'] },
    ])
  })

  test('when a key counts', () => {
    const window = { notBefore: new Date('2026-01-01'), notAfter: new Date('2027-01-01T12:00:00Z') }
    const dates = 'not-before: 2026-01-01, not-after: "2027-01-01T12:00:00Z"'
    expect(signersOf(`{ssh: {key: "{{alice}}", ${dates}}}`)).toMatchObject([window])
    const openpgp = `{openpgp: {fingerprint: ${'A'.repeat(40)}, file: keys/a.asc, ${dates}}}`
    expect(signersOf(openpgp)).toMatchObject([{ kind: 'openpgp', ...window }])
  })

  test('an authority for SSH certificates', () => {
    const names = (text: string) => signersOf(`{ssh-ca: {${CA}, principals: ${text}, max-validity: 12h}}`)
    const authority = {
      kind: 'ssh-ca',
      fingerprint: sshFingerprintOf('ca'),
      algorithm: 'ssh-ed25519',
      bits: 256,
      maxValiditySeconds: 43_200,
    }
    expect(names('alice')).toEqual([{ ...authority, principals: ['alice'] }])
    expect(names('[alice, alice@example.com]')).toEqual([{ ...authority, principals: ['alice', 'alice@example.com'] }])
  })

  test('X.509 certificates and the file with their roots', () => {
    const policy = parse('{x509: {san: alice@example.com, roots: keys/ca.pem}}')
    expect(policy.principals.get('alice')?.signers).toEqual([
      { kind: 'x509', san: 'alice@example.com', file: '.github/keys/ca.pem' },
    ])
    expect(policy.files).toMatchObject([{ path: '.github/keys/ca.pem', use: 'x509' }])
  })

  test('a person at Fulcio', () => {
    expect(signersOf(`{sigstore: {identity: alice@example.com, ${OAUTH}}}`)).toEqual([
      { kind: 'sigstore', identity: 'alice@example.com', issuer: 'https://github.com/login/oauth' },
    ])
  })
})

describe('parsePrincipals() refuses', () => {
  test.each([
    ['require on a key that is no security key', '{ssh: {key: "{{alice}}", require: user-presence}}', /security key/],
    ['a word it does not know', `{ssh: {key: "${DEVICE.line}", require: pin}}`, /pin/],
    ['one word twice', `{ssh: {key: "${DEVICE.line}", require: [user-presence, user-presence]}}`, /twice/],
    [
      'a security key of a web site',
      `{ssh: {key: "${makeSshKey('sk-ed25519', 'https://example.com').line}"}}`,
      /not a usable SSH public key/,
    ],
    ['a certificate', '{ssh: {key: "ssh-ed25519-cert-v01@openssh.com AAAA"}}', /not a usable SSH public key/],
    [
      'an end before the beginning',
      '{ssh: {key: "{{alice}}", not-before: 2027-01-01, not-after: 2026-01-01}}',
      /ends before it begins/,
    ],
    [
      'an end at the beginning',
      '{ssh: {key: "{{alice}}", not-before: 2026-01-01, not-after: 2026-01-01}}',
      /ends before it begins/,
    ],
    ['an authority without names', `{ssh-ca: {${CA}, max-validity: 1d}}`, /has no principals/],
    ['an authority with an empty list of names', `{ssh-ca: {${CA}, principals: [], max-validity: 1d}}`, /empty/],
    ['an authority without an end', `{ssh-ca: {${CA}, principals: [alice]}}`, /has no max-validity/],
    ['a span that is none', `{ssh-ca: {${CA}, principals: [alice], max-validity: ever}}`, /not a time span/],
    ['a pattern for names', `{ssh-ca: {${CA}, principals: ["*"], max-validity: 1d}}`, /compared whole/],
    ['a name twice', `{ssh-ca: {${CA}, principals: [alice, alice], max-validity: 1d}}`, /twice/],
    ['a SAN that is no address', '{x509: {san: alice, roots: keys/ca.pem}}', /not an e-mail address/],
    ['roots elsewhere', '{x509: {san: alice@example.com, roots: ../ca.pem}}', /not a path below/],
    ['roots among the workflows', '{x509: {san: alice@example.com, roots: workflows/ca.pem}}', /among the workflows/],
    [
      'roots that are also a key file',
      `{x509: {san: a@example.com, roots: keys/a}}, {openpgp: {fingerprint: ${'A'.repeat(40)}, file: keys/a}}`,
      /also named as x509/,
    ],
    ['a prefix of identities', `{sigstore: {identity: {prefix: "https://example.com/a/"}, ${OAUTH}}}`, /more than one/],
    [
      'a workflow as a person',
      '{sigstore: {identity: "https://github.com/o/r/.github/workflows/f.yml@refs/heads/main", issuer: "https://token.actions.githubusercontent.com"}}',
      /no person/,
    ],
    [
      'a workflow of another server as a person',
      '{sigstore: {identity: "https://git.example.com/o/r/.github/workflows/f.yml@refs/heads/main", issuer: "https://git.example.com/_services/token"}}',
      /no person/,
    ],
    ['an identity without issuer', '{sigstore: {identity: alice@example.com}}', /has no issuer/],
    ['a workflow’s certificate', '{github: {repository: o/r}}', /does not judge .*github: a workflow/],
    ['a bare key', '{key: keys/a.pem}', /does not judge .*key: git has no signature/],
  ])('%s', (_what, signer, message) => {
    expect(messageOf(signer)).toMatch(message)
  })
})

describe('13-adversary 10: two principals may not share', () => {
  const authority = (name: string, key = '{{ca}}') =>
    `{ssh-ca: {key: "${key}", principals: [${name}], max-validity: 1d}}`
  const x509 = (san: string) => `{x509: {san: ${san}, roots: keys/ca.pem}}`
  const person = (identity: string, issuer: string) => `{sigstore: {identity: ${identity}, issuer: "${issuer}"}}`
  test.each([
    ['a security key', `{ssh: {key: "${DEVICE.line}"}}`, `{ssh: {key: "${DEVICE.line} other comment"}}`],
    ['a name in the certificates of one authority', authority('alice'), authority('bob, alice')],
    ['an address below the same roots', x509('alice@example.com'), x509('alice@EXAMPLE.com')],
    ['an identity', person('alice@example.com', 'https://a'), person('alice@example.com', 'https://a')],
    ['a key that is the authority of the other', '{ssh: {key: "{{ca}}"}}', authority('bob')],
    ['the authority whose key is the other’s own', authority('alice'), '{ssh: {key: "{{ca}}"}}'],
  ])('%s', (_what, alice, bob) => {
    expect(messageOf(alice, bob)).toMatch(/bob|alice/)
    expect(messageOf(alice, bob)).toMatch(/could not be told apart/)
  })

  test.each([
    ['the authority, with other names', authority('alice'), authority('bob')],
    ['the name, by another authority', authority('alice'), authority('alice', RSA.line)],
    ['the roots, with other addresses', x509('alice@example.com'), x509('bob@example.com')],
    ['the address, at another issuer', person('a@example.com', 'https://a'), person('a@example.com', 'https://b')],
  ])('… but %s', (_what, alice, bob) => {
    expect([...parse(alice, bob).principals.keys()]).toEqual(['alice', 'bob'])
  })

  test('the key of an authority that several share, with a third one', () => {
    const policy = `${policyOf(authority('alice'), authority('bob'))}  carol: {emails: [carol@example.com], signers: [{ssh: {key: "{{ca}}"}}]}\n`
    expect(errorOf(() => parsePolicy(utf8(filled(policy)), PATH)).message).toMatch(/authority of others/)
  })

  test('nothing with themselves: one may hold the authority’s key', () => {
    expect(signersOf(`{ssh: {key: "{{ca}}"}}, ${authority('alice')}`)).toHaveLength(2)
    expect(messageOf(`${authority('alice')}, ${authority('carol, alice')}`)).toMatch(/twice/)
  })
})

test('13-adversary 3: policyDifference() shows every part of a signer and of a revocation', () => {
  const before = parse(`{ssh: {key: "${DEVICE.line}", require: user-verification, not-before: 2026-01-01}}`)
  const after = parse(`{ssh: {key: "${DEVICE.line}"}}`)
  expect(policyDifference(before, after).map(({ how, text }) => `${how} ${text}`)).toEqual([
    `removed alice: ssh key ${DEVICE.fingerprint} with user-verification from 2026-01-01T00:00:00.000Z`,
    `added alice: ssh key ${DEVICE.fingerprint}`,
  ])
  const authority = (age: string) => parse(`{ssh-ca: {${CA}, principals: [alice], max-validity: ${age}}}`)
  expect(policyDifference(authority('1d'), authority('900d'))).toHaveLength(2)
  const revoked = (what: string) =>
    parsePolicy(utf8(`version: 1\nrevoked: [{${what}, effective: 2026-05-01, mode: retired}]\n`), PATH)
  const entries = ['serial: 2A', `serial: 42, authority: "${DEVICE.fingerprint}"`, 'identity: a, issuer: "https://a"']
  const [hex, ssh, person] = entries.map(revoked)
  expect(policyDifference(revoked('serial: 2B'), hex ?? before).map(({ text }) => text)[1]).toMatch(/^certificate 2A r/)
  expect(policyDifference(revoked('serial: 2B'), ssh ?? before).map(({ text }) => text)[1]).toMatch(/42 of SHA256:/)
  expect(policyDifference(revoked('serial: 2B'), person ?? before).map(({ text }) => text)[1]).toMatch(/a \(https:/)
})

describe('parsePolicy() reads what is revoked', () => {
  const revoked = (entry: string) =>
    parsePolicy(utf8(`version: 1\nrevoked: [{${entry}, effective: 2026-05-01, mode: retired}]\n`), PATH).revoked[0]
  const SSH = sshFingerprintOf('ca')
  test.each([
    [`fingerprint: ${'ab'.repeat(32)}`, { kind: 'key', fingerprint: 'AB'.repeat(32) }],
    [`fingerprint: "${SSH}"`, { kind: 'key', fingerprint: SSH }],
    ['serial: 00:2a:41', { kind: 'serial', serial: '2A41' }],
    ['serial: 42', { kind: 'serial', serial: '42' }],
    ['serial: 0', { kind: 'serial', serial: '0' }],
    [`serial: 42, authority: "${SSH}"`, { kind: 'ssh-serial', serial: 42n, authority: SSH }],
    [`serial: 18446744073709551615, authority: "${SSH}"`, { kind: 'ssh-serial', serial: 2n ** 64n - 1n }],
    ['identity: alice@example.com, issuer: "https://a"', { kind: 'identity', identity: 'alice@example.com' }],
  ])('%s', (entry, expected) => {
    expect(revoked(entry)).toMatchObject({ ...expected, mode: 'retired', effective: new Date('2026-05-01') })
  })
  test.each([
    ['fingerprint: 2A', /whole fingerprint/],
    ['serial: 2A, fingerprint: 2A', /both fingerprint and serial/],
    ['serial: xyz', /no serial number/],
    [`serial: 2A, authority: "${SSH}"`, /no serial number/],
    [`serial: 042, authority: "${SSH}"`, /no serial number/],
    [`serial: 18446744073709551616, authority: "${SSH}"`, /no serial number/],
    [`serial: 42, authority: ${'ab'.repeat(32)}`, /no SSH fingerprint/],
    [`fingerprint: "${SSH}", authority: "${SSH}"`, /belongs to a serial/],
    ['fingerprint: 2A, issuer: "https://a"', /belongs to an identity/],
    ['identity: alice@example.com', /has no issuer/],
    ['mode: retired', /Duplicate|duplicate|twice|unique/i],
  ])('13-adversary 12: never %s', (entry, message) => {
    expect(errorOf(() => revoked(entry)).message).toMatch(message)
  })
  test('… and an entry that names nothing is refused', () => {
    const text = 'version: 1\nrevoked: [{effective: 2026-05-01, mode: retired}]\n'
    expect(errorOf(() => parsePolicy(utf8(text), PATH)).message).toMatch(/has no fingerprint/)
  })
})
