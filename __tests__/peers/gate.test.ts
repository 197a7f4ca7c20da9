import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { Receipt } from '../../src/report/receipt.ts'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import { attachAttested, attestedBundle } from './attested.ts'
import { identityFlags, wrongIdentities } from './judged.ts'
import { Matrix } from './matrix.ts'
import { fileOf, signImage } from './signing.ts'
import {
  attest,
  cosign,
  expectedOf,
  layoutOf,
  openWorld,
  pinned,
  pushStranger,
  repositoryIn,
  type World,
  waybill,
} from './world.ts'

/** Many subjects in one run, each signed by another program into another registry: images, manifests, compose files; kept and replayed. */
jest.setTimeout(180_000)

const matrix = new Matrix('gate')
let world: World
let signed: readonly Signed[]
let unsigned: string
beforeAll(async () => {
  world = await openWorld()
  signed = await Promise.all(REGISTRIES.map(registry => SIGNERS[registry](registry)))
  const repository = repositoryIn(world, 'crane', 'unsigned')
  unsigned = pinned(repository, await pushStranger(world, 'crane', repository))
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

interface Signed {
  readonly image: string
  readonly by: string
}

/** One way to sign for each registry. */
const SIGNERS: Readonly<Record<RegistryName, (registry: RegistryName) => Promise<Signed>>> = {
  crane: registry => byCosign(registry, 'cosign2'),
  referrers: async registry => {
    const { repository, digest, image } = await newImage(registry)
    const bundle = await attestedBundle(world, { subjects: [{ name: repository, digest }] })
    await attachAttested(registry, repository, digest, bundle)
    return { image, by: 'actions/attest' }
  },
  distribution: registry => byCosign(registry, 'cosign3'),
  debian: registry => byWaybill(registry, 'gate'),
}

async function newImage(registry: RegistryName) {
  const repository = repositoryIn(world, registry, 'gate')
  const digest = await pushStranger(world, registry, repository, registry)
  return { repository, digest, image: pinned(repository, digest) }
}

async function byCosign(registry: RegistryName, version: 'cosign2' | 'cosign3'): Promise<Signed> {
  const { image } = await newImage(registry)
  await signImage(world, version, 'sign', image)
  return { image, by: version }
}

async function byWaybill(registry: RegistryName, name: string): Promise<Signed> {
  const repository = repositoryIn(world, registry, name)
  const inputs = { images: repository, builder: 'layout', layout: layoutOf(world, `${registry}-${name}`) }
  const { code, log, outputs } = await attest(world, inputs)
  expect(`${code} ${code === 0 ? '' : log}`).toBe('0 ')
  return { image: pinned(repository, outputs.digest), by: 'waybill' }
}

/** Exit code and each subject's verdict. */
async function judged(row: string, words: readonly string[], flags: readonly string[] = root()) {
  const { code, stdout } = await waybill(world, ['verify', ...words, '--json', ...flags])
  matrix.record(row, { waybill: code })
  const { subjects } = JSON.parse(stdout) as Receipt
  return { code, verdicts: Object.fromEntries(subjects.map(({ name, verdict }) => [name, verdict])) }
}

const root = (): readonly string[] => [...identityFlags(world), '--trusted-root', world.stack.trustedRootFile]
const every = (verdict: string, images: readonly string[]) => Object.fromEntries(images.map(image => [image, verdict]))
const images = () => signed.map(({ image }) => image)

test('images that four programs signed in four registries are accepted in one run', async () => {
  expect(signed.map(({ by }) => by)).toEqual(['cosign2', 'actions/attest', 'cosign3', 'waybill'])
  const { code, verdicts } = await judged('four images', ['image', ...images()])
  expect([code, verdicts]).toEqual([0, every('passed', images())])
})

test('one that nobody signed is rejected, and spoils none of the others', async () => {
  const { code, verdicts } = await judged('four images and one unsigned', ['image', ...images(), unsigned])
  expect([code, verdicts]).toEqual([1, { ...every('passed', images()), [unsigned]: 'rejected' }])
})

test('under another identity every one is rejected', async () => {
  const flags = [...wrongIdentities(world).identity, '--trusted-root', world.stack.trustedRootFile]
  const { code, verdicts } = await judged('four images, another identity', ['image', ...images()], flags)
  expect([code, verdicts]).toEqual([1, every('rejected', images())])
})

test('several images of the action are accepted by both cosigns in one call, and refused with a stranger among them', async () => {
  const registries = ['referrers', 'distribution'] as const
  const made = await Promise.all(registries.map(registry => byWaybill(registry, 'several')))
  const several = made.map(({ image }) => image)
  const { identity, issuer } = expectedOf(world)
  const common = [`--certificate-identity=${identity}`, `--certificate-oidc-issuer=${issuer}`]
  for (const version of ['cosign3', 'cosign2'] as const) {
    const older = version === 'cosign2' ? ['--new-bundle-format', '--use-signed-timestamps'] : []
    const args = ['verify', ...common, `--trusted-root=${world.stack.trustedRootFile}`, ...older, ...several]
    const accepted = await cosign(world, version, args)
    const refused = await cosign(world, version, [...args, unsigned])
    matrix.record(`several images of the action`, { [version]: accepted.code })
    matrix.record(`several images of the action and one unsigned`, { [version]: refused.code })
    expect([version, accepted.code, refused.code === 0]).toEqual([version, 0, false])
  }
  expect((await judged('several images of the action', ['image', ...several])).code).toBe(0)
})

test('what was kept is judged the same again, with no server, the signatures of cosign 2 included', async () => {
  const kept = join(world.stack.folder, 'kept')
  expect((await judged('kept', ['image', ...images(), unsigned, '--out', kept])).code).toBe(1)
  const again = await judged('replayed', ['image', ...images(), '--replay', kept])
  expect([again.code, again.verdicts]).toEqual([0, every('passed', images())])
  const flags = [...wrongIdentities(world).identity, '--trusted-root', world.stack.trustedRootFile]
  const other = await judged('replayed, another identity', ['image', ...images(), '--replay', kept], flags)
  expect([other.code, other.verdicts]).toEqual([1, every('rejected', images())])
})

describe('manifests and compose files', () => {
  const manifest = (all: readonly string[]) =>
    all
      .map(
        (image, at) =>
          `apiVersion: v1\nkind: Pod\nmetadata: { name: p${at} }\nspec:\n  containers:\n    - { name: c, image: "${image}" }\n`,
      )
      .join('---\n')
  const compose = (all: readonly string[]) =>
    `services:\n${all.map((image, at) => `  s${at}:\n    image: ${image}\n`).join('')}`

  test.each([
    ['manifest', 'pods.yaml', manifest],
    ['compose', 'compose.yaml', compose],
  ] as const)('%s: every image must pass', async (kind, name, write) => {
    const good = fileOf(world, name, write(images()))
    // What manifests name may not lie at an address inside, unless the host is named.
    const hosts = REGISTRIES.flatMap(registry => ['--insecure-registry', world.stack.registries[registry].host])
    const flags = [...root(), ...hosts]
    expect((await judged(`${kind}, four images`, [kind, good], flags)).code).toBe(0)
    const bad = fileOf(world, `bad-${name}`, write([...images(), unsigned]))
    const { code, verdicts } = await judged(`${kind}, four images and one unsigned`, [kind, bad], flags)
    expect([code, verdicts[unsigned]]).toEqual([1, 'rejected'])
    expect(readFileSync(bad, 'utf8')).toBe(write([...images(), unsigned]))
  })
})
