import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/core/digest.ts'
import { WaybillError } from '../../src/core/error.ts'
import { readCall } from '../../src/entry/commands/table.ts'
import { preAuthEncoding } from '../../src/sigstore/verify/log-entry.ts'
import { IN_TOTO_PAYLOAD_TYPE } from '../../src/statements/statement.ts'
import { type KeyPair, p256 } from '../fakes/keys.ts'
import { bundleJson, envelopeOf, hashedBody, logged, messageOf, signBytes } from '../sigstore/messages.ts'
import { type Bench, openBench, SAN } from '../sigstore/support.ts'

const file = Buffer.from('a file\n')
const digest = sha256(file)
const ISSUER = 'https://issuer.example'
const WHO = ['--certificate-identity', SAN, '--certificate-oidc-issuer', ISSUER]

let bench: Bench
let keys: KeyPair
let folder: string
beforeAll(async () => {
  ;[bench, keys, folder] = await Promise.all([openBench(), p256(), mkdtemp(join(tmpdir(), 'waybill-bundle-'))])
  await writeFile(join(folder, 'file'), file)
  await writeFile(join(folder, 'other'), 'another file\n')
  await writeFile(join(folder, 'key.pub'), keys.publicKey.export({ format: 'pem', type: 'spki' }))
  await writeFile(join(folder, 'stranger.pub'), (await p256()).publicKey.export({ format: 'pem', type: 'spki' }))
  await writeFile(join(folder, 'message.json'), message())
  await writeFile(join(folder, 'keyed.json'), message(true))
  const sha1 = { sha1: 'a'.repeat(40) }
  const subject = (...digests: readonly object[]) => digests.map((item, i) => ({ name: String(i), digest: item }))
  const ours = { sha256: digest.slice('sha256:'.length) }
  await writeFile(join(folder, 'attestation.json'), attestation(subject(ours)))
  await writeFile(join(folder, 'several.json'), attestation(subject({ sha256: 'ab'.repeat(32) }, ours)))
  await writeFile(join(folder, 'sha1.json'), attestation(subject(sha1)))
  await writeFile(join(folder, 'none.json'), attestation([]))
  await writeFile(join(folder, 'unknown.json'), message().toString().replace('.v0.3+json', '.v0.9+json'))
  await writeFile(join(folder, 'empty.json'), '')
})
afterAll(() => Promise.all([bench.close(), rm(folder, { recursive: true, force: true })]))

function message(keyed = false): Buffer {
  const signing = signBytes(bench, file, keys, { keyed })
  const entries = [logged(bench, hashedBody(signing, file))]
  return Buffer.from(bundleJson({ signing, content: messageOf(signing, file), entries }))
}

function attestation(subject: readonly object[]): Uint8Array {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType: 'https://a.example/b',
    predicate: {},
  }
  const payload = Buffer.from(JSON.stringify(statement))
  const signed = preAuthEncoding({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload })
  const signing = signBytes(bench, signed, keys)
  const entries = [logged(bench, hashedBody(signing, signed))]
  return bundleJson({ signing, content: envelopeOf(signing, payload, IN_TOTO_PAYLOAD_TYPE), entries })
}

interface Answer {
  readonly exit: number | undefined
  readonly out: string
  readonly code?: string
}

async function run(...args: readonly string[]): Promise<Answer> {
  let out = ''
  const world = {
    args,
    script: '/waybill/dist/cli.js',
    workingFolder: folder,
    isTerminal: false,
    columns: 200,
    out: (bytes: Uint8Array | string) => {
      out += bytes.toString()
    },
    err: () => {},
    exit: () => {},
  }
  try {
    const call = readCall(['verify', 'bundle', ...args])
    if (call.kind !== 'run') throw new Error('not a command to run')
    return { exit: await call.act({ world, env: {} }), out }
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    return { exit: error.kind === 'configuration' ? 3 : undefined, out, code: error.code }
  }
}
/** With the root of the bench, the bundle called so, and the signer of the bench unless others are given. */
const check = (bundle: string, what: string, who: readonly string[] = WHO) =>
  run('--bundle', bundle, ...who, '--trusted-root', bench.stack.trustedRootFile, what)

test.each(['message.json', 'attestation.json', 'several.json'])(
  'a signature of the file passes, by path and by digest (%s)',
  async bundle => {
    expect((await check(bundle, 'file')).exit).toBe(0)
    expect((await check(bundle, digest)).exit).toBe(0)
    expect((await check(bundle, join(folder, 'file'))).out).toMatch(/^verify bundle: passed\n/)
  },
)

test('a signature by a key passes with that key', async () => {
  expect((await check('keyed.json', 'file', ['--key', 'key.pub'])).exit).toBe(0)
  expect((await check('keyed.json', digest, ['--key', 'key.pub'])).exit).toBe(0)
})

test('a file whose name is a digest is that file', async () => {
  await writeFile(join(folder, digest), 'another file\n')
  expect((await check('message.json', digest)).out).toContain('sigstore/artifact-mismatch')
  await rm(join(folder, digest))
})

test.each<readonly [string, string, string, readonly string[], string]>([
  ['another file', 'message.json', 'other', WHO, 'sigstore/artifact-mismatch'],
  ['a file that is no subject', 'attestation.json', 'other', WHO, 'verify/no-attestation'],
  ['a digest that is no subject', 'attestation.json', `sha256:${'c'.repeat(64)}`, WHO, 'verify/no-attestation'],
  ['a subject by its SHA-1 alone', 'sha1.json', 'file', WHO, 'verify/no-attestation'],
  ['no subjects', 'none.json', 'file', WHO, 'statements/malformed'],
  [
    'another identity',
    'message.json',
    'file',
    ['--certificate-identity', `${SAN}2`, '--certificate-oidc-issuer', ISSUER],
    'verify/identity-mismatch',
  ],
  [
    'a part of the identity',
    'message.json',
    'file',
    ['--certificate-identity', SAN.slice(0, -1), '--certificate-oidc-issuer', ISSUER],
    'verify/identity-mismatch',
  ],
  [
    'another issuer',
    'message.json',
    'file',
    ['--certificate-identity', SAN, '--certificate-oidc-issuer', `${ISSUER}/`],
    'verify/',
  ],
  ['another key', 'keyed.json', 'file', ['--key', 'stranger.pub'], 'sigstore/key-unknown'],
  ['a key, and an identity is expected', 'keyed.json', 'file', WHO, 'sigstore/key-unknown'],
  ['a certificate of that key, and the key is expected', 'message.json', 'file', ['--key', 'key.pub'], 'verify/'],
  ['a bundle that is none', 'empty.json', 'file', WHO, 'sigstore/bundle-malformed'],
])('%s is rejected', async (_, bundle, what, who, expected) => {
  const answer = await check(bundle, what, who)
  expect([answer.exit, answer.out]).toEqual([1, expect.stringContaining(expected)])
})

test('a bundle of a later version is unknown', async () => {
  const answer = await check('unknown.json', 'file')
  expect([answer.exit, answer.out]).toEqual([2, expect.stringContaining('sigstore/bundle-unsupported')])
})

test.each<readonly [string, readonly string[], string]>([
  ['no subject', ['--bundle', 'message.json', ...WHO], 'entry/usage'],
  ['two subjects', ['--bundle', 'message.json', ...WHO, 'file', 'other'], 'entry/usage'],
  ['no bundle', [...WHO, 'file'], 'entry/usage'],
  ['nobody expected', ['--bundle', 'message.json', 'file'], 'policy/no-expectation'],
  [
    'half an identity',
    ['--bundle', 'message.json', '--certificate-identity', SAN, 'file'],
    'policy/expectation-unclear',
  ],
  [
    'an identity and a key',
    ['--bundle', 'message.json', ...WHO, '--key', 'key.pub', 'file'],
    'policy/expectation-unclear',
  ],
  ['the staging instance without its root', ['--staging', '--bundle', 'message.json', ...WHO, 'file'], 'entry/usage'],
  ['a file that is not there', ['--bundle', 'message.json', ...WHO, 'missing'], 'core/file-unreadable'],
  ['a bundle that is not there', ['--bundle', 'missing', ...WHO, 'file'], 'core/file-unreadable'],
  [
    'a trust root that is none',
    ['--bundle', 'message.json', ...WHO, '--trusted-root', 'message.json', 'file'],
    'sigstore/trust-malformed',
  ],
])('%s cannot be understood: exit code 3', async (_, args, expected) => {
  expect(await run(...args)).toEqual({ exit: 3, out: '', code: expected })
})

test('the words of the conformance protocol are understood in its order', async () => {
  const root = ['--trusted-root', bench.stack.trustedRootFile]
  expect((await run('--staging', '--bundle', 'message.json', ...WHO, ...root, 'file')).exit).toBe(0)
  expect((await run('--staging', '--bundle', 'keyed.json', '--key', 'key.pub', ...root, digest)).exit).toBe(0)
})

test('--json gives the result object, --quiet nothing', async () => {
  const json = await run(
    '--bundle',
    'message.json',
    ...WHO,
    '--trusted-root',
    bench.stack.trustedRootFile,
    '--json',
    'file',
  )
  expect(JSON.parse(json.out)).toMatchObject({
    command: 'verify bundle',
    verdict: 'passed',
    subjects: [{ name: 'file', digest }],
  })
  const quiet = await run(
    '--bundle',
    'message.json',
    ...WHO,
    '--trusted-root',
    bench.stack.trustedRootFile,
    '--quiet',
    'other',
  )
  expect([quiet.exit, quiet.out]).toEqual([1, ''])
})
