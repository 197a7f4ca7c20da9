import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import type { AdmissionFile } from '../../src/admission/link.ts'
import { admissionOf } from '../../src/admission/links.ts'
import { clusterImagePolicies } from '../../src/admission/policy-controller.ts'
import { utf8 } from '../../src/core/bytes.ts'
import type { Digest } from '../../src/core/digest.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import type { DeploySummaryFacts } from '../../src/statements/deploy-vsa.ts'
import type { Finished } from '../fakes/scenario.ts'
import { digestOf } from '../statements/facts.ts'
import { writeSection } from './admission-page.ts'
import { Matrix } from './matrix.ts'
import { admittedBy, attachSaid, BUILDER, DEPLOYER, deployed, provenance, type Said, SHARED } from './said.ts'
import { openWorld, pinned, pushStranger, repositoryIn, type World } from './world.ts'

/** Generated policies, judged by the tester of policy-controller as a cluster would at admission. */
jest.setTimeout(180_000)

const URI = 'git+https://github.com/acme/app#.github/waybill.yml'
const matrix = new Matrix('admission policies')
let world: World
let repository = ''
beforeAll(async () => {
  world = await openWorld()
  repository = repositoryIn(world, 'referrers', 'admission')
})
afterAll(async () => {
  matrix.write()
  writeCases()
  await world?.close()
})

const REQUIRED = 'require: [signature, provenance], admit: [deploy-verified]'

const rows: string[] = []

/** What each generated policy said, for the page that people read. */
function record(what: string, results: Readonly<Record<string, Finished>>): void {
  const codes = Object.fromEntries(Object.entries(results).map(([item, { code }]) => [item, code]))
  matrix.record(what, codes)
  const cells = Object.entries(codes).map(([item, code]) => `\`${item}\` ${code === 0 ? 'accepts' : '**refuses**'}`)
  const [first] = Object.values(results)
    .filter(({ code }) => code !== 0)
    .map(({ stdout }) => reasonOf(stdout))
  const admitted = Object.values(codes).every(code => code === 0)
  rows.push(`| ${what} | ${cells.join(', ')} | ${admitted ? 'admitted' : `refused: ${first ?? ''}`} |`)
}

/** The last words of what the tester printed, without addresses and digests, which differ from run to run. */
function reasonOf(stdout: string): string {
  const { errors = [] } = JSON.parse(stdout) as { readonly errors?: readonly string[] }
  const words = (errors[0] ?? '').split('\n').at(-1) ?? ''
  return words
    .replace(/https?:\/\/127\.0\.0\.1:[0-9]+/g, 'https://issuer')
    .replace(/127\.0\.0\.1:[0-9]+\S*/g, 'the image')
    .replaceAll('|', '/')
    .replace(/ for query '.*$/, '')
    .replace(/[: ]+$/, '')
    .slice(-160)
}

function writeCases(): void {
  const head = [
    '## Every item, one by one',
    '',
    'Judged by the tester of policy-controller 0.13.1, by `__tests__/peers/admission-policies.test.ts`. A cluster admits what all policies accept.',
    '',
    '| case | policies | outcome |',
    '|---|---|---|',
  ]
  writeSection('tester', head.concat(rows))
}

/** The generated files of a policy with one rule. */
function generated(asked = REQUIRED, quarantined?: Digest, signer = SHARED): readonly AdmissionFile[] {
  const { stack } = world
  const issuer = `issuer: "${stack.oidc.issuer}"`
  const ref = 'source-ref: [refs/heads/main]'
  const text = `version: 1
${quarantined === undefined ? '' : `quarantined: [{digest: "${quarantined}", reason: x, since: 2026-05-02}]\n`}deploy:
  - match: ["${repository}"]
    trust: {file: trusted_root.json}
    build: {github: {repository: acme/app, repository-id: 4711, signer: "${signer}", caller: "acme/app/.github/workflows/release.yml@refs/heads/main", ${ref}, runner: github-hosted, ${issuer}}}
    ${asked.includes('deploy-verified') ? '' : '# '}deployer: {github: {repository: acme/deploy, repository-id: 4712, signer: "acme/deploy/.github/workflows/deploy.yml@refs/heads/main", ${ref}, environment: production, ${issuer}}}
    ${asked.replace(', admit:', '\n    admit:')}
`
  const root = readFileSync(stack.trustedRootFile)
  const law = lawFromFile(utf8(text), 'waybill.yml', path => (path === 'trusted_root.json' ? root : undefined))
  const policy = { uri: URI, digest: law.policyDigest }
  const options = { policy, command: 'waybill policy generate', files: law.files, namespaces: [] }
  return clusterImagePolicies(admissionOf(law.policy, policy), options)
}

const RUN = {
  repository: 'acme/deploy',
  repository_id: '4712',
  owner_id: '42',
  ref: 'refs/heads/main',
  event_name: 'push',
  runner_environment: 'github-hosted',
  environment: 'production',
}

function summary(change: Partial<DeploySummaryFacts> = {}): DeploySummaryFacts {
  return {
    digests: [digestOf('1')],
    verifierId: 'https://github.com/acme/deploy/.github/workflows/deploy.yml@refs/heads/main',
    policy: { uri: URI, digest: digestOf('2') },
    inputs: [{ uri: 'https://slsa.dev/provenance/v1', digest: digestOf('3') }],
    resource: repository,
    environment: 'production',
    verifiedAt: new Date('2026-06-01T12:00:00Z'),
    waybillVersion: '0.1.0',
    sourceLevels: [],
    ...change,
  }
}

const NO_IDENTITY = /expected SAN value .* got /
const NOT_COMPLIANT = /policy is not compliant/
const NO_TYPE = /no matching attestations/
const NOTHING = /no valid bundles exist in registry/
const OK = /Verification was successful/

interface Case {
  readonly what: string
  readonly said: () => readonly Said[]
  /** What each policy answers. */
  readonly provenance: RegExp
  readonly deploy: RegExp
}

const OTHER_RUN = {
  claims: {
    repository: 'acme/other',
    repository_id: '99',
    workflow_ref: 'acme/other/.github/workflows/release.yml@refs/heads/main',
  },
}
const OTHER_WORKFLOW = 'acme/app/.github/workflows/other.yml@refs/heads/main'

const CASES: readonly Case[] = [
  { what: 'the right image', said: () => [provenance(), deployed(summary(), RUN)], provenance: OK, deploy: OK },
  { what: 'unsigned', said: () => [], provenance: NOTHING, deploy: NOTHING },
  {
    what: 'another workflow',
    said: () => [provenance({}, { ...BUILDER, job_workflow_ref: OTHER_WORKFLOW }), deployed(summary(), RUN)],
    provenance: NO_IDENTITY,
    deploy: OK,
  },
  {
    what: 'another repository behind the same signer',
    said: () => [provenance(OTHER_RUN as object, { ...BUILDER, ...OTHER_RUN.claims }), deployed(summary(), RUN)],
    provenance: NOT_COMPLIANT,
    deploy: OK,
  },
  { what: 'provenance alone', said: () => [provenance()], provenance: OK, deploy: NO_IDENTITY },
  { what: 'a deploy summary alone', said: () => [deployed(summary(), RUN)], provenance: NO_IDENTITY, deploy: OK },
  {
    what: 'each by the identity of the other',
    said: () => [provenance({}, DEPLOYER), deployed(summary(), RUN, BUILDER)],
    provenance: NO_TYPE,
    deploy: NO_TYPE,
  },
  {
    what: 'another environment',
    said: () => [
      provenance(),
      deployed(
        summary({ environment: 'staging' }),
        { ...RUN, environment: 'staging' },
        { ...DEPLOYER, environment: 'staging' },
      ),
    ],
    provenance: OK,
    deploy: NOT_COMPLIANT,
  },
  {
    what: 'an environment that only the run names',
    said: () => [provenance(), deployed(summary(), { ...RUN, environment: 'staging' })],
    provenance: OK,
    deploy: NOT_COMPLIANT,
  },
  {
    what: 'a summary that says nothing of its run',
    said: () => [provenance(), deployed(summary(), undefined)],
    provenance: OK,
    deploy: NOT_COMPLIANT,
  },
  {
    what: 'a summary about another repository',
    said: () => [provenance(), deployed(summary({ resource: 'ghcr.io/acme/web' }), RUN)],
    provenance: OK,
    deploy: NOT_COMPLIANT,
  },
  {
    what: 'a summary by another policy',
    said: () => [provenance(), deployed(summary({ policy: { uri: `${URI}x`, digest: digestOf('2') } }), RUN)],
    provenance: OK,
    deploy: NOT_COMPLIANT,
  },
  {
    what: 'a summary that did not pass',
    said: () => {
      const { predicate, ...rest } = deployed(summary(), RUN)
      return [provenance(), { ...rest, predicate: { ...predicate, verificationResult: 'FAILED' } }]
    },
    provenance: OK,
    deploy: NOT_COMPLIANT,
  },
  {
    what: 'an audited build',
    said: () => [provenance({ source: { mode: 'audit', verdict: 'passed' } }), deployed(summary(), RUN)],
    provenance: NOT_COMPLIANT,
    deploy: OK,
  },
  {
    what: 'a recorded digest',
    said: () => [provenance({ builder: 'layout' }), deployed(summary(), RUN)],
    provenance: NOT_COMPLIANT,
    deploy: OK,
  },
  {
    what: 'two halves of a provenance',
    said: () => [
      provenance({ source: { mode: 'audit', verdict: 'passed' } }),
      provenance(OTHER_RUN as object),
      deployed(summary(), RUN),
    ],
    provenance: NOT_COMPLIANT,
    deploy: OK,
  },
]

test.each(CASES)('13-adversary 30: $what', async ({ what, said, provenance: first, deploy }) => {
  const digest = await pushStranger(world, 'referrers', repository, what)
  await attachSaid(world, 'referrers', repository, digest, said())
  const results = await admittedBy(world, generated(), pinned(repository, digest))
  expect(Object.keys(results).sort()).toEqual(['deploy-verified', 'provenance'])
  record(what, results)
  for (const [item, expected] of [
    ['provenance', first],
    ['deploy-verified', deploy],
  ] as const) {
    expect(results[item]?.log).toMatch(expected)
    expect(results[item]?.code).toBe(expected === OK ? 0 : 1)
  }
})

test('13-adversary 31: a digest in quarantine is refused besides everything that speaks for it', async () => {
  const digest = await pushStranger(world, 'referrers', repository, 'quarantined')
  await attachSaid(world, 'referrers', repository, digest, [provenance(), deployed(summary(), RUN)])
  const results = await admittedBy(world, generated(REQUIRED, digest), pinned(repository, digest))
  record('a digest in quarantine', results)
  expect(results.provenance?.code).toBe(0)
  expect(results['deploy-verified']?.code).toBe(0)
  expect(results.quarantined?.code).toBe(1)
  expect(results.quarantined?.log).toMatch(/disallowed by static policy: in quarantine by the policy/)
})

test('13-adversary 30: what no policy matches is denied', async () => {
  const other = repositoryIn(world, 'referrers', 'admission-other')
  const digest = await pushStranger(world, 'referrers', other)
  const results = await admittedBy(world, generated(), pinned(other, digest))
  expect(results.provenance?.log).toMatch(/is uncovered by policy/)
  expect(results.provenance?.code).toBe(1)
})

const SCAI = 'https://in-toto.io/attestation/scai/v0.3'
const SPDX = 'https://spdx.dev/Document'
const BOM = 'https://cyclonedx.org/bom'
const A = { uri: 'docker-image://ghcr.io/acme/base:1', digest: { sha256: 'a'.repeat(64) } }
const B = { digest: { sha256: 'b'.repeat(64) } }
const EVIDENCE = { digest: { sha256: 'c'.repeat(64) } }
const DECLARED = { attribute: 'BASE_IMAGES_DECLARED' }
const CLOSED = { builder: 'fresh', cache: 'none', network: 'none' }
const signedBy = (target: object, keys: string) => ({
  attribute: 'BASE_IMAGE_SIGNATURE_VERIFIED',
  target,
  conditions: { keys },
  evidence: EVIDENCE,
})
const pinnedTo = (target: object) => ({ attribute: 'MATERIAL_DIGEST_VERIFIED', target })

/** Claims of the run, made of anything. */
const claims = (...attributes: readonly object[]): Said => ({
  type: SCAI,
  predicate: JSON.parse(JSON.stringify({ attributes })) as Said['predicate'],
  claims: BUILDER,
})
const other = (type: string, predicate: Said['predicate']): Said => ({ type, predicate, claims: BUILDER })

test.each<[what: string, item: string, said: Said, admitted: boolean]>([
  ['every material signed', 'materials-verified', claims(DECLARED, signedBy(A, 'policy'), pinnedTo(A)), true],
  ['no material', 'materials-verified', claims(DECLARED), true],
  ['nobody says that these are all', 'materials-verified', claims(signedBy(A, 'policy')), false],
  ['a key of the commit', 'materials-verified', claims(DECLARED, signedBy(A, 'declared-by-commit')), false],
  ['one of two signed', 'materials-verified', claims(DECLARED, signedBy(A, 'policy'), pinnedTo(B)), false],
  [
    'the same digest elsewhere',
    'materials-verified',
    claims(DECLARED, signedBy(A, 'policy'), pinnedTo({ ...A, uri: 'x' })),
    false,
  ],
  ['a claim nobody knows', 'materials-verified', claims(DECLARED, { attribute: 'NICE', target: B }), false],
  ['a target without digest', 'materials-verified', claims(DECLARED, signedBy({ name: 'a' }, 'policy')), false],
  ['one signed, one pinned', 'materials-pinned', claims(DECLARED, signedBy(A, 'policy'), pinnedTo(B)), true],
  ['one not pinned', 'materials-pinned', claims(DECLARED, { attribute: 'NICE', target: B }), false],
  [
    'closed',
    'closed-world',
    claims({ attribute: 'BUILD_SOURCES_CLOSED_WORLD', conditions: CLOSED, evidence: EVIDENCE }),
    true,
  ],
  [
    'a shared cache',
    'closed-world',
    claims({ attribute: 'BUILD_SOURCES_CLOSED_WORLD', conditions: { ...CLOSED, cache: 'shared' }, evidence: EVIDENCE }),
    false,
  ],
  [
    'a condition nobody knows',
    'closed-world',
    claims({ attribute: 'BUILD_SOURCES_CLOSED_WORLD', conditions: { ...CLOSED, door: 'open' }, evidence: EVIDENCE }),
    false,
  ],
  ['reproducible', 'reproducible', claims({ attribute: 'REPRODUCIBLE', evidence: EVIDENCE }), true],
  ['not reproducible', 'reproducible', claims({ attribute: 'NOT_REPRODUCIBLE', evidence: EVIDENCE }), false],
  ['SPDX', 'sbom', other(SPDX, { spdxVersion: 'SPDX-2.3' }), true],
  ['SPDX 3', 'sbom', other(SPDX, { '@graph': [] }), true],
  ['CycloneDX', 'sbom', other(BOM, { bomFormat: 'CycloneDX' }), true],
  ['an empty list', 'sbom', other(SPDX, {}), false],
  ['one kind under the name of the other', 'sbom', other(SPDX, { bomFormat: 'CycloneDX' }), false],
])('13-adversary 30: %s, for %s', async (what, item, said, admitted) => {
  const digest = await pushStranger(world, 'referrers', repository, `${what} ${item}`)
  await attachSaid(world, 'referrers', repository, digest, [said])
  const results = await admittedBy(world, generated(`require: [provenance, ${item}]`), pinned(repository, digest))
  const result = results[item] ?? { code: -1, log: 'no such policy', stdout: '{}' }
  record(`${item}: ${what}`, { [item]: result })
  const { code, log } = result
  expect(log).toMatch(admitted ? OK : NOT_COMPLIANT)
  expect(code).toBe(admitted ? 0 : 1)
})

test('a bundle with a log entry and no timestamp is refused: the logs of such a root are not used', async () => {
  const digest = await pushStranger(world, 'referrers', repository, 'logged')
  await attachSaid(world, 'referrers', repository, digest, [{ ...provenance(), logged: true }])
  const { provenance: result } = await admittedBy(world, generated('require: [provenance]'), pinned(repository, digest))
  expect(result?.log).toMatch(/timestamp/)
  expect(result?.code).toBe(1)
})

test.each([
  ['refs/heads/m*n', OK],
  ['refs/heads/**', OK],
  ['refs/heads/*.in', NO_IDENTITY],
  ['refs/heads/mai', NO_IDENTITY],
  ['refs/tags/**', NO_IDENTITY],
])('13-adversary 30: a signer at %s', async (ref, expected) => {
  const digest = await pushStranger(world, 'referrers', repository, ref)
  await attachSaid(world, 'referrers', repository, digest, [provenance()])
  const files = generated('require: [provenance]', undefined, SHARED.replace('refs/heads/main', ref))
  const { provenance: result } = await admittedBy(world, files, pinned(repository, digest))
  expect(result?.log).toMatch(expected)
  expect(result?.code).toBe(expected === OK ? 0 : 1)
})

/** Why conditions are not written in CUE: there a value that the statement lacks is taken from the policy. */
test('policy-controller admits by CUE what lacks a value that the policy names, and refuses it by Rego', async () => {
  const digest = await pushStranger(world, 'referrers', repository, 'cue')
  await attachSaid(world, 'referrers', repository, digest, [deployed(summary(), undefined)])
  const condition = { predicate: { waybill_run: { environment: 'production' } } }
  const cue = generated().map(({ name, text }) => {
    const at = text.indexOf('policy:\n')
    return name.endsWith('-deploy-verified.yaml')
      ? { name, text: `${text.slice(0, at)}policy: {type: cue, data: '${JSON.stringify(condition)}'}\n` }
      : { name, text }
  })
  const image = pinned(repository, digest)
  const byCue = await admittedBy(world, cue, image)
  const byRego = await admittedBy(world, generated(), image)
  expect(byCue['deploy-verified']?.log).toMatch(OK)
  expect(byRego['deploy-verified']?.log).toMatch(NOT_COMPLIANT)
})
