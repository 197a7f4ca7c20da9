import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { certificate, ISSUER, SAN, signed } from '../policy/images.ts'
import { putBlob, putBundle, putManifest } from '../registry/evidence-world.ts'
import { buildFor, ImagesWorld, policyWith, told } from './materials-images-world.ts'

const SIGNER = `signers: [{sigstore: {identity: "${SAN}", issuer: "${ISSUER}"}}]`
const RULES = `- {match: "ghcr.io/acme/**", ${SIGNER}}`
const LOCK = '- {match: "ghcr.io/acme/**", digest-lock: true}'
const FROM = 'FROM ghcr.io/acme/base:1'
const AMD64 = buildFor('linux/amd64')
const ARM64 = buildFor('linux/arm64')

let world: ImagesWorld
beforeEach(async () => {
  world = await ImagesWorld.open()
})
afterEach(() => world.close())

const part = (seed: string, platform = 'linux/amd64') => world.image('acme/base', seed, { platform })
const sign = (...digests: readonly Digest[]) => {
  for (const digest of digests) world.attach('acme/base', digest, signed({ digest }))
}
const passed = ['ghcr.io/acme/base:1 passed signature']
const rejected = (code: string) => [`ghcr.io/acme/base:1 rejected ${code}`]

describe('13-adversary 21: an index', () => {
  test('is proved by its own signature, for every platform that it lists', async () => {
    const index = world.index('acme/base', { 'linux/amd64': part('a'), 'linux/arm64': part('b', 'linux/arm64') }, '1')
    sign(index)
    const result = await world.judge(FROM, RULES, { builds: [AMD64, ARM64] })
    expect(told(result)).toEqual(passed)
    expect(result.images[0]?.allowed?.digest).toBe(index)
  })

  test('is not proved by a genuine child beside the one that is built', async () => {
    const genuine = part('genuine', 'linux/arm64')
    sign(genuine)
    world.index('acme/base', { 'linux/amd64': part('evil'), 'linux/arm64': genuine }, '1')
    expect(told(await world.judge(FROM, RULES))).toEqual(rejected('verify/no-attestation'))
    expect(told(await world.judge(FROM, RULES, { builds: [AMD64, ARM64] }))).toEqual(
      rejected('verify/platform-unproven'),
    )
  })

  test('passes by the one child that is built, which is then all that may enter', async () => {
    const genuine = part('genuine', 'linux/arm64')
    sign(genuine)
    world.index('acme/base', { 'linux/amd64': part('evil'), 'linux/arm64': genuine }, '1')
    const { images } = await world.judge(FROM, RULES, { builds: [ARM64] })
    expect(images[0]).toMatchObject({ judged: { verdict: 'passed' }, allowed: { digest: genuine } })
    expect(images[0]?.judged.digest).toEqual({ sha256: hexOf(genuine) })
  })

  test('keeps its own digest where somebody wrote that down', async () => {
    const genuine = part('genuine')
    sign(genuine)
    const index = world.index('acme/base', { 'linux/amd64': genuine })
    const { images } = await world.judge(`${FROM}@${index}`, RULES)
    expect(images[0]).toMatchObject({ judged: { verdict: 'passed' }, allowed: { digest: index } })
  })

  test('passes by every child of it, where the builder is let have all of it', async () => {
    const [amd64, arm64] = [part('a'), part('b', 'linux/arm64')]
    sign(amd64, arm64)
    const windows = part('unsigned', 'windows/amd64')
    const platforms = { 'linux/amd64': amd64, 'linux/arm64': arm64, 'windows/amd64': windows }
    const index = world.index('acme/base', platforms, '1')
    const { images } = await world.judge(FROM, RULES, { builds: [AMD64, ARM64] })
    expect(images[0]).toMatchObject({ judged: { verdict: 'passed' }, allowed: { digest: index } })
  })

  // Spellings of what is built that are another platform to a simpler reader, and platforms of a builder elsewhere.
  test.each(['linux/arm64/v8.0', '/amd64', 'Linux/x86_64', 'linux/arm/v7', 'linux/s390x'])(
    'with an unproved manifest of %s is not let in whole',
    async platform => {
      const [amd64, arm64] = [part('a'), part('b', 'linux/arm64')]
      sign(amd64, arm64)
      const platforms = { [platform]: part('evil', platform), 'linux/amd64': amd64, 'linux/arm64': arm64 }
      const index = world.index('acme/base', platforms, '1')
      expect(told(await world.judge(FROM, RULES, { builds: [AMD64, ARM64] }))).toEqual(
        rejected('verify/platform-unproven'),
      )
      expect(told(await world.judge(`${FROM}@${index}`, RULES))).toEqual(rejected('verify/platform-unproven'))
      const alone = await world.judge(FROM, RULES, { builds: [ARM64] })
      expect(alone.images[0]?.allowed?.digest).toBe(arm64)
    },
  )

  test('with two manifests of one platform needs both proved: a builder may take either', async () => {
    const genuine = part('genuine')
    sign(genuine)
    const evil = world.entry('acme/base', part('evil'), 'linux/amd64')
    world.index('acme/base', { 'linux/amd64': genuine }, '1', [evil])
    expect(told(await world.judge(FROM, RULES))).toEqual(rejected('verify/platform-unproven'))
  })

  test('with a manifest of no platform needs that proved, too', async () => {
    const genuine = part('genuine')
    sign(genuine)
    const { platform: _, ...unnamed } = world.entry('acme/base', part('evil'), 'linux/amd64') as { platform: object }
    world.index('acme/base', { 'linux/amd64': genuine }, '1', [unnamed])
    expect(told(await world.judge(FROM, RULES))).toEqual(rejected('verify/platform-unproven'))
  })

  test('without the platform that is built is rejected, with those that it has', async () => {
    sign(world.index('acme/base', { 'linux/arm64': part('a', 'linux/arm64') }, '1'))
    const result = await world.judge(FROM, RULES)
    expect(told(result)).toEqual(rejected('materials/platform-missing'))
    expect(result.images[0]?.judged.findings[0]).toMatchObject({ expected: 'linux/amd64', found: 'linux/arm64' })
  })

  test('of a smaller variant is what a builder would take', async () => {
    const v6 = part('a', 'linux/arm/v6')
    sign(v6)
    world.index('acme/base', { 'linux/arm/v5': part('evil', 'linux/arm/v5'), 'linux/arm/v6': v6 }, '1')
    const { images } = await world.judge(FROM, RULES, { builds: [buildFor('linux/arm/v7')] })
    expect(images[0]?.allowed?.digest).toBe(v6)
  })

  test('in an index is refused, whoever signed the outer one', async () => {
    const inner = world.index('acme/base', { 'linux/amd64': part('a') })
    sign(world.index('acme/base', { 'linux/amd64': inner }, '1'))
    expect(told(await world.judge(FROM, RULES))).toEqual(rejected('materials/index-nested'))
  })

  test('proves its child where the FROM names the child and the index stands under the tag', async () => {
    const child = part('a')
    sign(world.index('acme/base', { 'linux/amd64': child }, '1'))
    const { images } = await world.judge(`${FROM}@${child}`, RULES)
    expect(images[0]).toMatchObject({ judged: { verdict: 'passed' }, allowed: { digest: child } })
  })

  test('proves no manifest that it does not list', async () => {
    sign(world.index('acme/base', { 'linux/amd64': part('a') }, '1'))
    expect(told(await world.judge(`${FROM}@${part('evil')}`, RULES))).toEqual(rejected('verify/no-attestation'))
  })
})

test('13-adversary 31: a platform in quarantine is refused, whoever signed the index around it', async () => {
  const [amd64, arm64] = [part('a'), part('b', 'linux/arm64')]
  const index = world.index('acme/base', { 'linux/amd64': amd64, 'linux/arm64': arm64 }, '1')
  sign(index)
  const policy = policyWith(RULES, `quarantined: [{digest: "${amd64}", reason: bad, since: 2026-05-02}]\n`)
  expect(told(await world.judge(FROM, RULES, { policy }))).toEqual(rejected('verify/quarantined'))
  expect(told(await world.judge(FROM, RULES, { policy, builds: [ARM64] }))).toEqual(passed)
  const locked = policyWith(LOCK, `quarantined: [{digest: "${amd64}", reason: bad, since: 2026-05-02}]\n`)
  const declared = new Map([['ghcr.io/acme/base:1', index]])
  expect(told(await world.judge(FROM, LOCK, { policy: locked, declared }))).toEqual(rejected('verify/quarantined'))
  expect(told(await world.judge(FROM, LOCK, { policy: locked, declared, builds: [ARM64] }))).toEqual([
    'ghcr.io/acme/base:1 passed digest',
  ])
})

test('13-adversary 21: the platform that FROM names counts, not only the one that is built for', async () => {
  const [amd64, arm64] = [part('a'), part('b', 'linux/arm64')]
  sign(arm64)
  world.index('acme/base', { 'linux/amd64': amd64, 'linux/arm64': arm64 }, '1')
  const text = 'FROM --platform=$BUILDPLATFORM ghcr.io/acme/base:1'
  expect(told(await world.judge(text, RULES, { builds: [ARM64] }))).toEqual(rejected('verify/no-attestation'))
})

test('a tag that moves between two reads means what it meant first', async () => {
  const good = world.image('acme/base', 'good', { tag: '1' })
  sign(good)
  const store = world.registry.storage.open('acme/base')
  const evil = part('evil')
  world.registry.faults.hook(({ path, count }) => {
    if (path.endsWith('/manifests/1') || count > 1) store.tags.set('1', count === 1 ? good : evil)
    return undefined
  })
  const text = `${FROM} AS a\nFROM --platform=linux/arm64 ghcr.io/acme/base:1\nCOPY --from=ghcr.io/acme/base:1 / /\nCOPY --from=a / /`
  const result = await world.judge(text, RULES, { builds: [AMD64, ARM64] })
  expect(told(result)).toEqual(passed)
  expect(result.images[0]?.allowed?.digest).toBe(good)
  expect(world.asked().filter(line => line.endsWith('/manifests/1'))).toHaveLength(1)
})

describe('13-adversary 26: ', () => {
  test('a flooded list of referrers is unknown when the rest does not prove it', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    const store = world.registry.storage.open('acme/base')
    for (let i = 0; i < 5_000; i++) putBundle(store, { digest }, `{"planted": ${i}}`)
    const [line] = told(await world.judge(FROM, RULES))
    expect(line).toMatch(/^ghcr\.io\/acme\/base:1 unknown verify\/incomplete/)
  }, 60_000)

  test('what verifies proves the image also in a list that was cut', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    sign(digest)
    const store = world.registry.storage.open('acme/base')
    for (let i = 0; i < 5_000; i++) putBundle(store, { digest }, `{"planted": ${'x'.repeat(2_000)}${i}}`)
    expect(told(await world.judge(FROM, RULES))).toEqual(passed)
  }, 60_000)

  test('a manifest that claims a gigabyte is not read', async () => {
    world.image('acme/base', 'one', { tag: '1' })
    const body = '{"schemaVersion":2'
    world.registry.faults.add({
      path: /manifests\/1$/,
      times: Infinity,
      fault: {
        status: 200,
        body,
        announce: 1024 ** 3,
        headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
      },
    })
    const [line] = told(await world.judge(FROM, RULES))
    expect(line).toMatch(/^ghcr\.io\/acme\/base:1 unknown core\/answer-too-large/)
  })

  test('a registry that does not say what is attached leaves it unknown, never passed and never unsigned', async () => {
    world.image('acme/base', 'one', { tag: '1' })
    world.registry.faults.add({ path: /referrers|sha256-/, times: Infinity, fault: { status: 403 } })
    const [line] = told(await world.judge(FROM, RULES))
    expect(line).toMatch(/^ghcr\.io\/acme\/base:1 unknown /)
  })

  test('a manifest of other bytes than its digest is refused', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    world.registry.faults.lie(digest, '{}')
    const [line] = told(await world.judge(`${FROM}@${digest}`, LOCK))
    expect(line).toBe('ghcr.io/acme/base:1 rejected registry/digest-mismatch')
  })

  test('so is a config', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    const store = world.registry.storage.open('acme/base')
    const { config } = JSON.parse(store.manifests.get(digest)?.bytes.toString() ?? '{}')
    world.registry.faults.lie(config.digest, '{"config":{"OnBuild":["COPY --from=evil / /"]}}')
    const [line] = told(await world.judge(`${FROM}@${digest}`, LOCK))
    expect(line).toBe('ghcr.io/acme/base:1 rejected registry/digest-mismatch')
  })
})

describe('13-adversary 39: ', () => {
  test('without a rule nobody is asked', async () => {
    const result = await world.judge('FROM 169.254.169.254/x\nCOPY --from=ghcr.io/evil/x / /', RULES)
    expect(told(result)).toEqual([
      '169.254.169.254/x:latest rejected policy/no-rule',
      'ghcr.io/evil/x:latest rejected policy/no-rule',
    ])
    expect(result.images[0]?.judged.findings[0]?.message).toContain('Dockerfile:1: 169.254.169.254/x:latest')
    expect(result.images[0]?.judged.findings[0]?.remedy).toContain('- {match: "169.254.169.254/x"')
    expect(world.registry.log).toHaveLength(0)
  })

  test('a policy without base-images lets nothing pass', async () => {
    expect(told(await world.judge(FROM, ''))).toEqual(rejected('policy/no-rule'))
    expect(world.registry.log).toHaveLength(0)
  })

  test('a rule for a registry inside is not enough: it has to say private', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    const text = `FROM ${world.name('acme/base')}@${digest}`
    const rule = (more: string) => `- {match: "${world.name('acme/base')}", digest-lock: true${more}}`
    const refused = await world.judge(text, rule(''), { direct: true })
    expect(told(refused)).toEqual([`${world.name('acme/base')}@${digest} unknown core/address-refused`])
    expect(world.registry.log).toHaveLength(0)
    const allowed = await world.judge(text, rule(', private: true'), { direct: true })
    expect(told(allowed)).toEqual([`${world.name('acme/base')}@${digest} passed digest`])
    expect(allowed.images[0]?.allowed?.private).toBe(true)
  })
})

describe('13-adversary 43: ', () => {
  test('what is not judged when the time is over is unknown', async () => {
    const silent = () => new Promise<never>(() => {})
    const registry = () => ({ getManifest: silent, getRaw: silent, getBlob: silent, blobExists: silent })
    const result = await world.judge(FROM, RULES, { ports: { expired: Promise.resolve(), registry } })
    expect(told(result)).toEqual(['ghcr.io/acme/base:1 unknown materials/out-of-time'])
  })

  test('more images than one run looks at are refused before any is asked for', async () => {
    const lines = Array.from({ length: 501 }, (_, i) => `COPY --from=ghcr.io/acme/x${i} / /`)
    await expect(world.judge(`FROM scratch\n${lines.join('\n')}`, RULES)).rejects.toMatchObject({
      code: 'materials/too-many-references',
    })
    expect(world.registry.log).toHaveLength(0)
  })

  test('ONBUILD cannot bring in more than that, either', async () => {
    const onbuild = (at: number) => Array.from({ length: 400 }, (_, i) => `COPY --from=ghcr.io/acme/x${at}-${i} / /`)
    const [a, b] = [0, 1].map(at => world.image('acme/base', `${at}`, { onbuild: onbuild(at) }))
    const text = `FROM ghcr.io/acme/base@${a} AS a\nFROM ghcr.io/acme/base@${b}\nCOPY --from=a / /`
    await expect(world.judge(text, LOCK)).rejects.toMatchObject({ code: 'materials/too-many-references' })
  })
})

describe('docker: true', () => {
  const DOCKER = '- {match: "docker.io/docker/*", docker: true}'
  const FRONTEND = '# syntax=docker/dockerfile:1\nFROM scratch'
  const name = 'docker.io/docker/dockerfile:1'
  const repository = 'docker/dockerfile'
  const builder = (ref: string, ci: object = {}) =>
    certificate({
      san: `https://github.com/docker/github-builder/.github/workflows/bake.yml@${ref}`,
      ci: {
        buildSignerUri: `https://github.com/docker/github-builder/.github/workflows/bake.yml@${ref}`,
        buildConfigUri: 'https://github.com/moby/buildkit/.github/workflows/frontend.yml@refs/tags/dockerfile/1.21.0',
        sourceRepositoryUri: 'https://github.com/moby/buildkit',
        sourceRepositoryRef: 'refs/tags/dockerfile/1.21.0',
        ...ci,
      },
    })
  const DOCKERS = builder('5f637c833aa76bc99372a1dc9a6f8bcd8056fb85')

  interface Attested {
    readonly signer?: ReturnType<typeof certificate>
    /** What the statement in the attestation manifest names. */
    readonly about?: Digest
    readonly subject?: Digest
    readonly reference?: Digest
    readonly predicateType?: string
    readonly unsigned?: boolean
  }

  /** An index of one platform as BuildKit pushes it, its attestation manifest signed as Docker signs it. */
  const attested = (change: Attested = {}) => {
    const child = world.image(repository, 'frontend')
    const store = world.registry.storage.open(repository)
    const { predicateType = 'https://slsa.dev/provenance/v1' } = change
    const statement = {
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType,
      subject: [{ name: 'pkg:docker/docker/dockerfile@1', digest: { sha256: hexOf(change.about ?? child) } }],
      predicate: {},
    }
    const manifest = putManifest(store, {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...putBlob(store, '{}') },
      layers: [
        {
          mediaType: 'application/vnd.in-toto+json',
          ...putBlob(store, JSON.stringify(statement)),
          annotations: { 'in-toto.io/predicate-type': predicateType },
        },
      ],
      subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: change.subject ?? child, size: 1 },
    })
    if (change.unsigned !== true)
      world.attach(repository, manifest, signed({ digest: manifest, signer: change.signer ?? DOCKERS }))
    const entry = world.entry(repository, manifest, 'unknown/unknown', {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': change.reference ?? child,
    })
    const index = world.index(repository, { 'linux/amd64': child }, '1', [entry])
    return { child, manifest, index }
  }
  const judged = async (change: Attested) => {
    attested(change)
    return told(await world.judge(FRONTEND, DOCKER))
  }

  test('passes by the attestation manifest of the platform, and lets in that platform alone', async () => {
    const { child } = attested()
    const result = await world.judge(FRONTEND, DOCKER)
    expect(told(result)).toEqual([`${name} passed signature`])
    expect(result.images[0]?.allowed).toMatchObject({ digest: child, use: 'frontend' })
  })

  test.each([
    ['names another platform manifest', { about: sha256('other') }, 'registry/attestation-unusable'],
    ['has another subject', { subject: sha256('other') }, 'registry/attestation-unusable'],
    ['is listed as another platform’s', { reference: sha256('other') }, 'materials/no-attestation-manifest'],
    ['holds no provenance', { predicateType: 'https://spdx.dev/Document' }, 'registry/attestation-unusable'],
    ['is signed by nobody', { unsigned: true }, 'verify/no-attestation'],
    [
      'is signed by Docker’s builder for somebody else',
      { signer: builder('refs/tags/v1', { sourceRepositoryUri: 'https://github.com/mallory/evil' }) },
      'verify/repository-mismatch',
    ],
    [
      'is of another image of the same repository',
      { signer: builder('refs/tags/v1', { sourceRepositoryRef: 'refs/tags/v0.27.0' }) },
      'verify/source-ref-mismatch',
    ],
    [
      'was made on a runner of somebody’s own',
      { signer: builder('refs/tags/v1', { runnerEnvironment: 'self-hosted' }) },
      'verify/runner-mismatch',
    ],
  ] as const)('13-adversary 21: an attestation manifest that %s proves nothing', async (_what, change, codes) => {
    expect(await judged(change)).toEqual([`${name} rejected ${codes}`])
  })

  test('13-adversary 21: a signature on the index, or on the image, is not Docker’s way', async () => {
    const { index, child } = attested({ unsigned: true })
    world.attach(repository, index, signed({ digest: index, signer: DOCKERS }))
    world.attach(repository, child, signed({ digest: child, signer: DOCKERS }))
    expect(told(await world.judge(FRONTEND, DOCKER))).toEqual([`${name} rejected verify/no-attestation`])
  })

  test('13-adversary 28: an image of which nobody says where Docker builds it is refused, and nobody asked for a signature', async () => {
    world.image('docker/other', 'other', { tag: '1' })
    expect(told(await world.judge('FROM docker/other:1', DOCKER))).toEqual([
      'docker.io/docker/other:1 rejected policy/docker-unknown',
    ])
  })

  test('a digest in quarantine is refused', async () => {
    const { child } = attested()
    const policy = policyWith(DOCKER, `quarantined: [{digest: "${child}", reason: bad, since: 2026-05-02}]\n`)
    expect(told(await world.judge(FRONTEND, DOCKER, { policy }))).toEqual([`${name} rejected verify/quarantined`])
  })
})
