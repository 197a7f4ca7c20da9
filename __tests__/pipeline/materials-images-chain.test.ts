import type { Digest } from '../../src/core/digest.ts'
import { certificate, ISSUER, provenance, SAN, signed } from '../policy/images.ts'
import { ANCHOR, type PairOptions, POLICY_URI, pairOf } from '../policy/source-world.ts'
import { SUMMARY } from '../statements/source-facts.ts'
import { buildFor, type Change, ImagesWorld, told } from './materials-images-world.ts'

const SIGNER = `sigstore: {identity: "${SAN}", issuer: "${ISSUER}"}`
const WAYBILL = `- {match: "ghcr.io/acme/**", waybill: {build: {${SIGNER}}, require: [signature, provenance, source-signed], source: {policy: "${POLICY_URI}", anchor: "${ANCHOR}", exceptions: deny}}}`
const FROM = 'FROM ghcr.io/acme/base:1'

let world: ImagesWorld
beforeEach(async () => {
  world = await ImagesWorld.open()
})
afterEach(() => world.close())

/** An image with the whole chain that a run of Waybill leaves: signature, provenance, summary and detail of its commit. */
function made(seed: string, { source = {}, tag = '1' }: { source?: PairOptions; tag?: string } = {}): Digest {
  const digest = world.image('acme/base', seed, { tag })
  const { summary, detail } = pairOf(source)
  world.attach('acme/base', digest, signed({ digest }), provenance({}, { digest }), summary, detail)
  return digest
}

const judge = async (rules = WAYBILL, change: Change = {}) => told(await world.judge(FROM, rules, change))

describe('a base image that Waybill made is judged by its whole chain', () => {
  test('and passes with all of it', async () => {
    made('one')
    expect(await judge()).toEqual(['ghcr.io/acme/base:1 passed signature'])
  })

  test('its signature alone is not enough', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    world.attach('acme/base', digest, signed({ digest }))
    expect(await judge()).toEqual(['ghcr.io/acme/base:1 rejected verify/no-attestation'])
  })

  test('nor is its provenance, without what was found out about the commit', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    world.attach('acme/base', digest, signed({ digest }), provenance({}, { digest }))
    const [line] = await judge()
    expect(line).toMatch(/^ghcr\.io\/acme\/base:1 rejected verify\/.*source/)
  })

  test.each<readonly [string, PairOptions]>([
    ['somebody else verified the commit', { signer: certificate({ san: 'mallory@example.com' }) }],
    [
      'the summary rests on another policy',
      { summary: { policy: { ...SUMMARY.policy, uri: 'git+https://github.com/mallory/x#p' } } },
    ],
  ])('nor when %s', async (_what, source) => {
    made('one', { source })
    const [line] = await judge()
    expect(line).toMatch(/^ghcr\.io\/acme\/base:1 rejected verify\//)
  })

  test('13-adversary 29: the rule’s own trust root is the one that is asked for', async () => {
    made('one')
    const asked: unknown[] = []
    const { gate } = await world.ports()
    const verifier: typeof gate.verifier = (expectation, kind) => {
      asked.push(expectation.trust)
      return gate.verifier(expectation, kind)
    }
    await judge(WAYBILL.replace('source: {', 'trust: github, source: {'), { ports: { gate: { ...gate, verifier } } })
    expect(asked).toEqual(['github'])
  })
})

test('four ways to trust stand beside each other in one policy', async () => {
  made('made')
  const three = world.image('acme/three', 'three', { tag: '1' })
  world.attach('acme/three', three, signed({ digest: three }))
  const two = world.image('acme/two', 'two', { tag: '1' })
  world.attachLegacy('acme/two', two, signed({ digest: two }))
  const locked = world.image('library/locked', 'locked', { tag: '1' })
  const rules = [
    `- {match: ["ghcr.io/acme/two", "ghcr.io/acme/three"], signers: [{${SIGNER}}]}`,
    WAYBILL,
    '- {match: "docker.io/library/**", digest-lock: true}',
    '- {match: "**", deny: true}',
  ]
  const text = ['acme/base', 'acme/three', 'acme/two'].map(name => `FROM ghcr.io/${name}:1 AS ${name.slice(5)}`)
  const all = [...text, `FROM locked:1@${locked}`, ...['base', 'three', 'two'].map(name => `COPY --from=${name} / /`)]
  expect(told(await world.judge(all.join('\n'), rules.join('\n')))).toEqual([
    'ghcr.io/acme/base:1 passed signature',
    'ghcr.io/acme/three:1 passed signature',
    'ghcr.io/acme/two:1 passed signature',
    'docker.io/library/locked:1 passed digest',
  ])
})

describe('five base images', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const text = [
    ...names.map(name => `FROM ghcr.io/acme/${name}:1 AS ${name}`),
    'FROM scratch',
    ...names.map(name => `COPY --from=${name} / /`),
  ].join('\n')
  const builds = [buildFor('linux/amd64'), buildFor('linux/arm64')]
  const rules = `- {match: "ghcr.io/acme/**", signers: [{${SIGNER}}]}`

  const fill = () => {
    for (const name of names) {
      const repository = `acme/${name}`
      const platforms = Object.fromEntries(
        ['linux/amd64', 'linux/arm64'].map(platform => [
          platform,
          world.image(repository, name + platform, { platform }),
        ]),
      )
      const index = world.index(repository, platforms, '1')
      world.attach(repository, index, signed({ digest: index }))
    }
  }

  test('13-adversary 43: cost nine requests each for two platforms, and none twice', async () => {
    fill()
    const result = await world.judge(text, rules, { builds })
    expect(told(result)).toEqual(names.map(name => `ghcr.io/acme/${name}:1 passed signature`))
    const asked = world.asked()
    expect(asked).toEqual([...new Set(asked)])
    // The tag; list, fallback tag, one manifest and one bundle of what is attached; of each platform manifest and config.
    expect(asked).toHaveLength(5 * 9)
  })

  test('are judged beside each other: every tag is asked for before the first config is', async () => {
    await world.close()
    world = await ImagesWorld.open({ latencyMs: 40 })
    fill()
    expect(told(await world.judge(text, rules, { builds }))).toHaveLength(5)
    const asked = world.asked()
    const tags = asked.map((line, at) => (line.endsWith('/manifests/1') ? at : -1)).filter(at => at >= 0)
    expect(tags).toHaveLength(5)
    expect(Math.max(...tags)).toBeLessThan(asked.findIndex(line => line.includes('/blobs/')))
  })

  test('that were pinned need the manifests and configs alone', async () => {
    fill()
    const store = (name: string) => world.registry.storage.open(`acme/${name}`).tags.get('1') as Digest
    const declared = new Map(names.map(name => [`ghcr.io/acme/${name}:1`, store(name)]))
    const lock = '- {match: "ghcr.io/acme/**", digest-lock: true}'
    await world.judge(text, lock, { builds, declared })
    expect(world.asked()).toHaveLength(5 * 5)
  })
})
