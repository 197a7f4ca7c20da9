import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { attestedBundle, PROVENANCE } from './attested.ts'
import { identityFlags, judgedBy, keyFlags, wrongIdentities } from './judged.ts'
import { withKeyedWorld } from './keyed-world.ts'
import { fileOf, type KeyFiles, type Signing, type Signs, signFile } from './signing.ts'
import { type Cosign, cosign, type World } from './world.ts'

/**
 * Bundles that both cosigns write for files, as messages and as statements, with real Sigstore services, judged by
 * `waybill verify file --bundle` and, by path and by digest, `waybill verify bundle`.
 */
jest.setTimeout(180_000)

let world: World
let key: KeyFiles
let strangersKey: KeyFiles
let file: string
let other: string
const matrix = withKeyedWorld('inwards-files', made => {
  ;({ world, key, strangersKey } = made)
  file = fileOf(world, 'app.tar', CONTENT)
  other = fileOf(world, 'other.tar', 'other bytes')
})

const CONTENT = 'the bytes of a release'
const CUSTOM = 'https://cosign.sigstore.dev/attestation/v1'
const SPDX = 'https://spdx.dev/Document'

type Flags = readonly string[]

/** What the gate says of a file with this bundle. */
const byFile = (row: string, subject: string, bundle: string, flags: Flags, root?: string) =>
  judgedBy(
    world,
    matrix,
    `${row}: verify file`,
    ['verify', 'file', subject, '--bundle', bundle, '--quarantine', 'off', ...flags],
    root,
  )

/** What is said of this bundle alone; `subject` is a path or a digest. */
const byBundle = (row: string, subject: string, bundle: string, flags: Flags, root?: string) =>
  judgedBy(world, matrix, `${row}: verify bundle`, ['verify', 'bundle', '--bundle', bundle, ...flags, subject], root)

/** The verdicts of both commands, and of the second about the digest too: they must not differ. */
async function everyVerdict(row: string, subject: string, bundle: string, flags: Flags): Promise<string[]> {
  const answers = [
    await byFile(row, subject, bundle, flags),
    await byBundle(row, subject, bundle, flags),
    await byBundle(`${row}, by digest`, sha256(readFileSync(subject)), bundle, flags),
  ]
  return [...new Set(answers.map(answer => answer.split(' ')[0] ?? ''))]
}

function attesting(signs: Signs, signing: Signing): Signing {
  if (signs === 'sign') return signing
  return { ...signing, flags: [`--predicate=${fileOf(world, 'predicate.json', '{"a":1}')}`, ...(signing.flags ?? [])] }
}

const WRITERS: readonly (readonly [Cosign, Signs, 1 | 2])[] = [
  ['cosign2', 'sign', 1],
  ['cosign2', 'attest', 1],
  ['cosign3', 'sign', 1],
  ['cosign3', 'attest', 1],
  ['cosign3', 'sign', 2],
  ['cosign3', 'attest', 2],
]

describe.each(WRITERS)('%s %s-blob, logged in Rekor v%d,', (version, signs, rekor) => {
  const row = `${version} ${signs}-blob × Rekor v${rekor}`

  test('with a certificate counts for that signer and this file', async () => {
    const bundle = await signFile(world, version, signs, file, attesting(signs, { rekor }))
    const right = identityFlags(world)
    const wrong = wrongIdentities(world)
    expect(await everyVerdict(row, file, bundle, right)).toEqual(['0'])
    expect(await everyVerdict(`${row}, another identity`, file, bundle, wrong.identity)).toEqual(['1'])
    expect(await everyVerdict(`${row}, another issuer`, file, bundle, wrong.issuer)).toEqual(['1'])
    expect(await everyVerdict(`${row}, a key`, file, bundle, keyFlags(key))).toEqual(['1'])
    expect(await everyVerdict(`${row}, another file`, other, bundle, right)).toEqual(['1'])
    expect(await byFile(`${row}, another identity`, file, bundle, wrong.identity)).toBe('1 verify/identity-mismatch')
    expect(await byFile(`${row}, another issuer`, file, bundle, wrong.issuer)).toBe('1 verify/issuer-mismatch')
  })

  test('with a key counts for that key and this file', async () => {
    const bundle = await signFile(world, version, signs, file, attesting(signs, { rekor, key }))
    expect(await everyVerdict(`${row}, key`, file, bundle, keyFlags(key))).toEqual(['0'])
    expect(await everyVerdict(`${row}, another key`, file, bundle, keyFlags(strangersKey))).toEqual(['1'])
    expect(await everyVerdict(`${row}, key, an identity`, file, bundle, identityFlags(world))).toEqual(['1'])
    expect(await everyVerdict(`${row}, key, another file`, other, bundle, keyFlags(key))).toEqual(['1'])
  })

  test('is of the type that it says, and never provenance', async () => {
    const bundle = await signFile(world, version, signs, file, attesting(signs, { rekor }))
    const asked = (...flags: Flags) =>
      byFile(`${row}, ${flags.join(' ')}`, file, bundle, [...identityFlags(world), ...flags])
    expect(await asked('--predicate-type', CUSTOM)).toBe(signs === 'attest' ? '0' : '1 verify/no-attestation')
    expect(await asked('--predicate-type', SPDX)).toBe('1 verify/no-attestation')
    expect(await asked('--require', 'provenance')).toBe('1 verify/no-attestation')
  })
})

test.each(['cosign2', 'cosign3'] as const)('one statement of %s counts for each of its files', async version => {
  const subjects = [file, other].map(path => sha256(readFileSync(path)))
  const statement = fileOf(world, 'statement.json', statementOf(subjects))
  const bundle = await signFile(world, version, 'attest', file, { flags: [`--statement=${statement}`] })
  const row = `${version} attest-blob, two subjects`
  const flags = identityFlags(world)
  const stranger = fileOf(world, 'stranger.tar', 'nobody signed these')
  expect(await everyVerdict(`${row}, the first`, file, bundle, flags)).toEqual(['0'])
  expect(await everyVerdict(`${row}, the second`, other, bundle, flags)).toEqual(['0'])
  expect(await everyVerdict(`${row}, another file`, stranger, bundle, flags)).toEqual(['1'])
  expect(await byFile(`${row}, its type`, file, bundle, [...flags, '--predicate-type', SPDX])).toBe('0')
  expect(await byFile(`${row}, another type`, file, bundle, [...flags, '--predicate-type', CUSTOM])).toBe(
    '1 verify/no-attestation',
  )
})

test('files that actions/attest attests together count each, with provenance', async () => {
  const subjects = [file, other].map(path => ({ name: 'app', digest: sha256(readFileSync(path)) }))
  const bundle = fileOf(world, 'attested.json', await attestedBundle(world, { subjects }))
  const flags = [...identityFlags(world), '--require', 'provenance']
  for (const path of [file, other]) expect(await byFile('actions/attest, files', path, bundle, flags)).toBe('0')
  expect(await everyVerdict('actions/attest, files', file, bundle, identityFlags(world))).toEqual(['0'])
  const stranger = fileOf(world, 'stranger.tar', 'nobody signed these')
  expect(await byFile('actions/attest, another file', stranger, bundle, flags)).toBe('1 verify/no-attestation')
  const wrong = [...wrongIdentities(world).identity, '--require', 'provenance']
  expect(await byFile('actions/attest, files, another identity', file, bundle, wrong)).toBe(
    '1 verify/identity-mismatch',
  )
})

test('SLSA provenance v1 in a statement of version 0.1 is refused', async () => {
  const subjects = [{ name: 'app', digest: sha256(CONTENT) }]
  const attested = JSON.parse((await attestedBundle(world, { subjects })).toString('utf8')) as Envelope
  const { predicate } = JSON.parse(Buffer.from(attested.dsseEnvelope.payload, 'base64').toString('utf8'))
  const flags = ['--type=slsaprovenance1', `--predicate=${fileOf(world, 'provenance.json', JSON.stringify(predicate))}`]
  const bundle = await signFile(world, 'cosign3', 'attest', file, { flags })
  const row = 'cosign3 attest-blob, provenance'
  expect(predicate).toMatchObject({ buildDefinition: {} })
  expect(await byBundle(row, file, bundle, identityFlags(world))).toBe('1 statements/type-unsupported')
  expect(await byFile(row, file, bundle, [...identityFlags(world), '--predicate-type', PROVENANCE])).toMatch(
    /^1 .*statements\/type-unsupported/,
  )
})
interface Envelope {
  readonly dsseEnvelope: { readonly payload: string }
}

const ALGORITHMS = [
  'ecdsa-sha2-384-nistp384',
  'ecdsa-sha2-512-nistp521',
  'rsa-sign-pkcs1-2048-sha256',
  'rsa-sign-pkcs1-4096-sha256',
]

test.each(ALGORITHMS)(
  'a certificate for a key of %s: the file is needed, its digest is not enough',
  async algorithm => {
    const bundle = await signFile(world, 'cosign3', 'sign', file, { flags: [`--signing-algorithm=${algorithm}`] })
    const flags = identityFlags(world)
    expect(await byFile(`cosign3 ${algorithm}`, file, bundle, flags)).toBe('0')
    expect(await byBundle(`cosign3 ${algorithm}`, file, bundle, flags)).toBe('0')
    expect(await byBundle(`cosign3 ${algorithm}, by digest`, sha256(CONTENT), bundle, flags)).toBe(
      '2 sigstore/artifact-needed',
    )
    expect(await byBundle(`cosign3 ${algorithm}, another file`, other, bundle, flags)).toBe(
      '1 sigstore/artifact-mismatch',
    )
  },
)

describe('witnesses', () => {
  test('a key alone, neither logged nor timestamped, proves nothing under a root that names logs', async () => {
    const bundle = `${fileOf(world, 'alone', '')}.sigstore.json`
    const args = [`--key=${key.privateFile}`, '--tlog-upload=false', '--new-bundle-format', `--bundle=${bundle}`, file]
    const { code, log } = await cosign(world, 'cosign2', ['sign-blob', '--yes', ...args])
    expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
    expect(await byBundle('a key without witnesses', file, bundle, keyFlags(key))).toBe('1 sigstore/log-missing')
  })

  test.each(['sign', 'attest'] as const)(
    'what cosign 3 %ss is timestamped only: a root without logs takes it',
    async signs => {
      const bundle = await signFile(world, 'cosign3', signs, file, attesting(signs, { rekor: 'none' }))
      const row = `cosign3 ${signs}-blob, timestamp only`
      const { tlogs: _, ...root } = JSON.parse(readFileSync(world.stack.trustedRootFile, 'utf8'))
      const unlogged = fileOf(world, 'root-without-logs.json', JSON.stringify(root))
      expect(await byFile(`${row}, root without logs`, file, bundle, identityFlags(world), unlogged)).toBe('0')
      expect(await byBundle(`${row}, root without logs`, file, bundle, identityFlags(world), unlogged)).toBe('0')
      expect(await byBundle(row, file, bundle, identityFlags(world))).toBe('1 sigstore/log-missing')
    },
  )

  test('what was logged elsewhere proves nothing', async () => {
    const bundle = await signFile(world, 'cosign3', 'sign', file, { rekor: 2 })
    const root = JSON.parse(readFileSync(world.stack.trustedRootFile, 'utf8')) as { tlogs: { baseUrl: string }[] }
    const tlogs = root.tlogs.filter(({ baseUrl }) => baseUrl !== world.stack.rekorV2.url)
    expect(tlogs).toHaveLength(root.tlogs.length - 1)
    const without = fileOf(world, 'root-without-v2.json', JSON.stringify({ ...root, tlogs }))
    expect(await byBundle('a log that the root does not know', file, bundle, identityFlags(world), without)).toBe(
      '1 sigstore/log-unknown',
    )
  })
})

test('the bundles that cosign wrote before Sigstore had a format are told from it', async () => {
  const { stack } = world
  const bundle = `${fileOf(world, 'early', '')}.bundle`
  const { code, log } = await cosign(world, 'cosign2', [
    ...['sign-blob', '--yes', `--fulcio-url=${stack.fulcio.url}`, `--rekor-url=${stack.rekorV1.url}`],
    `--trusted-root=${stack.trustedRootFile}`,
    ...[`--identity-token=${await stack.oidc.mint()}`, `--bundle=${bundle}`, file],
  ])
  expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
  expect(await byBundle('a bundle of no format', file, bundle, identityFlags(world))).toBe(
    '1 sigstore/bundle-malformed',
  )
})

function statementOf(digests: readonly Digest[]): string {
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: digests.map(digest => ({ name: 'app', digest: { sha256: hexOf(digest) } })),
    predicateType: SPDX,
    predicate: { spdxVersion: 'SPDX-2.3' },
  })
}
