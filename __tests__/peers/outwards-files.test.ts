import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { jest } from '@jest/globals'
import { sha256 } from '../../src/core/digest.ts'
import { identityFlags, judgedBy, keyFlags, wrongIdentities } from './judged.ts'
import { withKeyedWorld } from './keyed-world.ts'
import { fileOf, type KeyFiles, signFile } from './signing.ts'
import { attest, type Cosign, cosign, type World, waybill } from './world.ts'

/** Files that `waybill attest file` and the action's `files` sign with real Sigstore services, judged by whoever may read bundles. */
jest.setTimeout(180_000)

let world: World
let key: KeyFiles
let strangersKey: KeyFiles
const matrix = withKeyedWorld('outwards-files', made => {
  ;({ world, key, strangersKey } = made)
})

const SIGN = 'https://sigstore.dev/cosign/sign/v1'
const OWN_TYPE = 'https://example.com/tested/v1'
const COSIGNS = ['cosign3', 'cosign2'] as const

type Flags = readonly string[]

interface Expected {
  readonly who: Flags
  readonly type?: string
  /** Flags of cosign for what no log has seen. */
  readonly unlogged?: Flags
}

/** A file of its own, in a folder of its own. */
function newFile(name: string): string {
  const folder = join(world.stack.folder, randomUUID())
  mkdirSync(folder)
  const path = join(folder, name)
  writeFileSync(path, `bytes of ${name}`)
  return path
}

async function services(rekor: 1 | 2 | 'none' = 1): Promise<Flags> {
  const { stack } = world
  const log = rekor === 2 ? stack.rekorV2 : stack.rekorV1
  const config = await stack.signingConfig(`files-${randomUUID()}.json`, {
    rekor: rekor === 'none' ? rekor : { url: log.url, version: rekor },
  })
  return ['--signing-config', config, '--trusted-root', stack.trustedRootFile]
}

async function token(): Promise<Flags> {
  return ['--identity-token-file', fileOf(world, `${randomUUID()}.jwt`, await world.stack.oidc.mint())]
}

const ENVIRONMENT = { KEY_PASSWORD: 'of the keys it makes here' }
const withKey = ({ privateFile }: KeyFiles): Flags => ['--key', privateFile, '--key-password', 'env:KEY_PASSWORD']

/** @returns the bundle's path. */
async function attestFile(path: string, ...flags: Flags): Promise<string> {
  const { code, log } = await world.cli(['attest', 'file', path, ...flags], ENVIRONMENT)
  expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
  return `${path}.sigstore.json`
}

async function byCosign(version: Cosign, file: string, bundle: string, expected: Expected): Promise<number> {
  const { who, type = SIGN, unlogged } = expected
  const trusted = `--trusted-root=${world.stack.trustedRootFile}`
  const root = unlogged ?? [trusted, '--use-signed-timestamps']
  // Version 2 reads no bundle without a trusted root, even where it asks nothing of it.
  const form = version === 'cosign2' ? ['--new-bundle-format', ...(unlogged === undefined ? [] : [trusted])] : []
  const args = [...form, ...root, ...who, '--type', type, '--bundle', bundle, file]
  return (await cosign(world, version, ['verify-blob-attestation', ...args])).code
}

/** What both cosigns and the gate say alike of a file with this bundle; their exit codes where they differ. */
async function verdict(row: string, file: string, bundle: string, expected: Expected): Promise<string> {
  const { who, type = SIGN, unlogged } = expected
  const codes: Record<string, number> = {}
  for (const version of COSIGNS) codes[version] = await byCosign(version, file, bundle, expected)
  const root = unlogged === undefined ? ['--trusted-root', world.stack.trustedRootFile] : []
  const flags = [...root, ...who, '--predicate-type', type, '--bundle', bundle, '--quarantine', 'off']
  codes.waybill = (await waybill(world, ['verify', 'file', file, ...flags])).code
  const seen = Object.values(matrix.record(row, codes))
  if (seen.every(code => code === 0)) return 'accepted'
  return seen.every(code => code !== 0) && codes.waybill === 1 ? 'refused' : JSON.stringify(codes)
}

describe.each([1, 2] as const)('logged in Rekor v%d', rekor => {
  test('with a certificate, a file is accepted of that signer by every verifier, and refused of others', async () => {
    const file = newFile('app.tgz')
    const bundle = await attestFile(file, ...(await token()), ...(await services(rekor)))
    const who = identityFlags(world)
    const wrong = wrongIdentities(world)
    const row = `certificate × Rekor v${rekor}`
    expect(await verdict(row, file, bundle, { who })).toBe('accepted')
    expect(await verdict(`${row}, another identity`, file, bundle, { who: wrong.identity })).toBe('refused')
    expect(await verdict(`${row}, another issuer`, file, bundle, { who: wrong.issuer })).toBe('refused')
    expect(await verdict(`${row}, a key`, file, bundle, { who: keyFlags(key) })).toBe('refused')
    expect(await verdict(`${row}, another file`, newFile('other'), bundle, { who })).toBe('refused')
    expect(await verdict(`${row}, another type`, file, bundle, { who, type: OWN_TYPE })).toBe('refused')
  })

  test('with a key, a file is accepted of that key by every verifier, and refused of others', async () => {
    const file = newFile('app.tgz')
    const bundle = await attestFile(file, ...withKey(key), ...(await services(rekor)))
    const who = keyFlags(key)
    const row = `key × Rekor v${rekor}`
    expect(await verdict(row, file, bundle, { who })).toBe('accepted')
    expect(await verdict(`${row}, another key`, file, bundle, { who: keyFlags(strangersKey) })).toBe('refused')
    expect(await verdict(`${row}, an identity`, file, bundle, { who: identityFlags(world) })).toBe('refused')
    expect(await verdict(`${row}, another file`, newFile('other'), bundle, { who })).toBe('refused')
  })
})

test('with a key and no service, a file is accepted of that key where no witness is asked for', async () => {
  const file = newFile('app.tgz')
  const bundle = await attestFile(file, ...withKey(key))
  const unlogged = ['--insecure-ignore-tlog']
  const row = 'key, no service'
  expect(await verdict(row, file, bundle, { who: keyFlags(key), unlogged })).toBe('accepted')
  expect(await verdict(`${row}, another key`, file, bundle, { who: keyFlags(strangersKey), unlogged })).toBe('refused')
  expect(await verdict(`${row}, another file`, newFile('other'), bundle, { who: keyFlags(key), unlogged })).toBe(
    'refused',
  )
  // Whoever names services asks for their word.
  expect(await verdict(`${row}, services asked`, file, bundle, { who: keyFlags(key) })).toBe('refused')
})

test.each(['ed25519', 'rsa', 'ec'] as const)('a key of openssl, %s, signs as those of cosign do', async kind => {
  const own = opensslKey(kind)
  const file = newFile('app.tgz')
  const expected = { who: keyFlags(own), unlogged: ['--insecure-ignore-tlog'] }
  const bundle = await attestFile(file, '--key', own.privateFile)
  expect(await verdict(`key of openssl, ${kind}`, file, bundle, expected)).toBe('accepted')
  const logged = newFile('logged.tgz')
  const seen = await attestFile(logged, '--key', own.privateFile, ...(await services()))
  expect(await verdict(`key of openssl, ${kind}, logged`, logged, seen, { who: keyFlags(own) })).toBe('accepted')
})

test('a statement of one’s own is accepted as what it is', async () => {
  const file = newFile('app.tgz')
  const predicate = fileOf(world, 'tested.json', '{"passed":true}')
  const own = ['--predicate-type', OWN_TYPE, '--predicate', predicate]
  const bundle = await attestFile(file, ...(await token()), ...(await services()), ...own)
  const who = identityFlags(world)
  expect(await verdict('own type', file, bundle, { who, type: OWN_TYPE })).toBe('accepted')
  expect(await verdict('own type, another asked', file, bundle, { who })).toBe('refused')
})

test('files that the action signs are accepted with what it states of them', async () => {
  const files = ['a.tgz', 'b.tgz'].map(newFile)
  const [file = ''] = files
  for (const path of files) {
    const inputs = { images: undefined, builder: 'none', files: '*.tgz' }
    const { code, log } = await attest(world, inputs, { env: { GITHUB_WORKSPACE: join(path, '..') } })
    expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
    const who = identityFlags(world)
    // Each program has a name of its own for SLSA provenance v1.
    const row = `action, ${basename(path)}`
    const type = 'https://slsa.dev/provenance/v1'
    expect(await verdict(row, path, `${path}.sigstore.json`, { who, type })).toBe('accepted')
  }
  const { identity } = wrongIdentities(world)
  expect(await verdict('action, another identity', file, `${file}.sigstore.json`, { who: identity })).toBe('refused')
  expect(await verdict('action, another file', file, `${files[1]}.sigstore.json`, { who: identityFlags(world) })).toBe(
    'refused',
  )
})

test('waybill verify bundle says the same, by path and by digest', async () => {
  const file = newFile('app.tgz')
  const bundle = await attestFile(file, ...(await token()), ...(await services()))
  const verify = (row: string, subject: string, who: Flags) =>
    judgedBy(world, matrix, `verify bundle, ${row}`, ['verify', 'bundle', '--bundle', bundle, ...who, subject])
  const digest = sha256(readFileSync(file))
  for (const [name, subject] of [
    ['path', file],
    ['digest', digest],
  ] as const) {
    expect(await verify(name, subject, identityFlags(world))).toBe('0')
    expect(await verify(`${name}, another identity`, subject, wrongIdentities(world).identity)).toBe(
      '1 verify/identity-mismatch',
    )
    expect(await verify(`${name}, another issuer`, subject, wrongIdentities(world).issuer)).toBe(
      '1 verify/issuer-mismatch',
    )
  }
  expect(await verify('another file', newFile('other'), identityFlags(world))).toBe('1 verify/no-attestation')
  expect(await verify('another digest', sha256('other'), identityFlags(world))).toBe('1 verify/no-attestation')
})

test.each(COSIGNS)('where %s signed a file already, its bundle is left alone', async version => {
  const file = newFile('app.tgz')
  const theirs = readFileSync(await signFile(world, version, 'sign', file))
  writeFileSync(`${file}.sigstore.json`, theirs)
  const { code, log } = await world.cli(['attest', 'file', file, ...withKey(key), '--json'], ENVIRONMENT)
  expect(code).not.toBe(0)
  expect(log).toContain('pipeline/bundle-present')
  expect(readFileSync(`${file}.sigstore.json`)).toEqual(theirs)
})

function opensslKey(kind: 'ed25519' | 'rsa' | 'ec'): KeyFiles {
  const pair =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-384' })
        : generateKeyPairSync('ed25519')
  const name = randomUUID()
  return {
    privateFile: fileOf(world, `${name}.pem`, pair.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicFile: fileOf(world, `${name}.pub`, pair.publicKey.export({ type: 'spki', format: 'pem' })),
  }
}
