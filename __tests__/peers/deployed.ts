import type { Admission, AdmissionLink, AdmissionRule } from '../../src/admission/link.ts'
import type { ExpectedGithub } from '../../src/policy/expected.ts'
import { compilePattern } from '../../src/policy/match.ts'
import type { RegistryName } from '../../tools/peers/registries.ts'
import { type Attested, attestedBundle, PROVENANCE } from './attested.ts'
import { ROOT } from './kyverno.ts'
import { attachAll, clientFor, pinned, pushStranger, repositoryIn, type World } from './world.ts'

/** Images with what a build and a deploy leave at them, and the links that ask for it. */
export const VSA = 'https://slsa.dev/verification_summary/v1'

export function workflow(world: World, file: string): ExpectedGithub {
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

export function provenanceLink(world: World): AdmissionLink {
  const workflowPath = ['buildDefinition', 'externalParameters', 'workflow'] as const
  return {
    item: 'provenance',
    signer: workflow(world, 'release.yml'),
    predicateTypes: [PROVENANCE],
    conditions: [
      { path: [...workflowPath, 'repository'], is: 'equal', value: `${world.stack.git.url}/acme/app` },
      { path: [...workflowPath, 'ref'], is: 'matching', patterns: ['refs/heads/main', 'refs/tags/v*'] },
      { path: ['buildDefinition', 'internalParameters', 'github', 'repository_id'], is: 'equal', value: '792829709' },
    ],
  }
}

export function deployLink(world: World, environment = 'production'): AdmissionLink {
  return {
    item: 'deploy-verified',
    signer: workflow(world, 'deploy.yml'),
    predicateTypes: [VSA],
    conditions: [
      { path: ['verificationResult'], is: 'equal', value: 'PASSED' },
      { path: ['waybill_run', 'environment'], is: 'equal', value: environment },
      { path: ['verifiedLevels'], is: 'containing', value: 'ORG_SOURCE_COMMITS_SIGNED' },
    ],
  }
}

export function admission(links: readonly AdmissionLink[], quarantined: readonly string[] = []): Admission {
  return { rules: [rule('127.0.0.1:*/acme/**', links)], quarantined, notes: [] }
}

export function rule(pattern: string, links: readonly AdmissionLink[]): AdmissionRule {
  const match = compilePattern(pattern)
  if (match === undefined) throw new Error('no pattern')
  return { match: [{ ...match, of: 'image' }], trust: { file: ROOT }, links }
}

export async function newImage(world: World, registry: RegistryName, name: string) {
  const repository = repositoryIn(world, registry, name)
  const digest = await pushStranger(world, registry, repository, name)
  return { registry, repository, digest, image: pinned(repository, digest) }
}
/** An image that nobody has signed yet. */
export type Image = Awaited<ReturnType<typeof newImage>>

const DEPLOY = 'acme/app/.github/workflows/deploy.yml@refs/heads/main'
export const DEPLOYER = { workflow_ref: DEPLOY, job_workflow_ref: DEPLOY, environment: 'production' }

/** Attached as Waybill does it, several to one image, also where only the fallback tag leads to them. */
export async function sign(world: World, image: Image, attested: Omit<Attested, 'subjects'>): Promise<void> {
  const subjects = [{ name: image.repository, digest: image.digest }]
  const bytes = await attestedBundle(world, { subjects, ...attested })
  const { client, close } = clientFor(image.registry)
  try {
    const predicateType = attested.predicate?.type ?? PROVENANCE
    await attachAll(client, image.repository, image.digest, [{ bytes, predicateType }])
  } finally {
    close()
  }
}

export function vsa(environment = 'production', result = 'PASSED'): NonNullable<Attested['predicate']> {
  return {
    type: VSA,
    params: {
      verificationResult: result,
      verifiedLevels: ['SLSA_BUILD_LEVEL_2', 'ORG_SOURCE_COMMITS_SIGNED'],
      waybill_run: { environment, repository_id: '792829709' },
    },
  }
}

/** Built and deployed as the rules of these tests ask. */
export async function admitted(world: World, registry: RegistryName, name: string): Promise<Image> {
  const image = await newImage(world, registry, name)
  await sign(world, image, {})
  await sign(world, image, { claims: DEPLOYER, predicate: vsa() })
  return image
}
