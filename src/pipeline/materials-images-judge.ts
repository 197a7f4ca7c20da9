import type { AllowedImage } from '../build/allowed.ts'
import { type Digest, hexOf } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { findingOf } from '../core/verdict.ts'
import type { BaseConfig } from '../materials/dockerfile/triggers.ts'
import { readBase } from '../materials/dockerfile/triggers.ts'
import { baseExpectations, baseImageRule, refuseQuarantined, type TrustedBase } from '../policy/base-images.ts'
import { dockerExpectations } from '../policy/docker-images.ts'
import type { FetchedManifest } from '../registry/client.ts'
import { readBuildConfig } from '../registry/image-config.ts'
import type { Descriptor } from '../registry/manifest.ts'
import { parentsOf } from '../registry/parents.ts'
import { childrenFor, isNested, platformsOf, reachableIn } from '../registry/platform-children.ts'
import { formatReference, type Reference } from '../registry/reference.ts'
import { judgeDocker } from './materials-images-docker.ts'
import { MANIFEST_PATH, notPinned, placed, shownName, withPinningRemedy } from './materials-images-findings.ts'
import type { GateAnswer, ImageGate } from './materials-images-gate.ts'
import type { NamedImage } from './materials-images-named.ts'
import type { ImageReader } from './materials-images-reader.ts'
import type { ImagesRequest, JudgedImage } from './materials-images-request.ts'
import type { MaterialProof } from './materials-outcome.ts'
import type { Relatives } from './verify-request.ts'

/** What is shared by all images of one judgement. */
export interface ImageWorld {
  readonly request: ImagesRequest
  readonly reader: ImageReader
  readonly gate: ImageGate
}

export interface ImageOutcome extends JudgedImage {
  /** Platform in its one spelling → what a build on it begins with. Of a base image that passed. */
  readonly bases: ReadonlyMap<string, BaseConfig>
}

/** An image whose bytes are known. */
interface Opened {
  readonly image: NamedImage
  readonly rule: TrustedBase
  readonly top: FetchedManifest
  /** Platform → what a builder may take for it, the first of which it takes; of a plain image nothing. */
  readonly children: ReadonlyMap<string, readonly Descriptor[]>
  /** Somebody wrote the digest down: in the Dockerfile or the materials manifest. */
  readonly pinned: boolean
}

/**
 * Judges one image: rule, digest, platforms, proof, config, in this order; nothing is asked of a registry before a rule was found
 * (13-adversary 39). Never throws but for what concerns the whole run.
 * @throws configuration errors
 */
export async function judgeNamed(image: NamedImage, world: ImageWorld): Promise<ImageOutcome> {
  try {
    const opened = await open(image, world)
    const answer = await prove(opened, world)
    if (answer.kind !== 'passed') return refusedBy(answer, opened)
    const bases = image.base ? await basesOf(opened, world) : new Map()
    return passedBy(answer, opened, bases)
  } catch (error) {
    const known = asWaybillError(error)
    if (known.kind === 'configuration') throw known
    return refusal(image, known)
  }
}

async function open(image: NamedImage, { request, reader }: ImageWorld): Promise<Opened> {
  const { reference } = image
  const rule = baseImageRule(request.policy, formatReference(reference))
  const digest = writtenDigest(reference, request)
  if (digest === undefined && rule.kind === 'digest-lock') {
    const now = await reader.open(reference, rule).then(
      found => found.descriptor.digest,
      () => undefined,
    )
    throw notPinned(reference, image.use, request.manifest ?? MANIFEST_PATH, now)
  }
  const top = await reader.open(digest === undefined ? reference : { ...reference, digest }, rule)
  return { image, rule, top, children: childrenOf(image, top), pinned: digest !== undefined }
}

/** A digest in the Dockerfile, or in the manifest; where there are both they must agree (13-adversary 20). */
function writtenDigest(reference: Reference, { declared }: ImagesRequest): Digest | undefined {
  const stated = declared.get(declaredKey(reference))
  if (reference.digest === undefined || stated === undefined || stated === reference.digest)
    return reference.digest ?? stated
  throw fail('materials/other-digest', `The materials manifest has another digest for ${shownName(reference)}`, {
    expected: stated,
    found: reference.digest,
  })
}

/** How `ImagesRequest.declared` names an image: `host/repository:tag`, with `latest` where none is named and no digest either. */
export function declaredKey({ host, repository, tag, digest }: Reference): string {
  if (tag !== undefined) return formatReference({ host, repository, tag })
  return formatReference({ host, repository, ...(digest === undefined ? { tag: 'latest' } : { digest }) })
}

function childrenOf(
  { platforms, maybe }: NamedImage,
  { manifest }: FetchedManifest,
): ReadonlyMap<string, readonly Descriptor[]> {
  const children = new Map<string, readonly Descriptor[]>()
  if (manifest.kind === 'image') return children
  for (const platform of new Set([...platforms, ...maybe])) {
    const found = childrenFor(manifest, platform)
    if (found.length === 0 && !platforms.has(platform)) continue
    if (found.length === 0)
      throw fail('materials/platform-missing', `The image has nothing for ${platform}`, {
        expected: platform,
        found: platformsOf(manifest).join(', ') || 'no platform at all',
      })
    if (found.some(isNested)) throw fail('materials/index-nested', `The image holds an index for ${platform}`)
    children.set(platform, found)
  }
  return children
}

function digestsOf({ children }: Pick<Opened, 'children'>): readonly Digest[] {
  return [...new Set([...children.values()].flat().map(({ digest }) => digest))]
}

/**
 * The manifests of an index that must each be proved where nothing is signed about the index itself (13-adversary 21): the one
 * that is then pinned, or all in it, where the builder is let have the whole index.
 */
function toProve(opened: Opened): readonly Digest[] {
  const { manifest } = opened.top
  const taken = digestsOf(opened)
  if (manifest.kind === 'image' || (taken.length === 1 && !opened.pinned)) return taken
  return [...new Set([...taken, ...reachableIn(manifest).map(({ digest }) => digest)])]
}

/** What a pass rests on: a signature, or the digest that somebody reviewed. */
type Answer = GateAnswer | { readonly kind: 'passed'; readonly via: 'pinned'; readonly notes: readonly [] }

async function prove(opened: Opened, { request, reader, gate }: ImageWorld): Promise<Answer> {
  const { image, rule, top } = opened
  const { policy, policyName, revoked } = request
  const { digest } = top.descriptor
  const reference = { ...image.reference, digest }
  const platforms = toProve(opened)
  if (rule.kind === 'docker' || rule.kind === 'digest-lock')
    refuseQuarantined(policy, shownName(reference), [digest, ...digestsOf(opened)])
  if (rule.kind === 'digest-lock') return { kind: 'passed', via: 'pinned', notes: [] }
  const registry = reader.under(rule)
  if (rule.kind === 'docker') {
    const expectations = dockerExpectations(rule, reference.canonical, policy, revoked)
    if (top.manifest.kind !== 'index') throw noIndex()
    return judgeDocker({ reference, index: top.manifest, expectations, reader: registry, gate }, platforms)
  }
  const expectations = baseExpectations(rule, {
    canonical: formatReference(reference),
    law: policy,
    ...(policyName === undefined ? {} : { policy: policyName }),
    ...(revoked === undefined ? {} : { revoked }),
  })
  const relatives = async (): Promise<Relatives> => {
    const none = { platforms, parents: [], complete: true, skipped: [] }
    const { tag, digest: written } = image.reference
    if (top.manifest.kind === 'index' || tag === undefined || written === undefined) return none
    return { platforms: [], ...(await parentsOf(registry, reference, digest, { tag })) }
  }
  return gate.judge(reference, expectations, relatives)
}

function noIndex(): WaybillError {
  return fail(
    'materials/no-attestation-manifest',
    'The image is no index, and its attestation manifest stands in one',
    {
      expected: 'the index of the image',
      found: 'a manifest of one platform',
    },
  )
}

/** What a build on each platform begins with: environment and ONBUILD. @throws what is wrong with the config */
async function basesOf(
  { image, rule, top, children }: Opened,
  { reader }: ImageWorld,
): Promise<ReadonlyMap<string, BaseConfig>> {
  const registry = reader.under(rule)
  const platforms = top.manifest.kind === 'image' ? [...image.platforms, ...image.maybe] : [...children.keys()]
  const read = async (platform: string): Promise<readonly [string, BaseConfig]> => {
    const child = children.get(platform)?.[0]
    const { manifest } = child === undefined ? top : await registry.getManifest(image.reference, child.digest)
    if (manifest.kind === 'index') throw fail('materials/index-nested', `The image holds an index for ${platform}`)
    return [platform, readBase(await readBuildConfig(registry, image.reference, manifest))]
  }
  return new Map(await Promise.all(platforms.map(read)))
}

/**
 * What is pinned, and so all that the builder is let have:
 *
 *     a digest that somebody wrote down     that digest
 *     a signed index, or a plain image      what the tag meant: its own digest
 *     an unsigned index, signed platforms   the one manifest that this build takes, so that the rest of the index is out of reach;
 *                                           where platforms of this build take different ones, the index: then everything in it
 *                                           that runs on Linux was proved.
 */
function pinnedDigest(answer: Answer, opened: Opened): Digest {
  const { digest } = opened.top.descriptor
  const [only, ...more] = digestsOf(opened)
  const byPlatforms = answer.kind === 'passed' && answer.via === 'platforms'
  return byPlatforms && !opened.pinned && only !== undefined && more.length === 0 ? only : digest
}

function passedBy(
  answer: Extract<Answer, { kind: 'passed' }>,
  opened: Opened,
  bases: ReadonlyMap<string, BaseConfig>,
): ImageOutcome {
  const { image, rule } = opened
  const digest = pinnedDigest(answer, opened)
  const proof: MaterialProof =
    answer.via === 'pinned'
      ? { kind: 'digest' }
      : { kind: 'signature', keys: 'policy', by: answer.by, evidence: answer.evidence }
  const allowed: AllowedImage = {
    reference: image.reference,
    digest,
    names: [...image.names],
    use: image.use,
    private: rule.private,
  }
  return { judged: { ...told(image, digest), verdict: 'passed', findings: answer.notes, proof }, allowed, bases }
}

function refusedBy(answer: Exclude<Answer, { kind: 'passed' }>, { image, top }: Opened): ImageOutcome {
  const { digest } = top.descriptor
  const findings = answer.findings.map(finding => withPinningRemedy(finding, image.reference, digest))
  return {
    judged: { ...told(image, digest), verdict: answer.kind, findings: located(findings, image) },
    bases: new Map(),
  }
}

/** An image that was judged no further. */
export function refusal(image: NamedImage, error: WaybillError): ImageOutcome {
  const verdict = error.kind === 'rejected' ? 'rejected' : 'unknown'
  const findings = located([findingOf(error, shownName(image.reference))], image)
  return { judged: { ...told(image, image.reference.digest), verdict, findings }, bases: new Map() }
}

function located(findings: Parameters<typeof placed>[0], { reference, places }: NamedImage): ReturnType<typeof placed> {
  return placed(findings, shownName(reference), places)
}

function told({ reference, places }: NamedImage, digest: Digest | undefined) {
  const { host, repository, tag } = reference
  const named = { host, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
  return {
    name: shownName(reference),
    kind: 'image' as const,
    uri: `docker-image://${formatReference(named)}`,
    places: [...places],
    digest: digest === undefined ? {} : { sha256: hexOf(digest) },
  }
}
