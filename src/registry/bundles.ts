import { utf8 } from '../core/bytes.ts'
import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import { type Finding, findingOf } from '../core/verdict.ts'
import type { RegistryClient } from './client.ts'
import type { FallbackOptions } from './fallback.ts'
import type { LegacySignature } from './legacy.ts'
import { type Descriptor, EMPTY_CONFIG, type Manifest, OCI_MANIFEST } from './manifest.ts'
import type { Repository } from './reference.ts'
import { type Attached, attachReferrers, listReferrers, type Referrer } from './referrers.ts'

/**
 * Sigstore bundles beside an image: a manifest with the image as subject and the bundle as its only layer.
 * cosign ≥ 3, gh, policy-controller and Kyverno read this shape.
 */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
/** Spellings of earlier bundle versions that are read. */
const BUNDLE_TYPES = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.[1-3])?\+json(?:;version=0\.[1-3])?$/

/** The config of every manifest that holds a bundle. */
export const EMPTY_CONFIG_BYTES = utf8('{}')

export interface BundleToAttach {
  /** The image's own descriptor: its media type, digest and size go into the manifest. */
  readonly subject: Descriptor
  readonly bundle: Uint8Array
  readonly predicateType: string
  /** The signature's own time, so that attaching again makes the same bytes and nothing new. */
  readonly created: Date
}

export interface AttachedBundle extends Attached {
  readonly predicateType: string
  readonly bundle: Digest
}

/**
 * Stores bundles and makes them findable. Three serial stages: blobs, manifests, one update of the list.
 * @returns in the order of `items`; repeating the call with the same items changes nothing.
 */
export async function attachBundles(
  client: RegistryClient,
  repository: Repository,
  items: readonly BundleToAttach[],
  options: FallbackOptions = {},
): Promise<readonly AttachedBundle[]> {
  const bundles = new Map(items.map(item => [sha256(item.bundle), item.bundle]))
  await Promise.all([
    client.putBlob(repository, EMPTY_CONFIG_BYTES, { unlessPresent: true }),
    ...[...bundles.values()].map(bytes => client.putBlob(repository, bytes)),
  ])
  const attached = await attachReferrers(client, repository, items.map(bundleReferrer), options)
  return attached.map((result, i) => {
    const item = items[i]
    return { ...result, predicateType: item?.predicateType ?? '', bundle: sha256(item?.bundle ?? '') }
  })
}

/** The manifest of one bundle; equal input gives equal bytes. 6-sign-and-publish § 2 */
export function bundleReferrer(item: BundleToAttach): Referrer {
  const annotations = {
    'org.opencontainers.image.created': item.created.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': item.predicateType,
  }
  const { mediaType, digest, size } = item.subject
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: { mediaType: EMPTY_CONFIG.mediaType, size: EMPTY_CONFIG.size, digest: EMPTY_CONFIG.digest },
    layers: [{ mediaType: BUNDLE_TYPE, digest: sha256(item.bundle), size: item.bundle.byteLength }],
    subject: { mediaType, digest, size },
    annotations,
  }
  return { subject: item.subject, manifest: utf8(JSON.stringify(manifest)), artifactType: BUNDLE_TYPE, annotations }
}

export interface FetchedBundle {
  readonly bytes: Uint8Array
  /** The referrer manifest it came with. */
  readonly manifest: Digest
}

export interface FetchedBundles {
  /** Unverified bytes, smallest first. */
  readonly bundles: readonly FetchedBundle[]
  /** Signatures and attestations of cosign ≤ 2. */
  readonly legacy?: readonly LegacySignature[]
  /** False when something was cut, unreadable or not served: then nothing may rest on an absence. */
  readonly complete: boolean
  /** What was looked at and left out, with the reason. */
  readonly skipped: readonly Finding[]
}

/** By digest and size: a planted manifest with the right digest and a wrong size must spoil nothing for the others. */
export type ReadBundles = Map<string, Promise<Uint8Array>>

export interface BundleLimits {
  readonly bundles?: number
  readonly bytes?: number
  /** Bundles of this repository that were read already: one may be attached to many subjects. */
  readonly read?: ReadBundles
}

interface Candidate {
  readonly manifest: Digest
  readonly layer: Descriptor
}

/** Requests under way at the same time. */
const PARALLEL = 8

/**
 * Fetches the bundles attached to a subject: lists, opens every manifest (its descriptor's type is only a claim), takes
 * the smallest first up to the limits (13-adversary 43). A bundle that cannot be read is named, never fatal.
 * @throws when no list of referrers could be read at all.
 */
export async function fetchBundles(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  limits: BundleLimits = {},
): Promise<FetchedBundles> {
  const list = await listReferrers(client, repository, subject, BUNDLE_TYPE)
  const skipped: Finding[] = list.problems.map(problem => findingOf(problem, subject, 'note'))
  let complete = list.complete
  const skip = (digest: Digest, error: unknown): undefined => {
    const known = asWaybillError(error)
    skipped.push(findingOf(known, digest, 'note'))
    if (known.code !== 'registry/bundle-skipped' && known.code !== 'registry/manifest-malformed') complete = false
    return undefined
  }
  const opened = await inParallel(list.descriptors, PARALLEL, entry =>
    openReferrer(client, repository, subject, entry.digest).catch(error => skip(entry.digest, error)),
  )
  const candidates = opened.filter(candidate => candidate !== undefined).sort((a, b) => a.layer.size - b.layer.size)
  const chosen = withinLimits(candidates, limits)
  for (const left of candidates.slice(chosen.length)) skip(left.manifest, overLimit())
  const fetched = await inParallel(chosen, PARALLEL, candidate =>
    fetchLayer(client, repository, candidate, limits.read ?? new Map()).catch(error => skip(candidate.manifest, error)),
  )
  return { bundles: fetched.filter(bundle => bundle !== undefined), complete, skipped }
}

/**
 * The bundle in one manifest that is known by its digest, whatever it is attached to: unverified bytes.
 * @throws `registry/bundle-skipped` when it is something else.
 */
export async function readBundle(
  client: RegistryClient,
  repository: Repository,
  manifest: Digest,
): Promise<Uint8Array> {
  const opened = await client.getManifest(repository, manifest)
  if (!isBundleManifest(opened.manifest)) throw notRead('an artifact of another kind')
  const candidate = { manifest, layer: bundleLayer(opened.manifest) }
  return (await fetchLayer(client, repository, candidate, new Map())).bytes
}

/** The bundle layer of a referrer; undefined when it is an artifact of another kind. */
async function openReferrer(
  client: RegistryClient,
  repository: Repository,
  subject: Digest,
  digest: Digest,
): Promise<Candidate | undefined> {
  const { manifest } = await client.getManifest(repository, digest)
  if (!isBundleManifest(manifest)) return undefined
  // A list may name anything; what counts is what the manifest itself says it is attached to.
  if (manifest.subject?.digest !== subject) throw notRead('attached to another subject', manifest.subject?.digest)
  return { manifest: digest, layer: bundleLayer(manifest) }
}

function bundleLayer(manifest: Manifest): Descriptor {
  const [layer, ...more] = manifest.kind === 'image' ? manifest.layers : []
  if (layer === undefined || more.length > 0) throw notRead('not exactly one layer')
  if (layer.size > LIMITS.bundleBytes) throw notRead(`larger than ${LIMITS.bundleBytes} bytes`)
  return layer
}

function isBundleManifest(manifest: Manifest): boolean {
  if (manifest.kind !== 'image') return false
  const type = manifest.artifactType ?? manifest.config.mediaType
  return BUNDLE_TYPES.test(type) || manifest.layers.some(layer => BUNDLE_TYPES.test(layer.mediaType))
}

function withinLimits(sorted: readonly Candidate[], limits: BundleLimits): readonly Candidate[] {
  let bytes = 0
  const end = sorted.findIndex((candidate, i) => {
    bytes += candidate.layer.size
    return i >= (limits.bundles ?? LIMITS.subjectBundles) || bytes > (limits.bytes ?? LIMITS.subjectBundleBytes)
  })
  return end < 0 ? sorted : sorted.slice(0, end)
}

async function fetchLayer(
  client: RegistryClient,
  repository: Repository,
  candidate: Candidate,
  read: ReadBundles,
): Promise<FetchedBundle> {
  const { digest, size } = candidate.layer
  const key = `${digest} ${size}`
  const reading = read.get(key) ?? client.getBlob(repository, digest, size)
  read.set(key, reading)
  const bytes = await reading
  if (bytes.byteLength !== candidate.layer.size) throw notRead('another size than announced')
  return { bytes, manifest: candidate.manifest }
}

function notRead(found: string, detail?: string): Error {
  return fail('registry/bundle-skipped', 'A referrer is not a bundle of the shape that is read', {
    expected: 'one bundle as the only layer, with the image as subject',
    found: detail === undefined ? found : `${found}: ${detail}`,
  })
}

function overLimit(): Error {
  return fail('registry/referrers-incomplete', 'More bundles are attached than are examined', {
    expected: `at most ${LIMITS.subjectBundles} bundles and ${LIMITS.subjectBundleBytes} bytes, smallest first`,
  })
}
