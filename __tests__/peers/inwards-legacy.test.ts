import { jest } from '@jest/globals'
import type { Digest } from '../../src/core/digest.ts'
import { fetchLegacy, type LegacySignature, legacyTag } from '../../src/registry/legacy.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import { identityFlags, judgedBy, keyFlags, wrongIdentities } from './judged.ts'
import { withKeyedWorld } from './keyed-world.ts'
import { fileOf, type KeyFiles, type Signing, type Signs, signImage } from './signing.ts'
import { clientFor, pinned, pushStranger, repositoryIn, type World } from './world.ts'

/** What cosign 2 writes beside an image as `.sig` and `.att`, with real Sigstore services, judged by `waybill verify image`. */
jest.setTimeout(180_000)

let world: World
let key: KeyFiles
let strangersKey: KeyFiles
const matrix = withKeyedWorld('inwards-legacy', made => {
  ;({ world, key, strangersKey } = made)
})

/** What cosign calls a predicate that it knows nothing about. */
const CUSTOM = 'https://cosign.sigstore.dev/attestation/v1'
const OTHER_TYPE = 'https://example.com/other/v1'

const judged = (row: string, image: string, flags: readonly string[]) =>
  judgedBy(world, matrix, row, ['verify', 'image', image, ...flags])

interface Image {
  readonly repository: string
  readonly digest: Digest
  readonly image: string
}

async function newImage(registry: RegistryName, name: string): Promise<Image> {
  const repository = repositoryIn(world, registry, name)
  const digest = await pushStranger(world, registry, repository)
  return { repository, digest, image: pinned(repository, digest) }
}

/** A new image with what cosign 2 wrote beside it. */
async function signedImage(registry: RegistryName, name: string, signs: Signs, signing: Signing = {}): Promise<Image> {
  const made = await newImage(registry, name)
  await signImage(world, 'cosign2', signs, made.image, signs === 'sign' ? signing : attesting(signing))
  return made
}

/** An attestation of cosign's own type, unless the flags say more. */
function attesting({ flags = [], ...signing }: Signing): Signing {
  return { ...signing, flags: [`--predicate=${fileOf(world, 'predicate.json', '{"a":1}')}`, ...flags] }
}

/** What an attacker with write access does: the signature of one image under the tag of another. */
async function moveSignature(
  registry: RegistryName,
  repository: string,
  form: LegacySignature['form'],
  from: Digest,
  to: Digest,
): Promise<void> {
  const { client, close } = clientFor(registry)
  try {
    const place = parseReference(repository)
    const found = await client.getRaw(place, legacyTag(from, form))
    if (found === undefined) throw new Error('the image was signed')
    await client.putManifest(place, legacyTag(to, form), found.mediaType, found.bytes)
  } finally {
    close()
  }
}

describe.each(REGISTRIES)('registry %s', registry => {
  test.each(['sign', 'attest'] as const)('what cosign 2 %ss with a certificate counts for that signer', async signs => {
    const { image, repository, digest } = await signedImage(registry, `certificate-${signs}`, signs)
    const row = `${registry} × ${signs} with a certificate`
    const wrong = wrongIdentities(world)
    expect(await judged(row, image, identityFlags(world))).toBe('0')
    expect(await judged(`${row}, another identity`, image, wrong.identity)).toBe('1 verify/identity-mismatch')
    expect(await judged(`${row}, another issuer`, image, wrong.issuer)).toBe('1 verify/issuer-mismatch')
    expect(await judged(`${row}, a key`, image, keyFlags(key))).toBe('1 verify/key-mismatch')
    const stranger = await pushStranger(world, registry, repository, 'another')
    await moveSignature(registry, repository, signs === 'sign' ? 'signature' : 'attestation', digest, stranger)
    const moved = pinned(repository, stranger)
    expect(await judged(`${row}, another digest`, moved, identityFlags(world))).toBe('1 verify/no-attestation')
  })

  test.each(['sign', 'attest'] as const)('what cosign 2 %ss with a key counts for that key', async signs => {
    const { image } = await signedImage(registry, `key-${signs}`, signs, { key })
    const row = `${registry} × ${signs} with a key`
    const otherKey = '1 verify/no-attestation verify/bundles-ignored sigstore/key-unknown'
    expect(await judged(row, image, keyFlags(key))).toBe('0')
    expect(await judged(`${row}, another key`, image, keyFlags(strangersKey))).toBe(otherKey)
    expect(await judged(`${row}, an identity`, image, identityFlags(world))).toBe(otherKey)
  })
})

test('only the type that was asked for counts', async () => {
  const { image } = await signedImage('referrers', 'types', 'attest')
  const type = (uri: string) => [...identityFlags(world), '--predicate-type', uri]
  expect(await judged('attest, its type', image, type(CUSTOM))).toBe('0')
  expect(await judged('attest, another type', image, type(OTHER_TYPE))).toBe('1 verify/no-attestation')
  const { image: signed } = await signedImage('referrers', 'typeless', 'sign')
  expect(await judged('sign, a type', signed, type(CUSTOM))).toBe('1 verify/no-attestation')
})

/** Kind and version of the log entry of an attestation, as its body says. */
async function loggedAs(repository: string, digest: Digest): Promise<string> {
  const { client, close } = clientFor('crane')
  try {
    const { legacy } = await fetchLegacy(client, parseReference(repository), digest)
    const { Payload } = JSON.parse(legacy[0]?.annotations['dev.sigstore.cosign/bundle'] ?? '')
    const { kind, apiVersion } = JSON.parse(Buffer.from(Payload.body, 'base64').toString('utf8'))
    return `${kind} ${apiVersion}`
  } finally {
    close()
  }
}

test.each(['dsse', 'intoto'])('an attestation that Rekor v1 logs as %s is accepted', async kind => {
  const flags = [`--rekor-entry-type=${kind}`]
  const { image, repository, digest } = await signedImage('crane', `logged-${kind}`, 'attest', { flags })
  expect(await loggedAs(repository, digest)).toBe(`${kind} 0.0.1`)
  expect(await judged(`attest, logged as ${kind}`, image, identityFlags(world))).toBe('0')
  expect(await judged(`attest, logged as ${kind}, another identity`, image, wrongIdentities(world).identity)).toBe(
    '1 verify/identity-mismatch',
  )
})
