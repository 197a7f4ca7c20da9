import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import type { CommitId } from '../../src/core/digest.ts'
import { HttpClient } from '../../src/io/http.ts'
import { type EarlierQuestion, type EarlierWorld, findEarlier, sourceIndexTag } from '../../src/pipeline/earlier.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { ANONYMOUS } from '../../src/registry/credentials.ts'
import { parseReference, repositoryOf } from '../../src/registry/reference.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { loadTrust } from '../../src/sigstore/trust/load.ts'
import { verifyBundle } from '../../src/sigstore/verify/verify.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
import { type Forger, openForger } from '../fakes/forge.ts'
import { writeLayout } from '../fakes/layout.ts'
import { type Inputs, policyOf, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { breaks, type Schema } from '../report/schema.ts'
import { codeOf, heldBy, keptBundles } from './aftermath.ts'
import { statementIn } from './source-support.ts'

jest.setTimeout(120_000)

const SCHEMA = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../schemas/source-verification.json'), 'utf8'),
) as Schema
const WORKFLOW = 'acme/app/.github/workflows/release.yml@refs/heads/main'
const SUMMARY = 'https://slsa.dev/verification_summary/v1'
const DETAIL = 'https://example.invalid/waybill/source-verification/v0.1'

let scenario: Scenario
let forger: Forger
let published: StepResult

beforeAll(async () => {
  scenario = await startScenario()
  forger = await openForger(scenario.stack, scenario.image)
  published = await attest()
})
afterAll(async () => {
  forger.close()
  await scenario.close()
})

/** A run that enforces (by `auto`, with a rule) and builds from the commit. */
function attest(inputs: Inputs = {}): Promise<StepResult> {
  return scenario.attest({ builder: 'buildah', tags: 'v1', ...inputs })
}

interface AnyStatement {
  readonly subject: readonly object[]
  readonly predicate: Readonly<Record<string, unknown>>
}

function statementOf({ result }: StepResult, predicateType: string): AnyStatement {
  const bundle = result.attestations.find(item => item.predicateType === predicateType)?.bundle
  return statementIn(bundle ?? '') as unknown as AnyStatement
}

const policyUri = () => `git+${scenario.stack.git.url}/acme/app#.github/waybill.yml`

/** A policy whose deploy rule asks for this, with changes to its `source`. */
function gatePolicy(require = 'source-signed', change: Readonly<Record<string, string>> = {}, more = ''): string {
  const { stack, alice, bob, anchor } = scenario
  const source = { policy: `"${policyUri()}"`, anchor, exceptions: 'deny', ...change }
  const lines = Object.entries(source).map(([key, value]) => `      ${key}: ${value}\n`)
  return policyOf(
    alice,
    bob,
    `${more}deploy:
  - match: ["${stack.registry.host}/acme/**"]
    trust: { file: root.json }
    build: { sigstore: { identity: "${stack.git.url}/${WORKFLOW}", issuer: "${stack.oidc.issuer}" } }
    source:
${lines.join('')}    require: [signature, provenance, ${require}]
`,
  )
}

interface Copied {
  readonly copy: string
  readonly bundles: readonly { readonly type: string; readonly bytes: Uint8Array }[]
}

/** Another image with signature and provenance of its own by the same workflow, and the source bundles of the published one. */
async function copied(name: string, claims: ClaimOverrides = {}): Promise<Copied> {
  const copy = await forger.push(writeLayout(join(scenario.stack.folder, name), { content: name }).folder)
  const run = { sha: scenario.repository.head() ?? '', ...claims }
  const own = [await forger.signature(copy, run), await forger.provenance(copy, run)]
  const source = published.result.attestations.filter(({ predicateType }) => [SUMMARY, DETAIL].includes(predicateType))
  const bundles = [
    ...own.map(bytes => ({ type: 'own', bytes })),
    ...source.map(({ predicateType: type, bundle = '' }) => ({ type, bytes: readFileSync(bundle) })),
  ]
  return { copy, bundles }
}

/** `waybill verify image` with this policy. @returns exit code and codes of what is held against the image. */
async function gate(policy: string, image = published.outputs.image ?? ''): Promise<readonly [number, ...string[]]> {
  const file = join(scenario.stack.folder, 'gate.yml')
  writeFileSync(file, policy)
  writeFileSync(join(scenario.stack.folder, 'root.json'), readFileSync(scenario.stack.trustedRootFile))
  const { code, stdout } = await scenario.cli(['verify', 'image', image, '--policy', file, '--json'])
  const receipt = JSON.parse(stdout) as Receipt
  const findings = receipt.subjects.flatMap(subject => subject.findings)
  const against = findings.filter(({ severity }) => severity === 'reject').map(item => item.code)
  return [code, ...new Set([...(receipt.error === undefined ? [] : [receipt.error.code]), ...against])]
}

describe('the action', () => {
  test('signs, publishes and reads back a summary of the commit and its detail', () => {
    expect([published.code, codeOf(published)]).toEqual([0, undefined])
    expect(published.result.attestations.map(({ predicateType }) => predicateType)).toEqual([
      'https://sigstore.dev/cosign/sign/v1',
      'https://slsa.dev/provenance/v1',
      SUMMARY,
      DETAIL,
    ])
    expect(keptBundles(published)).toHaveLength(4)
    // One platform: four statements beside the index and beside its manifest.
    expect(heldBy(scenario).referrers).toHaveLength(published.result.image?.mediaType.includes('index') ? 8 : 4)
    expect(scenario.stack.fulcio.log.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  test('states the commit alone, its policy, and what the detail holds', () => {
    const head = scenario.repository.head() ?? ''
    const summary = statementOf(published, SUMMARY)
    expect(summary.subject).toEqual([
      {
        uri: `${scenario.stack.git.url}/acme/app/commit/${head}`,
        digest: { gitCommit: head },
        annotations: { sourceRefs: ['refs/heads/main'] },
      },
    ])
    expect(summary.predicate).toMatchObject({
      resourceUri: `git+${scenario.stack.git.url}/acme/app`,
      policy: { uri: policyUri() },
      verificationResult: 'PASSED',
      verifiedLevels: ['SLSA_SOURCE_LEVEL_UNEVALUATED', 'ORG_SOURCE_COMMITS_SIGNED'],
    })
    const detail = statementOf(published, DETAIL)
    expect(breaks(SCHEMA, detail.predicate)).toEqual([])
    expect(detail.predicate).toMatchObject({
      range: { anchor: scenario.anchor, to: head, count: 1 },
      mode: 'enforce',
      inputs: { sourceMode: 'auto', since: scenario.anchor },
      keys: [{ principal: 'bob', first: head, last: head, commits: 1 }],
      exceptions: [],
      commits: [{ gitCommit: head, kind: 'ssh', principal: 'bob', basis: 'signed' }],
    })
  })

  test('13-adversary 23: nobody’s e-mail address is in it', () => {
    for (const type of [SUMMARY, DETAIL])
      expect(JSON.stringify(statementOf(published, type))).not.toMatch(/example\.com/)
  })
})

describe('the gate', () => {
  test('13-adversary 27: follows digest, provenance, commit, summary, detail, anchor', async () => {
    expect(await gate(gatePolicy())).toEqual([0])
    expect(await gate(gatePolicy('source-accepted'))).toEqual([0])
  })

  test.each<[string, string, Readonly<Record<string, string>>, string]>([
    ['another anchor', 'source-signed', { anchor: 'a'.repeat(40) }, 'verify/other-anchor'],
    [
      'another policy',
      'source-signed',
      { policy: '"git+https://github.com/acme/app#.github/waybill.yml"' },
      'verify/other-policy',
    ],
    ['another policy file', 'source-signed', { digest: `sha256:${'1'.repeat(64)}` }, 'verify/other-policy'],
    ['a review that nobody asked for', 'source-reviewed', {}, 'verify/source-level-missing'],
    [
      'another verifying workflow',
      'source-signed',
      { signer: '{ sigstore: { identity: "https://x/y", issuer: "https://x" } }' },
      'verify/identity-mismatch',
    ],
  ])('13-adversary 27: refuses %s', async (_what, require, change, code) => {
    const [exit, first] = await gate(gatePolicy(require, change))
    expect([exit, first]).toEqual([1, code])
  })

  test('13-adversary 12: refuses when a key since the anchor is called compromised', async () => {
    const [{ fingerprint = '' } = {}] = statementOf(published, DETAIL).predicate.keys as { fingerprint: string }[]
    const revoked = `revoked: [{ fingerprint: "${fingerprint}", effective: 2026-01-01, mode: compromised }]\n`
    expect(await gate(gatePolicy('source-signed', {}, revoked))).toEqual([1, 'verify/source-key-compromised'])
  })

  test('13-adversary 27: refuses an image whose detail is not there, and one with nothing at all', async () => {
    const { bundles, copy } = await copied('without-detail')
    await forger.attach(copy, ...bundles.filter(({ type }) => type !== DETAIL).map(({ bytes }) => bytes))
    expect(await gate(gatePolicy(), `${scenario.image}@${copy}`)).toEqual([1, 'verify/source-detail-missing'])
    const bare = await copied('bare')
    const own = bare.bundles.filter(({ type }) => type !== DETAIL && type !== SUMMARY)
    await forger.attach(bare.copy, ...own.map(({ bytes }) => bytes))
    expect(await gate(gatePolicy(), `${scenario.image}@${bare.copy}`)).toEqual([1, 'verify/no-source-summary'])
  })

  test('13-adversary 27: refuses the summary of another commit', async () => {
    const claims = { sha: scenario.anchor }
    const { bundles, copy } = await copied('other-commit', claims)
    await forger.attach(copy, ...bundles.map(({ bytes }) => bytes))
    expect(await gate(gatePolicy(), `${scenario.image}@${copy}`)).toEqual([1, 'verify/source-other-commit'])
  })

  test('13-adversary 27: flags cannot ask for it, because they name no policy and no anchor', async () => {
    const flags = [...scenario.expected, '--require', 'provenance,source-signed']
    const { code, log } = await scenario.cli(['verify', 'image', published.outputs.image ?? '', ...flags])
    expect([code, log.includes('policy/expectation-unclear')]).toEqual([3, true])
  })
})

describe('no summary is signed', () => {
  const types = ({ result }: StepResult) => result.attestations.map(({ predicateType }) => predicateType)
  const none = ['https://sigstore.dev/cosign/sign/v1', 'https://slsa.dev/provenance/v1']

  test('13-adversary 15: of the commit of a digest that was only recorded', async () => {
    const { folder } = writeLayout(join(scenario.stack.folder, 'recorded'))
    const layout = await attest({ builder: 'layout', layout: folder })
    expect([codeOf(layout), types(layout)]).toEqual([undefined, none])
    const recorded = await attest({ builder: 'none', digest: layout.outputs.digest })
    expect([codeOf(recorded), types(recorded)]).toEqual([undefined, none])
  })

  test('13-adversary 41: under audit and without an anchor', async () => {
    for (const inputs of [
      { 'source-mode': 'audit' },
      { 'source-mode': 'off', since: undefined },
      { since: undefined },
    ]) {
      const step = await attest(inputs)
      expect([codeOf(step), types(step)]).toEqual([undefined, none])
    }
  })
})

describe('13-adversary 2: a later run of the branch', () => {
  const question = (change: Partial<EarlierQuestion> = {}): EarlierQuestion => ({
    ref: 'refs/heads/main',
    policyUri: policyUri(),
    anchor: scenario.anchor as CommitId,
    workflows: [],
    revoked: [],
    ...change,
  })

  async function find(asked: EarlierQuestion, run: Partial<EarlierWorld['run']> = {}) {
    const { stack, image } = scenario
    const http = new HttpClient()
    const trust = await loadTrust({ trustedRootFile: readFileSync(stack.trustedRootFile) })
    const world: EarlierWorld = {
      registry: new RegistryClient({ http, credentials: ANONYMOUS }),
      repository: repositoryOf(parseReference(image)),
      run: {
        issuer: stack.oidc.issuer,
        serverUrl: stack.git.url,
        repository: 'acme/app',
        repositoryId: '792829709',
        ownerId: '39804210',
        workflowRef: WORKFLOW,
        jobWorkflowRef: WORKFLOW,
        ...run,
      },
      verifier: async () => bundle => verifyBundle(bundle, trust),
    }
    return findEarlier(asked, world).finally(() => http.close())
  }

  const commit = () => (scenario.repository.head() ?? '') as CommitId
  const tags = () => scenario.stack.registry.storage.open('acme/app').tags

  test('finds what this one stated, with a time of the log, by the tag of its ref', async () => {
    await attest()
    const evidence = await find(question())
    expect(evidence.notes).toEqual([])
    expect(evidence.timeOf(commit())).toMatchObject({ from: 'source-vsa', time: expect.any(Date) })
    expect(evidence.verified?.commit).toBe(commit())
    expect([...tags().keys()]).toContain(sourceIndexTag('refs/heads/main'))
  })

  test('gets nothing of another repository, branch, workflow, policy or anchor, and is told why', async () => {
    const refused = async (asked: EarlierQuestion, run = {}) => {
      const { notes, timeOf, verified } = await find(asked, run)
      expect([timeOf(commit()), verified]).toEqual([undefined, undefined])
      return notes.map(({ code }) => code)
    }
    expect(await refused(question({ anchor: commit() }))).toEqual(['source/earlier-refused'])
    expect(await refused(question({ policyUri: `${policyUri()}x` }))).toEqual(['source/earlier-refused'])
    expect(await refused(question(), { repositoryId: '1' })).toEqual(['source/earlier-refused'])
    expect(await refused(question(), { workflowRef: WORKFLOW.replace('release', 'other') })).toEqual([
      'source/earlier-refused',
    ])
    expect(await refused(question({ ref: 'refs/heads/side' }))).toEqual([])
  })

  test('gets nothing from a tag that somebody put there, and the run that cannot move it passes with a note', async () => {
    const tag = sourceIndexTag('refs/heads/main')
    tags().set(tag, tags().get('v1') ?? '')
    const { notes, verified } = await find(question())
    expect([notes.map(({ code }) => code), verified]).toEqual([['registry/tag-not-ours'], undefined])
    const step = await attest()
    expect([step.code, codeOf(step), step.result.verdict]).toEqual([0, undefined, 'passed'])
    expect(step.result.notices.join()).toContain('registry/tag-not-ours')
    expect(tags().get(tag)).toBe(step.outputs.digest)
    tags().delete(tag)
  })
})

describe('13-adversary 2: the key of a commit ends between two runs', () => {
  const TAG = sourceIndexTag('refs/heads/main')
  let own: Scenario
  let anchor: string
  let before: StepResult
  beforeAll(async () => {
    own = await startScenario()
    await beginWithKeyUntil(20)
  })
  afterAll(() => own.close())

  const run = () => own.attest({ builder: 'buildah', tags: 'v1', since: anchor })
  const tags = () => own.stack.registry.storage.open('acme/app').tags

  /** A policy under which bob's key ends soon, his commit, a first run, and the end of his key. A slow machine gets longer. */
  async function beginWithKeyUntil(seconds: number): Promise<void> {
    const { repository, alice, bob } = own
    const end = new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000)
    const key = `key: "${bob.publicKey}"`
    const policy = policyOf(alice, bob).replace(key, `${key}, not-after: ${end.toISOString().replace('.000', '')}`)
    anchor = repository.commit({ message: 'End', signer: alice, files: { '.github/waybill.yml': policy } })
    const files = { 'hello.txt': `until ${end.toISOString()}\n` }
    repository.commit({ message: 'In time', signer: bob, name: 'Bob', email: 'bob@example.com', files })
    await own.publish()
    before = await run()
    if (Date.now() >= end.getTime()) return beginWithKeyUntil(seconds * 3)
    await new Promise(resolve => setTimeout(resolve, end.getTime() - Date.now() + 1_000))
  }

  test('the run before passes, and so does every one after, each by what the last one carries on', async () => {
    expect([before.code, codeOf(before)]).toEqual([0, undefined])
    expect(statementOf(before, DETAIL).predicate.keys).toMatchObject([{ principal: 'bob', commits: 1 }])
    for (const step of [await run(), await run()]) {
      expect([step.code, codeOf(step), step.result.verdict]).toEqual([0, undefined, 'passed'])
      const detail = statementOf(step, DETAIL)
      expect(breaks(SCHEMA, detail.predicate)).toEqual([])
      expect(detail.predicate.keys).toMatchObject([{ principal: 'bob', verifiedTime: expect.any(String) }])
      expect(statementOf(step, SUMMARY).predicate).toMatchObject({ verificationResult: 'PASSED' })
    }
  })

  test('what he signs afterwards is rejected', async () => {
    const head = own.repository.head() ?? ''
    const late = { message: 'Late', signer: own.bob, name: 'Bob', email: 'bob@example.com', files: { late: 'late\n' } }
    own.repository.commit(late)
    await own.publish()
    const step = await run()
    expect([step.code, codeOf(step)]).toEqual([1, 'source/key-expired'])
    const found = step.result.subjects.map(({ title, findings }) => [title, findings.map(({ code }) => code)])
    expect(found).toEqual([
      ['In time', []],
      ['Late', ['source/key-expired']],
    ])
    own.repository.git('reset', '--quiet', '--hard', head)
    await own.publish()
  })

  test('without the tag that leads there the commit is rejected, and both remedies are told', async () => {
    tags().delete(TAG)
    const step = await run()
    expect([step.code, codeOf(step)]).toEqual([1, 'source/key-expired'])
    expect(step.result.error?.remedy).toMatch(/exceptions .*since.*extend the key/)
  })
})
