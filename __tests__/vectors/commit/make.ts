/**
 * Writes the folders beside this file anew with real gpg and ssh-keygen: `node __tests__/vectors/commit/make.ts`. Those of
 * `x509-*` have a maker of their own.
 * Every run makes new keys, so every vector changes; the private halves are thrown away with the temporary folder.
 * The folders `ssh-sk-*` and `ssh-cert-*` are written by `make-ssh.ts`.
 */
import { execFileSync, type StdioOptions } from 'node:child_process'
import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as openpgp from 'openpgp'

const here = import.meta.dirname
const work = mkdtempSync(join(tmpdir(), 'vectors-'))
const home = join(work, 'gnupg')
mkdirSync(home, { mode: 0o700 })

const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
const PARENT = '1234567890123456789012345678901234567890'
const PERSON = 'Alice <alice@example.com> 1767225600 +0100'
const HEAD = `tree ${TREE}\nparent ${PARENT}\nauthor ${PERSON}\ncommitter ${PERSON}\n`
const MESSAGE = '\nTeach the vectors to sign\n\nWith a body.\n'
const PAYLOAD = HEAD + MESSAGE
const GOOD = { kind: 'openpgp', algorithm: 'ed25519', bits: 256, keyRevoked: false }
const BAD = { kind: 'malformed', code: 'source/malformed', parents: 1 }
const rejected = (code: string) => ({ kind: 'rejected', code })

function gpg(args: string[], input = '', options: string[] = []): Buffer {
  const stdio: StdioOptions = ['pipe', 'pipe', 'ignore']
  const all = ['--batch', '--quiet', '--yes', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', '', ...options]
  return execFileSync('gpg', [...all, ...args], { input, stdio, env: { ...process.env, GNUPGHOME: home } })
}

function fingerprints(name: string): string[] {
  const lines = gpg(['--list-keys', '--with-colons', `=${name}`]).toString().split('\n')
  return lines.filter(line => line.startsWith('fpr:')).map(line => line.split(':')[9] ?? '')
}

function makeKey(name: string, algorithm: string, expires = 'never', options: string[] = []): void {
  gpg(['--quick-generate-key', name, algorithm, 'sign', expires], '', options)
}

const exported = (name: string): Buffer => gpg(['--armor', '--export', `=${name}`])
const detached = (name: string, payload = PAYLOAD, options: string[] = []): string =>
  gpg(['--armor', '--local-user', `=${name}`, '--detach-sign'], payload, options).toString()

/** A header with continuation lines, as git writes it. */
const header = (name: string, armor: string): string => `${name} ${armor.replace(/\n$/, '').replaceAll('\n', '\n ')}\n`
const signed = (armor: string, head = HEAD, message = MESSAGE): string => head + header('gpgsig', armor) + message

function write(name: string, story: string, commit: string | Buffer, expect: object, keys?: Buffer | string): void {
  const folder = join(here, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'README.md'), `# ${name}\n\n${story}\n`)
  writeFileSync(join(folder, 'commit.raw'), typeof commit === 'string' ? Buffer.from(commit, 'latin1') : commit)
  writeFileSync(join(folder, 'expect.json'), `${JSON.stringify(expect, null, 2)}\n`)
  if (keys !== undefined) writeFileSync(join(folder, 'keys.asc'), keys)
}

function valid(name: string, story: string, expect: object, options: string[] = []): void {
  const prints = fingerprints(name)
  const who = { fingerprint: prints.at(-1), primary: prints[0] }
  write(name, story, signed(detached(name, PAYLOAD, options)), { ...GOOD, ...who, ...expect }, exported(name))
}

function openpgpVectors(): void {
  for (const bits of [1024, 2048, 4096]) makeKey(`openpgp-rsa${bits}`, `rsa${bits}`)
  valid('openpgp-rsa1024', 'A valid signature by a key that is too short. Its size is a fact; the policy refuses it.', { algorithm: 'rsa', bits: 1024 })
  valid('openpgp-rsa2048', 'gpg, RSA-2048.', { algorithm: 'rsa', bits: 2048 })
  valid('openpgp-rsa4096', 'gpg, RSA-4096.', { algorithm: 'rsa', bits: 4096 })
  makeKey('openpgp-ed25519', 'ed25519')
  valid('openpgp-ed25519', 'gpg, Ed25519 (legacy EdDSA packets).', {})
  makeKey('openpgp-p256', 'nistp256')
  valid('openpgp-p256', 'gpg, ECDSA on P-256.', { algorithm: 'ecdsa-p256' })
  makeKey('openpgp-text', 'ed25519')
  valid('openpgp-text', 'gpg --textmode: type 0x01, hashed with CRLF line ends.', {}, ['--textmode'])
  gpg(['--quick-generate-key', 'openpgp-subkey', 'rsa2048', 'cert', 'never'])
  gpg(['--quick-add-key', fingerprints('openpgp-subkey')[0] ?? '', 'ed25519', 'sign', 'never'])
  valid('openpgp-subkey', 'Signed by a subkey; the primary key may only certify.', {})

  const past = ['--faked-system-time', '20200101T000000!']
  makeKey('openpgp-expired', 'ed25519', '30d', past)
  valid('openpgp-expired', 'The key ended in January 2020. That is a fact; whether it counts is for the policy and its clock.', { keyExpires: '2020-01-31T00:00:00.000Z' }, past)

  makeKey('openpgp-revoked', 'ed25519')
  const [print = ''] = fingerprints('openpgp-revoked')
  const armor = detached('openpgp-revoked')
  const certificate = readFileSync(join(home, 'openpgp-revocs.d', `${print}.rev`), 'utf8').replace(/^:/m, '')
  gpg(['--import'], certificate)
  write('openpgp-revoked', 'The owner revoked the key later. The signature stays valid; the revocation is a fact.', signed(armor), { ...GOOD, fingerprint: print, primary: print, keyRevoked: true }, exported('openpgp-revoked'))
}

async function openpgpRefused(): Promise<void> {
  const name = 'openpgp-ed25519'
  const keys = exported(name)
  const armor = detached(name)
  const claimed = { claimedKey: fingerprints(name)[0] }
  write('openpgp-tampered', 'One word of the message was changed after signing.', signed(armor).replace('Teach', 'Trick'), { ...rejected('source/bad-signature'), ...claimed }, keys)
  write('openpgp-key-unknown', 'The keyring holds another key only.', signed(armor), { ...rejected('source/key-unknown'), ...claimed }, exported('openpgp-p256'))
  makeKey('openpgp-sha1', 'rsa2048')
  write('openpgp-sha1', 'gpg --digest-algo SHA1.', signed(detached('openpgp-sha1', PAYLOAD, ['--digest-algo', 'SHA1'])), rejected('source/weak-hash'), exported('openpgp-sha1'))

  const { data } = await openpgp.unarmor(armor)
  const packet = Buffer.from(data as Uint8Array)
  const again = (bytes: Buffer): string => openpgp.armor(openpgp.enums.armor.signature, bytes).replaceAll('\r', '')
  write('openpgp-two-packets', 'Two signature packets in one armor: two programs could each judge another one.', signed(again(Buffer.concat([packet, packet]))), rejected('source/malformed'), keys)
  write('openpgp-trailing-byte', 'A byte after the packet.', signed(again(Buffer.concat([packet, Buffer.of(0)]))), rejected('source/malformed'), keys)
  const certification = Buffer.from(packet)
  certification[3] = 0x10
  write('openpgp-wrong-type', 'Type 0x10 (a certification of a name) in place of 0x00.', signed(again(certification)), rejected('source/malformed'), keys)
  write('openpgp-bad-checksum', 'The CRC-24 line of the armor does not match.', signed(armor.replace(/^=..../m, '=AAAA')), rejected('source/malformed'), keys)

  const [subkeyed] = await openpgp.readKeys({ armoredKeys: exported('openpgp-subkey').toString() })
  const binding = subkeyed?.subkeys[0]?.bindingSignatures[0]
  if (subkeyed === undefined || binding === undefined) throw new Error('no binding signature')
  binding.unhashedSubpackets = []
  write('openpgp-no-back-signature', 'The subkey never confirmed that it belongs to this primary key: anybody could have bound it.', signed(detached('openpgp-subkey')), rejected('source/key-unusable'), subkeyed.armor().replaceAll('\r', ''))

  const inline = gpg(['--armor', '--local-user', `=${name}`, '--sign'], PAYLOAD).toString()
  write('openpgp-inline-message', 'A PGP MESSAGE carries its own text: valid for words that are not this commit.', signed(inline), BAD, keys)
  write('x509', 'Armor of an X.509 signature around nothing of the kind.', signed('-----BEGIN SIGNED MESSAGE-----\nMIIB\n-----END SIGNED MESSAGE-----\n'), rejected('source/malformed'))
}

const string = (bytes: Buffer | string): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(bytes))
  return Buffer.concat([length, Buffer.from(bytes)])
}

interface Parts {
  key: Buffer
  algorithm: string
  by: (data: Buffer) => Buffer
  namespace?: string
  reserved?: string
  hash?: string
  trailing?: string
}

/** An SSHSIG with any part as wanted. */
function sshsig(parts: Parts): string {
  const { key, algorithm, by, namespace = 'git', reserved = '', hash = 'sha512', trailing = '' } = parts
  const digest = createHash(hash).update(PAYLOAD).digest()
  const fields = [string(namespace), string(reserved), string(hash)]
  const signature = by(Buffer.concat([Buffer.from('SSHSIG'), ...fields, string(digest)]))
  const version = Buffer.of(0, 0, 0, 1)
  const value = Buffer.concat([string(algorithm), string(signature)])
  const blob = Buffer.concat([Buffer.from('SSHSIG'), version, string(key), ...fields, string(value), Buffer.from(trailing)])
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n')
}

function sshKey(type: string, bits: string): { blob: Buffer; sign: (namespace: string) => string; fingerprint: string; pem: () => KeyObject } {
  const file = join(work, `${type}${bits}`)
  const form = type === 'rsa' ? ['-m', 'PEM'] : []
  execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, ...form, '-N', '', '-C', '', '-f', file])
  const blob = Buffer.from(readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '', 'base64')
  return {
    blob,
    sign: namespace =>
      execFileSync('ssh-keygen', ['-Y', 'sign', '-n', namespace, '-f', file], { input: PAYLOAD, stdio: ['pipe', 'pipe', 'ignore'] }).toString(),
    fingerprint: execFileSync('ssh-keygen', ['-l', '-f', `${file}.pub`]).toString().split(' ')[1] ?? '',
    pem: () => createPrivateKey(readFileSync(file)),
  }
}

function sshVectors(): void {
  const kinds = [
    ['ed25519', '256', 'ssh-ed25519'],
    ['ecdsa', '256', 'ecdsa-sha2-nistp256'],
    ['ecdsa', '384', 'ecdsa-sha2-nistp384'],
    ['ecdsa', '521', 'ecdsa-sha2-nistp521'],
    ['rsa', '3072', 'ssh-rsa'],
  ] as const
  for (const [type, bits, algorithm] of kinds) {
    const key = sshKey(type, bits)
    const fact = { kind: 'ssh', algorithm, bits: Number(bits), fingerprint: key.fingerprint }
    write(`ssh-${type}${bits}`, `ssh-keygen -Y sign, ${algorithm}.`, signed(key.sign('git')), fact)
    if (type === 'ed25519') sshRefused(key)
    if (type === 'rsa') sshRsa(key, fact)
  }
}

function sshRefused(key: ReturnType<typeof sshKey>): void {
  const claimed = { claimedKey: key.fingerprint }
  write('ssh-tampered', 'One word of the message was changed after signing.', signed(key.sign('git')).replace('Teach', 'Trick'), { ...rejected('source/bad-signature'), ...claimed })
  write('ssh-namespace', 'Made with `ssh-keygen -Y sign -n file`: a signature on a file, put onto a commit.', signed(key.sign('file')), rejected('source/ssh-namespace'))
  const made: Parts = { key: key.blob, algorithm: 'ssh-ed25519', by: () => Buffer.alloc(64) }
  write('ssh-trailing-bytes', 'Bytes after the signature.', signed(sshsig({ ...made, trailing: 'x' })), rejected('source/malformed'))
  write('ssh-reserved', 'The reserved field is not empty.', signed(sshsig({ ...made, reserved: 'x' })), rejected('source/malformed'))
  write('ssh-weak-hash', 'The message is hashed with MD5, which SSHSIG does not know.', signed(sshsig({ ...made, hash: 'md5' })), rejected('source/malformed'))
  write('ssh-algorithm-of-other-key', 'An Ed25519 key with a signature that calls itself rsa-sha2-512.', signed(sshsig({ ...made, algorithm: 'rsa-sha2-512' })), rejected('source/malformed'))
  const dss = Buffer.concat([string('ssh-dss'), string(Buffer.alloc(32))])
  write('ssh-dsa', 'A DSA key.', signed(sshsig({ ...made, key: dss, algorithm: 'ssh-dss' })), rejected('source/weak-signature'))
}

function sshRsa(key: ReturnType<typeof sshKey>, fact: object): void {
  const by = (hash: string) => (data: Buffer) => sign(hash, data, key.pem())
  write('ssh-rsa-sha2-256', 'RSA with SHA-256 over a SHA-256 of the message.', signed(sshsig({ key: key.blob, algorithm: 'rsa-sha2-256', by: by('sha256'), hash: 'sha256' })), fact)
  write('ssh-rsa-sha1', 'The signature algorithm `ssh-rsa` means SHA-1; the mathematics would be right.', signed(sshsig({ key: key.blob, algorithm: 'ssh-rsa', by: by('sha1') })), rejected('source/weak-signature'))
}

function structureVectors(): void {
  const name = 'openpgp-ed25519'
  const keys = exported(name)
  const prints = fingerprints(name)
  const good = { ...GOOD, fingerprint: prints[0], primary: prints[0] }
  const armor = detached(name)
  const one = header('gpgsig', armor)
  const bad = (folder: string, story: string, commit: string, expect: object = BAD): void => write(folder, story, commit, expect, keys)
  write('unsigned', 'No signature at all.', PAYLOAD, { kind: 'none' })
  bad('github-empty-line', 'GitHub ends its header with one empty continuation line.', HEAD + header('gpgsig', `${armor}\n`) + MESSAGE, good)
  const extra = 'encoding UTF-8\nHG:extra branch:x\n'
  bad('other-headers', 'encoding and HG:…, as git and its bridges write them; all of them are signed.', signed(detached(name, HEAD + extra + MESSAGE), HEAD + extra), good)
  bad('gpgsig-sha256', 'A second signature for the SHA-256 form of the repository lies outside the signed bytes, as it must.', HEAD + one + header('gpgsig-sha256', armor) + MESSAGE, good)
  bad('gpgsig-sha256-junk', 'gpgsig-sha256 that holds words in place of a signature: nobody signed them.', `${HEAD}${one}gpgsig-sha256 hello\n${MESSAGE}`)
  bad('gpgsig-sha256-twice', 'gpgsig-sha256 twice.', HEAD + one + header('gpgsig-sha256', armor).repeat(2) + MESSAGE)
  bad('gpgsig-unknown', 'A header that begins with gpgsig lies outside the signed bytes.', `${HEAD}${one}gpgsigfoo injected\n${MESSAGE}`)
  bad('gpgsig-upper-case', 'The same in capital letters.', `${HEAD}${one}GPGSIG injected\n${MESSAGE}`)
  bad('two-signatures', 'Two gpgsig headers: some programs take the first, some the last.', HEAD + one + one + MESSAGE)
  bad('two-armor-blocks', 'One header, two armor blocks.', signed(armor + armor))
  bad('text-after-armor', 'Words after the armor.', signed(`${armor}hello\n`))
  bad('text-before-armor', 'Words before the armor.', signed(`hello\n${armor}`))
  bad('armor-without-end', 'The armor is cut off.', signed(armor.replace('-----END PGP SIGNATURE-----\n', '')))
  bad('crlf-armor', 'Armor lines end with CR LF.', signed(armor.replaceAll('\n', '\r\n')))
  bad('nul-in-header', 'A NUL in a name.', signed(armor).replace('Alice', 'Al\0ice'))
  bad('nul-in-message', 'A NUL hides the rest of the message from programs in C.', `${PAYLOAD}shown\0hidden\n`)
  bad('two-trees', 'Two tree headers.', signed(armor, `tree ${TREE}\n${HEAD}`), { ...BAD, parents: 0 })
  bad('two-trees-late', 'A second tree header after the committer.', signed(armor, `${HEAD}tree ${PARENT}\n`))
  bad('two-authors', 'Two author headers.', signed(armor, HEAD.replace(/author.*\n/, '$&$&')))
  bad('two-committers', 'Two committer headers.', signed(armor, HEAD.replace(/committer.*\n/, '$&$&')))
  bad('parent-after-author', 'A parent that git does not see.', signed(armor, `${HEAD}parent ${PARENT}\n`))
  bad('two-encodings', 'Two encodings: two texts.', signed(armor, `${HEAD}encoding UTF-8\nencoding ISO-8859-1\n`))
  bad('folded-author', 'A continuation line after the author.', signed(armor, HEAD.replace(/author.*\n/, '$& more\n')))
  bad('no-committer', 'No committer.', signed(armor, HEAD.replace(/committer.*\n/, '')))
  bad('no-message', 'No empty line after the headers.', HEAD)
  bad('person-without-email', 'An author without e-mail.', PAYLOAD.replace('author Alice <alice@example.com>', 'author Alice'))
  bad('person-two-emails', 'Two e-mails: which one is compared?', PAYLOAD.replace('author Alice <', 'author Alice <bob@example.com> <'))
  bad('upper-case-parent', 'Ids have one spelling.', PAYLOAD.replace(PARENT, 'ABCDEF7890123456789012345678901234567890'), { ...BAD, parents: 0 })
  bad('sha256-repository', 'Ids of 64 digits.', PAYLOAD.replace(TREE, TREE + TREE.slice(0, 24)), { ...BAD, parents: 0 })
  write('empty', 'No bytes.', '', { ...BAD, parents: 0 })
}

for (const entry of readdirSync(here, { withFileTypes: true })) {
  if (entry.isDirectory() && !/^(ssh-(sk|cert)|x509)-/.test(entry.name)) rmSync(join(here, entry.name), { recursive: true })
}
openpgpVectors()
await openpgpRefused()
sshVectors()
structureVectors()
execFileSync('gpgconf', ['--kill', 'all'], { env: { ...process.env, GNUPGHOME: home } })
rmSync(work, { recursive: true })
