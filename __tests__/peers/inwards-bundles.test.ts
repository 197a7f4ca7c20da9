import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
import { type Attested, attachAttested, attestedBundle, PROVENANCE } from './attested.ts'
import { identityFlags, judgedBy, keyFlags, wrongIdentities } from './judged.ts'
import { withKeyedWorld } from './keyed-world.ts'
import { fileOf, type KeyFiles, signFile, signImage } from './signing.ts'
import { pinned, pushStranger, repositoryIn, type World } from './world.ts'

/** Bundles beside images that others than Waybill and a plain `cosign sign` wrote, judged by `waybill verify image`. */
jest.setTimeout(180_000)

let world: World
let key: KeyFiles
let strangersKey: KeyFiles
const matrix = withKeyedWorld('inwards-bundles', made => {
  ;({ world, key, strangersKey } = made)
})

const CUSTOM = 'https://cosign.sigstore.dev/attestation/v1'
const SPDX = 'https://spdx.dev/Document'

const judged = (row: string, image: string, flags: readonly string[], root?: string) =>
  judgedBy(world, matrix, row, ['verify', 'image', image, ...flags], root)
const type = (uri: string): readonly string[] => [...identityFlags(world), '--predicate-type', uri]
const provenance = (): readonly string[] => [...identityFlags(world), '--require', 'signature,provenance']

async function newImage(registry: RegistryName, name: string, content = 'image') {
  const repository = repositoryIn(world, registry, name)
  const digest = await pushStranger(world, registry, repository, content)
  return { repository, digest, image: pinned(repository, digest) }
}

const predicate = () => `--predicate=${fileOf(world, 'predicate.json', '{"a":1}')}`

describe('cosign 3 with a key', () => {
  test.each(REGISTRIES)('in the registry %s counts for that key', async registry => {
    const { image } = await newImage(registry, 'keyed')
    await signImage(world, 'cosign3', 'sign', image, { key })
    const row = `${registry} × cosign 3 sign with a key`
    expect(await judged(row, image, keyFlags(key))).toBe('0')
    expect(await judged(`${row}, another key`, image, keyFlags(strangersKey))).toMatch(/^1 .*sigstore\/key-unknown/)
    expect(await judged(`${row}, an identity`, image, identityFlags(world))).toMatch(/^1 .*sigstore\/key-unknown/)
  })

  test.each([1, 2] as const)('and an attestation, logged in Rekor v%d', async rekor => {
    const { image } = await newImage('referrers', `keyed-attest-${rekor}`)
    await signImage(world, 'cosign3', 'attest', image, { key, rekor, flags: [predicate()] })
    const row = `cosign 3 attest with a key × Rekor v${rekor}`
    expect(await judged(row, image, [...keyFlags(key), '--predicate-type', CUSTOM])).toBe('0')
    expect(await judged(`${row}, another type`, image, [...keyFlags(key), '--predicate-type', SPDX])).toBe(
      '1 verify/no-attestation',
    )
    expect(await judged(`${row}, another key`, image, keyFlags(strangersKey))).toMatch(/^1 .*sigstore\/key-unknown/)
  })
})

describe('cosign 2 told to write bundles', () => {
  test.each(['sign', 'attest'] as const)('%ss with a certificate and with a key', async signs => {
    const flags = ['--new-bundle-format', ...(signs === 'attest' ? [predicate()] : [])]
    const { image } = await newImage('referrers', `bundled-${signs}`)
    await signImage(world, 'cosign2', signs, image, { flags })
    const row = `cosign 2 ${signs}, as a bundle`
    expect(await judged(row, image, identityFlags(world))).toBe('0')
    expect(await judged(`${row}, another identity`, image, wrongIdentities(world).identity)).toBe(
      '1 verify/identity-mismatch',
    )
    const keyed = await newImage('crane', `bundled-keyed-${signs}`)
    await signImage(world, 'cosign2', signs, keyed.image, { flags, key })
    expect(await judged(`${row}, with a key`, keyed.image, keyFlags(key))).toBe('0')
    expect(await judged(`${row}, with another key`, keyed.image, keyFlags(strangersKey))).toMatch(
      /^1 .*sigstore\/key-unknown/,
    )
  })
})

test.each([
  ['cosign3', 1],
  ['cosign3', 2],
] as const)('only who and what was expected counts of what %s attests, with Rekor v%d', async (version, rekor) => {
  const { image } = await newImage('distribution', `attested-${rekor}`)
  await signImage(world, version, 'attest', image, { rekor, flags: [predicate()] })
  const row = `${version} attest × Rekor v${rekor}`
  const wrong = wrongIdentities(world)
  expect(await judged(row, image, type(CUSTOM))).toBe('0')
  expect(await judged(`${row}, another type`, image, type(SPDX))).toBe('1 verify/no-attestation')
  expect(await judged(`${row}, provenance`, image, provenance())).toBe('1 verify/no-attestation')
  expect(await judged(`${row}, another identity`, image, wrong.identity)).toBe('1 verify/identity-mismatch')
  expect(await judged(`${row}, another issuer`, image, wrong.issuer)).toBe('1 verify/issuer-mismatch')
})

describe('as actions/attest writes it', () => {
  async function attestedImage(registry: RegistryName, name: string, attested: Partial<Attested> = {}, older = false) {
    const made = await newImage(registry, name)
    const subjects = [{ name: made.repository, digest: made.digest }]
    const bundle = await attestedBundle(world, { subjects, ...attested })
    await attachAttested(registry, made.repository, made.digest, bundle, older)
    return { ...made, bundle }
  }

  test.each(REGISTRIES)('in the registry %s, provenance counts for its signer and image', async registry => {
    const { image, repository, bundle } = await attestedImage(registry, 'attest')
    const row = `${registry} × actions/attest`
    const { identity, issuer } = wrongIdentities(world)
    expect(await judged(row, image, provenance())).toBe('0')
    expect(await judged(`${row}, another identity`, image, [...identity, '--require', 'provenance'])).toBe(
      '1 verify/identity-mismatch',
    )
    expect(await judged(`${row}, another issuer`, image, [...issuer, '--require', 'provenance'])).toBe(
      '1 verify/issuer-mismatch',
    )
    const stranger = await pushStranger(world, registry, repository, 'another')
    await attachAttested(registry, repository, stranger, bundle)
    expect(await judged(`${row}, another digest`, pinned(repository, stranger), provenance())).toBe(
      '1 verify/no-attestation',
    )
  })

  test.each(['crane', 'debian'] as const)(
    'in the registry %s, where the manifest may not name the image',
    async registry => {
      const { image, repository, bundle } = await attestedImage(registry, 'older', {}, true)
      expect(await judged(`${registry} × actions/attest, no subject`, image, provenance())).toBe('0')
      const stranger = await pushStranger(world, registry, repository, 'another')
      await attachAttested(registry, repository, stranger, bundle, true)
      expect(
        await judged(
          `${registry} × actions/attest, no subject, another digest`,
          pinned(repository, stranger),
          provenance(),
        ),
      ).toBe('1 verify/no-attestation')
    },
  )

  test('an SBOM by the right signer is no provenance', async () => {
    const sbom = { type: SPDX, params: { spdxVersion: 'SPDX-2.3' } }
    const { image } = await attestedImage('referrers', 'sbom', { predicate: sbom })
    expect(await judged('actions/attest SBOM, its type', image, type(SPDX))).toBe('0')
    expect(await judged('actions/attest SBOM, provenance', image, provenance())).toBe('1 verify/no-attestation')
    expect(await judged('actions/attest SBOM, type of provenance', image, type(PROVENANCE))).toBe(
      '1 verify/no-attestation',
    )
  })

  test('13-adversary 28: provenance that says something else than its certificate is refused', async () => {
    const claims: ClaimOverrides = { ref: 'refs/heads/dev' }
    const made = await newImage('referrers', 'lying')
    const subjects = [{ name: made.repository, digest: made.digest }]
    const honest = await attestedBundle(world, { subjects, claims })
    const { dsseEnvelope } = JSON.parse(honest.toString('utf8')) as { dsseEnvelope: { payload: string } }
    const { predicate: params } = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8'))
    const lying = await attestedBundle(world, { subjects, predicate: { type: PROVENANCE, params } })
    await attachAttested('referrers', made.repository, made.digest, lying)
    expect(await judged('actions/attest, claims of another run', made.image, provenance())).toMatch(
      /^1 verify\/claims-mismatch/,
    )
  })

  test('one statement counts for each of its subjects, and for nothing else', async () => {
    const images = await Promise.all(['one', 'two', 'three'].map(name => newImage('referrers', 'many', name)))
    const [one, two, three] = images
    if (one === undefined || two === undefined || three === undefined) throw new Error('three images were made')
    // The name of a subject is its signer's choice: the third image's does not make it one.
    const other = { name: three.image, digest: sha256('something else') }
    const subjects = [...[one, two].map(({ repository, digest }) => ({ name: repository, digest })), other]
    const bundle = await attestedBundle(world, { subjects })
    for (const { repository, digest } of images) await attachAttested('referrers', repository, digest, bundle)
    expect(await judged('actions/attest, first of many subjects', one.image, provenance())).toBe('0')
    expect(await judged('actions/attest, second of many subjects', two.image, provenance())).toBe('0')
    expect(await judged('actions/attest, none of many subjects', three.image, provenance())).toBe(
      '1 verify/no-attestation',
    )
  })

  test('timestamped only, as by GitHub’s own instance, it counts under a root that has no log', async () => {
    const { image } = await attestedImage('referrers', 'timestamped', { logged: false })
    const root = rootWithoutLogs()
    expect(await judged('actions/attest, timestamp only, root without logs', image, provenance(), root)).toBe('0')
    expect(
      await judged('actions/attest, timestamp only, another identity', image, wrongIdentities(world).identity, root),
    ).toBe('1 verify/identity-mismatch')
    expect(await judged('actions/attest, timestamp only, root with logs', image, provenance())).toMatch(
      /^1 .*sigstore\/log-missing/,
    )
  })
})

test('several subjects that cosign 3 attests together count each for itself', async () => {
  const images = await Promise.all(['one', 'two', 'three'].map(name => newImage('crane', 'together', name)))
  const [one, two, three] = images
  if (one === undefined || two === undefined || three === undefined) throw new Error('three images were made')
  const statement = fileOf(world, 'statement.json', statementOf([one.digest, two.digest]))
  // Beside an image it writes statements with one subject only; beside a file it signs what it is given.
  const bundle = readFileSync(await signFile(world, 'cosign3', 'attest', '', { flags: [`--statement=${statement}`] }))
  for (const { repository, digest } of images) await attachAttested('crane', repository, digest, bundle)
  expect(await judged('cosign 3, first of 2 subjects', one.image, type(SPDX))).toBe('0')
  expect(await judged('cosign 3, second of 2 subjects', two.image, type(SPDX))).toBe('0')
  expect(await judged('cosign 3, none of 2 subjects', three.image, type(SPDX))).toBe('1 verify/no-attestation')
})

function statementOf(digests: readonly Digest[]): string {
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: digests.map(digest => ({ name: 'app', digest: { sha256: hexOf(digest) } })),
    predicateType: SPDX,
    predicate: { spdxVersion: 'SPDX-2.3' },
  })
}

/** The same authorities and certificate log, no log of signatures. */
function rootWithoutLogs(): string {
  const { tlogs: _, ...root } = JSON.parse(readFileSync(world.stack.trustedRootFile, 'utf8'))
  return fileOf(world, 'root-without-logs.json', JSON.stringify(root))
}
