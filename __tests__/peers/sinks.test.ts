import { generateKeyPairSync } from 'node:crypto'
import { jest } from '@jest/globals'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import type { RunOptions } from '../fakes/runner.ts'
import type { Inputs } from '../fakes/scenario.ts'
import { Matrix } from './matrix.ts'
import { fileOf, signImage } from './signing.ts'
import {
  attest,
  CLAIMS,
  type Claim,
  type Cosign,
  cosign,
  expectedOf,
  layoutOf,
  openWorld,
  pinned,
  pushStranger,
  repositoryIn,
  type World,
} from './world.ts'

/** What Waybill writes beside its bundles, and what it signs with a key, judged by real cosign over real registries. */
jest.setTimeout(180_000)

const matrix = new Matrix('sinks')
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

const PLATFORMS = ['linux/amd64', 'linux/arm64']

async function attested(registry: RegistryName, name: string, inputs: Inputs = {}, run: RunOptions = {}) {
  const repository = repositoryIn(world, registry, name)
  const layout = layoutOf(world, `${registry}-${name}`, PLATFORMS)
  const result = await attest(world, { images: repository, tags: 'v1', layout, ...inputs }, run)
  expect([result.code, result.result.error]).toEqual([0, undefined])
  const digests = [result.outputs.digest, ...(result.result.image?.platforms ?? []).map(({ digest }) => digest)]
  return { repository, result, images: digests.map(digest => pinned(repository, digest)) }
}

/** cosign told nothing but whom to expect: of version 2 that means the tags, of version 3 the bundles. */
async function verdict(version: Cosign, claim: Claim, image: string, who: readonly string[]): Promise<string> {
  const { code, log } = await cosign(world, version, [
    ...(claim === 'signature' ? ['verify'] : ['verify-attestation', '--type=slsaprovenance1']),
    `--trusted-root=${world.stack.trustedRootFile}`,
    ...who,
    image,
  ])
  return code === 0 ? '0' : `${code} ${log}`
}

const byIdentity = (identity: string, issuer: string) => [
  `--certificate-identity=${identity}`,
  `--certificate-oidc-issuer=${issuer}`,
]

async function judged(row: string, version: Cosign, image: string, who: readonly string[]): Promise<readonly string[]> {
  const all: string[] = []
  for (const claim of CLAIMS) {
    const said = await verdict(version, claim, image, who)
    matrix.record(`${row}, ${claim}`, { [version]: Number(said.split(' ')[0]) })
    all.push(said)
  }
  return all
}

describe.each(REGISTRIES)('registry %s', registry => {
  test('cosign 2 accepts the tags of the image and of each platform, and no other signer', async () => {
    const { images } = await attested(registry, 'legacy', { 'legacy-signatures': 'true' })
    const { identity, issuer } = expectedOf(world)
    expect(images).toHaveLength(3)
    for (const image of images) {
      const row = `${registry} × tags for cosign 2`
      expect(await judged(row, 'cosign2', image, byIdentity(identity, issuer))).toEqual(['0', '0'])
      const other = byIdentity(identity.replace('/main', '/dev'), issuer)
      const refused = await judged(`${row}, another identity`, 'cosign2', image, other)
      expect(refused.filter(said => said === '0')).toEqual([])
    }
  })

  test('what cosign 2 signed before stays, and it signs after us', async () => {
    const { repository, images } = await attested(registry, 'both', { 'legacy-signatures': 'true' })
    const [image = ''] = images
    const { identity, issuer } = expectedOf(world)
    await signImage(world, 'cosign2', 'sign', image, {})
    expect(
      await judged(`${registry} × cosign 2 signs after us`, 'cosign2', image, byIdentity(identity, issuer)),
    ).toEqual(['0', '0'])
    const stranger = pinned(repository, await pushStranger(world, registry, repository, 'first'))
    await signImage(world, 'cosign2', 'sign', stranger, {})
    const digest = stranger.split('@')[1]
    const run = await attest(world, { images: repository, digest, 'legacy-signatures': 'true' })
    expect([run.code, run.result.error]).toEqual([0, undefined])
    expect(
      await judged(`${registry} × we sign after cosign 2`, 'cosign2', stranger, byIdentity(identity, issuer)),
    ).toEqual(['0', '0'])
  })

  test.each([
    ['ECDSA P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['RSA 2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ] as const)(
    'an image signed with a key (%s) is accepted by cosign 3, and its tags by cosign 2',
    async (kind, make) => {
      const env = { KEY: make().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() }
      const inputs = { key: 'env:KEY', 'legacy-signatures': 'true' }
      const name = `key-${kind.toLowerCase().replaceAll(' ', '-')}`
      const { images, result } = await attested(registry, name, inputs, { env })
      const who = [`--key=${result.result.signingKey?.file}`]
      const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' })
      const wrong = [`--key=${fileOf(world, 'other.pub', other.toString())}`]
      for (const image of images) {
        for (const version of ['cosign3', 'cosign2'] as const) {
          expect([version, await judged(`${registry} × ${kind}`, version, image, who)]).toEqual([version, ['0', '0']])
          const refused = await judged(`${registry} × ${kind}, another key`, version, image, wrong)
          expect(refused.filter(said => said === '0')).toEqual([])
        }
      }
    },
  )
})
