import { utf8 } from '../core/bytes.ts'
import { type Digest, hexOf, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { isObject, type Json, parseJsonObject } from '../core/json.ts'
import { printable } from '../core/text.ts'
import { attestationsOf, readAttestationManifest } from '../registry/attestation-manifest.ts'
import type { FetchedManifest, RegistryClient } from '../registry/client.ts'
import { imagePlatform, isAttestation } from '../registry/image.ts'
import { type Descriptor, formatPlatform, type ImageIndex, OCI_INDEX, type Platform } from '../registry/manifest.ts'
import { normalPlatform } from '../registry/platform-children.ts'
import { type Repository, repositoryIn } from '../registry/reference.ts'
import type { ObservedMaterial } from './allowed.ts'
import type { BuildConditions, Builder, BuildResult, ToolRecord } from './builder.ts'
import { eachOnce, observedInPredicate } from './buildkit-provenance.ts'
import { openedBy, optionNotes } from './openings.ts'
import type { Part } from './part.ts'
import { differs, movedNotes, rebuiltIn, type ServedPart } from './part-words.ts'
import type { BuildPlan } from './plan.ts'
import type { BuildRequest } from './request.ts'

/** BuildKit's provenance, in either version. */
const PROVENANCE = /^https:\/\/slsa\.dev\/provenance\/v(0\.2|1)$/

/**
 * The image is what other jobs built: one part for each platform, named by a digest that came through `needs` and by nothing
 * else. Each is read from the registry by that digest and held against the plan; the index over them is made here
 * (5-build § 5). Nothing of the commit runs.
 */
export class PartsBuilder implements Builder {
  readonly name: 'buildx' | 'buildah'
  readonly #plan: BuildPlan
  readonly #parts: readonly Part[]
  readonly #registry: RegistryClient

  /** @throws `build/part-missing`, `build/part-unplanned`, `build/part-differs` */
  constructor(plan: BuildPlan, parts: readonly Part[], registry: RegistryClient) {
    this.#plan = plan
    this.#parts = plannedParts(plan, parts)
    this.#registry = registry
    // One word for all parts: a rule that asks for buildx must not be met by an image of which buildah made a part.
    this.name = this.#parts.every(({ builder }) => builder === 'buildx') ? 'buildx' : 'buildah'
  }

  /** @throws `build/part-differs`, and what the registry throws for a part that is not there as a whole */
  async build(request: BuildRequest): Promise<BuildResult> {
    const [home, ...others] = request.images.map(repositoryIn)
    if (home === undefined) throw fail('core/internal', 'No repository to read parts from')
    const served = await Promise.all(this.#parts.map(part => readPartOf(this.#registry, home, part)))
    refuseTwice(served)
    const rebuilt = rebuiltIn(served)
    const bytes = indexOf(served)
    const digest = sha256(bytes)
    for (const repository of [home, ...others]) await this.#registry.putManifest(repository, digest, OCI_INDEX, bytes)
    const observed = served.every(({ observed }) => observed !== undefined)
      ? eachOnce(served.flatMap(({ observed = [] }) => observed))
      : undefined
    return {
      digest,
      mediaType: OCI_INDEX,
      builder: this.name,
      tools: toolsOf(this.#parts),
      pushedTo: request.images,
      buildRunners: buildRunners(this.#plan, this.#parts),
      ...conditionsOf(this.#parts),
      ...enforcementOf(this.#parts),
      ...openedBy(request),
      ...rebuilt,
      ...(observed === undefined ? {} : { observed }),
      notes: [...notesOf(served), ...movedNotes(served), ...optionNotes(request)],
    }
  }
}

/** One for each planned platform, in the plan's order, all of this run and commit. */
function plannedParts(plan: BuildPlan, parts: readonly Part[]): readonly Part[] {
  const unplanned = parts.find(({ platform }) => plan.runners[platform] === undefined)
  if (unplanned !== undefined)
    throw fail('build/part-unplanned', `A part is for ${printable(unplanned.platform)}, which nobody planned`, {
      expected: Object.keys(plan.runners).join(', '),
      found: unplanned.platform,
    })
  return Object.keys(plan.runners).map(platform => {
    const [part, other] = parts.filter(one => one.platform === platform)
    if (part === undefined)
      throw fail('build/part-missing', `No job says that it built ${platform}`, {
        expected: 'a digest in the output of its job',
        found: 'nothing',
      })
    if (other !== undefined) throw differs(`Two parts are for ${platform}`, 'one', `${part.digest}, ${other.digest}`)
    if (part.run !== plan.run) throw differs(`The part for ${platform} is of another run`, plan.run, part.run)
    if (part.commit !== plan.commit)
      throw differs(`The part for ${platform} was built from another commit`, plan.commit, part.commit)
    return part
  })
}

/** The same bytes for two platforms: one of the jobs passed off another's work as its own. */
function refuseTwice(served: readonly ServedPart[]): void {
  const seen = new Map<string, string>()
  for (const { part, entry } of served) {
    const first = seen.get(entry.digest)
    if (first !== undefined)
      throw differs('Two parts are the same manifest', 'one for each platform', `${first}, ${part.platform}`)
    seen.set(entry.digest, part.platform)
  }
}

async function readPartOf(registry: RegistryClient, repository: Repository, part: Part): Promise<ServedPart> {
  const top = await registry.getManifest(repository, part.digest)
  if (top.manifest.kind === 'image')
    return { part, entry: await entryOf(registry, repository, part, top), attestations: [] }
  const images = top.manifest.manifests.filter(entry => !isAttestation(entry))
  const [only, ...more] = images
  if (only === undefined || more.length > 0)
    throw differs(`The part for ${part.platform} is not one image`, 'one manifest', `${images.length} manifests`)
  const child = await registry.getManifest(repository, only.digest)
  const entry = await entryOf(registry, repository, part, child, only)
  const attestations = boundTo(top.manifest, only, part)
  const observed = await observedIn(registry, repository, attestations, only.digest)
  return { part, entry, attestations, ...(observed === undefined ? {} : { observed }) }
}

/** What a registry, an index or a builder calls its platform counts only where the configuration says so, too. */
async function entryOf(
  registry: RegistryClient,
  repository: Repository,
  part: Part,
  fetched: FetchedManifest,
  listed?: Descriptor,
): Promise<Descriptor> {
  const { manifest, descriptor } = fetched
  if (manifest.kind !== 'image') throw differs(`The part for ${part.platform} is an index`, 'an image', 'an index')
  const configured = await imagePlatform(registry, repository, manifest)
  for (const found of [configured, ...(listed === undefined ? [] : [listed.platform])])
    if (found === undefined || normalPlatform(formatPlatform(found)) !== normalPlatform(part.platform))
      throw differs(
        `The part for ${part.platform} is for another platform`,
        part.platform,
        found === undefined ? 'no platform' : printable(formatPlatform(found)),
      )
  const { mediaType, digest, size } = descriptor
  return { mediaType, digest, size, platform: listed?.platform ?? (configured as Platform) }
}

/** Everything else in the part's index must be about that one image, or it would ride into the signed index unseen. */
function boundTo(index: ImageIndex, image: Descriptor, part: Part): readonly Descriptor[] {
  const bound = attestationsOf(index, image.digest)
  if (bound.length !== index.manifests.length - 1)
    throw differs(
      `The part for ${part.platform} holds more than its image`,
      'its image and attestations about it',
      `${index.manifests.length} manifests`,
    )
  return bound
}

/** What BuildKit's own provenance beside the part says went in; undefined where there is none. */
async function observedIn(
  registry: RegistryClient,
  repository: Repository,
  entries: readonly Descriptor[],
  platform: Digest,
): Promise<readonly ObservedMaterial[] | undefined> {
  const found: (readonly ObservedMaterial[])[] = []
  for (const entry of entries) {
    const wanted = (type: string) => PROVENANCE.test(type)
    const read = await readAttestationManifest(registry, repository, entry, platform, wanted, false)
    for (const bytes of read.statements) found.push(predicateOf(bytes, platform))
  }
  return found.length === 0 ? undefined : eachOnce(found.flat())
}

function predicateOf(bytes: Uint8Array, platform: Digest): readonly ObservedMaterial[] {
  const { subject, predicate } = parseJsonObject(bytes, 'provenance of the builder')
  const subjects = Array.isArray(subject) ? (subject as readonly Json[]) : []
  const about = subjects.some(one => isObject(one) && isObject(one.digest) && one.digest.sha256 === hexOf(platform))
  if (!about) throw differs('The provenance beside a part is about another image', platform, 'another subject')
  return observedInPredicate(utf8(JSON.stringify(predicate ?? null)))
}

/** Images in the plan's order, then their attestations, as BuildKit itself writes an index. */
function indexOf(served: readonly ServedPart[]): Uint8Array {
  const images = served.map(({ entry }) => entry)
  const attestations = served.flatMap(({ attestations }) => attestations)
  const manifests = [...images, ...attestations].map(
    ({ mediaType, digest, size, artifactType, platform, annotations }) => ({
      mediaType,
      digest,
      size,
      artifactType,
      platform,
      annotations,
    }),
  )
  return utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
}

function toolsOf(parts: readonly Part[]): readonly ToolRecord[] {
  const found = new Map<string, ToolRecord>()
  for (const { tools } of parts) {
    for (const tool of tools) {
      const known = found.get(tool.name)
      if (known === undefined) found.set(tool.name, tool)
      // Runners are updated one after another: what is not the same everywhere is told as it is, without one hash.
      else if (known.version !== tool.version && !known.version.split(', ').includes(tool.version))
        found.set(tool.name, { name: tool.name, version: `${known.version}, ${tool.version}` })
      else if (known.digest !== tool.digest) found.set(tool.name, { name: tool.name, version: known.version })
    }
  }
  return [...found.values()]
}

/** 13-adversary 40: a machine that calls itself self-hosted is one, whatever its label. */
function buildRunners({ runners }: BuildPlan, parts: readonly Part[]): Readonly<Record<string, string>> {
  const hosted = new Map(parts.map(({ platform, runner }) => [platform, runner === 'github-hosted']))
  return Object.fromEntries(
    Object.entries(runners).map(([platform, label]) => [
      platform,
      hosted.get(platform) === true ? label : `self-hosted:${label}`.replace(/^self-hosted:self-hosted/, 'self-hosted'),
    ]),
  )
}

/** The image is as closed as its weakest part. */
function conditionsOf(parts: readonly Part[]): { readonly conditions?: BuildConditions } {
  const all = parts.map(({ conditions }) => conditions)
  const known = all.filter(conditions => conditions !== undefined)
  if (known.length < all.length) return {}
  const every = <K extends keyof BuildConditions>(key: K, value: BuildConditions[K], otherwise: BuildConditions[K]) =>
    known.every(conditions => conditions[key] === value) ? value : otherwise
  const visible = known.some(({ isolation }) => isolation === 'none')
  return {
    conditions: {
      builder: every('builder', 'fresh', 'shared'),
      cache: every('cache', 'none', 'shared'),
      network: every('network', 'none', 'default'),
      isolation: visible ? 'none' : every('isolation', 'processes', 'unknown'),
    },
  }
}

function enforcementOf(parts: readonly Part[]): Pick<BuildResult, 'enforcement'> {
  if (parts.some(({ enforced }) => enforced === undefined)) return {}
  return { enforcement: { by: parts.every(({ enforced }) => enforced === 'builder') ? 'builder' : 'parser' } }
}

function notesOf(served: readonly ServedPart[]): readonly string[] {
  const parts = served.map(({ part }) => `${part.platform} ${part.digest}`)
  return [`Other jobs of this run built the parts, and this one only put them together: ${parts.join(', ')}.`]
}
