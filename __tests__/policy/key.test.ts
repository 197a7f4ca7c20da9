import type { CommitFacts, SshCertificateFact, TrustedTime, ValidSignature, ValidSsh } from '../../src/core/facts.ts'
import { keyFindings } from '../../src/policy/key.ts'
import { parseLaw } from '../../src/policy/law.ts'
import { ownersOf } from '../../src/policy/owner.ts'
import { identityDigest, inForce, revocableOf, revokes } from '../../src/policy/revocation.ts'
import { makeSshKey } from '../fakes/ssh-keys.ts'
import { BASE, commit, filled, idOf, lawFiles, MAIN, NOW, sshFingerprintOf } from './world.ts'

const CA = sshFingerprintOf('ca')
const RSA = makeSshKey('rsa')
const DEVICE = makeSshKey('sk-ed25519')
const ROOT = 'F'.repeat(64)

const POLICY = filled(`version: 1
principals:
  alice:
    emails: [alice@example.com]
    signers:
      - {ssh: {key: "{{alice}}", not-before: 2026-01-01, not-after: 2026-09-01}}
      - {ssh: {key: "${DEVICE.line}", require: user-verification}}
      - {ssh-ca: {key: "{{ca}}", principals: [alice, alice@example.com], max-validity: 1d}}
      - {ssh-ca: {key: "${RSA.line}", principals: [alice], max-validity: 1d}}
      - {openpgp: {fingerprint: ${'A'.repeat(40)}, file: keys/alice.asc, not-before: 2026-01-01}}
      - {sigstore: {identity: alice@example.com, issuer: "https://accounts.example.com"}}
  bob:
    emails: [bob@example.com]
    signers:
      - {ssh-ca: {key: "{{ca}}", principals: [bob], max-validity: 1d}}
source:
  - refs: [refs/heads/main]
    commits: {signers: [alice, bob], min-rsa: 2048}
`)

const files = (text: string) => lawFiles({ ...BASE, '.github/waybill.yml': text, '.github/keys/alice.asc': 'KEY' })

interface Story {
  readonly policy?: string
  readonly now?: Date
  readonly time?: TrustedTime
  readonly minRsa?: number
}

/** Codes of what is wrong with the key, under the entry of the policy that makes it somebody's. */
function codes(fact: ValidSignature, { policy = POLICY, now = NOW, time, minRsa = 2048 }: Story = {}): string[] {
  const law = parseLaw(files(policy))
  const bench = { law, lawAt: idOf('anchor'), ref: MAIN, now }
  const made: CommitFacts = {
    ...commit('c', { signature: fact }),
    ...(time === undefined ? {} : { trustedTime: time }),
  }
  const [owner] = ownersOf(fact, law)
  return keyFindings(made, fact, [{ minRsa }], bench, owner?.signer).map(finding => finding.code)
}

const names = (fact: ValidSignature, policy = POLICY) =>
  ownersOf(fact, parseLaw(files(policy))).map(({ principal }) => principal.name)

const plain: ValidSsh = {
  kind: 'ssh',
  fingerprint: sshFingerprintOf('alice'),
  algorithm: 'ssh-ed25519',
  bits: 256,
}
const device = (userPresence: boolean, userVerification: boolean): ValidSsh => ({
  kind: 'ssh',
  fingerprint: DEVICE.fingerprint,
  algorithm: DEVICE.algorithm,
  bits: 256,
  securityKey: { application: 'ssh:', userPresence, userVerification },
})
/** Valid for the day of NOW. */
const certified = (more: Partial<SshCertificateFact> = {}): ValidSsh => ({
  kind: 'ssh',
  fingerprint: sshFingerprintOf('laptop'),
  algorithm: 'ssh-ed25519',
  bits: 256,
  certificate: {
    authority: CA,
    keyId: 'alice@laptop',
    serial: 42n,
    principals: ['alice'],
    validAfter: new Date('2026-06-01T00:00:00Z'),
    validBefore: new Date('2026-06-02T00:00:00Z'),
    criticalOptions: [],
    ...more,
  },
})
const gitsign: ValidSignature = {
  kind: 'gitsign',
  fingerprint: 'E'.repeat(64),
  serial: '0B1234',
  identity: 'alice@example.com',
  issuer: 'https://accounts.example.com',
  algorithm: 'ecdsa-p256',
  bits: 256,
  trustedTime: { time: new Date('2026-03-01T00:00:00Z'), from: 'log' },
}
const x509: ValidSignature = {
  kind: 'x509',
  fingerprint: 'D'.repeat(64),
  root: ROOT,
  chain: [
    { serial: '0A', fingerprint: 'D'.repeat(64) },
    { serial: '0B', fingerprint: 'C'.repeat(64) },
    { serial: '01', fingerprint: ROOT },
  ],
  emails: ['alice@example.com'],
  algorithm: 'rsa',
  bits: 2048,
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2026-07-01T00:00:00Z'),
}
const openpgp: ValidSignature = {
  kind: 'openpgp',
  fingerprint: 'A'.repeat(40),
  primary: 'A'.repeat(40),
  algorithm: 'ed25519',
  bits: 256,
  claimedTime: new Date('2020-01-01T00:00:00Z'),
  keyRevoked: false,
}

const at = (time: string, from: TrustedTime['from'] = 'timestamp'): Story => ({ time: { time: new Date(time), from } })
const on = (now: string): Story => ({ now: new Date(now) })
const revoking = (entry: string, mode = 'compromised', effective = '2026-05-01'): Story => ({
  policy: `${POLICY}revoked: [{${entry}, effective: ${effective}, mode: ${mode}}]\n`,
})

describe('13-adversary 12: ownersOf() finds', () => {
  test.each<[string, ValidSignature, string[]]>([
    ['the holder of a key', plain, ['alice']],
    ['who is named in a certificate', certified(), ['alice']],
    ['who is named under another name', certified({ principals: ['root', 'alice@example.com'] }), ['alice']],
    ['another name’s owner', certified({ principals: ['bob'] }), ['bob']],
    ['both whom one certificate names', certified({ principals: ['alice', 'bob'] }), ['alice', 'bob']],
    ['nobody for a name in other letters', certified({ principals: ['Alice'] }), []],
    ['nobody for a certificate without names', certified({ principals: [] }), []],
    ['nobody for a certificate of another authority', certified({ authority: sshFingerprintOf('mallory') }), []],
    ['nobody for the authority’s own key', { ...plain, fingerprint: CA }, []],
    [
      'who is named, whosever key is certified',
      { ...certified({ principals: ['bob'] }), fingerprint: plain.fingerprint },
      ['bob'],
    ],
    ['a person at Fulcio', gitsign, ['alice']],
    ['nobody for the same person at another issuer', { ...gitsign, issuer: 'https://other.example.com' }, []],
    ['nobody for another spelling of a person', { ...gitsign, identity: 'Alice@example.com' }, []],
    ['nobody for an X.509 root that no file holds', x509, []],
  ])('%s', (_what, fact, expected) => {
    expect(names(fact)).toEqual(expected)
  })

  test('nobody for a certificate on a key that is somebody’s own, by an authority that nobody named', () => {
    const stolen = { ...certified({ authority: sshFingerprintOf('mallory') }), fingerprint: plain.fingerprint }
    expect(names(stolen)).toEqual([])
  })
})

describe('13-adversary 12: keyFindings() of a security key', () => {
  test.each<[string, ValidSignature, string[]]>([
    ['touched, with PIN', device(true, true), []],
    ['touched, without the PIN that is asked for', device(true, false), ['source/user-verification-missing']],
    ['not touched', device(false, true), ['source/user-presence-missing']],
    ['neither', device(false, false), ['source/user-presence-missing', 'source/user-verification-missing']],
    [
      'that nobody knows, not touched',
      { ...device(false, false), fingerprint: sshFingerprintOf('stranger') },
      ['source/user-presence-missing'],
    ],
    [
      'that is certified, not touched',
      { ...certified(), securityKey: { application: 'ssh:', userPresence: false, userVerification: true } },
      ['source/user-presence-missing'],
    ],
    [
      'that is certified, touched; a PIN is not asked for',
      { ...certified(), securityKey: { application: 'ssh:', userPresence: true, userVerification: false } },
      [],
    ],
  ])('%s', (_what, fact, expected) => {
    expect(codes(fact)).toEqual(expected)
  })
})

describe('13-adversary 12: keyFindings() of a certificate', () => {
  test.each<[string, ValidSignature, Story, string[]]>([
    ['in its time', certified(), {}, []],
    ['after its end', certified(), on('2026-06-02T00:00:00Z'), ['source/certificate-expired']],
    ['before its beginning', certified(), on('2026-05-31T23:59:59Z'), ['source/certificate-not-yet-valid']],
    [
      'years later, with a trusted time in its span',
      certified(),
      { ...on('2030-01-01'), ...at('2026-06-01T08:00:00Z') },
      [],
    ],
    [
      'years later, with one from an earlier run',
      certified(),
      { ...on('2030-01-01'), ...at('2026-06-01T08:00:00Z', 'source-vsa') },
      [],
    ],
    [
      'now, with a trusted time before its span',
      certified(),
      at('2026-05-01T00:00:00Z'),
      ['source/certificate-not-yet-valid'],
    ],
    [
      'valid for longer than max-validity',
      certified({ validAfter: new Date('2026-05-31T23:57:59Z') }),
      {},
      ['source/certificate-too-long'],
    ],
    ['dated back two minutes by ssh-keygen', certified({ validAfter: new Date('2026-05-31T23:58:00Z') }), {}, []],
    [
      'valid for ever',
      (({ validBefore: _end, ...certificate }) => ({ ...certified(), certificate }))(
        certified().certificate as SshCertificateFact,
      ),
      {},
      ['source/certificate-too-long'],
    ],
    ['with a critical option', certified({ criticalOptions: ['force-command'] }), {}, ['source/certificate-options']],
    ['with an unknown one', certified({ criticalOptions: ['x@example.com'] }), {}, ['source/certificate-options']],
    [
      'that asks for a PIN by option',
      certified({ criticalOptions: ['verify-required'] }),
      {},
      ['source/certificate-options'],
    ],
    ['that names nobody', certified({ principals: [] }), {}, ['source/certificate-names']],
    [
      'of an unknown authority, with all that is wrong with it',
      certified({ authority: sshFingerprintOf('mallory'), principals: [], criticalOptions: ['a'] }),
      on('2027-01-01'),
      ['source/certificate-expired', 'source/certificate-options', 'source/certificate-names'],
    ],
    ['by an RSA authority that is large enough', certified({ authority: RSA.fingerprint }), {}, []],
    [
      'by one that is too small for the rule',
      certified({ authority: RSA.fingerprint }),
      { minRsa: 3072 },
      ['source/key-weak'],
    ],
    ['by an authority of ECC, whatever the rule says about RSA', certified(), { minRsa: 4096 }, []],
  ])('%s', (_what, fact, story, expected) => {
    expect(codes(fact, story)).toEqual(expected)
  })
})

describe('13-adversary 12: keyFindings() judges dates at the earliest trusted time, else now', () => {
  test.each<[string, ValidSignature, Story, string[]]>([
    ['SSH in time', plain, {}, []],
    ['SSH after not-after', plain, on('2026-09-01'), ['source/key-expired']],
    ['SSH after not-after, pushed before', plain, { ...on('2030-01-01'), ...at('2026-08-31', 'platform') }, []],
    ['SSH before not-before', plain, at('2025-12-31'), ['source/key-not-yet-valid']],
    ['OpenPGP before not-before', openpgp, at('2025-12-31'), ['source/key-not-yet-valid']],
    ['OpenPGP past its own end', { ...openpgp, keyExpires: NOW }, {}, ['source/key-expired']],
    ['OpenPGP past its own end, pushed before', { ...openpgp, keyExpires: NOW }, at('2026-05-31', 'platform'), []],
    ['X.509 in time', x509, {}, []],
    ['X.509 in its last second', x509, on('2026-07-01T00:00:00.999Z'), []],
    ['X.509 after its end', x509, on('2026-07-01T00:00:01Z'), ['source/certificate-expired']],
    ['X.509 before its beginning', x509, on('2025-12-31'), ['source/certificate-not-yet-valid']],
    [
      'X.509 after its end, with a timestamp of its own',
      { ...x509, trustedTime: { time: new Date('2026-06-30'), from: 'timestamp' } },
      on('2030-01-01'),
      [],
    ],
    [
      'X.509 with two trusted times: the earlier one counts',
      { ...x509, trustedTime: { time: new Date('2026-08-01'), from: 'timestamp' } },
      at('2026-06-30', 'platform'),
      [],
    ],
    ['gitsign years later', gitsign, on('2036-01-01'), []],
  ])('%s', (_what, fact, story, expected) => {
    expect(codes(fact, story)).toEqual(expected)
  })

  test('and says which time it was', () => {
    const law = parseLaw(files(POLICY))
    const bench = { law, lawAt: idOf('anchor'), ref: MAIN, now: new Date('2030-01-01') }
    const [owner] = ownersOf(plain, law)
    const expectedOf = (trustedTime?: TrustedTime) =>
      keyFindings(
        { id: idOf('c'), subject: 'c', ...(trustedTime === undefined ? {} : { trustedTime }) },
        plain,
        [],
        bench,
        owner?.signer,
      )[0]?.expected
    expect(expectedOf()).toMatch(/2030-01-01.*no trusted time/)
    expect(expectedOf({ time: new Date('2027-01-01'), from: 'platform' })).toMatch(/2027-01-01.*platform says/)
  })
})

describe('13-adversary 12: keyFindings() weighs RSA of every kind', () => {
  test.each<[string, ValidSignature, number, string[]]>([
    ['X.509, large enough', x509, 2048, []],
    ['X.509, below the rule', x509, 3072, ['source/key-weak']],
    ['X.509, below every rule', { ...x509, bits: 1024 }, 1024, ['source/key-weak']],
    ['RSA-PSS in X.509', { ...x509, algorithm: 'rsa-pss', bits: 2048 }, 3072, ['source/key-weak']],
    ['SSH', { ...plain, algorithm: 'ssh-rsa', bits: 2048 }, 3072, ['source/key-weak']],
    ['ECDSA, whose name ends in the same letters', gitsign, 4096, []],
  ])('%s', (_what, fact, minRsa, expected) => {
    expect(codes(fact, { minRsa })).toEqual(expected)
  })
})

describe('13-adversary 12: keyFindings() applies revocations to', () => {
  const hits = ['source/key-revoked']
  test.each<[string, ValidSignature, Story, string[]]>([
    ['a certified key', certified(), revoking(`fingerprint: "${sshFingerprintOf('laptop')}"`), hits],
    ['an authority', certified(), revoking(`fingerprint: "${CA}"`), hits],
    ['a serial of an authority', certified(), revoking(`serial: 42, authority: "${CA}"`), hits],
    ['no other serial', certified(), revoking(`serial: 43, authority: "${CA}"`), []],
    ['not the serial of another authority', certified(), revoking(`serial: 42, authority: "${RSA.fingerprint}"`), []],
    ['not an SSH certificate with the digits of an X.509 one', certified(), revoking('serial: 42'), []],
    ['an X.509 certificate', x509, revoking(`fingerprint: ${'D'.repeat(64)}`), hits],
    ['an authority in the chain', x509, revoking(`fingerprint: ${'C'.repeat(64)}`), hits],
    ['a root', x509, revoking(`fingerprint: ${ROOT}`), hits],
    ['a serial in the chain', x509, revoking('serial: b'), hits],
    ['no other serial in the chain', x509, revoking('serial: c'), []],
    ['a gitsign certificate', gitsign, revoking(`fingerprint: ${'E'.repeat(64)}`), []],
    [
      'a gitsign certificate, from before it',
      gitsign,
      revoking(`fingerprint: ${'E'.repeat(64)}`, 'compromised', '2026-01-01'),
      hits,
    ],
    ['its serial', gitsign, revoking('serial: 0b1234', 'compromised', '2026-01-01'), hits],
    [
      'a person',
      gitsign,
      revoking('identity: alice@example.com, issuer: "https://accounts.example.com"', 'retired', '2026-01-01'),
      hits,
    ],
    [
      'not a person at another issuer',
      gitsign,
      revoking('identity: alice@example.com, issuer: "https://x"', 'compromised', '2026-01-01'),
      [],
    ],
  ])('%s', (_what, fact, story, expected) => {
    expect(codes(fact, story)).toEqual(expected)
  })

  const key = `fingerprint: "${plain.fingerprint}"`
  test.each<[string, Story, string[]]>([
    ['compromised later, no trusted time', revoking(key, 'compromised', '2026-12-01'), hits],
    ['compromised later than a trusted time', { ...revoking(key), ...at('2026-04-30', 'platform') }, []],
    ['compromised before a trusted time', { ...revoking(key), ...at('2026-05-01', 'platform') }, hits],
    ['compromised later than an earlier run says', { ...revoking(key), ...at('2026-04-30', 'source-vsa') }, hits],
    ['retired later', revoking(key, 'retired', '2026-12-01'), []],
    ['retired earlier', revoking(key, 'retired'), hits],
    ['retired later than a trusted time', { ...revoking(key, 'retired'), ...at('2026-04-30', 'platform') }, []],
  ])('a key %s', (_what, story, expected) => {
    expect(codes(plain, story)).toEqual(expected)
  })
})

describe('revokes()', () => {
  const terms = { effective: NOW, mode: 'compromised' } as const
  test('takes a fact and what is recorded of it', () => {
    const entry = { kind: 'key', fingerprint: CA, ...terms } as const
    expect(revokes(entry, certified())).toBe(true)
    expect(revokes(entry, revocableOf(certified()))).toBe(true)
    expect(revokes(entry, { fingerprint: plain.fingerprint })).toBe(false)
  })
  test('knows a person where a record has nothing else', () => {
    const entry = { kind: 'identity', identity: 'alice@example.com', issuer: 'https://a', ...terms } as const
    expect(revokes(entry, { fingerprint: identityDigest('alice@example.com', 'https://a') })).toBe(true)
    expect(revokes(entry, { fingerprint: identityDigest('alice@example.com', 'https://b') })).toBe(false)
  })
  test('an SSH serial needs both number and authority', () => {
    const entry = { kind: 'ssh-serial', serial: 0n, authority: CA, ...terms } as const
    expect(revokes(entry, certified({ serial: 0n }))).toBe(true)
    expect(revokes(entry, { fingerprint: 'x', authority: CA })).toBe(false)
  })
  test('inForce() of a compromise without a trusted time is always', () => {
    expect(
      inForce({ kind: 'key', fingerprint: CA, effective: new Date('2099-01-01'), mode: 'compromised' }, undefined, NOW),
    ).toBe(true)
  })
})
