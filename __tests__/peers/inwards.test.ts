import { readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import type { Digest } from '../../src/core/digest.ts'
import { fetchBundles } from '../../src/registry/bundles.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { REGISTRIES, type RegistryName } from '../../tools/peers/registries.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
import { identityFlags, judgedBy } from './judged.ts'
import { Matrix } from './matrix.ts'
import { fileOf, type Signing, signImage } from './signing.ts'
import {
  attachAll,
  attest,
  clientFor,
  expectedOf,
  moveTag,
  openWorld,
  pinned,
  pushStranger,
  repositoryIn,
  type World,
} from './world.ts'

/** What cosign 3 signs with real Sigstore services, judged by `waybill verify image`. */
jest.setTimeout(180_000)

const matrix = new Matrix('inwards')
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

const SHARED = 'acme/shared/.github/workflows/build.yml@refs/heads/main'
const CALLER = 'acme/app/.github/workflows/release.yml@refs/heads/main'
/** A run of acme/other that calls the shared workflow. */
const OTHER: ClaimOverrides = {
  repository: 'acme/other',
  repository_id: '4711',
  workflow_ref: 'acme/other/.github/workflows/release.yml@refs/heads/main',
}

/** A new image that cosign signed. */
async function signedImage(registry: RegistryName, name: string, signing: Signing = {}) {
  const repository = repositoryIn(world, registry, name)
  const digest = await pushStranger(world, registry, repository)
  await signImage(world, 'cosign3', 'sign', pinned(repository, digest), signing)
  return { repository, digest, image: pinned(repository, digest) }
}

const judged = (row: string, image: string, flags: readonly string[]) =>
  judgedBy(world, matrix, row, ['verify', 'image', image, ...flags])

function githubFlags(): string[] {
  return [
    ...['--repository', 'acme/app', '--repository-id', '792829709', '--signer', SHARED, '--caller', CALLER],
    ...['--source-ref', 'refs/heads/main', '--certificate-oidc-issuer', world.stack.oidc.issuer],
  ]
}

describe.each(REGISTRIES)('registry %s', registry => {
  test.each([1, 2] as const)('what cosign 3 signs and logs in Rekor v%d is accepted', async rekor => {
    const { image } = await signedImage(registry, `signed-${rekor}`, { rekor })
    expect(await judged(`${registry} × Rekor v${rekor}`, image, identityFlags(world))).toBe('0')
  })

  test('an unsigned image, another identity and another issuer are rejected', async () => {
    const { repository, image } = await signedImage(registry, 'refused')
    const { identity } = expectedOf(world)
    const dev = identityFlags(world, { identity: identity.replace('/main', '/dev') })
    expect(await judged(`${registry}, another identity`, image, dev)).toBe('1 verify/identity-mismatch')
    const other = identityFlags(world, { issuer: world.stack.otherOidc.issuer })
    expect(await judged(`${registry}, another issuer`, image, other)).toBe('1 verify/issuer-mismatch')
    const unsigned = pinned(`${repository}-2`, await pushStranger(world, registry, `${repository}-2`))
    expect(await judged(`${registry}, unsigned`, unsigned, identityFlags(world))).toBe('1 verify/no-attestation')
  })

  test('13-adversary 21: a bundle about another digest proves nothing, nor does a tag that moved there', async () => {
    const { repository, digest, image } = await signedImage(registry, 'moved')
    await moveTag(registry, repository, 'v1', digest)
    expect(await judged(`${registry}, by tag`, `${repository}:v1`, identityFlags(world))).toBe('0')
    const stranger = await pushStranger(world, registry, repository, 'another')
    await copyBundles(registry, repository, digest, stranger)
    const copied = pinned(repository, stranger)
    expect(await judged(`${registry}, another digest`, copied, identityFlags(world))).toBe('1 verify/no-attestation')
    await moveTag(registry, repository, 'v1', stranger)
    expect(await judged(`${registry}, a moved tag`, `${repository}:v1`, identityFlags(world))).toBe(
      '1 verify/no-attestation',
    )
    expect(await judged(`${registry}, by digest`, image, identityFlags(world))).toBe('0')
  })
})

test('13-adversary 28: behind a shared workflow only the expected repository is accepted', async () => {
  const claims = { job_workflow_ref: SHARED }
  const own = await signedImage('referrers', 'shared', { github: true, claims })
  expect(await judged('shared workflow, expected repository', own.image, githubFlags())).toBe('0')
  const foreign = await signedImage('referrers', 'foreign', { github: true, claims: { ...claims, ...OTHER } })
  expect(await judged('shared workflow, another repository', foreign.image, githubFlags())).toMatch(/^1 verify\//)
  // Of the same name, after the name changed hands.
  const renamed = { ...claims, repository_id: '4711' }
  const taken = await signedImage('referrers', 'taken', { github: true, claims: renamed })
  expect(await judged('shared workflow, another repository id', taken.image, githubFlags())).toMatch(/^1 verify\//)
})

test.each([
  ['branch', { ref: 'refs/heads/dev' }, '1 verify/identity-mismatch'],
  ['tag', { ref: 'refs/tags/v1' }, '1 verify/identity-mismatch'],
  [
    'pull-request',
    { ref: 'refs/pull/7/merge', event_name: 'pull_request' },
    '1 verify/identity-mismatch verify/source-ref-mismatch',
  ],
])('a run on another %s is not the run that was expected', async (name, claims, outcome) => {
  const { image } = await signedImage('crane', `run-${name}`, { claims })
  expect(await judged(`a run on another ${name}`, image, identityFlags(world))).toBe(outcome)
})

test('a signature is no provenance, and neither is what cosign attests as an in-toto statement of version 0.1', async () => {
  const repository = repositoryIn(world, 'referrers', 'provenance')
  const made = await attest(world, { images: `${repository}-source`, builder: 'buildah', tags: 'v1' })
  const bundle = made.result.attestations.find(({ predicateType }) => predicateType.includes('provenance'))?.bundle
  const predicate = fileOf(world, 'predicate.json', JSON.stringify(predicateOf(bundle ?? '')))
  const image = pinned(repository, await pushStranger(world, 'referrers', repository))
  const flags = [...identityFlags(world), '--require', 'provenance']
  await signImage(world, 'cosign3', 'sign', image)
  expect(await judged('cosign sign, provenance asked', image, flags)).toBe('1 verify/no-attestation')
  const claims = { sha: world.repository.head() ?? '' }
  await signImage(world, 'cosign3', 'attest', image, {
    claims,
    flags: ['--type=slsaprovenance1', `--predicate=${predicate}`],
  })
  expect(await judged('cosign attest, provenance asked', image, flags)).toBe(
    '1 verify/no-attestation verify/bundles-ignored statements/type-unsupported',
  )
})

function predicateOf(bundleFile: string): unknown {
  const { dsseEnvelope } = JSON.parse(readFileSync(bundleFile, 'utf8')) as { dsseEnvelope: { payload: string } }
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8')).predicate
}

/** What an attacker with write access does: attaches the evidence of one image to another. */
async function copyBundles(registry: RegistryName, repository: string, from: Digest, to: Digest): Promise<void> {
  const { client, close } = clientFor(registry)
  try {
    const { bundles } = await fetchBundles(client, parseReference(repository), from)
    expect(bundles).toHaveLength(1)
    await attachAll(
      client,
      repository,
      to,
      bundles.map(({ bytes }) => ({ bytes, predicateType: 'https://sigstore.dev/cosign/sign/v1' })),
    )
  } finally {
    close()
  }
}
