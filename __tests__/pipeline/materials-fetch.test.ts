import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addressGuard } from '../../src/io/address.ts'
import { Gpg } from '../fakes/gpg.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'
import { honest } from '../materials/fetch/lying-server.ts'
import { FetchWorld, type Law, MANIFEST, minisigner, sha256Of, TIMING } from './materials-fetch-world.ts'

const BYTES = 'the material\n'.repeat(1_000)
const OTHER = `${BYTES.slice(0, -1)}x`
const HEX = sha256Of(BYTES)
const gpg = new Gpg()
afterAll(() => gpg.close())

let world: FetchWorld
beforeEach(async () => {
  world = await FetchWorld.start()
  world.serve('/tini', BYTES)
})
afterEach(() => world.close())

/** The item `tini`, with what the test says more. */
function item(more = '', { digest = `digest: {sha256: ${HEX}}`, use = 'use: {dockerfile-add: true}' } = {}): string {
  const parts = [`name: tini`, `uri: "${world.url}/tini"`, digest, use, more].filter(part => part !== '')
  return `  - {${parts.join(', ')}}\n`
}

describe('a digest', () => {
  test('passes as pinned, with the file under its name', async () => {
    const [material] = await world.fetch(item('', { use: 'use: {path: vendor/tini}' }))
    expect(material?.judged).toEqual({
      name: `${world.url}/tini`,
      kind: 'url',
      uri: `${world.url}/tini`,
      places: [`${MANIFEST}:3`],
      digest: { sha256: HEX },
      verdict: 'passed',
      findings: [],
      proof: { kind: 'digest' },
    })
    expect(await readFile(material?.path ?? '', 'utf8')).toBe(BYTES)
    expect(material).toMatchObject({
      size: BYTES.length,
      from: `${world.url}/tini`,
      hosts: [`127.0.0.1:${world.server.port}`],
    })
    expect(material?.path?.endsWith('/verified/tini')).toBe(true)
    expect(world.leftOver).toEqual([])
  })

  test('that is another one is rejected, and nothing is left of the bytes', async () => {
    world.serve('/tini', OTHER)
    const material = await world.one(item())
    expect(material).toEqual({
      verdict: 'rejected',
      codes: ['materials/other-bytes'],
      found: sha256Of(OTHER),
      digest: {},
      path: undefined,
    })
    expect(world.leftOver).toEqual([])
  })

  test('of a size that is exceeded is rejected, and of a server that does not answer unknown', async () => {
    expect(await world.one(item('size: 10'))).toMatchObject({ verdict: 'rejected', codes: ['materials/other-bytes'] })
    world.server.paths.delete('/tini')
    expect(await world.one(item())).toMatchObject({ verdict: 'unknown', codes: ['materials/fetch-failed'] })
  })

  test('is met by a mirror, and what the address did wrong is told', async () => {
    world.serve('/tini', OTHER)
    world.serve('/mirror', BYTES)
    const [material] = await world.fetch(item(`mirrors: ["${world.url}/mirror"]`))
    expect(material?.judged).toMatchObject({
      verdict: 'passed',
      findings: [{ code: 'materials/other-bytes', severity: 'note' }],
    })
    expect(material?.from).toBe(`${world.url}/mirror`)
  })

  test('in quarantine is rejected, whoever signed', async () => {
    const blocks = `quarantined:\n  - {digest: "sha256:${HEX}", reason: "stolen", since: 2026-01-01}\n`
    expect(await world.one(item(), { blocks })).toMatchObject({ verdict: 'rejected', codes: ['verify/quarantined'] })
  })

  test('is fetched once, and read from the cache afterwards, where it is hashed again', async () => {
    const cacheFolder = join(world.folder, 'cache')
    await world.one(item(), {}, { cacheFolder })
    const again = await world.one(item(), {}, { cacheFolder })
    expect(again).toMatchObject({ verdict: 'passed', digest: { sha256: HEX } })
    expect(world.server.asked).toHaveLength(1)
  })

  test('one that fails is not the end of the others, and all keep their order', async () => {
    const more = Array.from(
      { length: 12 },
      (_, at) =>
        `  - {name: m${at}, uri: "${world.url}/m${at}", digest: {sha256: ${sha256Of(`m${at}`)}}, use: {dockerfile-add: true}}\n`,
    )
    for (let at = 0; at < 12; at++) if (at !== 5) world.serve(`/m${at}`, `m${at}`)
    const image =
      '  - {name: base, uri: "docker-image://docker.io/library/node:24", digest: {sha256: ' +
      `${HEX}}, use: {base-image: true}}\n`
    const found = await world.fetch(`${image}${more.join('')}`)
    expect(found.map(({ item: { name }, judged }) => `${name} ${judged.verdict}`)).toEqual(
      more.map((_, at) => `m${at} ${at === 5 ? 'unknown' : 'passed'}`),
    )
  })
})

interface SignedCase {
  readonly verify: string
  readonly law?: Law
  /** Path → what is served there. */
  readonly files: Readonly<Record<string, string | Uint8Array>>
}

function serveAll(files: SignedCase['files']): void {
  for (const [path, bytes] of Object.entries(files)) world.serve(path, bytes)
}

const run = ({ verify, law, files }: SignedCase) => {
  serveAll(files)
  return world.one(item(`verify: {${verify}}`), law)
}

describe('OpenPGP', () => {
  const alice = gpg.makeKey('Alice', 'ed25519')
  const mallory = gpg.makeKey('Mallory', 'ed25519')
  const verify = 'openpgp: {signature: "{uri}.asc", key: alice}'

  function lawOf(fingerprint: string, file = gpg.exported(fingerprint), more = ''): Law {
    return {
      blocks: `material-keys:\n  alice: {openpgp: {fingerprint: "${fingerprint}", file: keys/alice.asc}}\n${more}`,
      files: { '.github/keys/alice.asc': file },
    }
  }

  test('by the key of the policy passes as signed', async () => {
    const files = { '/tini.asc': `${gpg.sign(alice, Buffer.from(BYTES))}\n` }
    expect(await run({ verify, law: lawOf(alice), files })).toMatchObject({
      verdict: 'passed',
      proof: 'signature',
      keys: 'policy',
      by: `the openpgp key ${alice} (alice)`,
    })
  })

  test('without armor passes as well, and so does a signature by a subkey', async () => {
    const binary = gpg.run(['--dearmor'], gpg.sign(alice, Buffer.from(BYTES)))
    expect((await run({ verify, law: lawOf(alice), files: { '/tini.asc': binary } })).verdict).toBe('passed')
    const carol = gpg.makeKey('Carol', 'ed25519')
    gpg.run(['--quick-add-key', carol, 'ed25519', 'sign'])
    const files = { '/tini.asc': gpg.run(['--armor', '--local-user', carol, '--detach-sign'], BYTES) }
    expect((await run({ verify, law: lawOf(carol), files })).verdict).toBe('passed')
  })

  test('by another key, or over other bytes, is rejected', async () => {
    const wrong = { verdict: 'rejected', codes: ['materials/signature-wrong'] }
    const by = (key: string, bytes: string) => ({ '/tini.asc': gpg.sign(key, Buffer.from(bytes)) })
    expect(await run({ verify, law: lawOf(alice), files: by(mallory, BYTES) })).toMatchObject(wrong)
    expect(await run({ verify, law: lawOf(alice), files: by(alice, OTHER) })).toMatchObject(wrong)
    expect(world.leftOver).toEqual([])
  })

  test('13-adversary 12: of a file with two keys only the named one counts', async () => {
    const file = `${gpg.exported(alice)}\n${gpg.exported(mallory)}`
    const files = { '/tini.asc': gpg.sign(mallory, Buffer.from(BYTES)) }
    expect(await run({ verify, law: lawOf(alice, file), files })).toMatchObject({ verdict: 'rejected' })
  })

  test('13-adversary 12: a message that carries its own text is no signature of the material', async () => {
    const files = { '/tini.asc': gpg.run(['--armor', '--local-user', alice, '--clear-sign'], BYTES) }
    expect(await run({ verify, law: lawOf(alice), files })).toMatchObject({
      verdict: 'rejected',
      codes: ['materials/signature-malformed'],
    })
  })

  test('by a key that has ended is rejected', async () => {
    const old = gpg.makeKey('Old', 'ed25519', '1d', ['--faked-system-time', '20200101T000000'])
    const files = { '/tini.asc': gpg.sign(old, Buffer.from(BYTES), ['--faked-system-time', '20200101T010000']) }
    expect(await run({ verify, law: lawOf(old), files })).toMatchObject({
      verdict: 'rejected',
      codes: ['materials/key-expired'],
    })
  })

  test('by a key that its owner or the policy revoked is rejected', async () => {
    const files = { '/tini.asc': gpg.sign(alice, Buffer.from(BYTES)) }
    const more = `revoked:\n  - {fingerprint: "${alice}", effective: 2030-01-01, mode: compromised}\n`
    expect(await run({ verify, law: lawOf(alice, undefined, more), files })).toMatchObject({
      verdict: 'rejected',
      codes: ['policy/key-revoked'],
    })
    const bob = gpg.makeKey('Bob', 'ed25519')
    const signature = gpg.sign(bob, Buffer.from(BYTES))
    const certificate = await readFile(join(gpg.home, 'openpgp-revocs.d', `${bob}.rev`), 'utf8')
    gpg.run(['--import'], certificate.replace(':-----BEGIN', '-----BEGIN'))
    expect(await run({ verify, law: lawOf(bob), files: { '/tini.asc': signature } })).toMatchObject({
      verdict: 'rejected',
      codes: ['materials/key-revoked'],
    })
  })

  test('that is not there is rejected, and unknown where nobody answers', async () => {
    expect(await run({ verify, law: lawOf(alice), files: {} })).toMatchObject({
      verdict: 'rejected',
      codes: ['materials/beside-missing'],
    })
    world.server.paths.set('/tini.asc', (_request, response) => void response.writeHead(500).end())
    expect(await run({ verify, law: lawOf(alice), files: {} })).toMatchObject({ verdict: 'unknown' })
  })

  test('13-adversary 20: by a key that the commit brings is declared, never the policy’s word', async () => {
    world.commit.set('keys/own.asc', Buffer.from(gpg.exported(mallory)))
    const files = { '/tini.asc': gpg.sign(mallory, Buffer.from(BYTES)) }
    const own = 'openpgp: {signature: "{uri}.asc", key: {file: keys/own.asc}}'
    expect(await run({ verify: own, law: lawOf(alice), files })).toMatchObject({
      verdict: 'passed',
      keys: 'declared-by-commit',
    })
    world.commit.set('keys/own.asc', Buffer.from(`${gpg.exported(mallory)}\n${gpg.exported(alice)}`))
    expect(await run({ verify: own, law: lawOf(alice), files })).toMatchObject({ codes: ['materials/key-unusable'] })
    world.commit.clear()
    expect(await run({ verify: own, law: lawOf(alice), files })).toMatchObject({ codes: ['materials/key-unusable'] })
  })

  test('13-adversary 22: a commit’s own bytes are no material, although its author signed them', async () => {
    for (const begin of [
      `tree ${'a'.repeat(40)}\nauthor`,
      `object ${'a'.repeat(40)}\ntype commit`,
      'DSSEv1 28 application',
      'SSHSIG',
    ]) {
      const document = `${begin} …`
      world.serve('/tini', document)
      world.serve('/tini.asc', gpg.sign(alice, Buffer.from(document)))
      const yaml = item(`verify: {${verify}}`, { digest: `digest: {sha256: ${sha256Of(document)}}` })
      expect(await world.one(yaml, lawOf(alice))).toMatchObject({
        verdict: 'rejected',
        codes: ['sigstore/artifact-ambiguous'],
      })
    }
  })

  test('with a key that is too weak, missing, or of another kind is rejected', async () => {
    const weak = gpg.makeKey('Weak', 'rsa1024')
    const files = { '/tini.asc': gpg.sign(weak, Buffer.from(BYTES)) }
    expect(await run({ verify, law: lawOf(weak), files })).toMatchObject({ codes: ['materials/key-unusable'] })
    expect(await run({ verify: verify.replace('alice', 'bob'), law: lawOf(alice), files })).toMatchObject({
      verdict: 'rejected',
      codes: ['policy/no-key'],
    })
    const ssh = { blocks: `material-keys:\n  alice: {ssh: {key: "${makeSshSigner().publicKey}"}}\n` }
    expect(await run({ verify, law: ssh, files })).toMatchObject({ codes: ['materials/key-unusable'] })
    expect(await run({ verify, law: { ...lawOf(alice), files: {} }, files })).toMatchObject({
      codes: ['materials/key-unusable'],
    })
  })
})

describe('SSH', () => {
  const alice = makeSshSigner()
  const mallory = makeSshSigner()
  const verify = 'ssh: {signature: "{uri}.sig", key: alice, namespace: file}'
  const law: Law = { blocks: `material-keys:\n  alice: {ssh: {key: "${alice.publicKey}"}}\n` }
  const signed = (by: typeof alice, bytes = BYTES, namespace = 'file') => ({
    '/tini.sig': `${by.sign(Buffer.from(bytes), namespace)}\n`,
  })

  test('by the key of the policy passes as signed, and by the commit’s own as declared', async () => {
    expect(await run({ verify, law, files: signed(alice) })).toMatchObject({
      verdict: 'passed',
      keys: 'policy',
      by: `the ssh key ${alice.fingerprint} (alice)`,
    })
    world.commit.set('own.pub', Buffer.from(`${mallory.publicKey} mallory@example.com\n`))
    const own = 'ssh: {signature: "{uri}.sig", key: {file: own.pub}, namespace: file}'
    expect(await run({ verify: own, law, files: signed(mallory) })).toMatchObject({ keys: 'declared-by-commit' })
  })

  test.each<[string, SignedCase['files'], string]>([
    ['by another key', signed(mallory), 'materials/signature-wrong'],
    ['over other bytes', signed(alice, OTHER), 'materials/signature-wrong'],
    ['for another purpose', signed(alice, BYTES, 'git'), 'materials/signature-wrong'],
    ['that is none', { '/tini.sig': 'hello' }, 'materials/signature-malformed'],
  ])('a signature %s is rejected', async (_what, files, code) => {
    expect(await run({ verify, law, files })).toMatchObject({ verdict: 'rejected', codes: [code] })
  })

  test('13-adversary 12: a revoked key counts no more', async () => {
    const blocks = `${law.blocks}revoked:\n  - {fingerprint: "${alice.fingerprint}", effective: 2020-01-01, mode: retired}\n`
    expect(await run({ verify, law: { blocks }, files: signed(alice) })).toMatchObject({
      codes: ['policy/key-revoked'],
    })
  })
})

describe('minisign', () => {
  const alice = minisigner(1)
  const mallory = minisigner(2)
  const verify = 'minisign: {signature: "{uri}.minisig", key: alice}'
  const law: Law = {
    blocks: 'material-keys:\n  alice: {minisign: {file: keys/alice.pub}}\n',
    files: { '.github/keys/alice.pub': alice.publicKey },
  }

  test('by the key of the policy passes as signed, and by the commit’s own as declared', async () => {
    expect(await run({ verify, law, files: { '/tini.minisig': alice.sign(BYTES) } })).toMatchObject({
      verdict: 'passed',
      keys: 'policy',
      by: 'the minisign key 0101010101010101 (alice)',
    })
    world.commit.set('own.pub', Buffer.from(mallory.publicKey))
    const own = 'minisign: {signature: "{uri}.minisig", key: {file: own.pub}}'
    expect(await run({ verify: own, law, files: { '/tini.minisig': mallory.sign(BYTES) } })).toMatchObject({
      keys: 'declared-by-commit',
    })
  })

  test.each([
    ['by another key', () => mallory.sign(BYTES), 'materials/signature-wrong'],
    ['over other bytes', () => alice.sign(OTHER), 'materials/signature-wrong'],
    ['that is none', () => 'hello', 'materials/signature-malformed'],
    ['that is too large', () => 'x'.repeat(100_000), 'core/answer-too-large'],
  ])('a signature %s is not accepted', async (_what, signature, code) => {
    expect(await run({ verify, law, files: { '/tini.minisig': signature() } })).toMatchObject({ codes: [code] })
  })
})

describe('a signed checksum file', () => {
  const alice = minisigner(1)
  const law: Law = {
    blocks: 'material-keys:\n  alice: {minisign: {file: keys/alice.pub}}\n',
    files: { '.github/keys/alice.pub': alice.publicKey },
  }
  const verify = () =>
    `checksums: {file: "${world.url}/SUMS", verify: {minisign: {signature: "{uri}.minisig", key: alice}}}`
  const sums = (list: string, signed = list) => ({ '/SUMS': list, '/SUMS.minisig': alice.sign(signed) })

  test('passes for what it names, by the name or another entry', async () => {
    const files = sums(`${'0'.repeat(64)}  other\n${HEX}  tini\n`)
    expect(await run({ verify: verify(), law, files })).toMatchObject({ verdict: 'passed', keys: 'policy' })
    const entry = verify().replace('verify:', 'entry: ./bin/tini-amd64, verify:')
    expect((await run({ verify: entry, law, files: sums(`${HEX} *bin/tini-amd64\n`) })).verdict).toBe('passed')
  })

  test('says SHA-512, too', async () => {
    const { createHash } = await import('node:crypto')
    const hex = createHash('sha512').update(BYTES).digest('hex')
    expect((await run({ verify: verify(), law, files: sums(`${hex}  tini\n`) })).verdict).toBe('passed')
    const other = createHash('sha512').update(OTHER).digest('hex')
    const both = sums(`${HEX}  tini\n${other}  tini\n`)
    expect(await run({ verify: verify(), law, files: both })).toMatchObject({ codes: ['materials/other-bytes'] })
  })

  test.each([
    ['of another digest', () => sums(`${'0'.repeat(64)}  tini\n`), 'materials/other-bytes'],
    ['without it', () => sums(`${HEX}  other\n`), 'materials/other-bytes'],
    ['that was changed', () => sums(`${HEX}  tini\n`, `${'0'.repeat(64)}  tini\n`), 'materials/signature-wrong'],
    ['that is none', () => sums('hello\n'), 'materials/signature-malformed'],
    ['without a signature', () => ({ '/SUMS': `${HEX}  tini\n` }), 'materials/beside-missing'],
  ])('one %s is rejected', async (_what, files, code) => {
    expect(await run({ verify: verify(), law, files: files() })).toMatchObject({ verdict: 'rejected', codes: [code] })
  })
})

describe('the policy’s rules', () => {
  const alice = minisigner(1)
  const bob = minisigner(2)
  const KEYS = `material-keys:
  alice: {minisign: {file: keys/alice.pub}}
  bob: {minisign: {file: keys/bob.pub}}
`
  const files = { '.github/keys/alice.pub': alice.publicKey, '.github/keys/bob.pub': bob.publicKey }
  const minisign = (key: string) => `verify: {minisign: {signature: "{uri}.minisig", key: ${key}}}`

  test('13-adversary 39: without a rule nothing is asked, not even for a name', async () => {
    const law = { blocks: 'materials:\n  - {match: "https://example.com/**"}\n' }
    let guards = 0
    const guard = () => {
      guards++
      return addressGuard({ private: true, pin: true })
    }
    expect(await world.one(item(), law, { guard })).toMatchObject({ verdict: 'rejected', codes: ['policy/no-rule'] })
    const denied = {
      blocks: `materials:\n  - {match: "${world.url}/tini", deny: true}\n  - {match: "${world.url}/**"}\n`,
    }
    expect(await world.one(item(), denied, { guard })).toMatchObject({ codes: ['policy/denied'] })
    expect(world.server.asked).toEqual([])
    expect(guards).toBe(0)
  })

  test('13-adversary 39: a mirror and a signature need a rule of their own', async () => {
    const law = { blocks: `${KEYS}materials:\n  - {match: "${world.url}/tini"}\n`, files }
    world.serve('/mirror', BYTES)
    world.serve('/tini', OTHER)
    expect(await world.one(item(`mirrors: ["${world.url}/mirror"]`), law)).toMatchObject({
      verdict: 'rejected',
      codes: ['materials/other-bytes'],
    })
    world.serve('/tini', BYTES)
    world.serve('/tini.minisig', alice.sign(BYTES))
    expect(await world.one(item(minisign('alice')), law)).toMatchObject({
      verdict: 'rejected',
      codes: ['policy/no-rule'],
    })
    expect(world.asked).toEqual(['/tini'])
    const both = { ...law, blocks: `${law.blocks}  - {match: "${world.url}/*"}\n` }
    expect((await world.one(item(minisign('alice')), both)).verdict).toBe('passed')
  })

  test('13-adversary 39: private addresses are for rules that say so', async () => {
    const guard = (inside: boolean) => addressGuard({ private: inside, pin: true })
    const law = (more: string) => ({ blocks: `materials:\n  - {match: "${world.url}/**"${more}}\n` })
    expect(await world.one(item(), law(''), { guard })).toMatchObject({ verdict: 'unknown' })
    expect(world.server.asked).toEqual([])
    expect((await world.one(item(), law(', private: true'), { guard })).verdict).toBe('passed')
  })

  test('13-adversary 20: where the rule names keys, one of them must have signed', async () => {
    const law = { blocks: `${KEYS}materials:\n  - {match: "${world.url}/**", keys: [alice]}\n`, files }
    world.serve('/tini.minisig', bob.sign(BYTES))
    world.commit.set('own.pub', Buffer.from(alice.publicKey))
    const refused = { verdict: 'rejected', codes: ['materials/key-not-allowed'] }
    expect(await world.one(item(), law)).toMatchObject(refused)
    expect(await world.one(item(minisign('bob')), law)).toMatchObject(refused)
    expect(await world.one(item(minisign('{file: own.pub}')), law)).toMatchObject(refused)
    const checksums = `verify: {checksums: {file: "${world.url}/SUMS", verify: {minisign: {signature: "{uri}.minisig", key: bob}}}}`
    expect(await world.one(item(checksums), law)).toMatchObject(refused)
    // Nothing of it needed to be fetched.
    expect(world.server.asked).toEqual([])
    expect(await world.one(item(minisign('alice')), law)).toMatchObject({ codes: ['materials/signature-wrong'] })
    world.serve('/tini.minisig', alice.sign(BYTES))
    expect(await world.one(item(minisign('alice')), law)).toMatchObject({ verdict: 'passed', keys: 'policy' })
  })

  test('13-adversary 43: when the time is over, what is not verified is unknown', async () => {
    world.server.paths.set('/tini', () => {})
    const more = `  - {name: fast, uri: "${world.url}/fast", digest: {sha256: ${HEX}}, use: {dockerfile-add: true}}\n`
    world.serve('/fast', BYTES)
    const found = await world.fetch(`${item()}${more}`, {}, { timing: { ...TIMING, totalMs: 1_000 } })
    expect(found.map(({ judged }) => [judged.verdict, judged.findings.map(({ code }) => code)])).toEqual([
      ['unknown', ['materials/deadline']],
      ['passed', []],
    ])
    const stopped = await world.one(item(), {}, { signal: AbortSignal.abort() })
    expect(stopped).toMatchObject({ verdict: 'unknown', codes: ['materials/deadline'] })
  })

  test('an answer that nobody foresaw is the item’s, never the end of all', async () => {
    world.server.paths.set('/tini', honest(Buffer.from(BYTES)))
    const guard = () => () => Promise.reject(new Error('surprise'))
    expect(await world.one(item(), {}, { guard })).toMatchObject({ codes: ['materials/fetch-failed'] })
  })
})
