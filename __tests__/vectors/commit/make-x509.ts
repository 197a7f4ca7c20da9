/**
 * Writes the folders `x509-*` beside this file anew with real openssl and gpgsm: `node __tests__/vectors/commit/make-x509.ts`.
 * Every run makes new keys, so every vector changes; the private halves are thrown away with the temporary folder. What no
 * program writes is written by `__tests__/fakes/cms.ts`.
 */
import { execFileSync, type StdioOptions } from 'node:child_process'
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  attribute,
  attributesOf,
  type CmsOptions,
  CONTENT_TYPE,
  cmsArmor,
  DATA,
  HASHES,
  indefinite,
  issuerAndSerial,
  MESSAGE_DIGEST,
  signCms,
} from '../../fakes/cms.ts'
import { context, contextPrimitive, integer, nothing, octets, oid, sequence, utf8String } from '../../fakes/der.ts'

const here = import.meta.dirname
const work = mkdtempSync(join(tmpdir(), 'x509-'))
const PERSON = 'Alice <alice@example.com> 1767225600 +0100'
const HEAD = `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 1234567890123456789012345678901234567890\nauthor ${PERSON}\ncommitter ${PERSON}\n`
const MESSAGE = '\nTeach the vectors to sign\n\nWith a body.\n'
const PAYLOAD = Buffer.from(HEAD + MESSAGE)
const FROM = '20250101000000Z'
const TO = '20450101000000Z'
const rejected = (code: string) => ({ kind: 'rejected', code })
const malformed = rejected('source/malformed')
const untrusted = rejected('source/certificate-untrusted')

function run(file: string, args: readonly string[], input: Buffer | string = '', env: Record<string, string> = {}): Buffer {
  const stdio: StdioOptions = ['pipe', 'pipe', 'pipe']
  return execFileSync(file, [...args], { cwd: work, input, stdio, env: { ...process.env, ...env } })
}

const openssl = (...args: string[]): Buffer => run('openssl', args)
const path = (name: string): string => join(work, name)

/** `openssl ca` alone sets both dates. */
function configure(): void {
  writeFileSync(path('index'), '')
  writeFileSync(path('index.attr'), 'unique_subject = no\n')
  writeFileSync(path('serial'), '4711\n')
  const policy = '[any]\norganizationName=optional\ncommonName=optional\nemailAddress=optional\n'
  const own = `[own]\ndatabase=${path('index')}\nserial=${path('serial')}\nnew_certs_dir=${work}\npolicy=any\nunique_subject=no\nemail_in_dn=yes\n`
  writeFileSync(path('ca.cnf'), `[ca]\ndefault_ca=own\n${own}${policy}`)
}

interface Identity {
  readonly name: string
  readonly der: Buffer
  readonly pem: string
  readonly key: KeyObject
}

interface Issue {
  readonly issuer?: Identity
  readonly key?: readonly string[]
  readonly subject?: string
  readonly extensions: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly hash?: string
}

const RSA = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
const curve = (name: string) => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${name}`]
const AUTHORITY = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign', 'subjectKeyIdentifier=hash']
const LEAF = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=emailProtection',
  'subjectAltName=email:alice@example.com',
  'subjectKeyIdentifier=hash',
  'authorityKeyIdentifier=keyid',
]
/** The usual leaf with one line in place of another. */
const leafWith = (key: string, line?: string): readonly string[] => [
  ...LEAF.filter(known => !known.startsWith(`${key}=`)),
  ...(line === undefined ? [] : [`${key}=${line}`]),
]

function issue(name: string, { issuer, key = RSA, subject = `/O=acme/CN=${name}`, extensions, from = FROM, to = TO, hash = 'sha256' }: Issue): Identity {
  openssl('genpkey', ...key, '-out', path(`${name}.key`))
  openssl('req', '-new', '-key', path(`${name}.key`), '-subj', subject, '-out', path(`${name}.csr`))
  writeFileSync(path(`${name}.ext`), `${extensions.join('\n')}\n`)
  const by = issuer === undefined ? ['-selfsign', '-keyfile', path(`${name}.key`)] : ['-cert', path(`${issuer.name}.pem`), '-keyfile', path(`${issuer.name}.key`)]
  const dates = ['-startdate', from, '-enddate', to]
  openssl('ca', '-batch', '-notext', '-config', path('ca.cnf'), '-md', hash, ...by, '-in', path(`${name}.csr`), '-out', path(`${name}.pem`), '-extfile', path(`${name}.ext`), ...dates)
  const pem = readFileSync(path(`${name}.pem`), 'utf8')
  return { name, pem, der: new X509Certificate(pem).raw, key: createPrivateKey(readFileSync(path(`${name}.key`))) }
}

/** `openssl cms -sign`, detached DER unless told otherwise. */
function cms(signer: Identity, args: readonly string[] = [], others: readonly Identity[] = [middle], payload = PAYLOAD): Buffer {
  writeFileSync(path('others.pem'), others.map(({ pem }) => pem).join(''))
  const chain = others.length === 0 ? [] : ['-certfile', path('others.pem')]
  const who = ['-signer', path(`${signer.name}.pem`), '-inkey', path(`${signer.name}.key`)]
  return run('openssl', ['cms', '-sign', '-binary', '-outform', 'DER', ...who, ...chain, ...args], payload)
}

function signed(armor: string): string {
  return `${HEAD}gpgsig ${armor.replace(/\n$/, '').replaceAll('\n', '\n ')}\n${MESSAGE}`
}

function write(name: string, story: string, commit: string | Buffer, expect: object, roots: readonly Identity[] = [root]): void {
  const folder = join(here, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'README.md'), `# ${name}\n\n${story}\n`)
  writeFileSync(join(folder, 'commit.raw'), commit)
  writeFileSync(join(folder, 'expect.json'), `${JSON.stringify(expect, null, 2)}\n`)
  if (roots.length > 0) writeFileSync(join(folder, 'roots.pem'), roots.map(({ pem }) => pem).join(''))
}

const upper = (text: string): string => text.replaceAll(':', '').toUpperCase()

function fact(chain: readonly Identity[], more: object = {}): object {
  const read = chain.map(({ der }) => new X509Certificate(der))
  const times = (pick: (one: X509Certificate) => string) => read.map(one => Date.parse(pick(one)))
  return {
    kind: 'x509',
    algorithm: 'rsa',
    bits: 2048,
    fingerprint: upper(read[0]?.fingerprint256 ?? ''),
    root: upper(read.at(-1)?.fingerprint256 ?? ''),
    chain: read.map(one => ({ serial: one.serialNumber, fingerprint: upper(one.fingerprint256) })),
    emails: ['alice@example.com'],
    notBefore: new Date(Math.max(...times(one => one.validFrom))).toISOString(),
    notAfter: new Date(Math.min(...times(one => one.validTo))).toISOString(),
    ...more,
  }
}

for (const entry of readdirSync(here, { withFileTypes: true })) {
  if (entry.isDirectory() && entry.name.startsWith('x509-')) rmSync(join(here, entry.name), { recursive: true })
}
configure()
const root = issue('root', { extensions: AUTHORITY })
const middle = issue('middle', { issuer: root, extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', ...AUTHORITY.slice(1)] })
const alice = issue('alice', { issuer: middle, extensions: LEAF })
const put = (name: string, story: string, bytes: Buffer, expect: object, roots?: readonly Identity[]) =>
  write(`x509-${name}`, story, signed(cmsArmor(bytes)), expect, roots)

function valid(): void {
  const good = fact([alice, middle, root])
  put('openssl', 'openssl cms -sign, RSA-2048, DER, with the intermediate certificate.', cms(alice), good)
  put('openssl-with-root', 'The root comes along as well; that it is the root is the policy’s word.', cms(alice, [], [root, middle]), good)
  put('openssl-key-id', 'openssl cms -keyid: the signer is named by its key identifier.', cms(alice, ['-keyid']), good)
  put('openssl-pss', 'RSASSA-PSS with SHA-256.', cms(alice, ['-keyopt', 'rsa_padding_mode:pss']), good)
  put('openssl-sha384', 'SHA-384.', cms(alice, ['-md', 'sha384']), good)
  put('openssl-sha512', 'SHA-512.', cms(alice, ['-md', 'sha512']), good)
  put('indefinite-lengths', 'Lengths are indefinite down to the signer, as gpgsm and openssl -stream write them.', indefinite(cms(alice), 4), good)
  for (const [name, bits, ec] of [['p256', 256, 'P-256'], ['p384', 384, 'P-384'], ['p521', 521, 'P-521']] as const) {
    const leaf = issue(name, { issuer: middle, extensions: LEAF, key: curve(ec) })
    put(`openssl-${name}`, `ECDSA on ${ec}.`, cms(leaf), fact([leaf, middle, root], { algorithm: `ecdsa-${name}`, bits }))
  }
  const edwards = issue('ed25519', { issuer: middle, extensions: LEAF, key: ['-algorithm', 'ED25519'] })
  const options = { certificate: edwards.der, others: [middle.der] }
  const ed = fact([edwards, middle, root], { algorithm: 'ed25519', bits: 256 })
  put('ed25519', 'Ed25519 with SHA-512 (RFC 8419).', signCms(PAYLOAD, edwards.key, { ...options, hash: 'sha512' }), ed)
  put('ed25519-sha256', 'Ed25519 beside SHA-256, which RFC 8419 does not know.', signCms(PAYLOAD, edwards.key, options), malformed)
  const short = issue('rsa1024', { issuer: middle, extensions: LEAF, key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'] })
  put('rsa1024', 'A valid signature by a key that is too short. Its size is a fact; the policy refuses it.', cms(short), fact([short, middle, root], { bits: 1024 }))
  const past = issue('expired', { issuer: middle, extensions: LEAF, from: '20200101000000Z', to: '20210101000000Z' })
  put('expired', 'The certificate ended in January 2021. That is a fact; whether it counts is for the policy and its clock.', cms(past), fact([past, middle, root], { notBefore: '2025-01-01T00:00:00.000Z' }))
  const bare = issue('bare', { issuer: middle, extensions: leafWith('subjectAltName'), subject: '/O=acme/CN=Alice/emailAddress=alice@example.com' })
  put('email-in-subject', 'The address stands in the subject alone, where the applicant often chooses it: nobody is named.', cms(bare), fact([bare, middle, root], { emails: [] }))
  const coder = issue('coder', { issuer: middle, extensions: leafWith('extendedKeyUsage', 'codeSigning') })
  put('code-signing', 'A certificate for code signing.', cms(coder), fact([coder, middle, root]))
  const free = issue('free', { issuer: root, extensions: ['subjectAltName=email:alice@example.com,email:alice@example.org'] })
  put('no-usage', 'A certificate of two addresses that limits nothing, issued by the root itself.', cms(free, [], []), fact([free, root], { emails: ['alice@example.com', 'alice@example.org'] }))
}

/** A commit as git itself writes it with gpgsm. */
function gpgsm(): void {
  const home = path('gnupg')
  mkdirSync(home, { mode: 0o700 })
  const leaf = issue('gpgsm', { issuer: root, extensions: LEAF })
  const env = { GNUPGHOME: home, HOME: home, LC_ALL: 'C' }
  writeFileSync(join(home, 'gpgsm.conf'), 'disable-crl-checks\nno-secmem-warning\n')
  writeFileSync(join(home, 'trustlist.txt'), `${new X509Certificate(root.der).fingerprint} S relax\n`)
  writeFileSync(path('password'), 'password\n')
  const sealed = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1', '-passout', 'pass:password']
  openssl('pkcs12', '-export', '-inkey', path('gpgsm.key'), '-in', path('gpgsm.pem'), '-out', path('gpgsm.p12'), ...sealed)
  writeFileSync(path('sign'), `#!/bin/sh\nexec gpgsm --batch --pinentry-mode loopback --passphrase-fd 3 "$@" 3<${path('password')}\n`)
  chmodSync(path('sign'), 0o755)
  run('gpgsm', ['--batch', '--import', path('root.pem')], '', env)
  run(path('sign'), ['--import', path('gpgsm.p12')], '', env)
  const person = { GIT_AUTHOR_NAME: 'Alice', GIT_AUTHOR_EMAIL: 'alice@example.com', GIT_COMMITTER_NAME: 'Alice', GIT_COMMITTER_EMAIL: 'alice@example.com' }
  const git = (...args: string[]) =>
    run('git', ['-C', path('repository'), '-c', 'gpg.format=x509', '-c', `gpg.x509.program=${path('sign')}`, '-c', 'user.signingKey=alice@example.com', ...args], '', { ...env, ...person })
  mkdirSync(path('repository'))
  git('init', '--quiet')
  git('commit', '--quiet', '--allow-empty', '-S', '-m', 'Sign with gpgsm')
  const commit = git('cat-file', 'commit', 'HEAD')
  const good = fact([leaf, root])
  write('x509-gpgsm', 'git commit -S with gpg.format=x509 and gpgsm 2.2: indefinite lengths around DER attributes.', commit, good)
  const other = Buffer.from(commit.toString('latin1').replace('Sign with', 'Sing with'), 'latin1')
  write('x509-gpgsm-tampered', 'One word of the message was changed after signing.', other, rejected('source/bad-signature'))
  execFileSync('gpgconf', ['--kill', 'all'], { env: { ...process.env, ...env } })
}

function chains(): void {
  const stranger = issue('stranger', { extensions: AUTHORITY, subject: '/O=acme/CN=root' })
  put('untrusted-root', 'A root of the same name with another key.', cms(alice), untrusted, [stranger])
  put('no-roots', 'The policy names no roots at all.', cms(alice), untrusted, [])
  put('without-intermediate', 'The intermediate certificate does not come along.', cms(alice, [], []), untrusted)
  const plain = issue('plain', { issuer: root, extensions: LEAF })
  const below = issue('below', { issuer: plain, extensions: LEAF })
  put('issuer-no-authority', 'A person’s certificate was used to issue another.', cms(below, [], [plain]), untrusted)
  const clerk = issue('clerk', { issuer: root, extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,digitalSignature', 'subjectKeyIdentifier=hash'] })
  const clerks = issue('clerks', { issuer: clerk, extensions: LEAF })
  put('issuer-key-usage', 'The issuing certificate is an authority’s, but its key usage is not for certificates.', cms(clerks, [], [clerk]), untrusted)
  const deep = issue('deep', { issuer: middle, extensions: AUTHORITY })
  const deeper = issue('deeper', { issuer: deep, extensions: LEAF })
  put('path-too-long', 'An authority below one that allows none (pathlen:0).', cms(deeper, [], [middle, deep]), untrusted)
  put('leaf-is-authority', 'An authority signed with its own key.', cms(middle, [], []), untrusted)
  const weak = issue('weak', { issuer: middle, extensions: LEAF, hash: 'sha1' })
  put('sha1-certificate', 'The signer’s certificate is signed over SHA-1.', cms(weak), rejected('source/weak-hash'))
  for (const [name, key, line, story] of [
    ['key-usage-encryption', 'keyUsage', 'critical,keyEncipherment', 'The certificate is for encryption.'],
    ['purpose-tls', 'extendedKeyUsage', 'serverAuth,clientAuth', 'The certificate is for TLS.'],
    ['critical-unknown', '1.2.3.4', 'critical,ASN1:UTF8String:only for the canteen', 'A critical extension that nobody here understands.'],
    ['email-not-ascii', 'subjectAltName', 'DER:30098107616c6963c3a940', 'An address that is not ASCII.'],
  ] as const) {
    const leaf = issue(name, { issuer: middle, extensions: leafWith(key, line) })
    put(name, story, cms(leaf), name === 'email-not-ascii' ? malformed : untrusted)
  }
  const narrow = issue('narrow', { issuer: root, extensions: [...AUTHORITY, 'nameConstraints=critical,permitted;email:example.com'] })
  const within = issue('within', { issuer: narrow, extensions: LEAF })
  put('name-constraints', 'An authority with name constraints, which are not judged: refused, although the address lies within.', cms(within, [], [narrow]), untrusted)
}

function structures(): void {
  const bob = issue('bob', { issuer: middle, extensions: leafWith('subjectAltName', 'email:bob@example.com') })
  const good = cms(alice)
  const bad = rejected('source/bad-signature')
  put('tampered', 'A signature over other words.', cms(alice, [], [middle], Buffer.from('other words')), bad)
  put('two-signers', 'openssl cms with two signers: some programs ask whether one is good, some whether all are.', cms(alice, ['-signer', path('bob.pem'), '-inkey', path('bob.key')]), malformed)
  put('attached', 'openssl cms -nodetach: the signature brings its own words.', cms(alice, ['-nodetach']), malformed)
  put('attached-stream', 'openssl cms -stream: the same in pieces of indefinite length.', cms(alice, ['-nodetach', '-stream']), malformed)
  put('no-attributes', 'openssl cms -noattr: the signature is over the content itself.', cms(alice, ['-noattr']), malformed)
  put('no-certificate', 'openssl cms -nocerts: nothing says who signed.', cms(alice, ['-nocerts']), malformed)
  put('sha1', 'openssl cms -md sha1.', cms(alice, ['-md', 'sha1']), rejected('source/weak-hash'))
  put('md5', 'openssl cms -md md5.', cms(alice, ['-md', 'md5']), rejected('source/weak-hash'))
  put('sha224', 'openssl cms -md sha224.', cms(alice, ['-md', 'sha224']), rejected('source/signature-unsupported'))
  put('trailing-byte', 'A byte after the signature.', Buffer.concat([good, Buffer.of(0)]), malformed)
  put('cut-off', 'The last byte is missing.', good.subarray(0, -1), malformed)
  const flipped = Buffer.from(good)
  flipped.writeUInt8(flipped.readUInt8(flipped.byteLength - 1) ^ 1, flipped.byteLength - 1)
  put('bad-signature', 'One bit of the signature was changed.', flipped, bad)
  put('open-end', 'An indefinite length without an end.', indefinite(good, 1).subarray(0, -2), malformed)
  written(bob)
  write('x509-text-in-armor', 'A line in the armor that is not base64.', signed(cmsArmor(good).replace('\n', '\nVersion: 1\n\n')), malformed)
}

/** What no program writes. */
function written(bob: Identity): void {
  const make = (options: Partial<CmsOptions>) => signCms(PAYLOAD, alice.key, { certificate: alice.der, others: [middle.der], ...options })
  const usual = attributesOf(PAYLOAD)
  const [first = Buffer.alloc(0), ...rest] = usual
  const digest = usual.find(one => one.includes(oid(MESSAGE_DIGEST))) ?? first
  const others = usual.filter(one => one !== digest)
  const foreign = attributesOf(Buffer.from('other words')).find(one => one.includes(oid(MESSAGE_DIGEST))) ?? first
  const sorted = (...list: Buffer[]) => list.sort(Buffer.compare)
  const refused: readonly (readonly [string, string, Partial<CmsOptions>])[] = [
    ['two-digests', 'Two message digests, one of them right.', { attributes: sorted(...usual, foreign) }],
    ['digest-of-two-values', 'One message digest with two values.', { attributes: sorted(...others, attribute(MESSAGE_DIGEST, octets(Buffer.alloc(32)), octets(Buffer.alloc(32, 1)))) }],
    ['no-digest', 'No message digest.', { attributes: others }],
    ['no-content-type', 'No content type among the signed attributes.', { attributes: usual.filter(one => !one.includes(oid(CONTENT_TYPE))) }],
    ['content-type-other', 'The signed content type is that of a timestamp.', { attributes: sorted(...usual.filter(one => !one.includes(oid(CONTENT_TYPE))), attribute(CONTENT_TYPE, oid('1.2.840.113549.1.9.16.1.4'))) }],
    ['encapsulated-other', 'The content itself is said to be a timestamp.', { encapsulated: sequence(oid('1.2.840.113549.1.9.16.1.4')) }],
    ['attributes-unsorted', 'Signed attributes that are not in the order of DER.', { attributes: [...rest, first] }],
    ['attributes-indefinite', 'Signed attributes with indefinite lengths.', { attributes: sorted(...others, indefinite(digest, 1)) }],
    ['digest-algorithms', 'The list of digest algorithms names another one.', { digestAlgorithms: [sequence(oid(HASHES.sha512))] }],
    ['two-hashes', 'The signature algorithm names another hash than the signer.', { algorithm: sequence(oid('1.2.840.113549.1.1.13'), nothing()) }],
    ['signer-version', 'Version 3 says that the signer is named by key identifier; it is not.', { signerVersion: 3 }],
    ['signer-extra', 'Something after the end of the signer.', { unsigned: [attribute('1.2.3', integer(1))], afterSigner: [integer(1)] }],
    ['unsigned-twice', 'An unsigned attribute twice.', { unsigned: [attribute('1.2.3', integer(1)), attribute('1.2.3', integer(2))] }],
    ['revocation-lists', 'Revocation lists come along; whose word they are nobody has said.', { afterCertificates: [context(1, sequence(integer(1)))] }],
    ['same-name-twice', 'Two different certificates of one issuer and serial number.', { others: [middle.der, renamed(alice.der)] }],
    ['certificate-trailing', 'A byte inside a certificate that is no part of it.', { others: [middle.der, sequence(middle.der, nothing())] }],
    ['many-certificates', 'More certificates than any chain has.', { others: Array.from({ length: 21 }, () => middle.der) }],
    ['deep', 'Values inside values inside values.', { unsigned: [attribute('1.2.3', nested(60))] }],
    ['no-signer', 'A signature without a signer.', { signers: () => [] }],
  ]
  for (const [name, story, options] of refused) put(name, story, make(options), malformed)
  const swapped = signCms(PAYLOAD, bob.key, { certificate: alice.der, others: [middle.der] })
  put('other-key', 'The certificate named is alice’s, the key was bob’s.', swapped, rejected('source/bad-signature'))
  const named = make({ signerId: issuerAndSerial(bob.der) })
  put('signer-not-there', 'The signer’s certificate is not among those that come along.', named, malformed)
  const keyed = make({ signerVersion: 3, signerId: contextPrimitive(0, Buffer.alloc(20)) })
  put('key-id-not-there', 'The same by key identifier.', keyed, malformed)
  put('algorithm-unknown', 'A signature algorithm that nobody knows.', make({ algorithm: sequence(oid('1.2.3.4')) }), rejected('source/signature-unsupported'))
  put('algorithm-dsa', 'DSA.', make({ algorithm: sequence(oid('2.16.840.1.101.3.4.3.2')) }), rejected('source/weak-signature'))
  put('enveloped', 'A CMS message of another kind.', sequence(oid('1.2.840.113549.1.7.3'), context(0, sequence(integer(0)))), malformed)
  put('not-asn1', 'Words in place of ASN.1.', Buffer.from('not a signature'), malformed)
  put('content-info-extra', 'Something after the content.', sequence(oid('1.2.840.113549.1.7.2'), context(0, sequence(integer(1))), utf8String(DATA)), malformed)
}

/** Another certificate with the same issuer and serial number: its validity says something else. */
function renamed(der: Buffer): Buffer {
  const copy = Buffer.from(der)
  const at = copy.indexOf(Buffer.from('450101000000Z'))
  copy.write('440101000000Z', at, 'latin1')
  return copy
}

function nested(depth: number): Buffer {
  return depth === 0 ? integer(1) : sequence(nested(depth - 1))
}

valid()
gpgsm()
chains()
structures()
rmSync(work, { recursive: true })
