import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import { optional, stringAt } from '../core/shape.ts'
import type { ContentReader } from './bundle-manifest.ts'
import type { FetchedManifest } from './client.ts'
import { type Descriptor, formatPlatform, type ImageManifest, type Platform } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

export interface PlatformManifest {
  /** `linux/amd64`, `linux/arm/v7`; `unknown` when the image does not say. */
  readonly platform: string
  readonly digest: Digest
  /** Bytes of the manifest. */
  readonly size: number
  /** Bytes of config and layers as the manifest states them. */
  readonly contentBytes: number
  readonly descriptor: Descriptor
}

/** An image as the registry holds it, every part confirmed to be there. */
export interface InspectedImage {
  readonly descriptor: Descriptor
  readonly kind: 'index' | 'image'
  /** In the index's order; for a plain image itself alone. */
  readonly platforms: readonly PlatformManifest[]
  /** BuildKit's attestation manifests: they are not platforms, and are bound by digest in byproducts. 5-build § 2 */
  readonly attestationManifests: readonly Digest[]
}

/** Manifests of one image altogether, and nesting of indexes. Real images have up to about thirty, and one level. */
const MAX_MANIFESTS = 200
const MAX_DEPTH = 4
const PARALLEL = 8
/** image-spec allows any size; real configs are below 100 KiB. */
const CONFIG_BYTES = LIMITS.manifestBytes

interface Walk {
  readonly platforms: PlatformManifest[]
  readonly attestations: Digest[]
  /** Entries that were walked, by `roleOf`. */
  readonly seen: Set<string>
}

/**
 * Reads an image by digest and checks that every manifest and config it names exists, recursively: what is signed must
 * be what can be pulled.
 * @throws `registry/child-missing`, `registry/manifest-malformed`, `registry/image-too-large`, and what the client throws
 */
export async function inspectImage(
  client: ContentReader,
  repository: Repository,
  digest: Digest,
): Promise<InspectedImage> {
  const top = await client.getManifest(repository, digest)
  const walk: Walk = { platforms: [], attestations: [], seen: new Set([digest]) }
  if (top.manifest.kind === 'image') {
    const platform = await imagePlatform(client, repository, top.manifest)
    walk.platforms.push(platformManifest(top.descriptor, top.manifest, platform))
  } else await walkIndex(client, repository, top, walk, 1)
  return {
    descriptor: top.descriptor,
    kind: top.manifest.kind,
    platforms: walk.platforms,
    attestationManifests: walk.attestations,
  }
}

async function walkIndex(
  client: ContentReader,
  repository: Repository,
  index: FetchedManifest,
  walk: Walk,
  depth: number,
): Promise<void> {
  if (index.manifest.kind !== 'index') return
  const entries = index.manifest.manifests.filter(entry => !walk.seen.has(roleOf(entry)))
  for (const entry of entries) walk.seen.add(roleOf(entry))
  if (depth > MAX_DEPTH || walk.seen.size > MAX_MANIFESTS)
    throw fail('registry/image-too-large', `${formatReference(repository)} has too many parts`, {
      expected: `at most ${MAX_MANIFESTS} manifests, ${MAX_DEPTH} levels`,
    })
  const children = await inParallel(entries, PARALLEL, entry => readChild(client, repository, entry))
  for (const [i, child] of children.entries()) {
    const entry = entries[i]
    if (entry === undefined) continue
    if (child.fetched.manifest.kind === 'index') await walkIndex(client, repository, child.fetched, walk, depth + 1)
    else if (isAttestation(entry)) walk.attestations.push(entry.digest)
    else walk.platforms.push(platformManifest(entry, child.fetched.manifest, entry.platform ?? child.platform))
  }
}

/** The child's manifest, checked against the entry that names it, and its config's existence. */
async function readChild(
  client: ContentReader,
  repository: Repository,
  entry: Descriptor,
): Promise<{ fetched: FetchedManifest; platform?: Platform }> {
  const fetched = await client.getManifest(repository, entry.digest).catch(error => {
    throw missing(repository, entry.digest, 'manifest', error)
  })
  if (fetched.descriptor.size !== entry.size || fetched.manifest.mediaType !== entry.mediaType)
    throw fail('registry/manifest-malformed', 'An index describes a part other than it is', {
      expected: `${entry.mediaType}, ${entry.size} bytes`,
      found: `${fetched.manifest.mediaType}, ${fetched.descriptor.size} bytes`,
    })
  if (fetched.manifest.kind !== 'image') return { fetched }
  if (entry.platform !== undefined) {
    const { digest } = fetched.manifest.config
    if (!(await client.blobExists(repository, digest))) throw missing(repository, digest, 'config')
    return { fetched }
  }
  const platform = await imagePlatform(client, repository, fetched.manifest)
  return { fetched, ...(platform === undefined ? {} : { platform }) }
}

/** What the image's own config says; undefined when it says nothing (artifacts). @throws `registry/child-missing` */
export async function imagePlatform(
  client: ContentReader,
  repository: Repository,
  manifest: ImageManifest,
): Promise<Platform | undefined> {
  const bytes = await client.getBlob(repository, manifest.config.digest, CONFIG_BYTES).catch(error => {
    throw missing(repository, manifest.config.digest, 'config', error)
  })
  try {
    const config = parseJsonObject(bytes, 'image config')
    const variant = optional(config.variant, stringAt, 'config.variant')
    const os = stringAt(config.os, 'config.os')
    const architecture = stringAt(config.architecture, 'config.architecture')
    return { os, architecture, ...(variant === undefined ? {} : { variant }) }
  } catch {
    return undefined
  }
}

function platformManifest(
  descriptor: Descriptor,
  manifest: ImageManifest,
  platform: Platform | undefined,
): PlatformManifest {
  return {
    platform: platform === undefined ? 'unknown' : formatPlatform(platform),
    digest: descriptor.digest,
    size: descriptor.size,
    contentBytes: [manifest.config, ...manifest.layers].reduce((sum, part) => sum + part.size, 0),
    descriptor,
  }
}

/** Whoever calls a manifest an attestation in one place and a platform in another means that somebody runs it. */
function roleOf(entry: Descriptor): string {
  return isAttestation(entry) ? `attestation ${entry.digest}` : entry.digest
}

/** BuildKit marks them with a platform nobody runs and an annotation. */
export function isAttestation(entry: Descriptor): boolean {
  return (
    entry.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' &&
    entry.platform?.os === 'unknown' &&
    entry.platform.architecture === 'unknown'
  )
}

/** Only the registry's "no such thing" means missing; any other failure stays what it is. */
function missing(repository: Repository, digest: Digest, what: string, error?: unknown): unknown {
  if (error !== undefined && asWaybillError(error).code !== 'registry/not-found') return error
  return fail(
    'registry/child-missing',
    `${formatReference(repository)} names a ${what} that the registry does not hold`,
    {
      expected: digest,
      found: 'nothing',
      cause: error,
    },
  )
}
