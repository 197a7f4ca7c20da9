import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv/dist/2020.js'
import { hexOf, sha256 } from '../../src/core/digest.ts'
import { asWaybillError } from '../../src/core/error.ts'
import { A, against, judged, MANIFEST, RULES, type World } from './materials-world.ts'

const HEX = 'd'.repeat(64)
const item = (name: string, uri: string, use: string, more = '') =>
  `  - {name: ${name}, uri: "${uri}", digest: {sha256: "${HEX}"}, use: {${use}}${more}}`
const manifest = (...items: string[]) => ({ [MANIFEST]: `version: 1\nmaterials:\n${items.join('\n')}\n` })
const NODE = { Dockerfile: 'FROM node:24\n' }
const BAD = { verdict: 'rejected', findings: [against('verify/no-attestation', 'docker.io/library/node:24')] } as const
const SILENT = { verdict: 'unknown', findings: [against('registry/unreachable', 'docker.io/library/node:24')] } as const

const codeOf = (error: unknown) => (error === undefined ? undefined : asWaybillError(error).code)

describe('modes and outcomes (1-product § 6)', () => {
  const rules = { files: NODE, policy: RULES }
  const none = { files: NODE, policy: 'version: 1\n' }
  const noPolicy = { files: NODE }
  test.each<[string, World, string, string | undefined, string | undefined]>([
    ['auto with rules, good', rules, 'passed', 'enforce', undefined],
    ['auto with rules, bad', { ...rules, image: BAD }, 'rejected', 'enforce', 'verify/no-attestation'],
    ['auto with rules, unknown', { ...rules, image: SILENT }, 'unknown', 'enforce', 'registry/unreachable'],
    [
      'auto with an empty block',
      { ...none, policy: 'version: 1\nbase-images: [{match: "**", deny: true}]\n' },
      'passed',
      'enforce',
      undefined,
    ],
    ['auto without a rule', none, 'not-asked', 'audit', undefined],
    ['auto without a policy', noPolicy, 'not-asked', 'audit', undefined],
    ['auto where the history could not be judged', { ...noPolicy, unjudged: true }, 'unknown', 'audit', undefined],
    ['enforce, good', { ...rules, mode: 'enforce' }, 'passed', 'enforce', undefined],
    ['enforce, bad', { ...rules, mode: 'enforce', image: BAD }, 'rejected', 'enforce', 'verify/no-attestation'],
    ['enforce, unknown', { ...rules, mode: 'enforce', image: SILENT }, 'unknown', 'enforce', 'registry/unreachable'],
    ['enforce without a rule', { ...none, mode: 'enforce' }, 'rejected', 'enforce', 'policy/no-rule'],
    ['enforce without a policy', { ...noPolicy, mode: 'enforce' }, 'rejected', 'enforce', 'policy/no-rule'],
    [
      'enforce, history unjudged',
      { ...noPolicy, mode: 'enforce', unjudged: true },
      'unknown',
      'enforce',
      'materials/law-unknown',
    ],
    ['audit, good', { ...rules, mode: 'audit' }, 'passed', 'audit', undefined],
    ['audit, bad', { ...rules, mode: 'audit', image: BAD }, 'rejected', 'audit', undefined],
    ['audit, unknown', { ...rules, mode: 'audit', image: SILENT }, 'unknown', 'audit', undefined],
    ['audit without a rule', { ...none, mode: 'audit', image: BAD }, 'rejected', 'audit', undefined],
    ['audit without a policy', { ...noPolicy, mode: 'audit', image: BAD }, 'rejected', 'audit', undefined],
    ['off with rules', { ...rules, mode: 'off', image: BAD }, 'not-asked', 'off', undefined],
    ['off without a policy', { ...noPolicy, mode: 'off' }, 'not-asked', 'off', undefined],
  ])('%s', async (_name, world, state, mode, code) => {
    const { outcome, error, receipt } = await judged(world)
    expect(codeOf(error)).toBe(code)
    expect(receipt.stages.find(({ name }) => name === 'materials')).toMatchObject({ state, mode })
    if (outcome !== undefined) expect(outcome.claim).toEqual({ mode, verdict: state })
    // Only what is enforced closes the build.
    expect(outcome?.allowed !== undefined).toBe(mode === 'enforce' && state === 'passed')
  })

  test('a run that does not ask looks at nothing and asks nobody', async () => {
    const { asked } = await judged({ files: NODE, policy: RULES, mode: 'off' })
    expect(asked).toEqual({ images: [], fetched: [] })
  })

  test('13-adversary 15: of an image made elsewhere nobody here knows what went in, whatever the policy has', async () => {
    for (const given of [{ layout: 'out' }, { digest: A }]) {
      const { outcome, receipt, asked } = await judged({ files: NODE, policy: RULES, request: { given } })
      expect(outcome?.claim).toEqual({ mode: 'off', verdict: 'not-asked' })
      expect(receipt.notices.join()).toContain('made elsewhere')
      expect(asked.images).toEqual([])
    }
  })

  test('13-adversary 38: what nobody asked about is said first, and again among what was not checked', async () => {
    for (const world of [{}, { policy: 'version: 1\n' }, { mode: 'off' as const }, { unjudged: true }]) {
      const { receipt } = await judged(world)
      expect(receipt.notices[0]).toMatch(/nothing is claimed|Nobody judged/)
      expect(receipt.notChecked).toContain('Base images and whatever else the build downloads: nothing was verified.')
      expect(receipt.materials).toBeUndefined()
    }
  })

  test('13-adversary 41: an audit tells the worst verdict, and goes on', async () => {
    const { outcome, receipt } = await judged({ files: NODE, policy: RULES, mode: 'audit', image: BAD })
    expect(outcome?.claim).toEqual({ mode: 'audit', verdict: 'rejected' })
    expect(receipt.verdict).toBe('rejected')
    expect(receipt.materials?.items[0]).toMatchObject({ verdict: 'rejected', proof: 'none' })
  })
})

describe('what is read, and from where', () => {
  test('13-adversary 20: the policy that the judged commit brings decides nothing', async () => {
    const own = { '.github/waybill.yml': RULES.replace('digest-lock: true', 'deny: true') }
    const { asked } = await judged({ files: { ...NODE, ...own }, policy: RULES })
    expect(asked.images[0]?.policy.baseImages?.[0]?.kind).toBe('digest-lock')
    const { receipt } = await judged({ files: { ...NODE, ...own } })
    expect(receipt.stages.find(({ name }) => name === 'materials')?.state).toBe('not-asked')
  })

  test('the Dockerfile is the blob at the place that the inputs name', async () => {
    const files = { 'img/app/Dockerfile': 'FROM node:24\n', 'other/é.df': 'FROM node:22\n' }
    const build = { context: 'img/app', platforms: ['linux/arm64'], buildArgs: { X: '1' }, network: 'none' }
    const first = await judged({ files, policy: RULES, request: { build } })
    expect(first.asked.images[0]).toMatchObject({ path: 'img/app/Dockerfile' })
    expect(first.asked.images[0]?.builds).toMatchObject([
      { targetPlatform: 'linux/arm64', buildPlatform: 'linux/amd64' },
    ])
    const second = await judged({ files, policy: RULES, request: { build: { ...build, file: 'other/é.df' } } })
    expect(second.receipt.materials?.items[0]?.name).toBe('docker.io/library/node:22')
  })

  test.each([
    ['is missing', {}, 'img', 'build/dockerfile-missing'],
    ['is a link', { 'img/Dockerfile': '-> ../Dockerfile' }, 'img', 'build/dockerfile-missing'],
    ['cannot be read', { Dockerfile: 'FROM\u0000\n' }, '.', 'materials/dockerfile-malformed'],
    ['lies elsewhere', {}, '../x', 'build/path-escapes'],
  ])('a Dockerfile that %s ends an enforced run', async (_how, files, context, code) => {
    const build = { context, platforms: [], buildArgs: {}, network: 'none' }
    const { error } = await judged({ files, policy: RULES, request: { build } })
    expect(codeOf(error)).toBe(code)
  })

  test('under audit a Dockerfile that cannot be read is told, and the run goes on', async () => {
    const { outcome, receipt } = await judged({ files: { Dockerfile: 'FROM\u0000\n' }, policy: RULES, mode: 'audit' })
    expect(outcome).toMatchObject({ claim: { mode: 'audit', verdict: 'rejected' }, judged: [] })
    expect(receipt.notices.join()).toContain('materials/dockerfile-malformed')
  })

  test.each([
    ['one that is not YAML of its kind', { [MANIFEST]: 'version: 2\n' }, undefined],
    ['one that the input names and the commit has not', {}, 'deps.yml'],
    ['a second file that could be taken for it', { '.github/waybill.materials.yaml': 'version: 1\n' }, undefined],
  ])('a manifest must be usable: %s', async (_what, files, path) => {
    for (const mode of ['auto', 'audit'] as const) {
      const request = { materials: { mode, ...(path === undefined ? {} : { manifest: path }) } }
      const { error } = await judged({ files, policy: RULES, request })
      expect(asWaybillError(error)).toMatchObject({ code: 'materials/manifest-unusable', kind: 'configuration' })
    }
  })

  test('digests of the manifest, the builder’s image and named contexts are handed to the judgement of images', async () => {
    const files = {
      ...NODE,
      ...manifest(
        item('node', 'docker-image://node:24', 'base-image: true'),
        item('kit', 'docker-image://moby/buildkit:v0.26.3', 'builder: true'),
        item('tools', 'docker-image://ghcr.io/acme/tools:1', 'build-context: tools'),
      ),
      Dockerfile: 'FROM node:24\nCOPY --from=tools / /\n',
    }
    const { asked, outcome } = await judged({ files, policy: RULES })
    const [images] = asked.images
    expect([...(images?.declared ?? [])]).toEqual([
      ['docker.io/library/node:24', `sha256:${HEX}`],
      ['docker.io/moby/buildkit:v0.26.3', `sha256:${HEX}`],
      ['ghcr.io/acme/tools:1', `sha256:${HEX}`],
    ])
    expect(images?.more).toEqual([
      { canonical: 'docker.io/moby/buildkit:v0.26.3', use: 'builder', place: `${MANIFEST}:4` },
    ])
    expect(images?.builds[0]?.contexts.get('tools')).toMatch(/^docker-image:\/\/ghcr\.io\/acme\/tools:1/)
    expect(outcome?.contexts).toEqual(new Map([['tools', `docker-image://ghcr.io/acme/tools:1@${A}`]]))
    expect(asked.fetched).toEqual([])
  })
})

describe('materials of the manifest', () => {
  const path = item('tini', 'https://dl.example/tini', 'path: vendor/tini')
  const add = item('data', 'https://dl.example/data', 'dockerfile-add: true')

  test('what passes is placed, and named as allowed where ADD fetches it', async () => {
    const files = { ...manifest(path, add), Dockerfile: 'FROM scratch\nADD https://dl.example/data /\n' }
    const { outcome, receipt, asked } = await judged({ files, policy: RULES })
    expect(outcome?.placed).toEqual(new Map([['vendor/tini', { path: '/run/materials/tini' }]]))
    expect(outcome?.allowed?.urls).toEqual([{ url: 'https://dl.example/data', sha256: HEX }])
    expect(asked.fetched[0]).toMatchObject({ manifest: MANIFEST, folder: '/run/materials' })
    expect(receipt.materials).toMatchObject({
      manifest: { path: MANIFEST },
      items: [
        { name: 'https://dl.example/tini', places: [`${MANIFEST}:3`], proof: 'pinned', verdict: 'passed' },
        { name: 'https://dl.example/data', places: [`${MANIFEST}:4`, 'Dockerfile:2'], proof: 'pinned' },
      ],
    })
  })

  test('a file of the commit is read from its tree, for keys that it declares', async () => {
    const { asked } = await judged({ files: { ...manifest(path), 'keys/a.pub': 'key' }, policy: RULES })
    const [request] = asked.fetched
    expect(await request?.commitFile('keys/a.pub')).toEqual(new TextEncoder().encode('key'))
    expect(await request?.commitFile('keys/b.pub')).toBeUndefined()
  })

  test('what does not pass is never placed: enforce stops, audit goes on without it', async () => {
    const fetched = { tini: { verdict: 'rejected', findings: [against('materials/other-bytes')] } } as const
    const enforced = await judged({ files: manifest(path), policy: RULES, fetched })
    expect(codeOf(enforced.error)).toBe('materials/other-bytes')
    const audited = await judged({ files: manifest(path), policy: RULES, fetched, mode: 'audit' })
    expect(audited.outcome).toMatchObject({ claim: { verdict: 'rejected' }, placed: new Map() })
  })

  test('without a policy they are placed all the same, with their digests, and nothing is claimed', async () => {
    const fetched = { bad: { verdict: 'rejected', findings: [against('materials/other-bytes')] } } as const
    const bad = item('bad', 'https://dl.example/bad', 'path: vendor/bad')
    const { outcome, receipt, asked } = await judged({ files: manifest(path, bad, add), fetched })
    expect(outcome?.claim.verdict).toBe('not-asked')
    expect([...(outcome?.placed.keys() ?? [])]).toEqual(['vendor/tini'])
    expect(receipt.notices.join()).toContain('The material bad is left out of the build')
    // What only ADD would fetch is nobody's business here.
    expect(asked.fetched[0]?.items.map(({ name }) => name)).toEqual(['tini', 'bad'])
    expect(asked.images).toEqual([])
  })

  test('a repository as a named context is a folder that is known before the images are judged', async () => {
    const commit = 'e'.repeat(40)
    const lib = `  - {name: lib, uri: "git+https://dl.example/lib@v1", digest: {gitCommit: ${commit}}, use: {build-context: lib}}`
    const files = { ...manifest(lib), Dockerfile: 'FROM scratch\nCOPY --from=lib / /\n' }
    const { asked, outcome } = await judged({ files, policy: 'version: 1\nbase-images: [{match: "**", deny: true}]\n' })
    expect(asked.images[0]?.builds[0]?.contexts.get('lib')).toBe('/run/materials/lib')
    expect(outcome?.allowed?.contexts.get('lib')).toBe('/run/materials/lib')
  })
})

describe('13-adversary 20: a repository that was refused', () => {
  const lib = `  - {name: lib, uri: "git+https://dl.example/lib@v1", digest: {gitCommit: ${'e'.repeat(40)}}, use: {build-context: lib}}`
  const files = { ...manifest(lib), Dockerfile: 'FROM scratch\nCOPY --from=lib / /\n' }
  const fetched = { lib: { verdict: 'rejected', findings: [against('materials/other-bytes')] } } as const

  test('is the reason that is told, and no image of the name of its context', async () => {
    const { asked, error } = await judged({ files, policy: RULES, fetched })
    expect(asked.images[0]?.builds[0]?.contexts.get('lib')).toBe('/nonexistent/waybill/lib')
    expect(codeOf(error)).toBe('materials/other-bytes')
  })

  test.each([{ policy: RULES, mode: 'audit' as const }, {}])('lets no image in its place under %j', async world => {
    const { outcome } = await judged({ files, fetched, ...world })
    expect(outcome?.contexts).toEqual(new Map([['lib', '/nonexistent/waybill/lib']]))
  })
})

describe('what is told', () => {
  test('the first reason names the place, the material and what to do', async () => {
    const { error } = await judged({ files: NODE, policy: RULES, image: BAD })
    const { message, remedy } = asWaybillError(error)
    expect(message).toBe('Dockerfile:1: Nobody signed docker.io/library/node:24')
    expect(remedy).toBe('Sign it')
  })

  test('a rejection comes before what could not be checked', async () => {
    const files = { ...NODE, ...manifest(item('t', 'https://dl.example/t', 'path: t')) }
    const fetched = { t: { verdict: 'rejected', findings: [against('materials/other-bytes')] } } as const
    const { error } = await judged({ files, policy: RULES, image: SILENT, fetched })
    expect(codeOf(error)).toBe('materials/other-bytes')
  })

  test('the network of RUN and lock files are named as not checked, unless there is no network', async () => {
    const files = { ...NODE, 'app/package-lock.json': '{}', 'app/requirements.txt': '' }
    const open = await judged({ files, policy: RULES })
    expect(open.receipt.notChecked.join('\n')).toContain('network is default')
    expect(open.receipt.notChecked.join('\n')).toContain('app/package-lock.json (npm), app/requirements.txt (pip)')
    const build = { context: '.', platforms: [], buildArgs: {}, network: 'none' }
    expect((await judged({ files, policy: RULES, request: { build } })).receipt.notChecked).toEqual([])
  })

  test('waybill-materials.json is kept whatever comes out, and fits its schema', async () => {
    const schema = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../schemas/resolved-materials.json'), 'utf8'),
    ) as object
    const fits = new Ajv.default({ strict: true, strictTypes: false, strictRequired: false }).compile(schema)
    const files = { ...NODE, ...manifest(item('t', 'https://dl.example/t', 'path: t')) }
    for (const image of [{}, BAD, { proof: { kind: 'signature', keys: 'policy', by: 'x', evidence: A } } as const])
      for (const mode of ['auto', 'audit'] as const) {
        const { kept, outcome } = await judged({ files, policy: RULES, image, mode })
        const bytes = kept.get('waybill-materials.json') ?? new Uint8Array()
        const document = JSON.parse(new TextDecoder().decode(bytes))
        expect([fits(document), fits.errors]).toEqual([true, null])
        if (outcome?.resolved !== undefined) expect(outcome.resolved.digest).toBe(sha256(bytes))
        expect(document.materials[0]).toMatchObject({
          uri: 'docker-image://docker.io/library/node:24',
          digest: { sha256: hexOf(A) },
        })
        expect(document.dockerfile.digest.sha256).toBe(hexOf(sha256('FROM node:24\n')))
      }
  })
})

describe('named contexts of the inputs', () => {
  const TOOLS = 'docker-image://ghcr.io/acme/tools:1'
  const build = (contexts: ReadonlyMap<string, string>) => ({
    build: { context: '.', platforms: [], buildArgs: {}, network: 'default', labels: {}, annotations: {}, contexts },
  })
  const both = new Map([
    ['lib', 'commit:lib'],
    ['tools', TOOLS],
  ])
  const files = { Dockerfile: 'FROM tools\nCOPY --from=lib / /\n' }

  test('an image is judged as in FROM and meant by its digest, a folder of the commit is what it is', async () => {
    const { asked, outcome } = await judged({ files, policy: RULES, request: build(both) })
    expect([...(asked.images[0]?.builds[0]?.contexts ?? [])]).toEqual([...both])
    const wanted = new Map([...both, ['tools', `${TOOLS}@${A}`]])
    expect([outcome?.contexts, outcome?.allowed?.contexts]).toEqual([wanted, wanted])
  })

  test('one that nobody signed ends the run', async () => {
    const { error } = await judged({ files, policy: RULES, request: build(both), image: BAD })
    expect(codeOf(error)).toBe('verify/no-attestation')
  })

  test('one that nothing asks for has no digest, and is no context of a closed build', async () => {
    const unused = { Dockerfile: 'FROM scratch\n' }
    const { outcome } = await judged({ files: unused, policy: RULES, request: build(both) })
    expect(outcome?.allowed?.contexts).toEqual(new Map([['lib', 'commit:lib']]))
  })

  test.each([{ policy: RULES }, { policy: RULES, mode: 'audit' as const }, {}])(
    '13-adversary 20: a name that the manifest declares, in any spelling, is refused under %j',
    async world => {
      const declared = manifest(item('t', 'docker-image://alpine:3', 'build-context: alpine'))
      const again = new Map([['docker.io/library/alpine:latest', 'commit:lib']])
      const { error } = await judged({ files: { ...files, ...declared }, request: build(again), ...world })
      expect(codeOf(error)).toBe('build/context-refused')
    },
  )
})
