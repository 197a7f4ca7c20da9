import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { jest } from '@jest/globals'
import { sha256 } from '../../src/core/digest.ts'
import { RESOLVED_MATERIALS_TYPE } from '../../src/statements/resolved-materials.ts'
import { SCAI_PREDICATE } from '../../src/statements/scai.ts'
import { type DelayProxy, startDelayProxy } from '../../tools/bench/delay-proxy.ts'
import { statementsOf } from '../e2e/materials-support.ts'
import { identityFlags } from './judged.ts'
import { withKeyedWorld } from './keyed-world.ts'
import {
  type Base,
  type Builder,
  codeOf,
  IMAGES,
  MANIFEST,
  newBase,
  type Project,
  publishProject,
  run,
  setBuild,
  setRules,
  signBase,
  type Way,
} from './materials-world.ts'
import type { KeyFiles } from './signing.ts'
import { attachForeign, cosign, expectedOf, pinned, repositoryIn, type World, waybill } from './world.ts'

/** The whole action upon base images that others signed, with real signers, services, registries and builders. */
jest.setTimeout(300_000)

let world: World
let key: KeyFiles
let strangersKey: KeyFiles
const matrix = withKeyedWorld('materials', made => {
  ;({ world, key, strangersKey } = made)
})

/** Each in a registry of another kind; the one by Waybill is where a login is asked for. */
const REGISTRY_OF = { cosign3: 'distribution', cosign2: 'crane', key: 'distribution', attest: 'referrers' } as const
const WAYS = ['cosign3', 'cosign2', 'key', 'attest', 'waybill'] as const
type Signed = (typeof WAYS)[number]

const bases = new Map<Signed, Base>()
let unsigned: Base
let project: Project

beforeAll(async () => {
  for (const [way, registry] of Object.entries(REGISTRY_OF) as [Way, keyof World['stack']['registries']][]) {
    const base = await newBase(world, registry, way)
    await signBase(world, way, base, key)
    bases.set(way, base)
  }
  unsigned = await newBase(world, 'referrers', 'unsigned')
  project = await publishProject(world)
  bases.set('waybill', project.base)
})

const of = (way: Signed): Base => bases.get(way) ?? unsigned
const issuer = () => world.stack.oidc.issuer
const server = () => world.stack.git.url
const workflow = (repository: unknown) => `${repository}/.github/workflows/release.yml@refs/heads/main`
const sigstore = (repository: unknown, ref = 'main') =>
  `sigstore: { identity: "${server()}/${workflow(repository).replace(/main$/, ref)}", issuer: "${issuer()}" }`
const PROVENANCE = 'https://slsa.dev/provenance/v1'
const github = (id = IMAGES.repository_id) =>
  `github: { repository: acme/images, repository-id: ${id}, signer: "${workflow('acme/images')}", source-ref: [refs/heads/main], issuer: "${issuer()}" }`
const chain = (anchor = project.anchor, required = 'signature, provenance, source-signed') =>
  `waybill: { build: { ${sigstore('acme/base')}, builders: [buildx] }, source: { policy: "git+${server()}/acme/base#.github/waybill.yml", anchor: ${anchor}, exceptions: deny }, require: [${required}], trust: { file: trust/root.json } }`
const signers = (signer: string, more = '') => `signers: [{ ${signer} }], trust: { file: trust/root.json }${more}`
const predicate = (type: string) => `, predicate: "${type}"`

/** What trusts each of them, and what must not. */
const RIGHT: Readonly<Record<Signed, () => string>> = {
  cosign3: () => signers(sigstore('acme/images')),
  cosign2: () => signers(sigstore('acme/app')),
  key: () => signers('key: keys/alice.pub'),
  attest: () => signers(github(), predicate(PROVENANCE)),
  waybill: () => chain(),
}

const WRONG: readonly (readonly [Signed, string, () => string, string])[] = [
  ['cosign3', 'another identity', () => signers(sigstore('acme/images', 'dev')), 'verify/identity-mismatch'],
  ['cosign3', 'another repository', () => signers(sigstore('acme/app')), 'verify/identity-mismatch'],
  [
    'cosign3',
    'another predicate',
    () => signers(sigstore('acme/images'), predicate(PROVENANCE)),
    'verify/no-attestation',
  ],
  ['cosign3', 'a key', () => signers('key: keys/alice.pub'), 'verify/key-mismatch'],
  ['cosign2', 'another identity', () => signers(sigstore('acme/app', 'dev')), 'verify/identity-mismatch'],
  ['cosign2', 'another predicate', () => signers(sigstore('acme/app'), predicate(PROVENANCE)), 'verify/no-attestation'],
  ['key', 'another key', () => signers('key: keys/mallory.pub'), 'sigstore/key-unknown'],
  ['key', 'an identity', () => signers(sigstore('acme/app')), 'sigstore/key-unknown'],
  ['attest', 'another repository id', () => signers(github('4799')), 'verify/repository-recreated'],
  [
    'attest',
    'another predicate',
    () => signers(github(), predicate('https://spdx.dev/Document')),
    'verify/no-attestation',
  ],
  ['attest', 'another identity', () => signers(sigstore('acme/images')), 'verify/identity-mismatch'],
  [
    'waybill',
    'another identity',
    () => chain().replaceAll('acme/base/.github/w', 'acme/app/.github/w'),
    'verify/identity-mismatch',
  ],
  ['waybill', 'another anchor', () => chain('0'.repeat(40)), 'verify/other-anchor'],
  [
    'waybill',
    'more than it proves',
    () => chain(undefined, 'signature, provenance, source-signed, materials-verified'),
    'verify/no-scai',
  ],
]

async function rules(over: Partial<Record<Signed, string>> = {}): Promise<void> {
  const lines = WAYS.map(way => `  - { match: "${of(way).repository}", private: true, ${over[way] ?? RIGHT[way]()} }\n`)
  const more = `  - { match: "${unsigned.repository}", private: true, ${signers(sigstore('acme/images'))} }\n`
  const keys = {
    'keys/alice.pub': readFileSync(key.publicFile, 'utf8'),
    'keys/mallory.pub': readFileSync(strangersKey.publicFile, 'utf8'),
  }
  await setRules(world, `base-images:\n${lines.join('')}${more}`, keys)
}

const hex = (digest: string): string => digest.slice('sha256:'.length)
const OTHERS = ['cosign3', 'cosign2', 'key', 'attest'] as const

/** All five in one build; a step of it reads what came from each. */
const dockerfile = () =>
  [
    ...OTHERS.map(way => `FROM ${of(way).name} AS ${way}`),
    `FROM ${of('waybill').name}`,
    ...OTHERS.map(way => `COPY --from=${way} /version /from-${way}`),
    `RUN ["/bin/busybox", "sh", "-c", "/bin/busybox cat ${OTHERS.map(way => `/from-${way}`).join(' ')}"]`,
    '',
  ].join('\n')

describe.each(['buildx', 'buildah'] as const)('with %s', (builder: Builder) => {
  // Bundles as referrers, and by the fallback tag.
  const registry = builder === 'buildx' ? 'referrers' : 'distribution'

  test('base images signed by cosign 3, cosign 2, a key, actions/attest and Waybill go in, and the image says so', async () => {
    await rules()
    await setBuild(world, { Dockerfile: dockerfile(), [MANIFEST]: null })
    const repository = repositoryIn(world, registry, `on-bases-${builder}`)
    const step = await run(world, builder, { images: repository })
    expect([step.code, codeOf(step), step.code === 0 ? '' : step.log]).toEqual([0, undefined, ''])
    for (const way of OTHERS) expect(step.log).toContain(`this is ${way}`)
    const { attributes, provenance } = statementsOf(step)
    const verified = attributes.filter(({ attribute }) => attribute === 'BASE_IMAGE_SIGNATURE_VERIFIED')
    expect(verified.map(({ target }) => target?.uri).sort()).toEqual(
      WAYS.map(way => `docker-image://${of(way).name}@${of(way).digest}`).sort(),
    )
    const named = provenance?.predicate.buildDefinition.resolvedDependencies ?? []
    for (const way of WAYS)
      expect(named).toContainEqual(
        expect.objectContaining({
          uri: `docker-image://${of(way).name}@${of(way).digest}`,
          digest: { sha256: hex(of(way).digest) },
          annotations: expect.objectContaining({ proof: 'signed', verdict: 'passed' }),
        }),
      )
    const image = pinned(repository, step.outputs.digest)
    const gate = async (required: string) => {
      const flags = [...identityFlags(world), '--trusted-root', world.stack.trustedRootFile, '--require', required]
      return (await waybill(world, ['verify', 'image', image, ...flags])).code
    }
    const codes = {
      'materials-verified': await gate('signature,provenance,materials-verified'),
      'closed-world': await gate('signature,provenance,closed-world'),
      cosign3: (await cosign3(image)).code,
    }
    // The builder is shared (buildx), or sees no further than the parser (buildah): 13-adversary 18, 19.
    expect(matrix.record(`five bases × ${builder}`, codes)).toEqual({
      'materials-verified': 0,
      'closed-world': 1,
      cosign3: 0,
    })
    const bytes = readFileSync(join(dirname(step.outputs.result ?? ''), 'waybill-materials.json'))
    expect(await referrersOf(registry, repository, step.outputs.digest ?? '')).toContainEqual(
      expect.objectContaining({ artifactType: RESOLVED_MATERIALS_TYPE, layer: sha256(bytes) }),
    )
  })
})

/** The statement about materials, judged by somebody else's program. */
function cosign3(image: string) {
  const { identity, issuer } = expectedOf(world)
  return cosign(world, 'cosign3', [
    'verify-attestation',
    `--type=${SCAI_PREDICATE}`,
    `--certificate-identity=${identity}`,
    `--certificate-oidc-issuer=${issuer}`,
    `--trusted-root=${world.stack.trustedRootFile}`,
    image,
  ])
}

/** By the referrers API, or by the fallback tag where there is none. */
async function referrersOf(registry: 'referrers' | 'distribution', repository: string, digest: string) {
  const [host, ...path] = repository.split('/')
  const place = registry === 'referrers' ? `referrers/${digest}` : `manifests/${digest.replace(':', '-')}`
  const at = `http://${host}/v2/${path.join('/')}`
  const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
  const get = async (url: string) => JSON.parse(await (await fetch(url, { headers: { accept } })).text())
  const { manifests } = (await get(`${at}/${place}`)) as { manifests: readonly { digest: string }[] }
  return Promise.all(
    manifests.map(async item => {
      const { artifactType, layers } = await get(`${at}/manifests/${item.digest}`)
      return { artifactType, layer: layers[0]?.digest }
    }),
  )
}

describe('refused, and nobody else hears of it', () => {
  let registry: DelayProxy
  let fulcio: DelayProxy
  let config: string

  beforeAll(async () => {
    registry = await startDelayProxy(`http://${world.stack.registry.host}`, 0)
    fulcio = await startDelayProxy(world.stack.fulcio.url, 0)
    config = await world.stack.signingConfig('watched.json', { fulcio: fulcio.url })
  })
  afterAll(async () => Promise.all([registry?.close(), fulcio?.close()]))

  /** Through servers that write down what is asked. @returns the code, once nothing was pushed and no certificate asked for. */
  async function refused(base: Base, builder: Builder = 'buildx'): Promise<readonly string[]> {
    await setBuild(world, { Dockerfile: `FROM ${base.name}\n`, [MANIFEST]: null })
    registry.reset()
    fulcio.reset()
    const step = await run(world, builder, { images: `${registry.host}/acme/denied`, 'signing-config': config })
    expect([step.code, step.outputs['materials-verdict'], step.result.image]).toEqual([1, 'rejected', undefined])
    expect(step.result.stages.find(({ name }) => name === 'build')?.state).toBe('not-reached')
    expect(step.result.error?.message).toMatch(/^Dockerfile:1: /)
    expect(fulcio.passed).toEqual([])
    expect(registry.passed.filter(({ method }) => method === 'PUT' || method === 'PATCH')).toEqual([])
    const found = step.result.materials?.items.flatMap(({ findings }) => findings.map(({ code }) => code)) ?? []
    matrix.record(`${base.repository.split('/').at(-1)} refused by ${builder}: ${codeOf(step)}`, { waybill: step.code })
    return [codeOf(step) ?? '', ...found]
  }

  test.each(WRONG)('%s under a rule for %s', async (way, _what, rule, code) => {
    await rules({ [way]: rule() })
    expect((await refused(of(way))).join(' ')).toContain(code)
  })

  test.each(['buildx', 'buildah'] as const)('an image that nobody signed, with %s', async builder => {
    await rules()
    expect(await refused(unsigned, builder)).toContain('verify/no-attestation')
  })

  test('an image beside which somebody put the signature of another', async () => {
    const other = await newBase(world, 'referrers', 'other')
    await attachForeign('referrers', other.repository, other.digest, await published())
    await rules()
    await setRules(
      world,
      `base-images:\n  - { match: "${other.repository}", private: true, ${signers(sigstore('acme/app'))} }\n`,
    )
    expect(await refused(other)).toContain('verify/no-attestation')
  })

  test('an image that no rule names, and its registry is not asked', async () => {
    await setRules(world, `base-images:\n  - { match: "${unsigned.repository}-2", digest-lock: true }\n`)
    expect(await refused(unsigned)).toContain('policy/no-rule')
  })
})

/** Another image of this project, with its signatures. */
async function published() {
  await setRules(world, '')
  await setBuild(world, { Dockerfile: 'FROM scratch\nCOPY hello.txt /\n', [MANIFEST]: null })
  return run(world, 'buildx', { images: repositoryIn(world, 'referrers', 'published') })
}
