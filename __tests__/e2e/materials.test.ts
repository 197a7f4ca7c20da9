import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { jest } from '@jest/globals'
import { sha256 } from '../../src/core/digest.ts'
import { RESOLVED_MATERIALS_TYPE } from '../../src/statements/resolved-materials.ts'
import { SCAI_PREDICATE } from '../../src/statements/scai.ts'
import { Gpg } from '../fakes/gpg.ts'
import { type Service, startService } from '../fakes/service.ts'
import { breaks } from '../report/schema.ts'
import { codeOf, logEntries } from './aftermath.ts'
import { RESULT_SCHEMA } from './gate-support.ts'
import { type MaterialsBench, openMaterialsBench, signedRule, statementsOf } from './materials-support.ts'

// Real builds on a busy machine; buildah itself waits between three tries to reach a registry.
jest.setTimeout(240_000)

const MANIFEST = '.github/waybill.materials.yml'
type Step = Awaited<ReturnType<MaterialsBench['attest']>>
let bench: MaterialsBench
let rules: string

beforeAll(async () => {
  bench = await openMaterialsBench()
  rules = `base-images:
${signedRule(bench.scenario)}  - {match: "${bench.host}/acme/unsigned", digest-lock: true, private: true}
`
  await bench.rules(rules)
})
afterAll(() => bench.close())

const hex = (digest: string) => digest.slice('sha256:'.length)
const stateOf = (step: Step) => step.result.stages.find(({ name }) => name === 'materials')

describe('under enforce', () => {
  test('a signed base passes; provenance and SCAI say by whom, and the gate holds the image to it', async () => {
    await bench.commit({ Dockerfile: `FROM ${bench.base.name}\nCOPY hello.txt /\n`, [MANIFEST]: null })
    const step = await bench.attest({ tags: 'signed' })
    expect([step.code, codeOf(step), step.outputs['materials-verdict']]).toEqual([0, undefined, 'passed'])
    expect(stateOf(step)).toMatchObject({ state: 'passed', mode: 'enforce' })
    expect(breaks(RESULT_SCHEMA, step.result)).toEqual([])
    const { types, attributes, provenance } = statementsOf(step)
    expect(types).toContain(SCAI_PREDICATE)
    expect(attributes.map(({ attribute }) => attribute)).toEqual([
      'BASE_IMAGE_SIGNATURE_VERIFIED',
      'BASE_IMAGES_DECLARED',
    ])
    expect(attributes[0]?.target).toMatchObject({ digest: { sha256: hex(bench.base.digest) } })
    const [, base] = provenance?.predicate.buildDefinition.resolvedDependencies ?? []
    expect(base).toMatchObject({
      name: bench.base.name,
      uri: `docker-image://${bench.base.name}@${bench.base.digest}`,
      digest: { sha256: hex(bench.base.digest) },
      annotations: { proof: 'signed', verdict: 'passed', enforced: 'true' },
    })
    expect(provenance?.predicate.buildDefinition.internalParameters.waybill?.materials).toEqual({
      mode: 'enforce',
      verdict: 'passed',
    })
    expect(step.summary).toContain('### Base images and other materials')
    expect(step.summary).toContain(bench.base.digest)
    const items = ['materials-verified', 'materials-pinned', 'closed-world']
    const image = `${bench.scenario.image}@${step.outputs.digest}`
    const verdicts = await Promise.all(
      items.map(item =>
        bench.scenario.cli([
          ...['verify', 'image', image, '--require', `signature,provenance,${item}`, ...bench.scenario.expected],
        ]),
      ),
    )
    // 13-adversary 18: buildah never earns a closed world.
    expect(verdicts.map(({ code }) => code)).toEqual([0, 0, 1])
  })

  test('the resolved manifest lies beside the result and beside the image, bound by its digest', async () => {
    const step = await bench.attest({ tags: 'signed' })
    const bytes = readFileSync(join(dirname(step.outputs.result ?? ''), 'waybill-materials.json'))
    const { attributes } = statementsOf(step)
    expect(attributes.at(-1)).toMatchObject({ evidence: { digest: { sha256: hex(sha256(bytes)) } } })
    const store = bench.scenario.stack.registry.storage.open('acme/app')
    const referrers = [...store.manifests.values()].map(({ bytes: manifest }) => JSON.parse(manifest.toString()))
    const own = referrers.find(
      ({ artifactType, subject }) => artifactType === RESOLVED_MATERIALS_TYPE && subject.digest === step.outputs.digest,
    )
    expect(own.layers[0].digest).toBe(sha256(bytes))
    expect(store.blobs.get(own.layers[0].digest)?.equals(bytes)).toBe(true)
  })

  test('C1: an unsigned base is denied before anything is built, with the line and the YAML to add', async () => {
    await bench.rules(
      rules.replace(
        /, digest-lock: true/,
        `, signers: [{ sigstore: { identity: x@example.com, issuer: "https://issuer.example" } }], trust: { file: trust/root.json }`,
      ),
    )
    await bench.commit({ Dockerfile: `FROM ${bench.unsigned.name}\n`, [MANIFEST]: null })
    const before = logEntries(bench.scenario)
    const step = await bench.attest({ tags: 'never' })
    expect([step.code, codeOf(step), step.outputs['materials-verdict']]).toEqual([
      1,
      'verify/no-attestation',
      'rejected',
    ])
    expect(step.result.stages.find(({ name }) => name === 'build')?.state).toBe('not-reached')
    expect(step.result.image).toBeUndefined()
    expect(step.result.error?.message).toMatch(/^Dockerfile:1: /)
    expect(step.log).toContain('file=Dockerfile,line=1')
    expect(logEntries(bench.scenario)).toBe(before)
    await bench.rules(rules)
  })

  test('13-adversary 39: a base without a rule is not even asked for', async () => {
    await bench.commit({ Dockerfile: `FROM ${bench.host}/acme/other:1\n`, [MANIFEST]: null })
    bench.scenario.stack.registry.log.length = 0
    const step = await bench.attest({ tags: 'never' })
    expect([step.code, codeOf(step)]).toEqual([1, 'policy/no-rule'])
    expect(bench.scenario.stack.registry.log.filter(({ path }) => path.includes('acme/other'))).toEqual([])
  })

  test('a digest that was reviewed is pinned: said so, and not taken for verified', async () => {
    const { name, digest } = bench.unsigned
    const pinned = `version: 1\nmaterials:\n  - {name: base, uri: "docker-image://${name}", digest: {sha256: ${hex(digest)}}, use: {base-image: true}}\n`
    await bench.commit({ Dockerfile: `FROM ${name}\nCOPY hello.txt /\n`, [MANIFEST]: pinned })
    const step = await bench.attest({ tags: 'pinned' })
    expect([step.code, codeOf(step)]).toEqual([0, undefined])
    expect(step.summary).toContain('**pinned**')
    expect(statementsOf(step).attributes.map(({ attribute }) => attribute)).toEqual([
      'BASE_IMAGE_DIGEST_PINNED',
      'BASE_IMAGES_DECLARED',
    ])
    const image = `${bench.scenario.image}@${step.outputs.digest}`
    const asked = ['materials-verified', 'materials-pinned'].map(item =>
      bench.scenario.cli([
        'verify',
        'image',
        image,
        '--require',
        `signature,provenance,${item}`,
        ...bench.scenario.expected,
      ]),
    )
    expect((await Promise.all(asked)).map(({ code }) => code)).toEqual([1, 0])
  })

  test('a tag that nobody pinned is refused with the line to add', async () => {
    await bench.commit({ Dockerfile: `FROM ${bench.unsigned.name}\n`, [MANIFEST]: null })
    const step = await bench.attest({ tags: 'never' })
    expect([step.code, codeOf(step)]).toEqual([1, 'materials/not-pinned'])
    expect(step.result.error?.remedy).toContain(hex(bench.unsigned.digest))
  })

  test('the base image of the last attested image of this branch is shown beside the new one', async () => {
    await bench.commit({ Dockerfile: `FROM ${bench.base.name}\nCOPY hello.txt /\n`, [MANIFEST]: null })
    await bench.attest({ tags: 'changed' })
    const again = await bench.attest({
      images: `${bench.host}/acme/base`,
      tags: '1',
      name: 'base',
      'build-args': 'CHANGED=1',
      labels: 'a.b=c',
    })
    expect(again.outputs.digest).not.toBe(bench.base.digest)
    const step = await bench.attest({ tags: 'changed' })
    expect(codeOf(step)).toBeUndefined()
    expect(step.result.materials?.items[0]).toMatchObject({ previous: bench.base.digest, digest: again.outputs.digest })
    expect(step.summary).toContain(`${bench.base.digest.slice(0, 19)}\` → `)
  })
})

test.each([
  ['enforce', {}, 'passed'],
  ['audit', { 'materials-mode': 'audit' }, 'passed'],
] as const)('a named context is an image of the manifest by its digest, under %s', async (mode, inputs, verdict) => {
  const { name, digest } = bench.base
  const context = `version: 1\nmaterials:\n  - {name: tools, uri: "docker-image://${name}", digest: {sha256: ${hex(digest)}}, use: {build-context: tools}}\n`
  await bench.commit({ Dockerfile: 'FROM scratch\nCOPY --from=tools /bin/busybox /bin/tool\n', [MANIFEST]: context })
  // What the tag means now is another image; the manifest's digest is the one that was reviewed.
  const step = await bench.attest({ tags: 'context', ...inputs })
  expect([step.code, codeOf(step), step.outputs['materials-verdict']]).toEqual([0, undefined, verdict])
  expect(step.result.materials?.items).toMatchObject([{ digest, proof: 'signed' }])
  expect(stateOf(step)?.mode).toBe(mode)
})

describe('materials of the manifest', () => {
  const TOOL = Buffer.from('#!/bin/sh\necho tool\n')
  const SUM = hex(sha256(TOOL))
  const DOCKERFILE = 'FROM scratch\nCOPY vendor /vendor\n'
  let files: Service
  let gpg: Gpg
  let key: string

  beforeAll(async () => {
    gpg = new Gpg()
    key = gpg.makeKey('Krallin <krallin@example.com>', 'ed25519')
    const served: Record<string, string | Buffer> = {
      '/tool': TOOL,
      '/tool.asc': `${gpg.sign(key, TOOL)}\n`,
      '/bad': 'other',
      '/copy': TOOL,
    }
    files = await startService('downloads', ({ path }) => {
      const body = served[path]
      return body === undefined ? { status: 404 } : { status: 200, body }
    })
    await bench.rules(
      `base-images: [{match: "**", deny: true}]
materials:
  - {match: "${files.url}/tool", keys: [krallin], private: true}
  - {match: "${files.url}/**", private: true}
material-keys: {krallin: {openpgp: {fingerprint: ${key}, file: keys/krallin.asc}}}
`,
      { '.github/keys/krallin.asc': gpg.exported(key) },
    )
  })
  afterAll(async () => {
    gpg.close()
    await files.close()
    await bench.rules(rules)
  })

  const item = (name: string, path: string, more = '') =>
    `  - {name: ${name}, uri: "${files.url}/${path}", digest: {sha256: ${SUM}}${more}, use: {path: vendor/${name}}}`
  const manifest = (...items: readonly string[]) => `version: 1\nmaterials:\n${items.join('\n')}\n`
  const bySignature = (keyText: string) => `, verify: {openpgp: {signature: "{uri}.asc", key: ${keyText}}}`

  test('a file is fetched, verified by the policy’s key, placed beside the commit, and claimed', async () => {
    await bench.commit({ Dockerfile: DOCKERFILE, [MANIFEST]: manifest(item('tool', 'tool', bySignature('krallin'))) })
    const step = await bench.attest({ tags: 'placed' })
    expect([step.code, codeOf(step)]).toEqual([0, undefined])
    const { attributes, provenance } = statementsOf(step)
    expect(attributes.map(({ attribute }) => attribute)).toEqual([
      'MATERIAL_SIGNATURE_VERIFIED',
      'MATERIAL_DIGEST_VERIFIED',
      'BASE_IMAGES_DECLARED',
    ])
    const [commit, tool] = provenance?.predicate.buildDefinition.resolvedDependencies ?? []
    expect(tool).toMatchObject({ uri: `${files.url}/tool`, digest: { sha256: SUM }, annotations: { proof: 'signed' } })
    expect(commit?.digest.gitCommit).toBe(bench.scenario.repository.head())
    expect(filesOf(step).get('vendor/tool')).toBe(TOOL.toString())
    const image = `${bench.scenario.image}@${step.outputs.digest}`
    const asked = ['--require', 'signature,provenance,materials-verified', ...bench.scenario.expected]
    expect((await bench.scenario.cli(['verify', 'image', image, ...asked])).code).toBe(0)
  })

  test('what is placed is no part of what the context’s digest names', async () => {
    const contextOf = (step: Step) =>
      statementsOf(step).provenance?.predicate.buildDefinition.internalParameters.waybill?.context
    const first = await bench.attest({ tags: 'placed' })
    const tree = bench.scenario.repository.git('rev-parse', 'HEAD^{tree}').trim()
    expect(contextOf(first)).toMatchObject({ gitTree: tree })
  })

  test('13-adversary 20: a key that the judged commit declares does not meet a rule that names one', async () => {
    const declared = item('tool', 'tool', bySignature('{file: keys/own.asc}'))
    await bench.commit({ Dockerfile: DOCKERFILE, 'keys/own.asc': gpg.exported(key), [MANIFEST]: manifest(declared) })
    const step = await bench.attest({ tags: 'never' })
    expect([step.code, step.outputs['materials-verdict']]).toEqual([1, 'rejected'])
    expect(step.result.image).toBeUndefined()
  })

  test('other bytes than the manifest says are rejected before anything is built', async () => {
    await bench.commit({ Dockerfile: DOCKERFILE, [MANIFEST]: manifest(item('bad', 'bad')) })
    const step = await bench.attest({ tags: 'never' })
    expect([step.code, codeOf(step)]).toEqual([1, 'materials/other-bytes'])
    expect(step.result.error?.message).toContain(`${MANIFEST}:3`)
  })

  test('a download that only its digest vouches for is pinned, and called so', async () => {
    await bench.commit({ Dockerfile: DOCKERFILE, [MANIFEST]: manifest(item('copy', 'copy')) })
    const step = await bench.attest({ tags: 'placed' })
    expect(codeOf(step)).toBeUndefined()
    expect(statementsOf(step).attributes.map(({ attribute }) => attribute)).toEqual([
      'MATERIAL_DIGEST_VERIFIED',
      'BASE_IMAGES_DECLARED',
    ])
    expect(step.summary).toContain('**pinned**')
  })

  test('a download that nobody serves is unknown, and nothing is built', async () => {
    await bench.commit({ Dockerfile: DOCKERFILE, [MANIFEST]: manifest(item('gone', 'gone')) })
    const step = await bench.attest({ tags: 'never' })
    expect([step.code, step.outputs['materials-verdict'], step.result.image]).toEqual([2, 'unknown', undefined])
  })

  test('an undeclared ADD is refused with its line and the item to write', async () => {
    await bench.commit({ Dockerfile: `FROM scratch\nADD ${files.url}/copy /\n`, [MANIFEST]: null })
    const before = files.log.length
    const step = await bench.attest({ tags: 'never' })
    expect([step.code, codeOf(step)]).toEqual([1, 'materials/undeclared'])
    expect(step.result.error?.message).toMatch(/^Dockerfile:2: /)
    expect(step.result.error?.remedy).toContain(`uri: "${files.url}/copy"`)
    expect(files.log).toHaveLength(before)
  })

  test('13-adversary 39: without a rule a manifest leads to no address inside, and what is left out is told', async () => {
    await bench.rules('')
    await bench.commit({ Dockerfile: DOCKERFILE, [MANIFEST]: manifest(item('copy', 'copy')) })
    const before = files.log.length
    const step = await bench.attest({ tags: 'never' })
    expect([codeOf(step), step.outputs['materials-verdict']]).toEqual(['build/failed', 'not-asked'])
    expect(step.result.notices.join()).toContain('The material copy is left out of the build')
    expect(files.log).toHaveLength(before)
  })
})

/** Files of the pushed image, by path. */
function filesOf(step: Step): ReadonlyMap<string, string> {
  const { stack } = bench.scenario
  const store = stack.registry.storage.open('acme/app')
  const child = step.result.image?.platforms[0]?.digest ?? ''
  const { layers } = JSON.parse(store.manifests.get(child)?.bytes.toString() ?? '{"layers":[]}')
  const folder = mkdtempSync(join(stack.folder, 'unpacked-'))
  for (const { digest } of layers as { digest: string }[])
    execFileSync('tar', ['-xzf', '-', '-C', folder, '--no-same-owner'], { input: store.blobs.get(digest) })
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return new Map(
    paths.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')]
    }),
  )
}

describe('other modes', () => {
  test('13-adversary 41: an audit goes on, says what is bad, and claims nothing', async () => {
    await bench.commit({ Dockerfile: `FROM ${bench.unsigned.name}\nCOPY hello.txt /\n`, [MANIFEST]: null })
    const step = await bench.attest({ tags: 'audit', 'materials-mode': 'audit' })
    expect([step.code, codeOf(step), step.outputs['materials-verdict'], step.outputs.verdict]).toEqual([
      0,
      undefined,
      'rejected',
      'rejected',
    ])
    const { types, provenance } = statementsOf(step)
    expect(types).not.toContain(SCAI_PREDICATE)
    expect(provenance?.predicate.buildDefinition.internalParameters.waybill?.materials).toEqual({
      mode: 'audit',
      verdict: 'rejected',
    })
    expect(JSON.stringify(types) + JSON.stringify(provenance)).not.toContain('_VERIFIED')
  })

  test('13-adversary 38: off is said first and claims nothing', async () => {
    const step = await bench.attest({ tags: 'off', 'materials-mode': 'off' })
    expect([step.code, step.outputs['materials-verdict']]).toEqual([0, 'not-asked'])
    expect(step.summary.split('\n\n')[0]).toContain('materials-mode is off')
    expect(statementsOf(step).types).not.toContain(SCAI_PREDICATE)
  })

  test('13-adversary 20: a developer’s own commit cannot add a rule', async () => {
    const own = `version: 1\nbase-images: [{match: "**", digest-lock: true}]\n`
    await bench.commit({
      '.github/waybill.yml': own,
      Dockerfile: `FROM ${bench.host}/acme/other@${bench.unsigned.digest}\n`,
    })
    const step = await bench.attest({ tags: 'never', 'source-mode': 'audit' })
    expect([step.code, codeOf(step)]).toEqual([1, 'policy/no-rule'])
  })
})
