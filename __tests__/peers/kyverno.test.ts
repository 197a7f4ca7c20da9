import { readFileSync, writeFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import { imageValidatingPolicies } from '../../src/admission/kyverno.ts'
import type { KyvernoTrust } from '../../src/admission/kyverno-attestor.ts'
import type { Admission, AdmissionLink, AdmissionRule } from '../../src/admission/link.ts'
import type { Digest } from '../../src/core/digest.ts'
import type { ExpectedGithub } from '../../src/policy/expected.ts'
import { compilePattern } from '../../src/policy/match.ts'
import type { RegistryName } from '../../tools/peers/registries.ts'
import { type Attested, attachAttested, attestedBundle, PROVENANCE } from './attested.ts'
import { kyvernoApply, podOf } from './kyverno.ts'
import { startTufMirror, type TufMirror } from './tuf.ts'
import { openWorld, pinned, pushStranger, repositoryIn, type World } from './world.ts'

jest.setTimeout(180_000)

const VSA = 'https://slsa.dev/verification_summary/v1'
const ROOT = 'trusted_root.json'

let world: World
let mirror: TufMirror
let trust: ReadonlyMap<string, KyvernoTrust>
beforeAll(async () => {
  world = await openWorld()
  mirror = await startTufMirror(ROOT, readFileSync(world.stack.trustedRootFile))
  trust = new Map([[ROOT, { tuf: { mirror: mirror.url, root: mirror.root } }]])
})
afterAll(async () => {
  await mirror?.close()
  await world?.close()
})

function workflow(file: string): ExpectedGithub {
  const { git, oidc } = world.stack
  const path = `acme/app/.github/workflows/${file}`
  const ref = compilePattern('refs/heads/main')
  if (ref === undefined) throw new Error('no pattern')
  return {
    kind: 'github',
    repository: 'acme/app',
    repositoryId: '792829709',
    signer: { path, at: { ref }, text: `${path}@refs/heads/main` },
    sourceRef: [ref],
    issuer: oidc.issuer,
    server: git.url,
  }
}

function provenanceLink(): AdmissionLink {
  const workflowPath = ['buildDefinition', 'externalParameters', 'workflow']
  return {
    item: 'provenance',
    signer: workflow('release.yml'),
    predicateTypes: [PROVENANCE],
    conditions: [
      { path: [...workflowPath, 'repository'], is: 'equal', value: `${world.stack.git.url}/acme/app` },
      { path: [...workflowPath, 'ref'], is: 'matching', patterns: ['refs/heads/main', 'refs/tags/v*'] },
      { path: ['buildDefinition', 'internalParameters', 'github', 'repository_id'], is: 'equal', value: '792829709' },
    ],
  }
}

function deployLink(environment = 'production'): AdmissionLink {
  return {
    item: 'deploy-verified',
    signer: workflow('deploy.yml'),
    predicateTypes: [VSA],
    conditions: [
      { path: ['verificationResult'], is: 'equal', value: 'PASSED' },
      { path: ['waybill_run', 'environment'], is: 'equal', value: environment },
      { path: ['verifiedLevels'], is: 'containing', value: 'ORG_SOURCE_COMMITS_SIGNED' },
    ],
  }
}

function admission(links: readonly AdmissionLink[], quarantined: readonly string[] = []): Admission {
  return { rules: [rule('127.0.0.1:*/acme/**', links)], quarantined }
}

function rule(pattern: string, links: readonly AdmissionLink[]): AdmissionRule {
  const match = compilePattern(pattern)
  if (match === undefined) throw new Error('no pattern')
  return { match: [{ ...match, of: 'image' }], trust: { file: ROOT }, links }
}

async function newImage(registry: RegistryName, name: string) {
  const repository = repositoryIn(world, registry, name)
  const digest = await pushStranger(world, registry, repository, name)
  return { registry, repository, digest, image: pinned(repository, digest) }
}
type Image = Awaited<ReturnType<typeof newImage>>

const DEPLOY = 'acme/app/.github/workflows/deploy.yml@refs/heads/main'
const DEPLOYER = { workflow_ref: DEPLOY, job_workflow_ref: DEPLOY, environment: 'production' }

async function sign(image: Image, attested: Omit<Attested, 'subjects'>) {
  const bundle = await attestedBundle(world, {
    subjects: [{ name: image.repository, digest: image.digest as Digest }],
    ...attested,
  })
  await attachAttested(image.registry, image.repository, image.digest as Digest, bundle)
}

function vsa(environment = 'production', result = 'PASSED'): NonNullable<Attested['predicate']> {
  return {
    type: VSA,
    params: {
      verificationResult: result,
      verifiedLevels: ['SLSA_BUILD_LEVEL_2', 'ORG_SOURCE_COMMITS_SIGNED'],
      waybill_run: { environment, repository_id: '792829709' },
    },
  }
}

test('explore', async () => {
  const image = await newImage('referrers', 'ky-right')
  await sign(image, {})
  await sign(image, { claims: DEPLOYER, predicate: vsa() })
  const files = imageValidatingPolicies(admission([provenanceLink(), deployLink()]), { header: ['test'], trust })
  writeFileSync('/tmp/wt-kyverno/policy.yaml', files[0]?.text ?? '')
  const verdict = await kyvernoApply(world, files, podOf({ containers: [image.image] }))
  expect(verdict).toMatchObject({ counts: { pass: 1, fail: 0, error: 0, skip: 0 }, message: 'success' })
})
