import { jest } from '@jest/globals'
import { admission, admitted, DEPLOYER, deployLink, newImage, provenanceLink, rule, sign, vsa } from './deployed.ts'
import { ADMITTED, type KyvernoBench, openKyverno } from './kyverno.ts'
import { moveTag, type World } from './world.ts'

/** Policies for Kyverno judged by its own engine: which images of a pod are looked at, and what values may hold. */
jest.setTimeout(180_000)

let bench: KyvernoBench
let world: World
beforeAll(async () => {
  bench = await openKyverno('kyverno-pods')
  world = bench.world
})
afterAll(() => bench?.close())

const REFUSED = {
  provenance: /^fail: provenance does not hold for an image of /,
  deploy: /^fail: deploy-verified does not hold for an image of /,
  unnamed: /^fail: No rule of the policy admits an image of this pod\.$/,
  quarantined: /^fail: An image of this pod is in quarantine\.$/,
}

const both = (environment?: string) => admission([provenanceLink(world), deployLink(world, environment)])

describe('images of a pod', () => {
  test('named by a tag', async () => {
    const { repository, digest } = await admitted(world, 'referrers', 'kyverno-tagged')
    await moveTag('referrers', repository, 'v1', digest)
    expect(await bench.judged('by tag', both(), { containers: [`${repository}:v1`] })).toMatch(
      /^fail: image .*:v1 does not have a digest$/,
    )
  })

  test('of no rule, or of one that denies', async () => {
    const { image } = await admitted(world, 'referrers', 'kyverno-other')
    const other = 'docker.io/library/alpine@sha256:'.padEnd(96, '0')
    expect(await bench.judged('one of no rule', both(), { containers: [image, other] })).toMatch(REFUSED.unnamed)
    expect(await bench.judged('no reference', both(), { containers: [image, 'Not An Image'] })).toMatch(REFUSED.unnamed)
    const denied = { ...both(), rules: [...both().rules, rule('docker.io/library/**', [])] }
    const reason = /^fail: The policy denies docker\.io\/library\/\*\*\.$/
    for (const spelling of [other, other.replace('docker.io/library/', ''), other.replace('docker', 'index.docker')])
      expect(await bench.judged('denied', denied, { containers: [image, spelling] })).toMatch(reason)
    expect(
      await bench.judged('nothing admitted', { rules: [], quarantined: [], notes: [] }, { containers: [image] }),
    ).toMatch(REFUSED.unnamed)
  })

  test('13-adversary 33: in every place of a pod', async () => {
    const { image } = await admitted(world, 'referrers', 'kyverno-places')
    const { image: unsigned } = await newImage(world, 'referrers', 'kyverno-places-unsigned')
    for (const place of ['containers', 'initContainers', 'ephemeralContainers', 'volumes'] as const) {
      const images = { containers: [image], [place]: [image, unsigned] }
      expect(await bench.judged(`unsigned in ${place}`, both(), images)).toMatch(REFUSED.provenance)
    }
    const { image: second } = await admitted(world, 'distribution', 'kyverno-places-second')
    const rules = [
      rule(`${image.split('@')[0]}`, [provenanceLink(world)]),
      rule(`${second.split('@')[0]}`, [deployLink(world)]),
    ]
    const everywhere = [image, image, second, second]
    const images = { containers: everywhere, initContainers: everywhere, volumes: everywhere }
    expect(await bench.judged('two rules, images repeated', { rules, quarantined: [], notes: [] }, images)).toMatch(
      ADMITTED,
    )
  })
})

test.each([
  ['ends its literal', 'production" || true || "'],
  ['escapes the end', 'production\\" || true || \\"\\'],
  ['has lines', 'production\n|| true\r\u2028\u0085'],
  ['is beyond ASCII', '\u{1f680} pröduction \u0000'],
])('a value that %s is compared and nothing else', async (name, environment) => {
  const image = await newImage(world, 'referrers', `kyverno-${name.toLowerCase().replaceAll(' ', '-')}`)
  await sign(world, image, { claims: DEPLOYER, predicate: vsa(environment) })
  const of = (wanted: string) => admission([deployLink(world, wanted)])
  expect(await bench.judged(`value ${name}`, of(environment), { containers: [image.image] })).toMatch(ADMITTED)
  expect(await bench.judged(`value ${name}, other`, of(`${environment}x`), { containers: [image.image] })).toMatch(
    REFUSED.deploy,
  )
})
