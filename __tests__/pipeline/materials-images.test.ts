import fc from 'fast-check'
import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { readImage } from '../../src/pipeline/materials-images-named.ts'
import { formatReference } from '../../src/registry/reference.ts'
import { certificate, ISSUER, SAN, signed } from '../policy/images.ts'
import { putBundle } from '../registry/evidence-world.ts'
import { buildFor, ImagesWorld, policyWith, told } from './materials-images-world.ts'

const SIGNER = `signers: [{sigstore: {identity: "${SAN}", issuer: "${ISSUER}"}}]`
const MALLORY = certificate({ san: 'mallory@example.com' })

let world: ImagesWorld
beforeEach(async () => {
  world = await ImagesWorld.open()
})
afterEach(() => world.close())

const signedRules = `- {match: "ghcr.io/acme/**", ${SIGNER}}`

test('a signed base image passes, pinned to what its tag meant, with who signed it and where it stands', async () => {
  const digest = world.image('acme/base', 'one', { tag: '1' })
  const statement = signed({ digest })
  world.attach('acme/base', digest, statement)
  const { images } = await world.judge('FROM ghcr.io/acme/base:1', signedRules)
  expect(images).toEqual([
    {
      judged: {
        name: 'ghcr.io/acme/base:1',
        kind: 'image',
        uri: `docker-image://ghcr.io/acme/base:1@${digest}`,
        places: ['Dockerfile:1'],
        digest: { sha256: hexOf(digest) },
        verdict: 'passed',
        findings: [],
        proof: { kind: 'signature', keys: 'policy', by: expect.stringContaining(SAN), evidence: statement.bundle },
      },
      allowed: {
        reference: { host: 'ghcr.io', repository: 'acme/base', canonical: 'ghcr.io/acme/base', tag: '1' },
        digest,
        names: ['ghcr.io/acme/base:1'],
        use: 'base',
        private: false,
      },
    },
  ])
})

describe('what is no proof', () => {
  const judged = async (prepare: (digest: Digest) => void, rules = signedRules) => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    prepare(digest)
    return told(await world.judge('FROM ghcr.io/acme/base:1', rules))
  }
  const refused = (code: string) => [`ghcr.io/acme/base:1 rejected ${code}`]

  test('nothing at all', async () => {
    expect(await judged(() => {})).toEqual(refused('verify/no-attestation'))
  })

  test('somebody else’s signature', async () => {
    const other = (digest: Digest) => world.attach('acme/base', digest, signed({ digest, signer: MALLORY }))
    expect(await judged(other)).toEqual(refused('verify/identity-mismatch'))
  })

  test('a signature about another digest', async () => {
    expect(await judged(digest => world.attach('acme/base', digest, signed({ digest: sha256('other') })))).toEqual(
      refused('verify/no-attestation'),
    )
  })

  test('a statement of another predicate than the rule asks for', async () => {
    const rules = `- {match: "ghcr.io/acme/**", ${SIGNER}, predicate: "https://slsa.dev/provenance/v1"}`
    expect(await judged(digest => world.attach('acme/base', digest, signed({ digest })), rules)).toEqual(
      refused('verify/no-attestation'),
    )
  })

  test('bytes that nobody signed', async () => {
    const planted = (digest: Digest) => void putBundle(world.registry.storage.open('acme/base'), { digest }, 'anything')
    expect(await judged(planted)).toEqual(refused('verify/no-attestation'))
  })
})

test('a signature in the form of cosign 2 is read', async () => {
  const digest = world.image('acme/base', 'one', { tag: '1' })
  world.attachLegacy('acme/base', digest, signed({ digest }))
  expect(told(await world.judge('FROM ghcr.io/acme/base:1', signedRules))).toEqual([
    'ghcr.io/acme/base:1 passed signature',
  ])
})

test('signatures are found through the fallback tag of a registry without referrers', async () => {
  await world.close()
  world = await ImagesWorld.open({ referrers: false })
  const digest = world.image('acme/base', 'one', { tag: '1' })
  const store = world.registry.storage.open('acme/base')
  const bundle = putBundle(store, { digest }, world.bundle(signed({ digest })))
  const index = world.index('acme/base', {}, `sha256-${hexOf(digest)}`, [
    { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: bundle, size: 1 },
  ])
  expect(index).toBeDefined()
  expect(told(await world.judge('FROM ghcr.io/acme/base:1', signedRules))).toEqual([
    'ghcr.io/acme/base:1 passed signature',
  ])
})

test('any one of several signers is enough, and what was fetched for one is there for the next', async () => {
  const digest = world.image('acme/base', 'one', { tag: '1' })
  world.attach('acme/base', digest, signed({ digest }))
  const bob = `{sigstore: {identity: bob@example.com, issuer: "${ISSUER}"}}`
  const rules = `- {match: "ghcr.io/acme/**", signers: [${bob}, {sigstore: {identity: "${SAN}", issuer: "${ISSUER}"}}]}`
  expect(told(await world.judge('FROM ghcr.io/acme/base:1', rules))).toEqual(['ghcr.io/acme/base:1 passed signature'])
  expect(world.asked()).toEqual([...new Set(world.asked())])
})

describe('a digest that somebody reviewed', () => {
  const rules = '- {match: "ghcr.io/acme/**", digest-lock: true}'

  test('in the FROM is pinned, not verified', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    const result = await world.judge(`FROM ghcr.io/acme/base:1@${digest}`, rules)
    expect(told(result)).toEqual(['ghcr.io/acme/base:1 passed digest'])
    expect(result.images[0]?.allowed).toMatchObject({ digest, reference: { tag: '1', digest } })
  })

  test('in the manifest is what is built from, also when the tag has moved', async () => {
    const old = world.image('acme/base', 'old')
    world.image('acme/base', 'new', { tag: '1' })
    const declared = new Map([['ghcr.io/acme/base:1', old]])
    const result = await world.judge('FROM ghcr.io/acme/base:1', rules, { declared })
    expect(told(result)).toEqual(['ghcr.io/acme/base:1 passed digest'])
    expect(result.images[0]?.allowed).toMatchObject({ digest: old, reference: { tag: '1' } })
    expect(world.asked().some(line => line.endsWith('/manifests/1'))).toBe(false)
  })

  test('missing is rejected with the line to add', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    const result = await world.judge('FROM ghcr.io/acme/base:1', rules)
    expect(told(result)).toEqual(['ghcr.io/acme/base:1 rejected materials/not-pinned'])
    const [finding] = result.images[0]?.judged.findings ?? []
    expect(finding?.message).toContain('Dockerfile:1: ghcr.io/acme/base:1')
    expect(finding?.remedy).toContain(
      `- {name: "base", uri: "docker-image://ghcr.io/acme/base:1", digest: {sha256: "${hexOf(digest)}"}, use: {base-image: true}}`,
    )
  })

  test('missing is rejected also when the registry does not say what the tag means', async () => {
    world.registry.faults.add({ path: /manifests/, times: Infinity, fault: { status: 404 } })
    const result = await world.judge('FROM ghcr.io/acme/base:1', rules)
    expect(told(result)).toEqual(['ghcr.io/acme/base:1 rejected materials/not-pinned'])
  })

  test('in quarantine is refused', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    const policy = policyWith(rules, `quarantined: [{digest: "${digest}", reason: bad, since: 2026-05-02}]\n`)
    expect(told(await world.judge(`FROM ghcr.io/acme/base@${digest}`, rules, { policy }))).toEqual([
      `ghcr.io/acme/base@${digest} rejected verify/quarantined`,
    ])
  })

  test('13-adversary 20: a manifest cannot make an unsigned image trusted where the rule asks for a signature', async () => {
    const digest = world.image('acme/base', 'one', { tag: '1' })
    const declared = new Map([['ghcr.io/acme/base:1', digest]])
    expect(told(await world.judge('FROM ghcr.io/acme/base:1', signedRules, { declared }))).toEqual([
      'ghcr.io/acme/base:1 rejected verify/no-attestation',
    ])
  })

  test('13-adversary 20: under a rule for signers the manifest’s digest is what has to be signed', async () => {
    const good = world.image('acme/base', 'good', { tag: '1' })
    const other = world.image('acme/base', 'other')
    world.attach('acme/base', good, signed({ digest: good }))
    const judge = (declared: Digest) =>
      world.judge('FROM ghcr.io/acme/base:1', signedRules, { declared: new Map([['ghcr.io/acme/base:1', declared]]) })
    expect(told(await judge(good))).toEqual(['ghcr.io/acme/base:1 passed signature'])
    expect(told(await judge(other))).toEqual(['ghcr.io/acme/base:1 rejected verify/no-attestation'])
  })

  test('13-adversary 20: Dockerfile and manifest must not contradict each other', async () => {
    const [one, two] = [world.image('acme/base', 'one'), world.image('acme/base', 'two')]
    const declared = new Map([['ghcr.io/acme/base:1', two]])
    expect(told(await world.judge(`FROM ghcr.io/acme/base:1@${one}`, rules, { declared }))).toEqual([
      'ghcr.io/acme/base:1 rejected materials/other-digest',
    ])
    expect(world.registry.log).toHaveLength(0)
  })
})

test('13-adversary 20: the rules are read top down, and a digest helps nobody past a denial', async () => {
  const digest = world.image('acme/base', 'one', { tag: '1' })
  const rules = `- {match: "ghcr.io/acme/base", deny: true}\n- {match: "**", digest-lock: true}`
  expect(told(await world.judge(`FROM ghcr.io/acme/base:1@${digest}`, rules))).toEqual([
    'ghcr.io/acme/base:1 rejected policy/denied',
  ])
  expect(world.registry.log).toHaveLength(0)
})

describe('13-adversary 34: ', () => {
  test('all spellings of one image are one image, asked for once', async () => {
    const digest = world.image('library/alpine', 'alpine', { tag: 'latest' })
    world.attach('library/alpine', digest, signed({ digest }))
    const text = [
      'FROM alpine',
      'FROM docker.io/alpine AS b',
      'FROM index.docker.io/library/alpine:latest AS c',
      'FROM --platform=$BUILDPLATFORM docker.io/library/alpine AS d',
      'COPY --from=0 / /a',
      'COPY --from=b / /b',
      'COPY --from=c / /c',
      'COPY --from=alpine:latest / /e',
    ].join('\n')
    const result = await world.judge(text, `- {match: "docker.io/library/*", ${SIGNER}}`)
    expect(told(result)).toEqual(['docker.io/library/alpine:latest passed signature'])
    expect(result.images[0]?.allowed?.names).toEqual([
      'alpine',
      'docker.io/alpine',
      'index.docker.io/library/alpine:latest',
      'docker.io/library/alpine',
      'alpine:latest',
    ])
    expect(world.asked().filter(line => line === 'GET /v2/library/alpine/manifests/latest')).toHaveLength(1)
  })

  test.each([
    ['FROM oci:/tmp/image', 'oci:/tmp/image'],
    ['FROM oci:image', 'oci:image'],
    ['FROM docker-archive:/tmp/a.tar', 'docker-archive:/tmp/a.tar'],
    ['FROM dir:image', 'dir:image'],
    ['FROM docker://alpine', 'docker://alpine'],
    ['FROM containers-storage:alpine', 'containers-storage:alpine'],
    ['FROM https://example.com/x', 'https://example.com/x'],
    ['FROM ghcr.io/Acme/base', 'ghcr.io/Acme/base'],
    ['FROM scratch\nCOPY --from=0x7f.1/x / /', '0x7f.1/x'],
  ])('%j is no image of a registry, whatever the rules say, and asks nobody', async (text, name) => {
    const result = await world.judge(text, '- {match: "**", digest-lock: true}')
    expect(told(result)).toEqual([`${name} rejected materials/not-an-image`])
    expect(result.images[0]?.judged.findings[0]?.message).toContain(`Dockerfile:${text.split('\n').length}`)
    expect(world.registry.log).toHaveLength(0)
  })

  test('Docker’s own image called docker is an image', async () => {
    const digest = world.image('library/docker', 'dind', { tag: '24' })
    const declared = new Map([['docker.io/library/docker:24', digest]])
    expect(told(await world.judge('FROM docker:24', '- {match: "**", digest-lock: true}', { declared }))).toEqual([
      'docker.io/library/docker:24 passed digest',
    ])
  })

  test('an image layout on disk as a named context is none', async () => {
    const builds = [buildFor('linux/amd64', { contexts: new Map([['base', 'oci-layout://./layout']]) })]
    expect(told(await world.judge('FROM base', '- {match: "**", digest-lock: true}', { builds }))).toEqual([
      'oci-layout://./layout rejected materials/not-an-image',
    ])
  })
})

test('what nobody can resolve before the build is rejected with its line', async () => {
  const digest = world.image('acme/base', 'one', { tag: '1' })
  const result = await world.judge(
    `FROM ghcr.io/acme/other:1@${digest}\nADD $WHERE /x`,
    '- {match: "ghcr.io/acme/base", digest-lock: true}',
  )
  expect(told(result)).toEqual(['ghcr.io/acme/other:1 rejected policy/no-rule', '$WHERE rejected materials/unresolved'])
  expect(result.images[1]?.judged).toMatchObject({ kind: 'url', places: ['Dockerfile:2'] })
})

test('what the base image’s own environment resolves is no material of this kind any more', async () => {
  const digest = world.image('acme/base', 'one', { env: ['WHERE=https://example.com/x'] })
  const rules = '- {match: "ghcr.io/acme/base", digest-lock: true}'
  const result = await world.judge(`FROM ghcr.io/acme/base:1@${digest}\nADD $WHERE /x`, rules)
  expect(told(result)).toEqual(['ghcr.io/acme/base:1 passed digest'])
  expect(result.pulls).toContainEqual(
    expect.objectContaining({ how: 'add-url', source: 'https://example.com/x', line: 2 }),
  )
})

describe('named contexts, frontends and images that no Dockerfile names', () => {
  test('are judged as all others, each with its use', async () => {
    const lock = (name: string) => `${name}@${world.image(name.slice('ghcr.io/'.length), name)}`
    const [frontend, builder, context] = [
      lock('ghcr.io/acme/frontend'),
      lock('ghcr.io/acme/kit'),
      lock('ghcr.io/acme/c'),
    ]
    const builds = [buildFor('linux/amd64', { contexts: new Map([['base', `docker-image://${context}`]]) })]
    const more = [{ canonical: builder, use: 'builder', place: 'manifest:3' } as const]
    const rules = '- {match: "ghcr.io/acme/**", digest-lock: true}'
    const { images } = await world.judge(`# syntax=${frontend}\nFROM base`, rules, { builds, more })
    expect(images.map(({ judged, allowed }) => [judged.verdict, allowed?.use, judged.places, allowed?.names])).toEqual([
      ['passed', 'builder', ['manifest:3'], [builder]],
      ['passed', 'frontend', ['Dockerfile:1'], [frontend]],
      ['passed', 'base', ['Dockerfile:2'], [context]],
    ])
  })

  test('of a frontend nothing is asked where the builder runs none', async () => {
    const text = '# syntax=ghcr.io/acme/frontend\nFROM scratch'
    expect((await world.judge(text, '', { frontends: false })).images).toEqual([])
    expect(told(await world.judge(text, ''))).toEqual(['ghcr.io/acme/frontend:latest rejected policy/no-rule'])
  })

  test('of stages that the target does not need nothing is asked', async () => {
    const digest = world.image('acme/base', 'one')
    const text = `FROM ghcr.io/other/unused AS no\nFROM ghcr.io/acme/base@${digest}\nONBUILD COPY --from=ghcr.io/later/x / /`
    const result = await world.judge(text, '- {match: "ghcr.io/acme/**", digest-lock: true}')
    expect(told(result)).toEqual([`ghcr.io/acme/base@${digest} passed digest`])
    expect(result.pulls).toHaveLength(3)
  })
})

describe('ONBUILD of a base image', () => {
  test('an image that nobody declared is rejected where the base image is named', async () => {
    const digest = world.image('acme/base', 'one', { onbuild: ['COPY --from=ghcr.io/evil/tool / /'] })
    const text = `FROM scratch AS a\nFROM ghcr.io/acme/base@${digest}`
    const result = await world.judge(text, '- {match: "ghcr.io/acme/**", digest-lock: true}')
    expect(told(result)).toEqual([
      `ghcr.io/acme/base@${digest} passed digest`,
      'ghcr.io/evil/tool:latest rejected policy/no-rule',
    ])
    expect(result.images[1]?.judged.places).toEqual(['Dockerfile:2 (ONBUILD of its base image)'])
    expect(result.pulls).toContainEqual(expect.objectContaining({ trigger: true, source: 'ghcr.io/evil/tool' }))
  })

  test('one that is declared is judged, as is what a stage needs that only the trigger asks for', async () => {
    const tool = world.image('acme/tool', 'tool')
    const hidden = world.image('acme/hidden', 'hidden', { onbuild: ['RUN --mount=from=ghcr.io/acme/last true'] })
    const base = world.image('acme/base', 'base', {
      onbuild: [`COPY --from=ghcr.io/acme/tool@${tool} / /`, 'COPY --from=aside / /'],
    })
    const text = `FROM ghcr.io/acme/hidden@${hidden} AS aside\nFROM ghcr.io/acme/base@${base}`
    const result = await world.judge(text, '- {match: "ghcr.io/acme/**", digest-lock: true}')
    expect(told(result).toSorted()).toEqual(
      [
        `ghcr.io/acme/hidden@${hidden} passed digest`,
        `ghcr.io/acme/base@${base} passed digest`,
        'ghcr.io/acme/last:latest rejected materials/not-pinned',
        `ghcr.io/acme/tool@${tool} passed digest`,
      ].toSorted(),
    )
  })

  test('of an image that is refused, the config is not asked for', async () => {
    world.image('acme/base', 'one', { tag: '1', onbuild: ['COPY --from=x / /'] })
    await world.judge('FROM ghcr.io/acme/base:1', signedRules)
    expect(world.asked().filter(line => line.includes('/blobs/'))).toEqual([])
  })

  test('that cannot be read refuses the image', async () => {
    const digest = world.image('acme/base', 'one', { onbuild: ['FROM x'] })
    const rules = '- {match: "ghcr.io/acme/**", digest-lock: true}'
    expect(told(await world.judge(`FROM ghcr.io/acme/base@${digest}`, rules))).toEqual([
      `ghcr.io/acme/base@${digest} rejected materials/dockerfile-malformed`,
    ])
  })

  test('of which there are too many refuses the image', async () => {
    const digest = world.image('acme/base', 'one', { onbuild: Array.from({ length: 501 }, () => 'RUN true') })
    const rules = '- {match: "ghcr.io/acme/**", digest-lock: true}'
    expect(told(await world.judge(`FROM ghcr.io/acme/base@${digest}`, rules))).toEqual([
      `ghcr.io/acme/base@${digest} rejected registry/config-malformed`,
    ])
  })
})

test('13-adversary 34: any text in an image’s place is one canonical name, or none', () => {
  const word = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[a-zA-Z0-9./:@_-]{0,60}$/),
    fc.constantFrom('oci:', 'docker://', 'GHCR.IO/', 'index.docker.io/', 'library/', ':443/', '@sha256:', 'a'),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 4 }), parts => {
      const found = readImage(parts.join(''))
      if (!('canonical' in found)) return expect(found.code).toBe('materials/not-an-image')
      expect(found.tag ?? found.digest).toBeDefined()
      return expect(readImage(formatReference(found))).toEqual(found)
    }),
  )
})
