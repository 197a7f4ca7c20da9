import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey, readKey, readKeys, type SecretKeyPacket } from 'openpgp'
import { utf8 } from '../../src/core/bytes.ts'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { githubAccounts } from '../../src/github/accounts.ts'
import { renderSnapshot, type SnapshotPrincipal } from '../../src/pipeline/snapshot.ts'
import { loadKeyring } from '../../src/source/keyring.ts'
import type { SigningKey } from '../../src/source/openpgp-key.ts'
import { TestRepository } from '../fakes/repository.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { GithubWorld } from '../github/world.ts'
import { errorOf } from '../source/support.ts'
import { allowed, asPolicyReads, imported, kindsOf, NOW, printed } from './import-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'waybill-signers-'))
afterAll(() => rmSync(folder, { recursive: true }))

const [first, second] = [makeSshSigner(), makeSshSigner()]
const VECTORS = join(import.meta.dirname, '../vectors/commit')
/** Keys that real gpg made. */
const vector = (name: string) => readFileSync(join(VECTORS, name, 'keys.asc'), 'utf8')
const [weak, revoked, strong] = ['openpgp-rsa1024', 'openpgp-revoked', 'openpgp-rsa2048'].map(vector)
const fingerprintOf = async (armor = '') => (await readKey({ armoredKey: armor })).getFingerprint().toUpperCase()

/** A new key of its own; its armor, fingerprint and secret half. */
async function makeKey(name: string, email = `${name}@example.com`, ...more: readonly string[]) {
  const userIDs = [email, ...more].map(address => ({ name, email: address }))
  const { privateKey } = await generateKey({ userIDs, type: 'curve25519', format: 'object' })
  const key = privateKey.toPublic()
  return { armor: key.armor(), fingerprint: key.getFingerprint().toUpperCase(), privateKey }
}

/** A key in a security key: type, 32 bytes, application. */
const SECURITY_KEY = `sk-ssh-ed25519@openssh.com ${Buffer.concat(
  ['sk-ssh-ed25519@openssh.com', 'k'.repeat(32), 'ssh:'].map(text =>
    Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]),
  ),
).toString('base64')}`

function armorOf(principal: SnapshotPrincipal | undefined): string {
  const [signer] = principal?.signers ?? []
  return signer !== undefined && 'openpgp' in signer ? signer.openpgp.armor : ''
}

/** An SSH line of an RSA key. */
function rsaLine(bits: number): string {
  const jwk = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' })
  const block = (bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes])
  const number = (text = '') => block(Buffer.concat([Buffer.from([0]), Buffer.from(text, 'base64url')]))
  const exponent = block(Buffer.from(jwk.e ?? '', 'base64url'))
  return `ssh-rsa ${Buffer.concat([block(Buffer.from('ssh-rsa')), exponent, number(jwk.n)]).toString('base64')}`
}

describe('importSigners() from GitHub', () => {
  let world: GithubWorld
  beforeEach(async () => {
    world = await GithubWorld.start()
  })
  afterEach(() => world.close())

  const accounts = (server = 'https://github.com', token?: string | undefined) =>
    githubAccounts(world.api(token === undefined ? {} : { token }), server)
  const user = (login: string) => {
    const found = world.model.users.get(login)
    if (found === undefined) throw new Error(login)
    return found
  }

  test('takes the keys, the number and the addresses that GitHub vouches for', async () => {
    user('alice').email = 'alice@example.com'
    user('alice').sshSigningKeys.push(`${first.publicKey} alice@laptop`)
    const emails = [
      { email: 'alice@work.example', verified: true },
      { email: 'bob@example.com', verified: false },
    ]
    const { armor, fingerprint } = await makeKey('alice')
    user('alice').gpgKeys.push({ keyId: fingerprint.slice(-16), armor, emails })
    const { snapshot, notes } = await imported({ kind: 'users', logins: ['alice'] }, { accounts: accounts() })
    expect(snapshot).toMatchObject({ schemaVersion: 1, taken: NOW.toISOString(), source: 'GitHub users alice' })
    expect(Object.keys(snapshot.principals)).toEqual(['alice'])
    expect(snapshot.principals.alice).toEqual({
      github: { login: 'alice', id: 101 },
      emails: ['101+alice@users.noreply.github.com', 'alice@example.com', 'alice@work.example'],
      signers: [
        { openpgp: { fingerprint, armor: expect.stringContaining('BEGIN PGP PUBLIC KEY BLOCK') } },
        { ssh: { key: first.publicKey } },
      ],
    })
    expect(asPolicyReads(snapshot)).toEqual({ alice: ['openpgp', 'ssh'] })
    expect(notes).toEqual([])
    world.github.expectNothingUnexpected()
  })

  test('takes every member of a team, page by page', async () => {
    const logins = Array.from({ length: 130 }, (_, n) => `dev${n}`)
    for (const [n, login] of logins.entries()) world.model.user(login, 1000 + n)
    world.model.members.set('acme/platform', [...logins, 'renovate[bot]'])
    user('dev7').sshSigningKeys.push(first.publicKey)
    const { snapshot } = await imported({ kind: 'team', org: 'acme', team: 'platform' }, { accounts: accounts() })
    expect(Object.keys(snapshot.principals)).toHaveLength(131)
    expect(snapshot.source).toBe('GitHub team acme/platform')
    expect(snapshot.principals.renovate?.github).toEqual({ login: 'renovate[bot]', id: 104 })
    expect(asPolicyReads(snapshot)).toMatchObject({ renovate: [], dev7: ['ssh'], dev129: [] })
    world.github.expectNothingUnexpected()
  })

  test('says of an organisation that concealed members may be missing', async () => {
    world.model.members.set('acme', ['alice'])
    const { notes } = await imported({ kind: 'org', org: 'acme' }, { accounts: accounts() })
    expect(notes).toContainEqual(expect.stringContaining('conceal'))
  })

  test('leaves out and names keys that are revoked, weak, not shown or broken, and keeps the rest', async () => {
    user('bob').sshSigningKeys.push('ssh-dss AAAAB3NzaC1kc3M=', rsaLine(1024), rsaLine(3072))
    user('bob').gpgKeys.push(
      { keyId: 'AAAA', armor: strong ?? '', revoked: true },
      { keyId: 'BBBB', armor: null },
      { keyId: 'CCCC', armor: 'nonsense' },
      { keyId: 'DDDD', armor: weak ?? '' },
    )
    const { snapshot, notes } = await imported({ kind: 'users', logins: ['bob'] }, { accounts: accounts() })
    expect(kindsOf(snapshot.principals.bob)).toEqual(['ssh'])
    expect(notes).toEqual([
      'bob: left out OpenPGP key AAAA: its owner has revoked it',
      'bob: left out OpenPGP key BBBB: the platform does not show it whole',
      expect.stringMatching(/^bob: left out bob’s OpenPGP key CCCC: /),
      `bob: left out OpenPGP key ${await fingerprintOf(weak)}: rsa of 1024 bits`,
      expect.stringMatching(/^bob: left out SSH key ssh-dss/),
      expect.stringMatching(/^bob: left out SSH key SHA256:.*: RSA of 1024 bits$/),
    ])
  })

  test('on an own server no address is invented', async () => {
    user('carol').sshSigningKeys.push(first.publicKey)
    const own = { accounts: accounts('https://git.acme.example') }
    const { snapshot, notes } = await imported({ kind: 'users', logins: ['carol'] }, own)
    expect(snapshot.principals.carol).toEqual({
      github: { login: 'carol', id: 103 },
      signers: [{ ssh: { key: first.publicKey } }],
    })
    expect(notes).toEqual([expect.stringContaining('carol has signers but no e-mail')])
    expect(() => asPolicyReads(snapshot)).toThrow('has signers but no emails')
  })

  test('an account without keys is kept: its platform-signed commits can be named', async () => {
    const { snapshot, notes } = await imported({ kind: 'users', logins: ['carol', 'carol'] }, { accounts: accounts() })
    expect(Object.keys(snapshot.principals)).toEqual(['carol'])
    expect(snapshot.principals.carol).not.toHaveProperty('signers')
    expect(notes).toEqual([expect.stringContaining('carol has no usable key')])
  })

  test('takes nobody when one of them cannot be read: half a list would look like all of it', async () => {
    const both = imported({ kind: 'users', logins: ['alice', 'nobody'] }, { accounts: accounts() })
    expect(await errorOf(() => both)).toMatchObject({ code: 'github/api-permission', kind: 'unknown' })
    const org = imported({ kind: 'org', org: 'other' }, { accounts: accounts() })
    expect((await errorOf(() => org)).expected).toBe('members: read of the organisation')
  })

  test('a team of nobody is an error', async () => {
    world.model.members.set('acme/empty', [])
    const work = imported({ kind: 'team', org: 'acme', team: 'empty' }, { accounts: accounts() })
    expect((await errorOf(() => work)).code).toBe('pipeline/no-signers')
  })
})

describe('importSigners() from allowed_signers', () => {
  test('joins lines that share an address or a key into one person', async () => {
    const { snapshot, notes } = await allowed(
      [
        '# team',
        '',
        `alice@example.com ${first.publicKey} laptop`,
        `alice@example.com,alice@work.example namespaces="git" ${rsaLine(3072)}`,
        `bob@example.com ${second.publicKey}`,
      ].join('\r\n'),
    )
    expect(Object.keys(snapshot.principals)).toEqual(['alice', 'bob'])
    expect(snapshot.principals.alice?.emails).toEqual(['alice@example.com', 'alice@work.example'])
    expect(kindsOf(snapshot.principals.alice)).toEqual(['ssh', 'ssh'])
    expect(notes).toEqual([])
    expect(asPolicyReads(snapshot)).toEqual({ alice: ['ssh', 'ssh'], bob: ['ssh'] })
  })

  test('keeps the window of a key, and says when its zone was not written', async () => {
    const options = 'valid-after="20240102",Valid-Before="20260203040506Z"'
    const { snapshot, notes } = await allowed(`a@b.example ${options} ${first.publicKey}`)
    expect(snapshot.principals.a?.signers).toEqual([
      { ssh: { key: first.publicKey, 'not-before': '2024-01-02T00:00:00Z', 'not-after': '2026-02-03T04:05:06Z' } },
    ])
    expect(notes).toEqual([expect.stringContaining('signers:1: a time without Z')])
    expect(asPolicyReads(snapshot)).toEqual({ a: ['ssh'] })
  })

  test('makes an authority one for each person it is named for', async () => {
    const { snapshot, notes } = await allowed(`alice@b.example,bob@b.example cert-authority ${first.publicKey}`)
    expect(snapshot.principals).toEqual(
      Object.fromEntries(
        ['alice', 'bob'].map(name => [
          name,
          {
            emails: [`${name}@b.example`],
            signers: [{ 'ssh-ca': { key: first.publicKey, principals: [`${name}@b.example`], 'max-validity': '1d' } }],
          },
        ]),
      ),
    )
    expect(notes).toEqual([expect.stringContaining('max-validity 1d was chosen')])
    expect(asPolicyReads(snapshot)).toEqual({ alice: ['ssh-ca'], bob: ['ssh-ca'] })
  })

  test('leaves out an authority with dates, which a policy could not hold', async () => {
    const work = allowed(`a@b.example cert-authority,valid-before="20300101Z" ${first.publicKey}`)
    expect(await errorOf(() => work)).toMatchObject({
      code: 'pipeline/no-signers',
      found: expect.stringContaining('signers:1: left out the authority'),
    })
  })

  test.each([
    { given: 'a pattern for everybody', names: '*' },
    { given: 'a pattern for a domain', names: '*@example.com' },
    { given: 'a negated address', names: '!mallory@example.com' },
    { given: 'a name that is no address', names: 'alice' },
  ])('names nobody for $given', async ({ names }) => {
    const { snapshot, notes } = await allowed(`${names} ${first.publicKey}\nbob@example.com ${second.publicKey}`)
    expect(Object.keys(snapshot.principals)).toEqual(['bob'])
    expect(notes).toEqual([expect.stringContaining(`signers:1: left out ${names}`)])
  })

  test.each(['file', 'file,mail', '!git', 'git,!git', 'gitx'])(
    'a key for the namespaces %s is none for commits',
    async namespaces => {
      const { snapshot } = await allowed(
        `alice@example.com namespaces="${namespaces}" ${first.publicKey}\nbob@example.com ${second.publicKey}`,
      )
      expect(Object.keys(snapshot.principals)).toEqual(['bob'])
    },
  )

  test.each([
    { given: 'no key', line: 'alice@example.com' },
    { given: 'options without a key', line: 'alice@example.com cert-authority' },
    { given: 'an unknown option', line: 'alice@example.com no-touch-required KEY' },
    { given: 'an option twice', line: 'alice@example.com cert-authority,cert-authority KEY' },
    { given: 'an option without its value', line: 'alice@example.com valid-after KEY' },
    { given: 'a value for an option that has none', line: 'alice@example.com cert-authority="x" KEY' },
    { given: 'a day that does not exist', line: 'alice@example.com valid-after="20260231Z" KEY' },
    { given: 'an hour that does not exist', line: 'alice@example.com valid-after="202601312500Z" KEY' },
    { given: 'a quote without end', line: 'alice@example.com namespaces="git KEY' },
    { given: 'an empty principal', line: 'alice@example.com,,bob@example.com KEY' },
  ])('refuses $given and names the line', async ({ line }) => {
    const text = `# first\n${line.replace('KEY', first.publicKey)}\n`
    const error = await errorOf(() => allowed(text))
    expect(error).toMatchObject({ code: 'source/allowed-signers-malformed', kind: 'configuration' })
    expect(error.message).toContain('signers:2')
  })

  test('reads principals in quotes, several options and a comment', async () => {
    const options = 'namespaces="git,file",valid-before="20990101Z"'
    const { snapshot, notes } = await allowed(`"alice@example.com" ${options} ${first.publicKey} a comment\n`)
    expect(snapshot.principals.alice).toEqual({
      emails: ['alice@example.com'],
      signers: [{ ssh: { key: first.publicKey, 'not-after': '2099-01-01T00:00:00Z' } }],
    })
    expect(notes).toEqual([])
  })
})

describe('importSigners() from a keyring', () => {
  const keyring = (bytes: Uint8Array) => imported({ kind: 'keyring', path: 'keys.asc', bytes })

  test('takes every key, armored or binary, with the addresses it certifies itself', async () => {
    const [alice, bob] = [await makeKey('alice'), await makeKey('bob', 'bob@example.com', 'bob@work.example')]
    const keys = [alice, bob].map(({ privateKey }) => privateKey.toPublic().write())
    for (const bytes of [utf8(alice.armor + bob.armor), new Uint8Array(Buffer.concat(keys))]) {
      const { snapshot } = await keyring(bytes)
      expect(asPolicyReads(snapshot)).toEqual({ alice: ['openpgp'], bob: ['openpgp'] })
      expect(snapshot.principals.bob).toEqual({
        emails: ['bob@example.com', 'bob@work.example'],
        signers: [{ openpgp: { fingerprint: bob.fingerprint, armor: expect.any(String) } }],
      })
    }
  })

  test.each(['openpgp-ed25519', 'openpgp-rsa2048', 'openpgp-p256', 'openpgp-subkey'])(
    'writes armor that holds exactly the key of gpg’s %s, and that the verifier reads as before',
    async name => {
      const { snapshot } = await keyring(utf8(vector(name)))
      const [principal] = Object.values(snapshot.principals)
      const bytes = utf8(armorOf(principal))
      const plain = ({ keyObject: _, ...key }: SigningKey) => key
      const before = (await loadKeyring([{ path: name, bytes: utf8(vector(name)) }])).keys.map(plain)
      expect((await loadKeyring([{ path: name, bytes }])).keys.map(plain)).toEqual(before)
    },
  )

  test('a key that claims somebody else’s address stays apart, and the policy would refuse both', async () => {
    const [alice, mallory] = [await makeKey('alice'), await makeKey('mallory', 'alice@example.com')]
    const { snapshot, notes } = await keyring(utf8(alice.armor + mallory.armor))
    expect(Object.keys(snapshot.principals)).toEqual(['alice', 'alice-2'])
    expect(notes).toContainEqual(expect.stringContaining('the e-mail alice@example.com belongs to alice and alice-2'))
    expect(() => asPolicyReads(snapshot)).toThrow('persons could not be told apart')
  })

  test('leaves out and names weak and revoked keys', async () => {
    const { armor } = await makeKey('bob')
    const { snapshot, notes } = await keyring(utf8([weak, revoked, armor].join('\n')))
    expect(Object.keys(snapshot.principals)).toEqual(['bob'])
    expect(notes).toContain(`left out OpenPGP key ${await fingerprintOf(weak)}: rsa of 1024 bits`)
    expect(notes).toContain(`left out OpenPGP key ${await fingerprintOf(revoked)}: its owner has revoked it`)
  })

  test('takes no address that its owner has revoked, and nothing that others certified', async () => {
    const [dave, other] = [await makeKey('dave', 'dave@example.com', 'dave@old.example'), await makeKey('other')]
    const signed = await dave.privateKey.toPublic().signAllUsers([other.privateKey])
    const old = signed.users.find(user => user.userID?.email === 'dave@old.example')
    const revocation = await old?.revoke(dave.privateKey.keyPacket as SecretKeyPacket, {})
    if (old !== undefined && revocation !== undefined) old.revocationSignatures = revocation.revocationSignatures
    const { snapshot } = await keyring(utf8(signed.armor()))
    expect(snapshot.principals.dave?.emails).toEqual(['dave@example.com'])
    const certified = async (armor: string) =>
      (await readKeys({ armoredKeys: armor }))[0]?.users.map(user => user.otherCertifications.length)
    expect(await certified(signed.armor())).toEqual([1, 1])
    expect(await certified(armorOf(snapshot.principals.dave))).toEqual([0, 0])
  })

  test('a keyring of weak keys alone is an error', async () => {
    const only = keyring(utf8(weak ?? ''))
    expect(await errorOf(() => only)).toMatchObject({ code: 'pipeline/no-signers' })
  })

  test.each([
    { given: 'a private key', bytes: async () => utf8((await makeKey('alice')).privateKey.armor()) },
    { given: 'text beside the keys', bytes: () => utf8(`hello\n${strong}`) },
    { given: 'no key', bytes: () => utf8('hello') },
    { given: 'nothing', bytes: () => new Uint8Array() },
  ])('refuses a file with $given', async ({ bytes }) => {
    const work = keyring(await bytes())
    expect((await errorOf(() => work)).code).toBe('source/key-unreadable')
  })
})

/** The signature of a commit that real gpg signed. */
const OPENPGP =
  parseArmor(readFileSync(join(VECTORS, 'openpgp-ed25519', 'commit.raw'), 'latin1')) ?? 'no signature in the vector'

function parseArmor(commit: string): string | undefined {
  const header = /^gpgsig (.*(?:\n .*)*)/m.exec(commit)?.[1]
  return header?.replaceAll('\n ', '\n').trimEnd()
}

describe('importSigners() from history', () => {
  const repository = new TestRepository(join(folder, 'app'))
  const ids = [
    repository.commit({ message: 'one', signer: first }),
    repository.commit({ message: 'two', signer: second, email: 'bob@example.com' }),
    repository.commit({ message: 'three', signer: first, email: 'alice@work.example' }),
    repository.commit({ message: 'unsigned' }),
    repository.commit({ message: 'forged', signer: first, tamper: text => text.replace('forged', 'changed') }),
    repository.commit({ message: 'openpgp', signer: { ...first, sign: () => OPENPGP } }),
  ].map(parseCommitId)
  const history = {
    commit: (id: CommitId) =>
      Promise.resolve(new Uint8Array(execFileSync('git', ['cat-file', 'commit', id], { cwd: repository.folder }))),
  }
  const range = (head: number, base?: number) => {
    const tip = ids[head]
    if (tip === undefined) throw new Error('no such commit')
    const from = base === undefined ? undefined : ids[base]
    return imported(
      { kind: 'history', range: 'main', head: tip, ...(from === undefined ? {} : { base: from }) },
      { history },
    )
  }

  test('takes the keys inside good SSH signatures, with the addresses of their commits', async () => {
    const { snapshot, notes } = await range(5)
    const fingerprint = await fingerprintOf(vector('openpgp-ed25519'))
    expect(snapshot.principals).toEqual({
      alice: { emails: ['alice@example.com', 'alice@work.example'], signers: [{ ssh: { key: first.publicKey } }] },
      bob: { emails: ['bob@example.com'], signers: [{ ssh: { key: second.publicKey } }] },
    })
    expect(asPolicyReads(snapshot)).toEqual({ alice: ['ssh'], bob: ['ssh'] })
    expect(notes.slice(0, 3)).toEqual([
      '1 × no signature',
      `1 × signature by OpenPGP key ${fingerprint}: gpg --armor --export ${fingerprint}, then import with --keyring`,
      '1 × signature that is not good',
    ])
  })

  test('stops at the base', async () => {
    const { snapshot } = await range(2, 1)
    expect(Object.keys(snapshot.principals)).toEqual(['alice'])
    expect(snapshot.principals.alice?.emails).toEqual(['alice@work.example'])
  })

  test('an empty range is an error', async () => {
    const work = range(1, 1)
    expect((await errorOf(() => work)).code).toBe('pipeline/no-signers')
  })

  test('one address that two keys sign for stays with two persons', async () => {
    const extra = parseCommitId(repository.commit({ message: 'other key', signer: second }))
    const { snapshot, notes } = await imported({ kind: 'history', range: 'main', head: extra }, { history })
    expect(Object.keys(snapshot.principals)).toHaveLength(2)
    expect(notes).toContainEqual(expect.stringContaining('the e-mail alice@example.com belongs to'))
  })
})

describe('importSigners() from a command', () => {
  test('takes every kind of signer in the shape of the policy', async () => {
    const { snapshot, notes } = await imported(
      printed(
        {
          name: 'bob',
          github: { login: 'bob', id: 7 },
          emails: ['bob@example.com'],
          signers: [
            { sigstore: { identity: 'bob@example.com', issuer: 'https://accounts.example.com' } },
            { 'ssh-ca': { key: first.publicKey, principals: ['bob'], 'max-validity': '12h' } },
            { ssh: { key: SECURITY_KEY, require: ['user-presence'], 'not-after': '2027-01-01' } },
            { openpgp: { fingerprint: (await fingerprintOf(strong)).toLowerCase(), armor: strong } },
          ],
        },
        '',
        { name: 'alice', signers: [{ ssh: { key: 'ssh-dss AAAAB3NzaC1kc3M=' } }] },
      ),
    )
    expect(Object.keys(snapshot.principals)).toEqual(['alice', 'bob'])
    expect(kindsOf(snapshot.principals.bob)).toEqual(['openpgp', 'ssh', 'ssh-ca', 'sigstore'])
    expect(asPolicyReads(snapshot)).toEqual({ alice: [], bob: ['openpgp', 'ssh', 'ssh-ca', 'sigstore'] })
    expect(snapshot.principals.bob?.signers?.[1]).toEqual({
      ssh: { key: SECURITY_KEY, require: ['user-presence'], 'not-after': '2027-01-01' },
    })
    expect(notes).toEqual([
      expect.stringContaining('alice: left out SSH key ssh-dss'),
      expect.stringContaining('alice has no usable key'),
    ])
  })

  const good = { name: 'alice', emails: ['alice@example.com'], signers: [] as object[] }
  const ssh = (over: object) => ({ ...good, signers: [{ ssh: { key: first.publicKey, ...over } }] })
  test.each([
    { given: 'a line that is no JSON', line: 'alice' },
    { given: 'a list', line: '[]' },
    { given: 'a key twice', line: '{"name":"a","name":"b","signers":[]}' },
    { given: 'an unknown key', line: { ...good, admin: true } },
    { given: 'no name', line: { signers: [] } },
    { given: 'a name that a policy refuses', line: { ...good, name: '../x' } },
    { given: 'no signers', line: { name: 'alice' } },
    { given: 'an address that is none', line: { ...good, emails: ['alice'] } },
    { given: 'an account without a number', line: { ...good, github: { login: 'alice' } } },
    { given: 'an account with the number 0', line: { ...good, github: { login: 'alice', id: 0 } } },
    { given: 'an unknown kind of signer', line: { ...good, signers: [{ x509: { san: 'a', roots: 'b' } }] } },
    { given: 'two kinds in one signer', line: { ...good, signers: [{ ssh: {}, openpgp: {} }] } },
    { given: 'an unknown key of a signer', line: ssh({ trusted: true }) },
    { given: 'a requirement that is none', line: ssh({ require: ['nothing'] }) },
    { given: 'a date that is none', line: ssh({ 'not-after': 'soon' }) },
    {
      given: 'a fingerprint of another key',
      line: { ...good, signers: [{ openpgp: { fingerprint: 'A'.repeat(40), armor: strong } }] },
    },
    {
      given: 'an authority without names',
      line: { ...good, signers: [{ 'ssh-ca': { key: first.publicKey, principals: [], 'max-validity': '1d' } }] },
    },
    {
      given: 'an issuer without TLS',
      line: { ...good, signers: [{ sigstore: { identity: 'a', issuer: 'http://x' } }] },
    },
  ])('refuses all of it for $given', async ({ line }) => {
    const work = imported(printed({ ...good, name: 'first' }, line))
    const error = await errorOf(() => work)
    expect(error).toMatchObject({ code: 'pipeline/signers-malformed', kind: 'configuration' })
    expect(error.message).toContain('Line 2')
  })

  test('refuses the same name twice, and output that is not UTF-8', async () => {
    const twice = imported(printed(good, good))
    expect((await errorOf(() => twice)).code).toBe('pipeline/signers-malformed')
    const bytes = imported({ kind: 'command', command: 'x', output: new Uint8Array([0xff, 0x0a]) })
    expect((await errorOf(() => bytes)).code).toBe('pipeline/signers-malformed')
  })
})

test('a snapshot is the same whatever order its source came in', async () => {
  const lines = [
    `bob@example.com ${second.publicKey}`,
    `alice@example.com ${first.publicKey}`,
    `alice@example.com ${rsaLine(2048)}`,
  ]
  const [one, other] = await Promise.all([lines, [...lines].reverse()].map(order => allowed(order.join('\n'))))
  expect(renderSnapshot(one?.snapshot ?? ({} as never))).toBe(renderSnapshot(other?.snapshot ?? ({} as never)))
})

test('13-adversary 10: what two persons claim stays with both and is named, never joined in silence', async () => {
  const line = (name: string) => ({ name, emails: ['team@example.com'], signers: [{ ssh: { key: first.publicKey } }] })
  const { snapshot, notes } = await imported(printed(line('alice'), line('bob')))
  expect(Object.values(snapshot.principals).map(({ emails }) => emails)).toEqual(Array(2).fill(['team@example.com']))
  expect(notes).toEqual([
    expect.stringContaining('the e-mail team@example.com belongs to alice and bob'),
    expect.stringContaining(`the signer ${first.fingerprint} belongs to alice and bob`),
  ])
})
