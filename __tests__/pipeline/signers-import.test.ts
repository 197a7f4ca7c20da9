import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readKeys } from 'openpgp'
import { utf8 } from '../../src/core/bytes.ts'
import { type CommitId, parseCommitId } from '../../src/core/digest.ts'
import { githubAccounts } from '../../src/github/accounts.ts'
import { renderSnapshot } from '../../src/pipeline/snapshot.ts'
import { loadKeyring } from '../../src/source/keyring.ts'
import { Gpg } from '../fakes/gpg.ts'
import { TestRepository } from '../fakes/repository.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { GithubWorld } from '../github/world.ts'
import { errorOf } from '../source/support.ts'
import { allowed, imported, kindsOf, NOW, printed } from './import-world.ts'

const gpg = new Gpg()
const folder = mkdtempSync(join(tmpdir(), 'waybill-signers-'))
const [first, second] = [makeSshSigner(), makeSshSigner()]
const alice = gpg.makeKey('Alice <alice@example.com>', 'ed25519')
const bob = gpg.makeKey('Bob <bob@example.com>', 'rsa2048')
const weak = gpg.makeKey('Old <old@example.com>', 'rsa1024')
afterAll(() => {
  gpg.close()
  rmSync(folder, { recursive: true })
})

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
    user('alice').gpgKeys.push({ keyId: alice.slice(-16), armor: gpg.exported(alice), emails })
    const { snapshot, notes } = await imported({ kind: 'users', logins: ['alice'] }, { accounts: accounts() })
    expect(snapshot).toMatchObject({ schemaVersion: 1, taken: NOW.toISOString(), source: 'GitHub users alice' })
    expect(Object.keys(snapshot.principals)).toEqual(['alice'])
    expect(snapshot.principals.alice).toEqual({
      github: { login: 'alice', id: 101 },
      emails: ['101+alice@users.noreply.github.com', 'alice@example.com', 'alice@work.example'],
      signers: [
        { openpgp: { fingerprint: alice, armor: expect.stringContaining('BEGIN PGP PUBLIC KEY BLOCK') } },
        { ssh: { key: first.publicKey } },
      ],
    })
    expect(notes).toEqual([])
    world.github.expectNothingUnexpected()
  })

  test('takes every member of a team, page by page', async () => {
    const logins = Array.from({ length: 130 }, (_, n) => `dev${n}`)
    for (const [n, login] of logins.entries()) world.model.user(login, 1000 + n)
    world.model.members.set('acme/platform', [...logins, 'renovate[bot]'])
    const { snapshot } = await imported({ kind: 'team', org: 'acme', team: 'platform' }, { accounts: accounts() })
    expect(Object.keys(snapshot.principals)).toHaveLength(131)
    expect(snapshot.source).toBe('GitHub team acme/platform')
    expect(snapshot.principals.renovate?.github).toEqual({ login: 'renovate[bot]', id: 104 })
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
      { keyId: 'AAAA', armor: gpg.exported(alice), revoked: true },
      { keyId: 'BBBB', armor: null },
      { keyId: 'CCCC', armor: 'nonsense' },
      { keyId: 'DDDD', armor: gpg.exported(weak) },
    )
    const { snapshot, notes } = await imported({ kind: 'users', logins: ['bob'] }, { accounts: accounts() })
    expect(kindsOf(snapshot.principals.bob)).toEqual(['ssh'])
    expect(notes).toEqual([
      'bob: left out OpenPGP key AAAA: its owner has revoked it',
      'bob: left out OpenPGP key BBBB: the platform does not show it whole',
      expect.stringMatching(/^bob: left out bob’s OpenPGP key CCCC: /),
      `bob: left out OpenPGP key ${weak}: rsa of 1024 bits`,
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
  })

  test('keeps the window of a key, and says when its zone was not written', async () => {
    const options = 'valid-after="20240102",Valid-Before="20260203040506Z"'
    const { snapshot, notes } = await allowed(`a@b.example ${options} ${first.publicKey}`)
    expect(snapshot.principals.a?.signers).toEqual([
      { ssh: { key: first.publicKey, 'not-before': '2024-01-02T00:00:00Z', 'not-after': '2026-02-03T04:05:06Z' } },
    ])
    expect(notes).toEqual([expect.stringContaining('signers:1: a time without Z')])
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
    const armored = utf8(gpg.exported(alice) + gpg.exported(bob))
    const binary = new Uint8Array(gpg.run(['--export', alice, bob]))
    for (const bytes of [armored, binary]) {
      const { snapshot } = await keyring(bytes)
      expect(Object.keys(snapshot.principals)).toEqual(['alice', 'bob'])
      expect(snapshot.principals.bob).toEqual({
        emails: ['bob@example.com'],
        signers: [{ openpgp: { fingerprint: bob, armor: expect.any(String) } }],
      })
    }
  })

  test('writes armor that holds exactly that key, and that the verifier reads', async () => {
    const { snapshot } = await keyring(utf8(gpg.exported(alice) + gpg.exported(bob)))
    for (const [name, fingerprint] of [
      ['alice', alice],
      ['bob', bob],
    ] as const) {
      const [signer] = snapshot.principals[name]?.signers ?? []
      const armor = signer !== undefined && 'openpgp' in signer ? signer.openpgp.armor : ''
      const { keys } = await loadKeyring([{ path: name, bytes: utf8(armor) }])
      expect(keys.map(key => key.primary)).toEqual([fingerprint])
      expect(keys[0]?.problem).toBeUndefined()
    }
  })

  test('a key that claims somebody else’s address stays apart, and the policy would refuse both', async () => {
    const other = gpg.makeKey('Mallory <alice@example.com>', 'ed25519')
    const { snapshot, notes } = await keyring(utf8(gpg.exported(alice) + gpg.exported(other)))
    expect(Object.keys(snapshot.principals)).toEqual(['alice', 'alice-2'])
    expect(notes).toContainEqual(expect.stringContaining('the e-mail alice@example.com belongs to alice and alice-2'))
    gpg.run(['--delete-secret-and-public-key', other])
  })

  test('leaves out and names weak and revoked keys', async () => {
    const revoked = gpg.makeKey('Carol <carol@example.com>', 'ed25519')
    // gpg writes the revocation beforehand, with a colon in front so that nobody imports it by accident.
    const revocation = readFileSync(join(gpg.home, 'openpgp-revocs.d', `${revoked}.rev`), 'utf8').replace(/^:/m, '')
    gpg.run(['--import'], revocation)
    const { snapshot, notes } = await keyring(utf8([weak, revoked, bob].map(key => gpg.exported(key)).join('')))
    expect(Object.keys(snapshot.principals)).toEqual(['bob'])
    expect(notes).toContain(`left out OpenPGP key ${weak}: rsa of 1024 bits`)
    expect(notes).toContain(`left out OpenPGP key ${revoked}: its owner has revoked it`)
  })

  test('takes no address that its owner has revoked, and nothing that others certified', async () => {
    const dave = gpg.makeKey('Dave <dave@example.com>', 'ed25519')
    gpg.run(['--quick-add-uid', dave, 'Dave <dave@old.example>'])
    gpg.run(['--quick-revoke-uid', dave, 'Dave <dave@old.example>'])
    gpg.run(['--local-user', bob, '--quick-sign-key', dave])
    const { snapshot } = await keyring(utf8(gpg.exported(dave)))
    expect(snapshot.principals.dave?.emails).toEqual(['dave@example.com'])
    const [signer] = snapshot.principals.dave?.signers ?? []
    const [key] = await readKeys({
      armoredKeys: signer !== undefined && 'openpgp' in signer ? signer.openpgp.armor : '',
    })
    expect(key?.users.map(user => user.otherCertifications.length)).toEqual([0, 0])
    const [whole] = await readKeys({ armoredKeys: gpg.exported(dave) })
    expect(whole?.users.some(user => user.otherCertifications.length > 0)).toBe(true)
  })

  test('a keyring of weak keys alone is an error', async () => {
    const only = keyring(utf8(gpg.exported(weak)))
    expect(await errorOf(() => only)).toMatchObject({ code: 'pipeline/no-signers' })
  })

  test.each([
    { given: 'a private key', bytes: () => utf8(gpg.run(['--armor', '--export-secret-keys', alice]).toString()) },
    { given: 'text beside the keys', bytes: () => utf8(`hello\n${gpg.exported(alice)}`) },
    { given: 'no key', bytes: () => utf8('hello') },
    { given: 'nothing', bytes: () => new Uint8Array() },
  ])('refuses a file with $given', async ({ bytes }) => {
    const work = keyring(bytes())
    expect((await errorOf(() => work)).code).toBe('source/key-unreadable')
  })
})

describe('importSigners() from history', () => {
  const repository = new TestRepository(join(folder, 'app'))
  const ids = [
    repository.commit({ message: 'one', signer: first }),
    repository.commit({ message: 'two', signer: second, email: 'bob@example.com' }),
    repository.commit({ message: 'three', signer: first, email: 'alice@work.example' }),
    repository.commit({ message: 'unsigned' }),
    repository.commit({ message: 'forged', signer: first, tamper: text => text.replace('forged', 'changed') }),
    repository.commit({ message: 'openpgp', signer: gpg.signer(alice) }),
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
    expect(snapshot.principals).toEqual({
      alice: { emails: ['alice@example.com', 'alice@work.example'], signers: [{ ssh: { key: first.publicKey } }] },
      bob: { emails: ['bob@example.com'], signers: [{ ssh: { key: second.publicKey } }] },
    })
    expect(notes.slice(0, 3)).toEqual([
      '1 × no signature',
      `1 × signature by OpenPGP key ${alice}: gpg --armor --export ${alice}, then import with --keyring`,
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
            { ssh: { key: second.publicKey, require: ['user-presence'], 'not-after': '2027-01-01' } },
            { openpgp: { fingerprint: bob.toLowerCase(), armor: gpg.exported(bob) } },
          ],
        },
        '',
        { name: 'alice', signers: [{ ssh: { key: 'ssh-dss AAAAB3NzaC1kc3M=' } }] },
      ),
    )
    expect(Object.keys(snapshot.principals)).toEqual(['alice', 'bob'])
    expect(kindsOf(snapshot.principals.bob)).toEqual(['openpgp', 'ssh', 'ssh-ca', 'sigstore'])
    expect(snapshot.principals.bob?.signers?.[1]).toEqual({
      ssh: { key: second.publicKey, require: ['user-presence'], 'not-after': '2027-01-01' },
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
      line: { ...good, signers: [{ openpgp: { fingerprint: 'A'.repeat(40), armor: gpg.exported(bob) } }] },
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
