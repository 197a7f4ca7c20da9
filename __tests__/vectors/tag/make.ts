/**
 * Writes the folders beside this file anew with real git, gpg and ssh-keygen: `node __tests__/vectors/tag/make.ts`.
 * Every run makes new keys, so every vector changes; the private halves are thrown away with the temporary folder.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname
const work = mkdtempSync(join(tmpdir(), 'tags-'))
const home = join(work, 'gnupg')
const clone = join(work, 'clone')
mkdirSync(home, { mode: 0o700 })

const DATE = '2026-01-01T00:00:00Z'
const PEOPLE = ['AUTHOR', 'COMMITTER'].flatMap(who => [[`GIT_${who}_NAME`, 'Alice'], [`GIT_${who}_EMAIL`, 'alice@example.com'], [`GIT_${who}_DATE`, DATE]])
const env = { PATH: process.env.PATH ?? '', HOME: work, GNUPGHOME: home, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', ...Object.fromEntries(PEOPLE) }

const run = (file: string, args: string[], input = '', cwd = work): Buffer => execFileSync(file, args, { cwd, env, input: Buffer.from(input, 'latin1'), stdio: ['pipe', 'pipe', 'pipe'] })
const git = (...args: string[]): string => run('git', args, '', clone).toString('latin1').trimEnd()
const gpg = (args: string[], input = ''): Buffer => run('gpg', ['--batch', '--quiet', '--yes', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', '', ...args], input)
const raw = (name: string): string => run('git', ['cat-file', 'tag', name], '', clone).toString('latin1')

gpg(['--quick-generate-key', 'alice', 'ed25519', 'sign', 'never'])
const print = /^fpr:{9}([0-9A-F]{40}):/m.exec(gpg(['--list-keys', '--with-colons', '=alice']).toString())?.[1] ?? ''
const KEYS = gpg(['--armor', '--export', print])
run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(work, 'ssh')])
const sshPrint = run('ssh-keygen', ['-l', '-f', join(work, 'ssh.pub')]).toString().split(' ')[1] ?? ''

run('git', ['init', '--quiet', '--initial-branch=main', clone])
git('commit', '--quiet', '--allow-empty', '-m', 'Begin')
const BEGIN = git('rev-parse', 'HEAD')

const OPENPGP = ['-c', 'gpg.format=openpgp', '-c', `user.signingkey=${print}`]
const SSH = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${join(work, 'ssh')}`]
const openpgpFact = { kind: 'openpgp', algorithm: 'ed25519', bits: 256, fingerprint: print, primary: print, keyRevoked: false }
const sshFact = { kind: 'ssh', algorithm: 'ssh-ed25519', bits: 256, fingerprint: sshPrint }
const BAD = { kind: 'malformed', code: 'source/malformed' }
const rejected = (code: string, more = {}) => ({ kind: 'rejected', code, ...more })
const about = (name: string, fact: object, more = {}) => ({ object: BEGIN, type: 'commit', name, signature: fact, ...more })

function write(name: string, story: string, bytes: string, expect: object, file = 'tag.raw'): void {
  const folder = join(here, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'README.md'), `# ${name}\n\n${story}\n`)
  writeFileSync(join(folder, file), Buffer.from(bytes, 'latin1'))
  writeFileSync(join(folder, 'expect.json'), `${JSON.stringify(expect, null, 2)}\n`)
  writeFileSync(join(folder, 'keys.asc'), KEYS)
}

/** A tag of real git. */
function tag(name: string, how: string[], message = 'First release\n\nWith a body.', target = BEGIN): string {
  git(...how.slice(0, -1), 'tag', how.at(-1) ?? '-a', '-f', '-m', message, name, target)
  return raw(name)
}

function byGit(): void {
  write('openpgp', 'git tag -s with gpg.', tag('v1', [...OPENPGP, '-s']), about('v1', openpgpFact))
  write('ssh', 'git tag -s with ssh-keygen.', tag('v1-ssh', [...SSH, '-s']), about('v1-ssh', sshFact))
  write('unsigned', 'git tag -a: a tag object that nobody signed.', tag('v1-plain', ['-a']), about('v1-plain', { kind: 'none' }))
  write('empty-message', 'git tag -s with an empty message: the signature follows the headers at once.', tag('v1-empty', [...OPENPGP, '-s'], ''), about('v1-empty', openpgpFact))
  write('nested-name', 'A name with slashes and letters beyond ASCII.', tag('releases/caf\u00e9', [...OPENPGP, '-s']), about('releases/caf\u00e9', openpgpFact))
  write('of-tag', 'A tag of a tag, signed. It reads; the one who judges refuses it.', tag('outer', [...OPENPGP, '-s'], 'Outer', git('rev-parse', 'v1')), about('outer', openpgpFact, { type: 'tag', object: git('rev-parse', 'v1') }))
  const tree = git('rev-parse', `${BEGIN}^{tree}`)
  write('of-tree', 'A signed tag of a tree.', tag('tree', [...OPENPGP, '-s'], 'Tree', tree), about('tree', openpgpFact, { type: 'tree', object: tree }))
}

const V1 = () => raw('v1')
const armorOf = (text: string): string => text.slice(text.indexOf('-----BEGIN '))
/** Signs any bytes the way git signs a tag: the armor follows them. */
const signed = (payload: string): string => payload + gpg(['--armor', '--local-user', print, '--detach-sign'], payload).toString()
const payloadOf = (text: string): string => text.slice(0, text.indexOf('-----BEGIN '))

function stolen(): void {
  const v1 = V1()
  write('tampered-message', 'One word was changed after signing.', v1.replace('First', 'Worst'), about('v1', rejected('source/bad-signature', { claimedKey: print })))
  write('tampered-name', 'The signed tag of v1, its name changed to v2.', v1.replace('tag v1\n', 'tag v2\n'), about('v2', rejected('source/bad-signature', { claimedKey: print })))
  const other = '1234567890123456789012345678901234567890'
  write('tampered-object', 'The signed tag of one commit, made to name another.', v1.replace(BEGIN, other), about('v1', rejected('source/bad-signature', { claimedKey: print }), { object: other }))
  const ssh = raw('v1-ssh')
  writeFileSync(join(work, 'payload'), payloadOf(ssh))
  run('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'file', '-f', join(work, 'ssh'), join(work, 'payload')])
  write('ssh-namespace', 'An SSH signature made for a file.', payloadOf(ssh) + readFileSync(join(work, 'payload.sig'), 'latin1'), about('v1-ssh', rejected('source/ssh-namespace')))
  write('x509', 'An X.509 signature that is none.', `${payloadOf(v1)}-----BEGIN SIGNED MESSAGE-----\nMIIB\n-----END SIGNED MESSAGE-----\n`, about('v1', { kind: 'rejected' }))
  write('commit-signature', 'The signature of a commit, put under a tag.', payloadOf(v1) + armorOf(signed(`tree ${other}\n`)), about('v1', rejected('source/bad-signature', { claimedKey: print })))
}

function bodies(): void {
  const v1 = V1()
  const bad = (name: string, story: string, text: string): void => write(name, story, text, BAD)
  bad('two-armor-blocks', 'Two armor blocks: git takes the last, others the first.', v1 + armorOf(v1))
  bad('two-schemes', 'An SSH block, then an OpenPGP block over everything before it: two signers, two payloads.', signed(raw('v1-ssh')))
  bad('quoted-armor', 'The message quotes an armor; git would take the quotation of a tag without own signature for one.', signed(payloadOf(v1).replace('With a body.', `${armorOf(v1)}With a body.`)))
  bad('quoted-begin', 'A line of the message begins as an armor does, with words behind it.', signed(payloadOf(v1).replace('With', '-----BEGIN SSH SIGNATURE----- With')))
  bad('text-after-armor', 'Words after the armor: shown by programs, signed by nobody.', `${v1}and one more thing\n`)
  bad('empty-line-after-armor', 'An empty line after the armor.', `${v1}\n`)
  bad('armor-without-end', 'The armor is cut off.', v1.replace('-----END PGP SIGNATURE-----\n', ''))
  bad('crlf-armor', 'Armor lines end with CR LF.', payloadOf(v1) + armorOf(v1).replaceAll('\n', '\r\n'))
  bad('pgp-message', 'A PGP MESSAGE carries its own text: valid for words that are not this tag.', payloadOf(v1) + gpg(['--armor', '--local-user', print, '--sign'], payloadOf(v1)).toString())
  bad('unknown-armor', 'A line of dashes inside the armor.', v1.replace('-----END', '-----BEGIN CERTIFICATE-----\n-----END'))
  bad('nul-in-message', 'A NUL hides the rest of the message from programs in C.', signed(payloadOf(v1).replace('With', 'shown\0hidden')))
  bad('nul-in-name', 'A NUL in the name: v1 to programs in C.', signed(payloadOf(v1).replace('tag v1', 'tag v1\0-evil')))
  write('no-last-newline', 'Some programs leave the line end after the armor out.', v1.slice(0, -1), about('v1', openpgpFact))
  write('certificate-in-message', 'A certificate in the message is no signature.', signed(payloadOf(v1).replace('With', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\nWith')), about('v1', openpgpFact))
}

function headers(): void {
  const v1 = payloadOf(V1())
  const bad = (name: string, story: string, from: string | RegExp, to: string): void => write(name, story, signed(v1.replace(from, to)), BAD)
  bad('two-objects', 'Two object headers.', /^object .*\n/, '$&$&')
  bad('two-objects-late', 'A second object header after the tagger.', /\n\n/, `\nobject ${'1'.repeat(40)}\n\n`)
  bad('two-names', 'Two names: which one is compared with the ref?', 'tag v1\n', 'tag v1\ntag v2\n')
  bad('two-taggers', 'Two taggers.', /tagger .*\n/, '$&$&')
  bad('no-tagger', 'No tagger: nobody whose e-mail could be compared.', /tagger .*\n/, '')
  bad('no-type', 'No type.', /type .*\n/, '')
  bad('wrong-type', 'A type that git does not know.', 'type commit', 'type comit')
  bad('wrong-order', 'The name before the type.', 'type commit\ntag v1\n', 'tag v1\ntype commit\n')
  bad('empty-name', 'A tag without a name.', 'tag v1\n', 'tag \n')
  bad('folded-name', 'A continuation line after the name.', 'tag v1\n', 'tag v1\n 2\n')
  bad('unknown-header', 'A header that git does not write.', /\n\n/, '\nnote hello\n\n')
  bad('tagger-without-email', 'A tagger without e-mail.', ' <alice@example.com>', '')
  bad('tagger-two-emails', 'Two e-mails: which one is compared?', 'tagger Alice <', 'tagger Alice <bob@example.com> <')
  bad('upper-case-object', 'Ids have one spelling.', BEGIN, BEGIN.toUpperCase().replace(/^./, 'A'))
  bad('sha256-repository', 'Ids of 64 digits.', BEGIN, BEGIN + BEGIN.slice(0, 24))
  bad('no-message', 'No empty line after the headers.', /\n\n[^]*$/, '\n')
  const folded = (armor: string) => armor.replace(/\n$/, '').replaceAll('\n', '\n ')
  const armor = armorOf(V1())
  const put = (line: string) => V1().replace('\n\n', `\n${line}\n\n`)
  write('gpgsig-sha256', 'The signature of the SHA-256 form lies outside the signed bytes, as git writes it.', put(`gpgsig-sha256 ${folded(armor)}`), about('v1', openpgpFact))
  write('gpgsig-sha256-junk', 'gpgsig-sha256 that holds words in place of a signature: nobody signed them.', put('gpgsig-sha256 hello'), BAD)
  write('gpgsig-sha256-twice', 'gpgsig-sha256 twice.', put(`gpgsig-sha256 ${folded(armor)}\ngpgsig-sha256 ${folded(armor)}`), BAD)
  write('gpgsig', 'git leaves a gpgsig header out of the signed bytes of a tag, so it could carry anything.', put(`gpgsig ${folded(armor)}`), BAD)
  write('name-not-utf8', 'A name that is not UTF-8 is no name of a ref in any message.', signed(v1.replace('tag v1\n', 'tag v1\xe9\n')), about('//hex:7631e9', openpgpFact))
  write('commit-as-tag', 'The bytes of a commit.', run('git', ['cat-file', 'commit', BEGIN], '', clone).toString('latin1'), BAD)
  write('empty', 'No bytes.', '', BAD)
}

const commitRaw = (name: string): string => run('git', ['cat-file', 'commit', name], '', clone).toString('latin1')
const idOf = (text: string): string => createHash('sha1').update(`tag ${text.length}\0`).update(Buffer.from(text, 'latin1')).digest('hex')

/** `git merge` of signed tags, by real git. */
function merges(): void {
  const side = (name: string, how: string[]): string => {
    git('checkout', '--quiet', '-B', `side-${name}`, BEGIN)
    git('commit', '--quiet', '--allow-empty', '-m', `Work on ${name}`)
    tag(name, how, `Please merge ${name}`, 'HEAD')
    return git('rev-parse', 'HEAD')
  }
  const one = side('one', [...OPENPGP, '-s'])
  const two = side('two', [...SSH, '-s'])
  const facts = (name: string, object: string, signature: object) => ({ id: git('rev-parse', name), name, object, type: 'commit', signature })
  const merge = (...names: string[]): string => {
    git('checkout', '--quiet', '-B', 'merged', BEGIN)
    git('commit', '--quiet', '--allow-empty', '-m', 'Go on')
    git(...OPENPGP, 'merge', '--quiet', '--no-ff', '-S', '-m', 'Merge', ...names)
    return commitRaw('HEAD')
  }
  const write1 = (name: string, story: string, text: string, expect: object): void => write(name, story, text, expect, 'commit.raw')
  const single = merge('one')
  write1('mergetag', 'git merge of a signed tag: the tag stands in the merge, byte for byte.', single, { kind: 'openpgp', mergetags: [facts('one', one, openpgpFact)] })
  write1('mergetag-octopus', 'git merge of two signed tags at once.', merge('one', 'two'), { kind: 'openpgp', mergetags: [facts('one', one, openpgpFact), facts('two', two, sshFact)] })
  write1('mergetag-none', 'git merge of a commit by its id: no mergetag.', merge(one), { kind: 'openpgp' })
  const lose = rejected('source/bad-signature', { claimedKey: print })
  const tampered = raw('one').replace('Please', 'Do not')
  write1('mergetag-tampered', 'A word of the tag inside was changed: neither signature holds.', single.replace('Please', 'Do not'), { kind: 'rejected', mergetags: [{ ...facts('one', one, lose), id: idOf(tampered) }] })
  const bad = (name: string, story: string, text: string): void => write1(name, story, text, { ...BAD, parents: 2 })
  bad('mergetag-two-blocks', 'The tag inside has two armor blocks.', single.replace(/( -----END PGP SIGNATURE-----\n)(?=gpgsig)/, `$1 ${armorOf(raw('one')).trimEnd().replaceAll('\n', '\n ')}\n`))
  bad('mergetag-short', 'The tag inside breaks off.', single.replace(/mergetag object .*\n( .*\n)+/, `mergetag object ${one}\n type commit\n tag one\n  \n -----BEGIN PGP SIGNATURE-----\n`))
  bad('mergetag-empty', 'A mergetag header that holds words.', single.replace(/mergetag object .*\n( .*\n)+/, 'mergetag hello\n'))
  bad('mergetag-upper-case', 'The name of the header in other letters: some programs read it, some do not.', single.replace('mergetag ', 'MergeTag '))
}

for (const entry of readdirSync(here, { withFileTypes: true })) {
  if (entry.isDirectory()) rmSync(join(here, entry.name), { recursive: true })
}
byGit()
stolen()
bodies()
headers()
merges()
execFileSync('gpgconf', ['--kill', 'all'], { env })
rmSync(work, { recursive: true })
