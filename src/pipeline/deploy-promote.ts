import { asWaybillError, fail } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import type { ObservedSigner } from '../core/signer.ts'
import { printable } from '../core/text.ts'
import { matchSigner } from '../policy/signer.ts'
import { fetchBundles } from '../registry/bundles.ts'
import type { RawManifest, RegistryClient } from '../registry/client.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import { confirmTags, type MovedTag, moveTag } from '../registry/tags.ts'
import { deployResource, isDeploySummary } from '../statements/deploy-vsa.ts'
import type { Statement } from '../statements/statement.ts'
import type { DeployPorts, DeploySigner, DeployUnit, Promotion, UnitImage } from './deploy-request.ts'

/** Registries asked side by side. */
const PARALLEL = 4

/** A tag, the image it shall point to, and the repository it is in. */
export interface PlannedTag {
  readonly unit: DeployUnit
  readonly repository: Repository
  readonly tag: string
}

/**
 * Which image each tag is for. A tag alone is one of every image; with a repository it is for the image of that repository, of the
 * same path in another registry, or for the only image that there is.
 * @param units images alone. @throws `deploy/promotion-unclear` rather than guess
 */
export function plannedTags(promote: readonly Promotion[], units: readonly DeployUnit[]): readonly PlannedTag[] {
  const images = units.flatMap(unit => (unit.image === undefined ? [] : [{ unit, image: unit.image }]))
  const planned = promote.flatMap(({ repository, tag }): readonly PlannedTag[] => {
    if (repository !== undefined) return [{ unit: unitFor(repository, tag, images), repository, tag }]
    // Of an image that nobody deploys here, a third party's for instance, no tag is ours to move.
    const own = images.filter(({ unit }) => unit.expectation.deployer !== undefined)
    if (own.length === 0) throw unclear(tag, 'an image', 'none')
    return own.map(({ unit, image }) => ({ unit, repository: image.repository, tag }))
  })
  const seen = new Map<string, PlannedTag>()
  for (const one of planned) {
    const name = formatReference({ ...one.repository, tag: one.tag })
    const before = seen.get(name)
    if (before !== undefined && before.unit.digest !== one.unit.digest)
      throw unclear(name, 'one image', `${before.unit.digest} and ${one.unit.digest}`)
    seen.set(name, one)
  }
  return [...seen.values()]
}

interface ImageOf {
  readonly unit: DeployUnit
  readonly image: UnitImage
}

function unitFor(repository: Repository, tag: string, images: readonly ImageOf[]): DeployUnit {
  const name = formatReference(repository)
  const narrowing: readonly ((one: ImageOf) => boolean)[] = [
    ({ unit }) => unit.resource === name,
    ({ image }) => image.repository.repository === repository.repository,
    () => true,
  ]
  for (const fits of narrowing) {
    const found = images.filter(fits)
    const [first, ...more] = found
    if (first !== undefined && more.every(({ unit }) => unit.digest === first.unit.digest)) return first.unit
    if (first !== undefined) throw unclear(`${name}:${tag}`, 'one image', found.map(namesOf).join(', '))
  }
  throw unclear(`${name}:${tag}`, 'an image', 'none')
}

function namesOf({ unit }: ImageOf): string {
  return `${unit.resource}@${unit.digest}`
}

function unclear(tag: string, expected: string, found: string): Error {
  return fail('deploy/promotion-unclear', `The tag ${printable(tag, 200)} is not for exactly one image`, {
    expected,
    found,
  })
}

/**
 * Points every tag to what was deployed, last of all and one after the other; each image is already where its tag is. Afterwards
 * they are read again: of two deploys that move one tag at once, the one that was written over is told (13-adversary 25).
 * @param told of each as it is moved: what comes after may fail.
 * @throws `registry/tag-newer`, `registry/tag-changed`, `registry/tag-immutable`, `registry/tag-not-ours`
 */
export async function promoteTags(
  tags: readonly PlannedTag[],
  signer: DeploySigner,
  ports: Pick<DeployPorts, 'verifier'>,
  told: (sentence: string) => void,
): Promise<void> {
  const moved = new Map<RegistryClient, (MovedTag & { readonly repository: Repository })[]>()
  for (const one of tags) {
    const { registry } = one.unit.image as UnitImage
    const { repository, tag, unit } = one
    const known = moved.get(registry) ?? []
    moved.set(registry, [...known, { repository, ...(await promoteTag(one, registry, signer, ports)) }])
    told(`Promoted ${formatReference({ ...repository, tag })} to ${unit.digest}.`)
  }
  await inParallel([...moved], PARALLEL, ([registry, own]) => confirmTags(registry, own))
}

/**
 * What the tag held is read and judged before, and read again right before the write: two deploys of the same image both end
 * well, one of another image stops the slower one.
 */
async function promoteTag(
  { unit, repository, tag }: PlannedTag,
  registry: RegistryClient,
  signer: DeploySigner,
  ports: Pick<DeployPorts, 'verifier'>,
): Promise<MovedTag> {
  const { descriptor, bytes } = await registry.getManifest(repository, unit.digest)
  const present = await registry.getRaw(repository, tag)
  if (present !== undefined && present.digest !== unit.digest)
    await refuseNewer({ unit, repository, tag }, present, { registry, signer, ports })
  const target = { mediaType: descriptor.mediaType, bytes }
  try {
    return await moveTag(registry, repository, tag, target, { judged: { digest: present?.digest } })
  } catch (error) {
    if (asWaybillError(error).code !== 'registry/tag-changed') throw error
    // Another deploy of the very same image was a moment faster.
    const now = await registry.getRaw(repository, tag)
    if (now?.digest !== unit.digest) throw error
    return { tag, digest: unit.digest, changed: false }
  }
}

/**
 * A deploy that was slow, or one of last week that is run again, must not take a tag back. What is deployed on purpose is a
 * newer run, whatever image it deploys. What a later run deployed to another environment is not what the tag is for.
 */
async function refuseNewer(
  { unit, repository, tag }: PlannedTag,
  present: RawManifest,
  world: {
    readonly registry: UnitImage['registry']
    readonly signer: DeploySigner
    readonly ports: Pick<DeployPorts, 'verifier'>
  },
): Promise<void> {
  const { run } = world.signer
  const { deployer } = unit.expectation
  if (run === undefined || deployer === undefined) return
  const { bundles } = await fetchBundles(world.registry, repository, present.digest)
  const verifier = await world.ports.verifier(unit.expectation)
  for (const { bytes } of bundles) {
    const signed = await Promise.resolve()
      .then(() => verifier.bundle(bytes, { digest: present.digest }))
      // What does not verify says nothing about what the tag holds, and never stops us.
      .catch(() => undefined)
    if (signed === undefined || !isFor(signed.statement, unit.resource, deployer.environment)) continue
    if (matchSigner(deployer.signer, signed.signer).length > 0) continue
    const later = runOf(signed.signer)
    if (later === undefined || BigInt(later) <= BigInt(run.id)) continue
    throw fail('registry/tag-newer', `${formatReference({ ...repository, tag })} was deployed by a later run`, {
      expected: `an image that no run after ${run.id} deployed`,
      found: `${present.digest}, deployed by run ${later}`,
      remedy: 'Start a new run to deploy this image on purpose; a run that is repeated stays as old as it is.',
    })
  }
}

function isFor(statement: Statement, resource: string, environment: string): boolean {
  return isDeploySummary(statement) && statement.predicate.resourceUri === deployResource(resource, environment)
}

function runOf(signer: ObservedSigner): string | undefined {
  if (signer.kind === 'key') return undefined
  return /\/actions\/runs\/(\d{1,19})(?:\/|$)/.exec(signer.ci.runInvocationUri ?? '')?.[1]
}
