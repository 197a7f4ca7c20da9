import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { SinkReceipt } from '../../src/report/receipt.ts'
import { type LeftStatement, type WrittenLayout, writeLayout } from '../fakes/layout.ts'
import type { RegistryOptions } from '../fakes/registry/registry.ts'
import { digestOf } from '../fakes/registry/storage.ts'
import type { RunOptions } from '../fakes/runner.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { signingConfig } from '../fakes/trusted-root.ts'
import { breaks } from '../report/schema.ts'
import { certificateRequests, cleanGround, codeOf, expectNoSecret, heldBy, logEntries } from './aftermath.ts'
import { RESULT_SCHEMA } from './gate-support.ts'
import { statementIn } from './source-support.ts'

/** Where what was signed goes besides: the bundled action, and the gate over what it left. */
jest.setTimeout(120_000)

const TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz'
const PLATFORMS = ['linux/amd64', 'linux/arm64']
const LEGACY = { 'legacy-signatures': 'true' }
const STORE = { 'github-attestations': 'true', 'github-token': TOKEN }

const registry: { -readonly [K in keyof RegistryOptions]: RegistryOptions[K] } = {}
let scenario: Scenario
let layout: WrittenLayout

beforeAll(async () => {
  scenario = await startScenario({ registry })
  layout = writeLayout(join(scenario.stack.folder, 'layout'), { platforms: PLATFORMS })
})
afterAll(() => scenario.close())
beforeEach(() => {
  cleanGround(scenario)
  for (const key of Object.keys(registry) as (keyof RegistryOptions)[]) delete registry[key]
  const repository = scenario.stack.platform.model.repository('acme/app')
  repository.attestations.clear()
  delete repository.refuses
  scenario.stack.platform.model.permissions.add('attestations-write')
  scenario.stack.github.faults.clear()
})

async function attest(inputs: Inputs = {}, run: RunOptions = {}): Promise<StepResult> {
  const done = await scenario.attest({ layout: layout.folder, tags: 'v1', ...inputs }, run)
  expectNoSecret(done, [TOKEN])
  expect(breaks(RESULT_SCHEMA, done.result)).toEqual([])
  return done
}

const outcomeOf = (step: StepResult) => [step.code, codeOf(step)]
const sinksOf = ({ result }: StepResult): readonly (readonly unknown[])[] =>
  (result.sinks ?? []).map(({ name, state, added }: SinkReceipt) => [name, state, added])
const tags = (): readonly string[] => heldBy(scenario).tags
const attached = (step: StepResult, type: string) =>
  step.result.attestations.filter(({ predicateType }) => predicateType === type)

interface Layers {
  readonly layers: readonly { readonly digest: string; readonly annotations: Readonly<Record<string, string>> }[]
}

function manifestOf(tag: string): Layers {
  const store = scenario.stack.registry.storage.open('acme/app')
  return JSON.parse(store.manifests.get(store.tags.get(tag) ?? '')?.bytes.toString() ?? '{"layers":[]}')
}

/** What lies in tags alone, as a reader of cosign 2 sees it: the attached bundles are taken away. */
function forgetReferrers(): void {
  const store = scenario.stack.registry.storage.open('acme/app')
  for (const [digest, { bytes }] of store.manifests)
    if (JSON.parse(bytes.toString()).subject !== undefined) store.manifests.delete(digest)
}

async function gate(digest: string, ...more: readonly string[]): Promise<number> {
  const image = `${scenario.image}@${digest}`
  const { code } = await scenario.cli(['verify', 'image', image, ...scenario.expected, ...more])
  return code
}

/** The same, by a rule that takes a recorded image and asks for both claims. */
async function gateByRule(digest: string): Promise<number> {
  const { stack } = scenario
  const policy = join(stack.folder, 'gate.yml')
  const identity = scenario.expected[1]
  writeFileSync(
    policy,
    `version: 1
deploy:
  - match: "127.0.0.1:*/**"
    trust: { file: trusted_root.json }
    build:
      builders: [layout]
      sigstore: { identity: "${identity}", issuer: "${stack.oidc.issuer}" }
    require: [signature, provenance]
`,
  )
  const { code } = await scenario.cli(['verify', 'image', `${scenario.image}@${digest}`, '--policy', policy])
  return code
}

describe('legacy-signatures', () => {
  test('tags of the image and each platform hold a signature and what is stated of them, and the gate accepts those alone', async () => {
    const done = await attest(LEGACY)
    expect(outcomeOf(done)).toEqual([0, undefined])
    const subjects = [layout.digest, ...layout.children]
    const names = subjects.flatMap(digest => ['sig', 'att'].map(form => `${digest.replace(':', '-')}.${form}`))
    expect([...tags()].sort()).toEqual([...names, 'v1'].sort())
    expect(sinksOf(done)).toEqual([
      ['registry', 'passed', undefined],
      ['legacy-signatures', 'passed', 6],
    ])
    expect(attached(done, 'cosign container image signature')).toHaveLength(3)
    expect(done.summary).toContain('tags for cosign 2')
    forgetReferrers()
    for (const digest of subjects) {
      expect([digest, await gateByRule(digest)]).toEqual([digest, 0])
    }
  })

  const cost = () => [logEntries(scenario), certificateRequests(scenario)] as const

  test('a later attempt finds all of them, signs nothing and asks for no certificate; another run signs its own', async () => {
    const first = await attest(LEGACY)
    const before = cost()
    const again = await attest(LEGACY, { claims: { run_attempt: '2' } })
    expect([first.code, again.code]).toEqual([0, 0])
    expect(cost()).toEqual(before)
    expect(sinksOf(again)).toContainEqual(['legacy-signatures', 'passed', 0])
    expect(manifestOf(`${layout.digest.replace(':', '-')}.sig`).layers).toHaveLength(1)
    const other = await attest(LEGACY, { claims: { run_id: '11997537999' } })
    expect(other.code).toBe(0)
    expect(manifestOf(`${layout.digest.replace(':', '-')}.sig`).layers).toHaveLength(2)
  })

  test('a later attempt signs what is missing in tags alone, with one certificate', async () => {
    await attest(LEGACY)
    const [entries, certificates] = cost()
    const names = [layout.digest, ...layout.children].map(digest => `${digest.replace(':', '-')}.sig`)
    const store = scenario.stack.registry.storage.open('acme/app')
    for (const name of names.slice(1)) store.tags.delete(name)
    const again = await attest(LEGACY, { claims: { run_attempt: '2' } })
    expect(outcomeOf(again)).toEqual([0, undefined])
    expect(again.summary).toContain('resumed: 2 of 2 statements were there')
    expect(cost()).toEqual([entries + 2, certificates + 1])
    expect(sinksOf(again)).toContainEqual(['legacy-signatures', 'passed', 2])
    for (const name of names) expect(manifestOf(name).layers).toHaveLength(1)
  })

  test('13-adversary 24: a planted signature that looks like ours is not taken for it', async () => {
    const first = await attest(LEGACY)
    const store = scenario.stack.registry.storage.open('acme/app')
    const tag = `${layout.digest.replace(':', '-')}.sig`
    const manifest = manifestOf(tag)
    const [ours] = manifest.layers
    const broken = { ...ours, annotations: { ...ours?.annotations, 'dev.cosignproject.cosign/signature': 'MEUCIQ==' } }
    const bytes = Buffer.from(JSON.stringify({ ...manifest, layers: [broken] }))
    const digest = digestOf(bytes)
    store.manifests.set(digest, { mediaType: 'application/vnd.oci.image.manifest.v1+json', bytes, digest })
    store.tags.set(tag, digest)
    const again = await attest(LEGACY)
    expect([first.code, again.code]).toEqual([0, 0])
    expect(manifestOf(tag).layers).toHaveLength(2)
  })

  test('a key signs them, too', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const env = { KEY: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() }
    const done = await attest({ ...LEGACY, key: 'env:KEY' }, { env })
    expect(outcomeOf(done)).toEqual([0, undefined])
    const again = await attest({ ...LEGACY, key: 'env:KEY' }, { env })
    expect(manifestOf(`${layout.digest.replace(':', '-')}.sig`).layers).toHaveLength(1)
    forgetReferrers()
    const root = ['--trusted-root', scenario.stack.trustedRootFile]
    const image = `${scenario.image}@${layout.digest}`
    const { code } = await scenario.cli([
      'verify',
      'image',
      image,
      '--key',
      again.result.signingKey?.file ?? '',
      ...root,
    ])
    expect(code).toBe(0)
  })

  test.each([
    ['Ed25519', () => generateKeyPairSync('ed25519')],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ] as const)('a key whose signatures no log takes so (%s) is refused before anything happens', async (_, make) => {
    const key = make().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const refused = await attest({ ...LEGACY, key: 'env:KEY' }, { env: { KEY: key } })
    expect(outcomeOf(refused)).toEqual([3, 'sigstore/signing-key-unusable'])
    expect([heldBy(scenario).manifests, logEntries(scenario)]).toEqual([0, 0])
  })

  test('a log that takes neither statements nor signatures for tags ends the run with a sentence, not a crash', async () => {
    scenario.stack.rekorV1.faults.add({
      method: 'POST',
      times: Number.POSITIVE_INFINITY,
      fault: { status: 400 },
    })
    const done = await attest(LEGACY)
    expect(outcomeOf(done)).toEqual([2, 'sigstore/log-unavailable'])
    expect(tags()).toEqual([])
  })

  test('without a log that promises anything the run ends before anything happens, and says why', async () => {
    const { stack } = scenario
    const services = { issuer: stack.oidc.issuer, ...stack }
    const config = join(stack.folder, 'v2.json')
    writeFileSync(config, JSON.stringify(signingConfig(services, 'v2')))
    const done = await attest({ ...LEGACY, 'signing-config': config })
    expect(outcomeOf(done)).toEqual([3, 'sigstore/log-without-promise'])
    expect([heldBy(scenario).manifests, certificateRequests(scenario)]).toEqual([0, 0])
    const none = await attest({ ...LEGACY, 'transparency-log': 'none' })
    expect(outcomeOf(none)).toEqual([3, 'entry/input-contradiction'])
    expect(none.log).toContain('cosign 2 accepts a signature in a tag only with the promise of a transparency log')
  })

  test('a registry that lets no tag be written twice: the first run passes, a second says which tag and leaves the rest', async () => {
    registry.immutableTags = true
    const first = await attest({ ...LEGACY, tags: 'v1' })
    expect(outcomeOf(first)).toEqual([0, undefined])
    const second = await attest({ ...LEGACY, tags: 'v2' }, { claims: { run_id: '11997537999' } })
    expect(outcomeOf(second)).toEqual([2, 'registry/tag-immutable'])
    expect(second.result.error?.message).toMatch(/sha256-[0-9a-f]{64}\.(?:sig|att)/)
    expect(sinksOf(second)).toEqual([
      ['registry', 'passed', undefined],
      ['legacy-signatures', 'failed', undefined],
    ])
    expect(tags()).not.toContain('v2')
  })
})

describe('github-attestations', () => {
  test('what is stated of the image is stored once, found by the gate’s own question, and not stored again', async () => {
    const done = await attest(STORE)
    expect(outcomeOf(done)).toEqual([0, undefined])
    expect(sinksOf(done)).toEqual([
      ['registry', 'passed', undefined],
      ['github-attestations', 'passed', 2],
    ])
    scenario.stack.github.expectNothingUnexpected()
    const { attestations } = scenario.stack.platform.model.repository('acme/app')
    expect([...attestations.keys()].sort()).toEqual([layout.digest, ...layout.children].sort())
  })

  test.each([
    ['no permission', 403, 'Resource not accessible by integration', 'github/api-permission'],
    ['a repository that it does not see', 404, 'Not Found', 'github/api-permission'],
    ['content that is not taken', 422, 'Validation Failed', 'github/attestation-refused'],
    ['a bundle that is too large', 413, 'Payload too large', 'github/attestation-refused'],
    [
      'a secondary limit',
      403,
      'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
      'github/api-rate-limited',
    ],
  ])('%s: the run says so, nothing else is lost, and no tag moves', async (_, status, message, code) => {
    scenario.stack.platform.model.repository('acme/app').refuses = { status, message }
    const done = await attest({ ...STORE, ...LEGACY })
    expect(outcomeOf(done)).toEqual([2, code])
    expect(sinksOf(done)).toEqual([
      ['registry', 'passed', undefined],
      ['legacy-signatures', 'passed', 6],
      ['github-attestations', 'failed', undefined],
    ])
    expect(tags()).not.toContain('v1')
    if (code === 'github/api-permission') expect(done.summary).toContain('attestations: write')
  })

  test('a repository for which GitHub keeps none is told, and the run goes on', async () => {
    const message =
      'Feature not available for user-owned private repositories. To enable this feature, please make this repository public.'
    scenario.stack.platform.model.repository('acme/app').refuses = { status: 403, message }
    const done = await attest(STORE)
    expect(outcomeOf(done)).toEqual([0, undefined])
    expect(sinksOf(done)).toContainEqual(['github-attestations', 'not-available', undefined])
    expect(done.result.notices.join()).toContain('github/attestations-unavailable')
    expect(tags()).toContain('v1')
  })
})

describe('the list of artifacts', () => {
  test('names each image by its digest, once', async () => {
    const list = join(scenario.stack.folder, 'artifacts')
    writeFileSync(list, 'ghcr.io/acme/other@sha256:0')
    const run = { env: { GITHUB_ARTIFACTS: list } }
    const first = await attest({}, run)
    const again = await attest({}, run)
    expect(readFileSync(list, 'utf8')).toBe(`ghcr.io/acme/other@sha256:0\n${scenario.image}@${layout.digest}\n`)
    expect(sinksOf(first)).toContainEqual(['github-artifacts', 'passed', 1])
    expect(sinksOf(again)).toContainEqual(['github-artifacts', 'passed', 0])
  })

  test('that cannot be written is told and ends nothing', async () => {
    const folder = join(scenario.stack.folder, 'no-file')
    mkdirSync(folder, { recursive: true })
    const done = await attest({}, { env: { GITHUB_ARTIFACTS: folder } })
    expect(outcomeOf(done)).toEqual([0, undefined])
    expect(sinksOf(done)).toContainEqual(['github-artifacts', 'failed', undefined])
    expect(done.result.notices.join()).toContain('core/file-unreadable')
  })
})

const SPDX = 'https://spdx.dev/Document'
const CYCLONEDX = 'https://cyclonedx.org/bom'

const spdx = (version: string) => ({
  spdxVersion: 'SPDX-2.3',
  SPDXID: 'SPDXRef-DOCUMENT',
  dataLicense: 'CC0-1.0',
  name: 'app',
  documentNamespace: 'https://example.com/app',
  creationInfo: { created: '2026-01-01T00:00:00Z', creators: ['Tool: example'] },
  documentDescribes: ['SPDXRef-image'],
  packages: [{ SPDXID: 'SPDXRef-image', name: 'app', versionInfo: version, primaryPackagePurpose: 'CONTAINER' }],
})
const cyclonedx = (version: string) => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  metadata: { component: { type: 'container', name: 'app', version } },
  components: [],
})

function written(name: string, document: object): string {
  const path = join(scenario.stack.folder, name)
  writeFileSync(path, JSON.stringify(document))
  return path
}

describe('sbom', () => {
  test.each([
    ['SPDX', SPDX, spdx],
    ['CycloneDX', CYCLONEDX, cyclonedx],
  ] as const)('a file of %s becomes a statement about the image, and the gate finds it', async (name, type, make) => {
    const done = await attest({ sbom: written(`${name}.json`, make(layout.digest)) })
    expect(outcomeOf(done)).toEqual([0, undefined])
    const [sbom] = attached(done, type)
    expect(statementIn(sbom?.bundle ?? '')).toMatchObject({ predicateType: type, predicate: make(layout.digest) })
    for (const digest of [layout.digest, ...layout.children]) expect(await gate(digest, '--require', 'sbom')).toBe(0)
  })

  test('one that names a platform is about that alone', async () => {
    const [amd64 = '', arm64 = ''] = layout.children
    const done = await attest({ sbom: written('platform.json', spdx(amd64)) })
    expect(outcomeOf(done)).toEqual([0, undefined])
    expect(await gate(amd64, '--require', 'sbom')).toBe(0)
    expect(await gate(arm64, '--require', 'sbom')).toBe(1)
    expect(await gate(layout.digest, '--require', 'sbom')).toBe(1)
  })

  test('one of another image ends the run before anything is signed', async () => {
    const other = `sha256:${'a'.repeat(64)}`
    const done = await attest({ sbom: written('other.json', cyclonedx(other)) })
    expect(outcomeOf(done)).toEqual([1, 'pipeline/sbom-other-image'])
    expect(done.result.error?.found).toContain(other)
    expect([logEntries(scenario), tags()]).toEqual([0, []])
  })

  test.each([
    ['no file', undefined],
    ['no JSON', 'SPDXVersion: SPDX-2.3'],
    ['no bill of materials', '{"name":"app"}'],
    ['SPDX 3', '{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}'],
  ])('%s ends the run before anything happens', async (name, text) => {
    const path = join(scenario.stack.folder, `${name.replaceAll(' ', '-')}.json`)
    if (text !== undefined) writeFileSync(path, text)
    const done = await attest({ sbom: path })
    expect(outcomeOf(done)).toEqual([3, text === undefined ? 'core/file-unreadable' : 'pipeline/sbom-unusable'])
    expect([heldBy(scenario).manifests, certificateRequests(scenario)]).toEqual([0, 0])
  })

  function left(about: (digest: string) => string, subject = true): string {
    const folder = join(scenario.stack.folder, `left-${about('x').slice(0, 9).replace(':', '')}-${subject}`)
    const statements = (digest: string, platform: string): readonly LeftStatement[] => {
      const statement = {
        _type: 'https://in-toto.io/Statement/v0.1',
        predicateType: SPDX,
        subject: [{ name: 'pkg:docker/app', digest: { sha256: about(digest).replace('sha256:', '') } }],
        predicate: { ...spdx('1.0'), name: platform },
      }
      return [{ predicateType: SPDX, text: JSON.stringify(statement) }]
    }
    return writeLayout(folder, { platforms: PLATFORMS, statements, subject }).folder
  }

  test.each([true, false])(
    'auto states again what the builder left for each platform (subject named: %s)',
    async subject => {
      const done = await attest({ sbom: 'auto', layout: left(digest => digest, subject) })
      expect(outcomeOf(done)).toEqual([0, undefined])
      const sboms = attached(done, SPDX)
      expect(
        sboms.map(
          ({ bundle = '' }) => (statementIn(bundle) as unknown as { predicate: { name: string } }).predicate.name,
        ),
      ).toEqual(PLATFORMS)
      const { digest = '', platforms = [] } = done.result.image ?? {}
      expect(sboms.map(sbom => sbom.subject)).toEqual(platforms.map(platform => platform.digest))
      for (const one of [digest, ...platforms.map(platform => platform.digest)])
        expect([one, await gate(one, '--require', 'sbom')]).toEqual([one, 0])
    },
  )

  test('13-adversary 24: what a builder left about another manifest is not stated again, and the summary says why', async () => {
    const done = await attest({ sbom: 'auto', layout: left(() => `sha256:${'b'.repeat(64)}`) })
    expect(outcomeOf(done)).toEqual([0, undefined])
    expect(attached(done, SPDX)).toEqual([])
    expect(done.summary).toContain('the statement is about another manifest')
  })

  test('where a builder left nothing the summary says so', async () => {
    const done = await attest({ sbom: 'auto' })
    expect(outcomeOf(done)).toEqual([0, undefined])
    expect(done.summary).toContain('the index lists no attestation manifest')
  })
})

test('one registry that fails takes nothing from the other, and no tag moves', async () => {
  const second = `${scenario.stack.registry.host}/acme/second`
  scenario.stack.registry.faults.add({
    method: 'PUT',
    path: /acme\/second\/manifests\/sha256:/,
    after: 3,
    times: Number.POSITIVE_INFINITY,
    fault: { status: 403 },
  })
  const done = await attest({ images: `${scenario.image}\n${second}`, ...LEGACY })
  expect(outcomeOf(done)).toEqual([2, 'registry/forbidden'])
  expect(sinksOf(done)).toEqual([
    ['registry', 'passed', undefined],
    ['registry', 'failed', undefined],
    ['legacy-signatures', 'passed', 6],
    ['legacy-signatures', 'passed', 6],
  ])
  expect(tags()).not.toContain('v1')
  expect(heldBy(scenario).referrers).toHaveLength(6)
})
