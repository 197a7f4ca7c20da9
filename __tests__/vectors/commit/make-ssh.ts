/**
 * Writes the folders `ssh-sk-*` and `ssh-cert-*` anew: `node __tests__/vectors/commit/make-ssh.ts`.
 * Certificates come from real ssh-keygen where it writes such a thing; there is no device here, so what a security key
 * signs is made by its format, and real ssh-keygen must accept it before it is written down.
 */
import { execFileSync, spawnSync, type StdioOptions } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { block, blocks, certify, FOR_EVER, type FakeSshKey, makeSshKey, type SigOptions, sshsigOf, YEAR_2026 } from '../../fakes/ssh-keys.ts'

const here = import.meta.dirname
const work = mkdtempSync(join(tmpdir(), 'vectors-'))
const PERSON = 'Alice <alice@example.com> 1767225600 +0100'
const HEAD = `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 1234567890123456789012345678901234567890\nauthor ${PERSON}\ncommitter ${PERSON}\n`
const MESSAGE = '\nTeach the vectors to sign\n\nWith a body.\n'
const PAYLOAD = HEAD + MESSAGE
const rejected = (code: string, key?: string) => ({ kind: 'rejected', code, ...(key === undefined ? {} : { claimedKey: key }) })

function write(name: string, story: string, armor: string, expect: object): void {
  const folder = join(here, name)
  mkdirSync(folder, { recursive: true })
  const commit = `${HEAD}gpgsig ${armor.replace(/\n$/, '').replaceAll('\n', '\n ')}\n${MESSAGE}`
  writeFileSync(join(folder, 'README.md'), `# ${name}\n\n${story}\n`)
  writeFileSync(join(folder, 'commit.raw'), Buffer.from(commit, 'latin1'))
  writeFileSync(join(folder, 'expect.json'), `${JSON.stringify(expect, null, 2)}\n`)
}

/** What OpenSSH says about the signature alone. */
function opensshAccepts(armor: string): boolean {
  const file = join(work, 'signature')
  writeFileSync(file, armor)
  return spawnSync('ssh-keygen', ['-Y', 'check-novalidate', '-n', 'git', '-s', file], { input: PAYLOAD }).status === 0
}

function agreed(name: string, armor: string): string {
  if (!opensshAccepts(armor)) throw new Error(`ssh-keygen refuses ${name}`)
  return armor
}

const fact = (key: FakeSshKey, bits: number) => ({ kind: 'ssh', algorithm: key.algorithm, bits, fingerprint: key.fingerprint })

function securityKeys(): void {
  const key = makeSshKey('sk-ed25519')
  const made = (options: SigOptions = {}, by = key) => sshsigOf(by, PAYLOAD, options)
  const says = (userPresence: boolean, userVerification: boolean, application = 'ssh:') => ({ securityKey: { application, userPresence, userVerification } })
  const good = (name: string, story: string, armor: string, expect: object) => write(name, story, agreed(name, armor), expect)
  good('ssh-sk-ed25519', 'A security key that was touched.', made(), { ...fact(key, 256), ...says(true, false) })
  good('ssh-sk-verified', 'A security key that was touched and asked for its PIN.', made({ flags: 5 }), { ...fact(key, 256), ...says(true, true) })
  const ecdsa = makeSshKey('sk-ecdsa256', 'ssh:work')
  good('ssh-sk-ecdsa256', 'An ECDSA security key, its application `ssh:work`.', made({ flags: 5 }, ecdsa), { ...fact(ecdsa, 256), ...says(true, true, 'ssh:work') })
  good('ssh-sk-untouched', 'Nobody touched the device. ssh-keygen accepts that; here it is a fact, and the policy refuses it.', made({ flags: 0 }), { ...fact(key, 256), ...says(false, false) })

  const bad = rejected('source/bad-signature', key.fingerprint)
  write('ssh-sk-other-application', 'The device signed for another application than the one the key names.', made({ application: 'ssh:other' }), bad)
  const touched = (signature: Buffer) => { const copy = Buffer.from(signature); copy[copy.length - 5] = 1; return copy }
  write('ssh-sk-flags-changed', 'Signed without a touch; the flag was set afterwards.', made({ flags: 0, change: touched }), bad)
  const counted = (signature: Buffer) => { const copy = Buffer.from(signature); copy[copy.length - 1] = 8; return copy }
  write('ssh-sk-counter-changed', 'The counter was changed afterwards.', made({ change: counted }), bad)
  const web = makeSshKey('sk-ed25519', 'https://login.example.com')
  write('ssh-sk-web', 'A device key of a web site, which may be made to sign what the site sends.', made({}, web), rejected('source/malformed'))
  write('ssh-sk-without-flags', 'A signature that ends before its flags.', made({ change: bytes => bytes.subarray(0, -5) }), rejected('source/malformed'))
  write('ssh-sk-trailing', 'A byte after the counter.', made({ change: bytes => Buffer.concat([bytes, Buffer.of(0)]) }), rejected('source/malformed'))
  const browser = (bytes: Buffer) => Buffer.concat([block('webauthn-sk-ecdsa-sha2-nistp256@openssh.com'), bytes.subarray(block(ecdsa.algorithm).length), blocks('https://example.com', '{}', '')])
  write('ssh-sk-webauthn', 'A signature made through a browser, over the JSON of a web site.', made({ change: browser }, ecdsa), rejected('source/signature-unsupported'))
  const plain = makeSshKey('ed25519')
  write('ssh-sk-plain-signature', 'The key is a security key, the signature calls itself a plain one.', made({ change: () => plain.sign(Buffer.alloc(0)) }), rejected('source/malformed'))
}

function keygen(args: string[], input?: string): Buffer {
  const stdio: StdioOptions = ['pipe', 'pipe', 'ignore']
  return execFileSync('ssh-keygen', args, { input, stdio, env: { ...process.env, TZ: 'UTC' } })
}

interface RealKey {
  readonly file: string
  readonly algorithm: string
  readonly fingerprint: string
}

function realKey(name: string, type: string, bits: string): RealKey {
  const file = join(work, name)
  keygen(['-q', '-t', type, '-b', bits, '-N', '', '-C', '', '-f', file])
  const [algorithm = ''] = readFileSync(`${file}.pub`, 'utf8').split(' ')
  return { file, algorithm, fingerprint: keygen(['-l', '-f', `${file}.pub`]).toString().split(' ')[1] ?? '' }
}

const YEAR = ['-V', '20260101000000:20270101000000']
const says2026 = { validAfter: '2026-01-01T00:00:00.000Z', validBefore: '2027-01-01T00:00:00.000Z' }

function issue(authority: RealKey, key: RealKey, args: readonly string[]): string {
  keygen(['-q', '-s', authority.file, '-I', 'alice@laptop', '-z', '42', ...args, `${key.file}.pub`])
  return keygen(['-Y', 'sign', '-n', 'git', '-f', `${key.file}-cert.pub`], PAYLOAD).toString()
}

/** Issued and used by ssh-keygen alone. */
function realCertificates(): void {
  const authority = realKey('authority', 'ed25519', '256')
  const certificate = (more: object = {}, by = authority) => ({ authority: by.fingerprint, keyId: 'alice@laptop', serial: '42', principals: ['alice'], ...says2026, criticalOptions: [], ...more })
  for (const [type, bits] of [['ed25519', '256'], ['ecdsa', '256'], ['ecdsa', '384'], ['ecdsa', '521'], ['rsa', '3072']] as const) {
    const name = `ssh-cert-${type}${bits}`
    const key = realKey(name, type, bits)
    const armor = agreed(name, issue(authority, key, ['-n', 'alice', ...YEAR]))
    write(name, `ssh-keygen -s and ssh-keygen -Y sign, a certificate on ${key.algorithm}.`, armor, { kind: 'ssh', algorithm: key.algorithm, bits: Number(bits), fingerprint: key.fingerprint, certificate: certificate() })
  }
  const key = realKey('key', 'ed25519', '256')
  const good = (name: string, story: string, args: readonly string[], more: object, by = authority) =>
    write(name, story, agreed(name, issue(by, key, args)), { kind: 'ssh', algorithm: key.algorithm, bits: 256, fingerprint: key.fingerprint, certificate: certificate(more, by) })
  good('ssh-cert-by-rsa', 'An authority with an RSA key, which ssh-keygen uses with SHA-512.', ['-n', 'alice', ...YEAR], {}, realKey('rsa', 'rsa', '2048'))
  good('ssh-cert-by-ecdsa', 'An authority with an ECDSA key.', ['-n', 'alice', ...YEAR], {}, realKey('ecdsa', 'ecdsa', '384'))
  good('ssh-cert-past', 'The certificate ended in 2020. That is a fact; the policy judges it at the commit’s time.', ['-n', 'alice', '-V', '20200101000000:20200102000000'], { validAfter: '2020-01-01T00:00:00.000Z', validBefore: '2020-01-02T00:00:00.000Z' })
  good('ssh-cert-for-ever', 'No end: a fact; the policy’s max-validity refuses it.', ['-n', 'alice', '-V', 'always:forever'], { validAfter: '1970-01-01T00:00:00.000Z', validBefore: undefined })
  good('ssh-cert-two-names', 'Two names in one certificate.', ['-n', 'alice,bob', ...YEAR], { principals: ['alice', 'bob'] })
  good('ssh-cert-no-names', 'No name, which for OpenSSH means every name. A fact; the policy refuses it.', YEAR, { principals: [] })
  good('ssh-cert-options', 'Critical options, one of them unknown to everybody. A fact; the policy refuses them.', ['-n', 'alice', ...YEAR, '-O', 'force-command=/bin/true', '-O', 'critical:only-on@example.com=monday'], { criticalOptions: ['force-command', 'only-on@example.com'] })
  good('ssh-cert-extensions', 'Extensions, known and unknown, are passed over as OpenSSH does.', ['-n', 'alice', ...YEAR, '-O', 'no-touch-required', '-O', 'extension:colour@example.com=red'], {})
  write('ssh-cert-host', 'A certificate of a host.', issue(authority, key, ['-h', '-n', 'alice', ...YEAR]), rejected('source/certificate-unusable'))
}

/** What no program would issue, and what needs a device. */
function madeCertificates(): void {
  const [authority, key, device] = [makeSshKey('ed25519'), makeSshKey('ed25519'), makeSshKey('sk-ecdsa256')]
  const certificate = (by: FakeSshKey) => ({ authority: by.fingerprint, keyId: 'alice@laptop', serial: '1', principals: ['alice'], ...says2026, criticalOptions: [] })
  const signed = (holder: Buffer, by = key, flags = 1) => sshsigOf(by, PAYLOAD, { holder, flags })
  const held = (name: string, by: FakeSshKey) => agreed(name, signed(certify(authority, by), by))
  write('ssh-cert-sk-ecdsa256', 'A certificate on a security key.', held('ssh-cert-sk-ecdsa256', device), { ...fact(device, 256), securityKey: { application: 'ssh:', userPresence: true, userVerification: false }, certificate: certificate(authority) })
  const other = makeSshKey('sk-ed25519')
  write('ssh-cert-sk-ed25519', 'A certificate on an Ed25519 security key.', held('ssh-cert-sk-ed25519', other), { ...fact(other, 256), securityKey: { application: 'ssh:', userPresence: true, userVerification: false }, certificate: certificate(authority) })
  for (const by of [device, other]) {
    const name = `ssh-cert-by-${by === device ? 'sk-ecdsa256' : 'sk-ed25519'}`
    write(name, 'An authority whose key is in a security key, touched.', agreed(name, signed(certify(by, key))), { ...fact(key, 256), certificate: certificate(by) })
  }
  write('ssh-cert-by-untouched', 'The authority’s security key signed without a touch.', signed(certify(device, key, { flags: 0 })), rejected('source/user-presence-missing'))
  const own = rejected('source/certificate-forged', key.fingerprint)
  const renamed = (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('\x00\x00\x00\x05alice', '\x00\x00\x00\x05carol'), 'latin1')
  write('ssh-cert-forged', 'The name was changed after the authority had signed.', signed(certify(authority, key, { forge: renamed })), own)
  write('ssh-cert-other-authority', 'The certificate names an authority that never saw it.', signed(certify(makeSshKey('ed25519'), key, { authority: authority.blob })), own)
  write('ssh-cert-other-key', 'The certificate is on another key than the one that signed.', signed(certify(authority, key), makeSshKey('ed25519')), rejected('source/bad-signature', key.fingerprint))
  const chained = certify(authority, key)
  write('ssh-cert-by-certificate', 'The authority is itself a certificate.', signed(certify(key, makeSshKey('ed25519'), { authority: chained })), rejected('source/certificate-unusable'))
  const bad = (name: string, story: string, holder: Buffer, code = 'source/malformed') => write(`ssh-cert-${name}`, story, signed(holder), rejected(code))
  const rsa = makeSshKey('rsa')
  const sha1: FakeSshKey = { ...rsa, sign: data => blocks('ssh-rsa', rsa.sign(data).subarray(-256)) }
  bad('by-sha1', 'The authority’s signature calls itself ssh-rsa, which means SHA-1.', certify(sha1, key), 'source/weak-signature')
  bad('by-dsa', 'An authority with a DSA key.', certify(authority, key, { authority: blocks('ssh-dss', '', '', '', '') }), 'source/weak-signature')
  bad('dsa', 'A certificate on a DSA key.', certify(authority, { ...key, algorithm: 'ssh-dss' }), 'source/weak-signature')
  bad('v00', 'A certificate of the first version, which nobody issues any more.', certify(authority, key, { type: 'ssh-rsa-cert-v00@openssh.com' }), 'source/signature-unsupported')
  bad('unknown-kind', 'A certificate on a kind of key that does not exist.', certify(authority, key, { type: 'ssh-ed448-cert-v01@openssh.com' }))
  bad('type-3', 'Neither a user nor a host.', certify(authority, key, { kind: 3 }))
  bad('reserved', 'The reserved field is not empty.', certify(authority, key, { reserved: 'x' }))
  bad('trailing', 'A byte after the authority’s signature.', Buffer.concat([certify(authority, key), Buffer.of(0)]))
  bad('truncated', 'The certificate ends in the middle.', certify(authority, key).subarray(0, 200))
  bad('empty-name', 'A name without letters.', certify(authority, key, { names: [''] }))
  bad('invisible-name', 'A name with a character that turns the direction of writing.', certify(authority, key, { names: ['alice\u202e'] }))
  bad('many-names', 'More names than OpenSSH reads.', certify(authority, key, { names: Array.from({ length: 257 }, (_, i) => `n${i}`) }))
  bad('option-twice', 'One critical option twice: which of the two counts?', certify(authority, key, { critical: [['force-command', 'a'], ['force-command', 'b']] }))
  const late = certify(authority, key, { after: FOR_EVER, before: YEAR_2026[0] })
  write('ssh-cert-dates-swapped', 'A certificate that begins after every time there is. A fact; no time lies in its span.', signed(late), { ...fact(key, 256), certificate: { ...certificate(authority), validAfter: '+275760-09-13T00:00:00.000Z', validBefore: '2026-01-01T00:00:00.000Z' } })
}

for (const entry of readdirSync(here, { withFileTypes: true })) {
  if (entry.isDirectory() && /^ssh-(sk|cert)-/.test(entry.name)) rmSync(join(here, entry.name), { recursive: true })
}
securityKeys()
realCertificates()
madeCertificates()
rmSync(work, { recursive: true })
