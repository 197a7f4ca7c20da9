import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { Gpg } from '../fakes/gpg.ts'
import { type CommitOptions, withSignature } from '../fakes/repository.ts'
import { REPOSITORY } from '../fakes/scenario.ts'
import { certify, makeSshKey, sshsigOf } from '../fakes/ssh-keys.ts'
import { makeSshSigner, type SshSigner } from '../fakes/ssh-signer.ts'
import { commitOn, expectNoLeak, footprint, push, startWorld, type World } from './source-support.ts'

jest.setTimeout(120_000)

let world: World
let gpg: Gpg
let keys: Readonly<Record<KeyName, string>>
/** The commit that brought the policy of this file: the anchor and the base of every case. */
let base: string

const KEYS = {
  ed25519: ['ed25519', 'never'],
  rsa: ['rsa3072', 'never'],
  revoked: ['ed25519', 'never'],
  expired: ['ed25519', '30d', '--faked-system-time', '20200101T000000!'],
  weak: ['rsa1024', 'never'],
  stranger: ['ed25519', 'never'],
} as const
type KeyName = keyof typeof KEYS

/** A security key of Carol's, and an authority for certificates of hers. */
const DEVICE = makeSshKey('sk-ed25519')
const AUTHORITY = makeSshKey('ed25519')

const sshKeyFile = (name: string) => join(world.scenario.stack.folder, `ssh-${name}`)

function sshKeygen(name: string, ...kind: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', '', ...kind, '-f', sshKeyFile(name)])
  return readFileSync(`${sshKeyFile(name)}.pub`, 'utf8').trim()
}

/** Carol has every kind of key; the last of them are such that nothing they sign may count. */
function policy(): string {
  const { alice, bob } = world.scenario
  const openpgp = Object.entries(keys).filter(([name]) => name !== 'stranger')
  const signers = [
    ...openpgp.map(([name, print]) => `{ openpgp: { fingerprint: "${print}", file: keys/${name}.asc } }`),
    `{ ssh: { key: "${sshKeygen('ed25519', '-t', 'ed25519')}" } }`,
    `{ ssh: { key: "${sshKeygen('ecdsa', '-t', 'ecdsa', '-b', '256')}" } }`,
    `{ ssh: { key: "${sshKeygen('rsa', '-t', 'rsa', '-b', '3072')}" } }`,
    `{ ssh: { key: "${DEVICE.line}" } }`,
    `{ ssh-ca: { key: "${AUTHORITY.line}", principals: [carol], max-validity: 366d } }`,
    `{ ssh-ca: { key: "${sshKeygen('authority', '-t', 'ed25519')}", principals: [carol], max-validity: 1d } }`,
  ]
  return `version: 1
principals:
  alice: { emails: [alice@example.com], signers: [{ ssh: { key: "${alice.publicKey}" } }] }
  bob: { emails: [bob@example.com], signers: [{ ssh: { key: "${bob.publicKey}" } }] }
  carol:
    emails: [carol@example.com]
    signers:
${signers.map(signer => `      - ${signer}`).join('\n')}
roles: { maintainers: [alice], developers: ["@maintainers", bob, carol] }
source:
  - refs: ["refs/heads/**"]
    commits: { signers: ["@developers"] }
policy-change: { signers: ["@maintainers"] }
revoked: [{ fingerprint: "${keys.revoked}", effective: 2026-01-01, mode: compromised }]
`
}

const CAROL = { name: 'Carol', email: 'carol@example.com' }
const BOB = { name: 'Bob', email: 'bob@example.com' }

/** A commit over the base's tree, on a branch of its own; nothing of it is ever checked out. */
function malform(branch: string, options: CommitOptions): string {
  const { repository } = world.scenario
  const id = repository.object(options, repository.git('rev-parse', `${base}^{tree}`), [base])
  repository.git('update-ref', `refs/heads/${branch}`, id)
  return id
}

const signedBy = (key: KeyName, more: readonly string[] = []): CommitOptions => ({
  message: `Sign with ${key}`,
  signer: gpg.signer(keys[key], more),
  ...CAROL,
})
/** Bob's good commit with its bytes changed after signing. */
const tampered = (tamper: (object: string) => string): CommitOptions => ({
  message: 'Fix login',
  signer: world.scenario.bob,
  ...BOB,
  tamper,
})
const afterSignature = (line: string) => (object: string) => object.replace('\n\n', `\n${line}\n\n`)
const PAST = ['--faked-system-time', '20200110T000000!']

function inNamespace(signer: SshSigner, namespace: string): SshSigner {
  return { ...signer, sign: bytes => signer.sign(bytes, namespace) }
}

/** As a device signs, or the holder of a certificate. */
function sshMade(sign: (bytes: Uint8Array) => string): CommitOptions {
  const signer = { publicKey: '', fingerprint: '', sign: (bytes: Uint8Array) => sign(bytes).trimEnd() }
  return { message: 'Sign with SSH', signer, ...CAROL }
}

function certified(options: Parameters<typeof certify>[2]): CommitOptions {
  const key = makeSshKey('ed25519')
  return sshMade(bytes => sshsigOf(key, bytes, { holder: certify(AUTHORITY, key, { names: ['carol'], ...options }) }))
}

function inlineMessage(): SshSigner {
  const sign = (bytes: Uint8Array) =>
    gpg.run(['--armor', '--local-user', keys.ed25519, '--sign'], bytes).toString().trimEnd()
  return { publicKey: '', fingerprint: '', sign }
}

/** A second signature over the same bytes, by somebody else. */
function signedTwice(object: string): string {
  const payload = object.replace(/\ngpgsig (.*\n )*.*/, '')
  return withSignature(object, world.scenario.alice.sign(Buffer.from(payload)))
}

/** Case → how the commit is made, the code it must end in, and what a reader of the summary must find. */
const CASES: Readonly<Record<string, readonly [() => CommitOptions, string, RegExp]>> = {
  'an unsigned commit': [() => ({ message: 'Fix login', ...BOB }), 'source/unsigned', /carries no signature/],
  'a commit whose message was changed after signing': [
    () => tampered(object => object.replace('Fix login', 'Fix logic')),
    'source/bad-signature',
    /does not match the bytes/,
  ],
  'a commit whose tree was changed after signing': [
    () => tampered(object => object.replace(/^tree .*/, 'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904')),
    'source/bad-signature',
    /does not match the bytes/,
  ],
  'an SSH key of nobody': [
    () => ({ message: 'Fix login', signer: makeSshSigner(), ...BOB }),
    'source/signer-unknown',
    /belongs to no principal of the policy/,
  ],
  'an OpenPGP key in no key file': [() => signedBy('stranger'), 'source/key-unknown', /gpg --armor --export/],
  "bob's signature under alice's name": [
    () => ({ message: 'Fix login', signer: world.scenario.bob, name: 'Alice', email: 'alice@example.com' }),
    'source/committer-mismatch',
    /signed by bob, but its committer is alice@example\.com/,
  ],
  'a key that the policy revoked': [() => signedBy('revoked'), 'source/key-revoked', /compromised/],
  'a key that has expired': [() => signedBy('expired', PAST), 'source/key-expired', /2020-01-31/],
  'an RSA key of 1024 bits': [() => signedBy('weak'), 'source/key-weak', /1024/],
  'a SHA-1 signature': [() => signedBy('rsa', ['--digest-algo', 'SHA1']), 'source/weak-hash', /SHA-1/],
  'a signature made for files': [
    () => ({ message: 'Fix login', signer: inNamespace(world.scenario.bob, 'file'), ...BOB }),
    'source/ssh-namespace',
    /namespace/,
  ],
  '13-adversary 12: a PGP MESSAGE that carries its own text': [
    () => ({ message: 'Fix login', signer: inlineMessage(), ...CAROL }),
    'source/malformed',
    /PGP MESSAGE/,
  ],
  '13-adversary 12: a security key that nobody touched': [
    () => sshMade(bytes => sshsigOf(DEVICE, bytes, { flags: 0 })),
    'source/user-presence-missing',
    /nobody touched/,
  ],
  '13-adversary 12: an SSH certificate that has ended': [
    () => certified({ before: 1_767_225_660n }),
    'source/certificate-expired',
    /2026-01-01T00:01:00/,
  ],
  '13-adversary 12: an SSH certificate with a critical option': [
    () =>
      certified({
        after: 1_767_225_600n,
        before: BigInt(Math.trunc(Date.now() / 1000) + 600),
        critical: [['x@example.com', 'y']],
      }),
    'source/certificate-options',
    /x@example\.com/,
  ],
  '13-adversary 12: an SSH certificate for somebody else': [
    () => certified({ names: ['mallory'] }),
    'source/signer-unknown',
    /belongs to no principal/,
  ],
  'two author headers': [
    () => tampered(afterSignature('author Alice <alice@example.com> 1 +0000')),
    'source/malformed',
    /author/,
  ],
  'two tree headers': [
    () => tampered(object => object.replace('\n', '\ntree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n')),
    'source/malformed',
    /tree/,
  ],
  'two signatures': [() => tampered(signedTwice), 'source/malformed', /gpgsig/],
  'two armor blocks in one signature': [
    () => tampered(object => object.replace(/\ngpgsig ((.*\n )*.*)/, '\ngpgsig $1\n $1')),
    'source/malformed',
    /armor/,
  ],
  'a header gpgsigfoo outside the signed bytes': [
    () => tampered(afterSignature('gpgsigfoo evil')),
    'source/malformed',
    /gpgsigfoo/,
  ],
  'junk in gpgsig-sha256': [() => tampered(afterSignature('gpgsig-sha256 junk')), 'source/malformed', /gpgsig-sha256/],
  'an armor with CRLF line ends': [
    () => tampered(object => object.replace(/\ngpgsig (.*\n )*.*/, text => text.replaceAll(/(?<=.)\n/g, '\r\n'))),
    'source/malformed',
    /armor|line/,
  ],
  'a NUL byte in the message': [() => tampered(object => `${object}\0hidden`), 'source/malformed', /NUL/],
  'an X.509 signature that is none': [
    () => ({
      message: 'Fix login',
      signer: {
        publicKey: '',
        fingerprint: '',
        sign: () => '-----BEGIN SIGNED MESSAGE-----\nMIIB\n-----END SIGNED MESSAGE-----',
      },
      ...BOB,
    }),
    'source/malformed',
    /CMS/,
  ],
}

const branchOf = (name: string): string => `case/${name.replaceAll(/[^a-zA-Z0-9]+/g, '-')}`
const heads = new Map<string, string>()

beforeAll(async () => {
  world = await startWorld()
  gpg = new Gpg()
  const made = Object.entries(KEYS).map(
    ([name, [algorithm, expires, ...more]]) => [name, gpg.makeKey(name, algorithm, expires, more)] as const,
  )
  keys = Object.fromEntries(made) as Record<KeyName, string>
  const files = Object.entries(keys)
    .filter(([name]) => name !== 'stranger')
    .map(([name, print]) => [`.github/keys/${name}.asc`, gpg.exported(print)] as const)
  const { scenario } = world
  base = scenario.repository.commit({
    message: 'Name the keys',
    signer: scenario.alice,
    files: { ...Object.fromEntries(files), '.github/waybill.yml': policy() },
  })
  for (const [name, [options]] of Object.entries(CASES)) heads.set(name, malform(branchOf(name), options()))
  await scenario.publish()
})

afterAll(async () => {
  gpg?.close()
  await world?.scenario.close()
})

const attest = (branch: string, sha: string, more = {}) =>
  push(world, `refs/heads/${branch}`, sha, { since: base, tags: 'v1', ...more })

test.each(Object.entries(CASES))('%s is refused before anything is built', async (name, [, code, fact]) => {
  const before = footprint(world.scenario)
  const step = await attest(branchOf(name), heads.get(name) ?? '')
  expect([step.result.error?.code, step.code, step.result.verdict]).toEqual([code, 1, 'rejected'])
  expect(step.summary).toMatch(fact)
  expect(step.summary).toContain((heads.get(name) ?? '').slice(0, 7))
  expect(step.outputs).toMatchObject({ 'source-verdict': 'rejected', digest: '', tags: '', verdict: 'rejected' })
  expect(step.result.error?.remedy).not.toBe('')
  expect(step.result.error?.message).toContain(`ommit ${(heads.get(name) ?? '').slice(0, 7)}`)
  expect(step.summary).toContain('- What comes after the stage source: the run ended there.')
  expect(footprint(world.scenario)).toEqual(before)
  expectNoLeak(world.scenario, step)
})

/** `git commit -S` by the real git, gpg and ssh-keygen, as a person makes it. */
function gitCommit(message: string, config: readonly string[]): string {
  const { folder } = world.scenario.repository
  writeFileSync(join(folder, 'hello.txt'), `${message}\n`)
  const who = ['-c', `user.name=${CAROL.name}`, '-c', `user.email=${CAROL.email}`]
  const set = config.flatMap(pair => ['-c', pair])
  const options = { cwd: folder, env: { ...gpg.environment(), GIT_CONFIG_NOSYSTEM: '1' } }
  execFileSync('git', [...who, ...set, 'commit', '--quiet', '--all', '-S', '-m', message], {
    ...options,
    stdio: 'pipe',
  })
  return world.scenario.repository.head() ?? ''
}

test('commits of real git, gpg and ssh-keygen are accepted, and the image of their tree is built and signed', async () => {
  const { scenario } = world
  scenario.repository.git('checkout', '--quiet', '--force', '-B', 'real', base)
  const made = [
    gitCommit('Sign with gpg, Ed25519', ['gpg.format=openpgp', `user.signingkey=${keys.ed25519}`]),
    gitCommit('Sign with gpg, RSA', ['gpg.format=openpgp', `user.signingkey=${keys.rsa}`]),
    ...['ed25519', 'ecdsa', 'rsa'].map(name =>
      gitCommit(`Sign with ssh-keygen, ${name}`, ['gpg.format=ssh', `user.signingkey=${sshKeyFile(name)}`]),
    ),
  ]
  execFileSync('ssh-keygen', [
    '-q',
    '-s',
    sshKeyFile('authority'),
    '-I',
    'carol',
    '-n',
    'carol',
    '-V',
    '+1d',
    `${sshKeyFile('ed25519')}.pub`,
  ])
  made.push(
    gitCommit('Sign with an SSH certificate', ['gpg.format=ssh', `user.signingkey=${sshKeyFile('ed25519')}-cert.pub`]),
  )
  await scenario.publish()
  const step = await attest('real', made.at(-1) ?? '', { builder: 'buildah', layout: undefined, tags: 'real' })
  expect([step.result.error, step.code]).toEqual([undefined, 0])
  expect(step.result.subjects.map(({ digest, kind, principal, basis }) => [digest, kind, principal, basis])).toEqual([
    [made[0], 'openpgp', 'carol', 'signed'],
    [made[1], 'openpgp', 'carol', 'signed'],
    ...made.slice(2).map(id => [id, 'ssh', 'carol', 'signed']),
  ])
  expect(step.summary).toContain(`…${keys.rsa.slice(-16)}`)
  expect(layerText(step.result.image?.platforms[0]?.digest ?? '')).toContain('Sign with an SSH certificate\n')
  expect(scenario.stack.registry.storage.open(REPOSITORY).tags.get('real')).toBe(step.outputs.digest)
  expectNoLeak(scenario, step)
  const gate = await scenario.verify(
    {
      images: step.outputs.image,
      'certificate-identity': `${scenario.stack.git.url}/acme/app/.github/workflows/release.yml@refs/heads/real`,
      'certificate-oidc-issuer': scenario.stack.oidc.issuer,
      require: 'signature\nprovenance',
    },
    { claims: { ref: 'refs/heads/main', sha: base } },
  )
  expect([gate.result.error, gate.code]).toEqual([undefined, 0])
})

/** Every byte of an image's layers, unpacked. */
function layerText(manifest: string): string {
  const store = world.scenario.stack.registry.storage.open(REPOSITORY)
  const { layers } = JSON.parse(store.find(manifest)?.bytes.toString() ?? '{}') as { layers: { digest: string }[] }
  const bytes = layers.map(({ digest }) => store.blobs.get(digest) ?? Buffer.of())
  return Buffer.concat(bytes.map(blob => (blob[0] === 0x1f ? gunzipSync(blob) : blob))).toString('latin1')
}

test('a malformed commit in the middle rejects the run and is named, and the commits after it are still judged', async () => {
  const { scenario } = world
  const bad = malform('middle', tampered(afterSignature('gpgsigfoo evil')))
  const tree = scenario.repository.git('rev-parse', `${base}^{tree}`)
  const head = scenario.repository.object({ message: 'Go on', signer: scenario.bob, ...BOB }, tree, [bad])
  scenario.repository.git('update-ref', 'refs/heads/middle', head)
  await scenario.publish()
  const step = await attest('middle', head)
  expect([step.result.error?.code, step.code]).toEqual(['source/malformed', 1])
  expect(step.result.subjects.map(({ digest, kind, verdict }) => [digest, kind, verdict])).toEqual([
    [bad, 'malformed', 'rejected'],
    [head, 'ssh', 'passed'],
  ])
  expect(step.summary).toContain(bad.slice(0, 12))
  expectNoLeak(scenario, step)
})

test('13-adversary 9: replacement refs of the served repository hide nothing', async () => {
  const { scenario } = world
  const bad = commitOn(scenario, 'replaced', base, { message: 'Evil', files: { 'hello.txt': 'evil\n' } })
  const good = commitOn(scenario, 'other', base, { message: 'Fix login', signer: scenario.bob, ...BOB })
  scenario.repository.git('update-ref', `refs/replace/${bad}`, good)
  await scenario.publish()
  const before = footprint(scenario)
  const step = await attest('replaced', bad)
  scenario.repository.git('update-ref', '-d', `refs/replace/${bad}`)
  await scenario.publish()
  expect([step.result.error?.code, step.code]).toEqual(['source/unsigned', 1])
  expect(step.summary).toContain('Evil')
  expect(footprint(scenario)).toEqual(before)
})

test('13-adversary 9: a graft of the served repository that skips a bad commit passes nothing', async () => {
  const { scenario } = world
  const bad = commitOn(scenario, 'grafted', base, { message: 'Evil', files: { 'hello.txt': 'evil\n' } })
  const head = scenario.repository.commit({ message: 'Fix login', signer: scenario.bob, ...BOB })
  await scenario.publish()
  const grafts = join(scenario.stack.git.repositoryFolder(REPOSITORY), 'info', 'grafts')
  mkdirSync(dirname(grafts), { recursive: true })
  writeFileSync(grafts, `${head} ${base}\n`)
  const before = footprint(scenario)
  const step = await attest('grafted', head)
  writeFileSync(grafts, '')
  expect(step.code).not.toBe(0)
  expect(step.result.error?.code).toBe('source/object-missing')
  expect(step.summary).toContain(bad.slice(0, 7))
  expect(footprint(scenario)).toEqual(before)
})

test('13-adversary 9, 14: what lies in the workspace changes nothing: it is never read', async () => {
  const { scenario } = world
  const head = commitOn(scenario, 'workspace', base, {
    message: 'Greet the workspace',
    signer: scenario.bob,
    ...BOB,
    files: { 'hello.txt': 'signed words\n' },
  })
  await scenario.publish()
  const workspace = join(scenario.stack.folder, 'hostile')
  scenario.repository.git('clone', '--quiet', scenario.repository.folder, workspace)
  const inWorkspace = (...args: string[]) => execFileSync('git', ['-C', workspace, ...args], { stdio: 'pipe' })
  // A loose object under the id of the signed file, with other words in it; a replacement; a filter; a changed checkout.
  const blob = scenario.repository.git('rev-parse', `${head}:hello.txt`)
  const evil = scenario.repository.gitInput('evil words\n', 'hash-object', '-w', '--stdin')
  const objects = join(workspace, '.git', 'objects')
  mkdirSync(join(objects, blob.slice(0, 2)), { recursive: true })
  writeFileSync(
    join(objects, blob.slice(0, 2), blob.slice(2)),
    readFileSync(join(scenario.repository.folder, '.git', 'objects', evil.slice(0, 2), evil.slice(2))),
  )
  writeFileSync(join(workspace, 'hello.txt'), 'evil words\n')
  writeFileSync(join(workspace, '.git', 'hooks', 'post-checkout'), '#!/bin/sh\ntouch ../hooked\n', { mode: 0o755 })
  inWorkspace('update-ref', `refs/replace/${head}`, base)
  inWorkspace('config', 'core.fsmonitor', 'touch ../hooked')
  const step = await scenario.attest(
    { ...world.inputs, builder: 'buildah', layout: undefined, since: base },
    { claims: { ref: 'refs/heads/workspace', sha: head }, env: { GITHUB_WORKSPACE: workspace } },
  )
  expect([step.result.error, step.code]).toEqual([undefined, 0])
  const text = layerText(step.result.image?.platforms[0]?.digest ?? '')
  expect([text.includes('signed words'), text.includes('evil words')]).toEqual([true, false])
  expect(() => readFileSync(join(workspace, '..', 'hooked'))).toThrow('ENOENT')
})

test('13-adversary 14: export attributes change no byte of the image, and the summary says so', async () => {
  const { scenario } = world
  const head = commitOn(scenario, 'attributes', base, {
    message: 'Export otherwise',
    signer: scenario.bob,
    ...BOB,
    files: {
      '.gitattributes': 'hello.txt export-subst eol=crlf ident\nhidden.txt export-ignore\n',
      'hello.txt': '$Format:%H$ $Id$\n',
      'hidden.txt': 'not hidden\n',
      Dockerfile: 'FROM scratch\nCOPY hello.txt hidden.txt /\n',
    },
  })
  await scenario.publish()
  const step = await attest('attributes', head, { builder: 'buildah', layout: undefined, tags: undefined })
  expect([step.result.error, step.code]).toEqual([undefined, 0])
  const text = layerText(step.result.image?.platforms[0]?.digest ?? '')
  expect(text).toContain('$Format:%H$ $Id$\n')
  expect(text).toContain('not hidden\n')
  expect(step.summary).toContain('source/export-attributes')
  expect(step.summary).toContain('.gitattributes')
})

test.each([
  [
    'a submodule',
    'source/submodule-undeclared',
    1,
    /use: \{submodule: PATH\}/,
    (branch: string) => {
      const { repository, bob } = world.scenario
      repository.git('checkout', '--quiet', '--force', '-B', branch, base)
      repository.git('update-index', '--add', '--cacheinfo', `160000,${base},vendor/lib`)
      const id = repository.object({ message: 'Add a submodule', signer: bob, ...BOB }, repository.git('write-tree'), [
        base,
      ])
      repository.git('update-ref', 'HEAD', id)
      repository.git('reset', '--quiet', '--hard')
      return id
    },
  ],
  [
    'a Git LFS pointer',
    'source/lfs-missing',
    2,
    /git lfs push --all/,
    (branch: string) =>
      commitOn(world.scenario, branch, base, {
        message: 'Add a large file',
        signer: world.scenario.bob,
        ...BOB,
        files: {
          'model.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123456\n`,
        },
      }),
  ],
])('%s is refused with what to do, before anything is pushed', async (name, code, exit, remedy, make) => {
  const { scenario } = world
  const branch = branchOf(name)
  const head = make(branch)
  await scenario.publish()
  const before = footprint(scenario)
  const step = await attest(branch, head, { builder: 'buildah', layout: undefined })
  expect([step.result.error?.code, step.code]).toEqual([code, exit])
  expect(step.result.error?.remedy).toMatch(remedy)
  expect(step.summary).toMatch(/vendor\/lib|model\.bin/)
  expect(footprint(scenario)).toEqual(before)
  expectNoLeak(scenario, step)
})

test('13-adversary 13, 17: a run asks the git server, and nobody else with its token, a handful of times, whatever the number of commits', async () => {
  const { scenario } = world
  const { repository, bob } = scenario
  const tree = repository.git('rev-parse', `${base}^{tree}`)
  let head = base
  for (let at = 1; at <= 300; at++)
    head = repository.object({ message: `Step ${at}`, signer: bob, ...BOB }, tree, [head])
  repository.git('update-ref', 'refs/heads/long', head)
  await scenario.publish()
  const asked = scenario.stack.git.log.length
  const step = await attest('long', head)
  expect([step.result.error, step.code]).toEqual([undefined, 0])
  expect(step.result.subjects).toHaveLength(300)
  expect(scenario.stack.git.log.length - asked).toBeLessThanOrEqual(14)
  expectNoLeak(scenario, step)
})
