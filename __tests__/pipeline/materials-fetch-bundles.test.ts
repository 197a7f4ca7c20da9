import { type Digest, sha256 } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import type { FetchPorts } from '../../src/pipeline/materials-fetch.ts'
import type { FetchedBundles } from '../../src/registry/fetched.ts'
import { openSession } from '../../src/sigstore/sign/session.ts'
import { buildStatement } from '../../src/statements/build.ts'
import { fileStatement } from '../../src/statements/file.ts'
import { PROVENANCE_PREDICATE, VERIFICATION_SUMMARY_PREDICATE } from '../../src/statements/statement.ts'
import { type ClaimOverrides, githubClaims } from '../fakes/claims.ts'
import { zip } from '../materials/unpack/archives.ts'
import { type Bench, hasty, openBench } from '../sigstore/support.ts'
import { FetchWorld, type Law, sha256Of } from './materials-fetch-world.ts'

const BYTES = 'the material\n'.repeat(1_000)
const HEX = sha256Of(BYTES)
const DIGEST = sha256(BYTES)
const ISSUER = 'https://token.actions.githubusercontent.com'
const CORE: ClaimOverrides = {
  repository: 'my-org/core',
  repository_id: '4713',
  workflow_ref: 'my-org/core/.github/workflows/build.yml@refs/heads/main',
}
const SIGNER = 'my-org/core/.github/workflows/build.yml@refs/heads/main'
const SAN = `https://github.com/${SIGNER}`

let bench: Bench
let world: FetchWorld
beforeAll(async () => {
  bench = await openBench({ issuer: ISSUER })
})
afterAll(() => bench.close())
beforeEach(async () => {
  world = await FetchWorld.start()
  world.serve('/core.tgz', BYTES)
})
afterEach(() => world.close())

/** A bundle of a run with these claims. */
async function signed(statement: Uint8Array, claims: ClaimOverrides = CORE): Promise<Uint8Array> {
  const identityToken = () => bench.stack.oidc.mint(claims)
  const { services, http } = bench
  const session = openSession({ services, http, identityToken, now: Date.now, clock: hasty })
  return (await session.sign(statement)).bundle
}

const about = (digest: Digest = DIGEST) => fileStatement({ name: 'core.tgz', digest })

/** As actions/attest-build-provenance writes it. */
function provenance(hex = HEX, over: ClaimOverrides = CORE, commit?: string): Uint8Array {
  const claims = githubClaims(over)
  const repository = `https://github.com/${claims.repository}`
  const [path = '', ref = ''] = String(claims.workflow_ref).replace(`${claims.repository}/`, '').split('@')
  return buildStatement({
    subjects: [{ name: 'core.tgz', digest: { sha256: hex } }],
    predicateType: PROVENANCE_PREDICATE,
    predicate: {
      buildDefinition: {
        buildType: 'https://actions.github.io/buildtypes/workflow/v1',
        externalParameters: { workflow: { ref, repository, path } },
        internalParameters: {
          github: {
            event_name: String(claims.event_name),
            repository_id: String(claims.repository_id),
            repository_owner_id: String(claims.repository_owner_id),
            runner_environment: 'github-hosted',
          },
        },
        resolvedDependencies: [
          { uri: `git+${repository}@${claims.ref}`, digest: { gitCommit: commit ?? String(claims.sha) } },
        ],
      },
      runDetails: {
        builder: { id: `https://github.com/${claims.workflow_ref}` },
        metadata: { invocationId: `${repository}/actions/runs/${claims.run_id}/attempts/1` },
      },
    },
  })
}

const ROOT: Partial<FetchPorts> = { trustRoot: async () => bench.trust }
const url = () => `${world.url}/core.tgz`

function item(verify: string, digest = `digest: {sha256: ${HEX}}, `): string {
  return `  - {name: core, uri: "${url()}", ${digest}verify: {${verify}}, use: {path: vendor/core.tgz}}\n`
}

const GITHUB_KEY = (over = '') => `material-keys:
  core:
    github:
      repository: my-org/core
      repository-id: 4713
      signer: "${SIGNER}"
      source-ref: [refs/heads/main]
      trigger: [push]
${over}`

describe('a bundle beside the material', () => {
  const verify = `sigstore: {bundle: "{uri}.sigstore.json", identity: "${SAN}", issuer: "${ISSUER}"}`
  const serve = async (statement: Uint8Array, claims?: ClaimOverrides) =>
    world.serve('/core.tgz.sigstore.json', await signed(statement, claims))

  test('by the identity of the manifest passes as declared by the commit', async () => {
    await serve(about())
    expect(await world.one(item(verify), {}, ROOT)).toMatchObject({
      verdict: 'passed',
      proof: 'signature',
      keys: 'declared-by-commit',
      by: expect.stringContaining(SAN),
    })
  })

  test('without a digest passes with that of what was signed', async () => {
    await serve(about())
    expect(await world.one(item(verify, ''), {}, ROOT)).toMatchObject({ verdict: 'passed', digest: { sha256: HEX } })
    world.serve('/core.tgz', 'other bytes')
    expect(await world.one(item(verify, ''), {}, ROOT)).toMatchObject({ verdict: 'rejected', digest: {} })
  })

  test('by a signer whom the policy names passes as the policy’s word', async () => {
    await serve(about())
    const law: Law = { blocks: GITHUB_KEY() }
    expect(await world.one(item(verify), law, ROOT)).toMatchObject({
      verdict: 'passed',
      keys: 'policy',
      by: expect.stringContaining('(core)'),
    })
  })

  test('13-adversary 20: where the rule names a signer, the manifest’s own is not enough', async () => {
    const evil: ClaimOverrides = { repository: 'mallory/core', repository_id: '666' }
    const san = `https://github.com/${githubClaims(evil).workflow_ref}`
    await serve(about(), evil)
    const own = verify.replace(SAN, san)
    const law = { blocks: GITHUB_KEY(`materials:\n  - {match: "${world.url}/**", keys: [core]}\n`) }
    expect((await world.one(item(own), { blocks: '' }, ROOT)).verdict).toBe('passed')
    const refused = await world.one(item(own), law, ROOT)
    expect(refused.verdict).toBe('rejected')
    expect(refused.codes).toEqual(expect.arrayContaining(['verify/repository-mismatch', 'verify/workflow-mismatch']))
    await serve(about())
    expect(await world.one(item(verify), law, ROOT)).toMatchObject({ verdict: 'passed', keys: 'policy' })
    // What the manifest says must hold as well.
    expect((await world.one(item(own), law, ROOT)).verdict).toBe('rejected')
  })

  test('13-adversary 20: a rule with keys that are no signers takes no certificate', async () => {
    const { minisigner } = await import('./materials-fetch-world.ts')
    await serve(about())
    const law = {
      blocks: `material-keys: {a: {minisign: {file: a.pub}}}\nmaterials:\n  - {match: "${world.url}/**", keys: [a]}\n`,
      files: { '.github/a.pub': minisigner(1).publicKey },
    }
    expect(await world.one(item(verify), law, ROOT)).toMatchObject({ codes: ['materials/key-not-allowed'] })
  })

  test.each<[string, () => Promise<void>]>([
    ['by another identity', () => serve(about(), { ...CORE, workflow_ref: SIGNER.replace('build', 'evil') })],
    ['over another digest', () => serve(about(sha256('other')))],
    ['that is a verdict and no signature', () => serve(summary())],
    ['that is none', async () => world.serve('/core.tgz.sigstore.json', 'hello')],
  ])('one %s is rejected', async (_what, prepare) => {
    await prepare()
    const found = await world.one(item(verify), {}, ROOT)
    expect(found.verdict).toBe('rejected')
    expect(found.codes.length).toBeGreaterThan(0)
    expect(world.leftOver).toEqual([])
  })

  test('by another issuer is rejected, and one that is not there too', async () => {
    await serve(about())
    const other = verify.replace(ISSUER, 'https://issuer.example')
    expect((await world.one(item(other), {}, ROOT)).codes).toContain('verify/issuer-mismatch')
    world.server.paths.delete('/core.tgz.sigstore.json')
    expect(await world.one(item(verify), {}, ROOT)).toMatchObject({ codes: ['materials/beside-missing'] })
  })

  test('without a trust root is unknown', async () => {
    await serve(about())
    const trustRoot = () => Promise.reject(fail('sigstore/trust-unavailable', 'Nobody answers'))
    expect(await world.one(item(verify), {}, { trustRoot })).toMatchObject({
      verdict: 'unknown',
      codes: ['sigstore/trust-unavailable'],
    })
  })

  test('13-adversary 29: a signer of the policy is judged by the root that he names, and by no other', async () => {
    await serve(about())
    const blocks = GITHUB_KEY('    trust: {file: root.json}\n')
    const law = { blocks, files: { '.github/root.json': JSON.stringify(bench.stack.trustedRoot) } }
    const none: Partial<FetchPorts> = { trustRoot: () => Promise.reject(new Error('it is not asked')) }
    expect(await world.one(item(verify), law, none)).toMatchObject({ verdict: 'passed', keys: 'policy' })
    const other = await openBench({ issuer: ISSUER })
    const files = { '.github/root.json': JSON.stringify(other.stack.trustedRoot) }
    await other.close()
    // The commit's own word still holds under the public root, and is no more than that.
    expect(await world.one(item(verify), { blocks, files }, ROOT)).toMatchObject({ keys: 'declared-by-commit' })
  })

  test('13-adversary 12: a revoked identity counts no more', async () => {
    await serve(about())
    const blocks = `revoked:\n  - {identity: "${SAN}", issuer: "${ISSUER}", effective: 2020-01-01, mode: compromised}\n`
    expect((await world.one(item(verify), { blocks }, ROOT)).verdict).toBe('rejected')
  })
})

function summary(): Uint8Array {
  return buildStatement({
    subjects: [{ digest: { sha256: HEX } }],
    predicateType: VERIFICATION_SUMMARY_PREDICATE,
    predicate: { verificationResult: 'FAILED' },
  })
}

const GITHUB = `github: {repository: my-org/core, repository-id: 4713, signer: "${SIGNER}", source-ref: [refs/heads/main], trigger: [push]}`

function stored(...bundles: readonly Uint8Array[]): FetchedBundles {
  return { bundles: bundles.map(bytes => ({ bytes, manifest: sha256(bytes) })), complete: true, skipped: [] }
}

describe('what GitHub keeps about the material', () => {
  const asked: string[] = []
  const holding = (answer: FetchedBundles): Partial<FetchPorts> => ({
    ...ROOT,
    attestations: async (repository, subject) => {
      asked.push(`${repository} ${subject}`)
      return answer
    },
  })
  beforeEach(() => {
    asked.length = 0
  })

  test('a provenance by exactly this workflow passes', async () => {
    const ports = holding(stored(await signed(provenance())))
    expect(await world.one(item(GITHUB, ''), {}, ports)).toMatchObject({
      verdict: 'passed',
      keys: 'declared-by-commit',
      digest: { sha256: HEX },
    })
    expect(asked).toEqual([`my-org/core ${DIGEST}`])
    expect(await world.one(item(GITHUB), { blocks: GITHUB_KEY() }, ports)).toMatchObject({ keys: 'policy' })
  })

  test.each<[string, ClaimOverrides, string]>([
    ['another repository', { repository: 'mallory/core', workflow_ref: SIGNER }, 'verify/repository-mismatch'],
    ['a repository made anew', { ...CORE, repository_id: '9' }, 'verify/repository-recreated'],
    ['another workflow', { ...CORE, workflow_ref: SIGNER.replace('build', 'evil') }, 'verify/workflow-mismatch'],
    ['another ref', { ...CORE, ref: 'refs/heads/evil' }, 'verify/source-ref-mismatch'],
    ['another event', { ...CORE, event_name: 'workflow_dispatch' }, 'verify/trigger-mismatch'],
    ['a pull request', { ...CORE, event_name: 'pull_request_target' }, 'verify/trigger-mismatch'],
  ])('13-adversary 20: one of %s is rejected', async (_what, claims, code) => {
    const found = await world.one(item(GITHUB), {}, holding(stored(await signed(provenance(HEX, claims), claims))))
    expect(found.verdict).toBe('rejected')
    expect(found.codes).toContain(code)
  })

  test('13-adversary 28: one that names another commit than its run is rejected', async () => {
    const bundle = await signed(provenance(HEX, CORE, 'd'.repeat(40)))
    expect((await world.one(item(GITHUB), {}, holding(stored(bundle)))).codes).toContain('verify/commit-not-of-run')
  })

  test('a signature that is no provenance does not say who built it', async () => {
    const found = await world.one(item(GITHUB), {}, holding(stored(await signed(about()))))
    expect(found.verdict).toBe('rejected')
  })

  test('nothing there is rejected, half of it unknown, and nobody to ask too', async () => {
    expect(await world.one(item(GITHUB), {}, holding(stored()))).toMatchObject({ verdict: 'rejected' })
    const half = { ...stored(), complete: false }
    expect(await world.one(item(GITHUB), {}, holding(half))).toMatchObject({ verdict: 'unknown' })
    expect(await world.one(item(GITHUB), {}, ROOT)).toMatchObject({
      verdict: 'unknown',
      codes: ['github/api-permission'],
    })
  })
})

describe('an artifact of another workflow', () => {
  const uri = 'artifact://my-org/core/build.yml/core.tgz'
  const yaml = (verify = `, verify: {${GITHUB}}`, digest = '') =>
    `  - {name: core, uri: "${uri}"${digest}${verify}, use: {path: vendor/core.tgz}}\n`

  async function portsFor(bundles: readonly Uint8Array[], path = '/7.zip?sig=secret'): Promise<Partial<FetchPorts>> {
    return {
      ...ROOT,
      attestations: async () => stored(...bundles),
      artifacts: {
        newest: async () => ({ run: 'https://github.com/my-org/core/actions/runs/7', url: `${world.url}${path}` }),
      },
    }
  }

  test('is taken out of the newest run’s archive and proved by its attestation', async () => {
    world.serve(
      '/7.zip',
      zip([
        { name: 'dist/core.tgz', body: BYTES },
        { name: 'log', body: 'x' },
      ]),
    )
    const ports = await portsFor([await signed(provenance())])
    const [material] = await world.fetch(yaml(), {}, ports)
    expect(material?.judged).toMatchObject({ verdict: 'passed', kind: 'artifact', digest: { sha256: HEX } })
    expect(material?.from).toBe('https://github.com/my-org/core/actions/runs/7')
    expect(JSON.stringify(material)).not.toContain('secret')
    expect(world.leftOver).toEqual([])
    const locked = yaml(undefined, `, digest: {sha256: ${HEX}}`)
    expect((await world.one(locked, {}, ports)).verdict).toBe('passed')
  })

  test('13-adversary 20: without an attestation of exactly this file the platform’s word is nothing', async () => {
    world.serve('/7.zip', zip([{ name: 'core.tgz', body: 'evil' }]))
    const ports = await portsFor([await signed(provenance())])
    expect((await world.one(yaml(), {}, ports)).verdict).toBe('rejected')
    const pinned = yaml('', `, digest: {sha256: ${HEX}}`)
    expect(await world.one(pinned, {}, ports)).toMatchObject({ codes: ['materials/key-not-allowed'] })
    const locked = yaml(undefined, `, digest: {sha256: ${HEX}}`)
    expect(await world.one(locked, {}, ports)).toMatchObject({ codes: ['materials/other-bytes'] })
    expect(world.leftOver).toEqual([])
  })

  test('that is not there, or in an archive that is none, is not accepted', async () => {
    const ports = await portsFor([])
    expect(await world.one(yaml(), {}, ports)).toMatchObject({ verdict: 'unknown', codes: ['materials/fetch-failed'] })
    world.serve('/7.zip', 'hello')
    expect(await world.one(yaml(), {}, ports)).toMatchObject({ codes: ['materials/archive-malformed'] })
    world.serve('/7.zip', zip([{ name: 'other', body: BYTES }]))
    expect(await world.one(yaml(), {}, ports)).toMatchObject({ codes: ['materials/artifact-unavailable'] })
    expect(await world.one(yaml(), {}, ROOT)).toMatchObject({ verdict: 'unknown' })
  })

  test('13-adversary 39: without a rule the platform is not asked', async () => {
    const artifacts = { newest: () => Promise.reject(new Error('it was asked')) }
    const law = { blocks: 'materials:\n  - {match: "https://example.com/**"}\n' }
    expect(await world.one(yaml(), law, { artifacts })).toMatchObject({ codes: ['policy/no-rule'] })
  })
})
