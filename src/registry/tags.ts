import { type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import { printable } from '../core/text.ts'
import type { RawManifest, RegistryClient } from './client.ts'
import { PARALLEL_READS } from './fetch-bundles.ts'
import { DOCKER_LIST, DOCKER_MANIFEST, type Manifest, OCI_INDEX, parseManifest } from './manifest.ts'
import { formatReference, isTag, type Repository } from './reference.ts'

/** Fallback indexes (also with a suffix: cosign's `.sig`, `.att`), files by digest, Waybill's own. 13-adversary 25 */
const RESERVED = [/^sha256-[0-9a-f]{64}/i, /^file-sha256-/i, /^waybill-/i]
const IMAGE_CONFIGS = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
])

/**
 * A tag a user may ask for. Tags come from branch names, and whoever may push a branch `sha256-<hex>` would otherwise
 * overwrite the list of an image's signatures.
 * @throws `registry/tag-malformed`, `registry/tag-reserved`
 */
export function checkTagName(tag: string): string {
  if (!isTag(tag)) throw fail('registry/tag-malformed', `${printable(tag, 150)} is not a tag name`, { found: tag })
  if (RESERVED.some(pattern => pattern.test(tag)))
    throw fail('registry/tag-reserved', `The tag name ${printable(tag, 150)} is reserved`, { found: tag })
  return tag
}

export interface MoveOptions {
  /** The artifact type that is expected there and written, for tags of files; default: an image. */
  readonly artifactType?: string
  /**
   * What the tag pointed to when its provenance was judged (`undefined` = it did not exist). If it points elsewhere
   * right before the write, it is left alone.
   */
  readonly judged?: { readonly digest: Digest | undefined }
}

export interface MovedTag {
  readonly tag: string
  readonly digest: Digest
  /** What it pointed to before. */
  readonly previous?: Digest
  readonly changed: boolean
  /** Milliseconds from reading what was there to the end of the write: as long as another run could come between. */
  readonly openMs?: number
}

/**
 * Points a tag to a manifest: reads what is there, refuses to overwrite what is not an image, writes exactly these
 * bytes. Registries offer no lock: between the reading and the writing lies one request, and `confirmTags` tells who lost.
 * @throws `registry/tag-malformed`, `registry/tag-reserved`, `registry/tag-not-ours`, `registry/tag-changed`,
 * `registry/tag-immutable`
 */
export async function moveTag(
  client: RegistryClient,
  repository: Repository,
  tag: string,
  target: { readonly mediaType: string; readonly bytes: Uint8Array },
  options: MoveOptions = {},
): Promise<MovedTag> {
  if (options.artifactType === undefined) checkTagName(tag)
  else if (!isTag(tag)) throw fail('registry/tag-malformed', `${printable(tag, 150)} is not a tag name`)
  const { clock } = client.transport
  const read = clock.now()
  const present = await client.getRaw(repository, tag)
  const name = formatReference({ ...repository, tag })
  if (options.judged !== undefined && options.judged.digest !== present?.digest)
    throw changed(name, options.judged.digest, present?.digest ?? 'no such tag')
  const digest = sha256(target.bytes)
  const previous = present === undefined ? {} : { previous: present.digest }
  if (present?.digest === digest) return { tag, digest, ...previous, changed: false }
  if (present !== undefined) checkReplaceable(present, options.artifactType, name)
  const conditions =
    present === undefined ? ({ ifNoneMatch: '*' } as const) : present.etag ? { ifMatch: present.etag } : {}
  await client.putManifest(repository, tag, target.mediaType, target.bytes, conditions).catch(error => {
    // A registry with ETags lets nobody overtake between the reading and the writing.
    if (asWaybillError(error).code !== 'registry/precondition-failed') throw error
    throw changed(name, present?.digest, 'another digest')
  })
  return { tag, digest, ...previous, changed: true, openMs: clock.now() - read }
}

/** The least that a run which read before our write is given to write; one at the other end of a slow line gets twice what ours took. */
const SETTLE_MS = 250

/**
 * Reads tags back after whoever read them before our write must have written, too: of two runs that move one tag at once the
 * one that was written over says so, whatever the registry does with conditions (13-adversary 25). One request for each tag that
 * was changed, and one wait for all.
 * @throws `registry/tag-changed`
 */
export async function confirmTags(
  client: RegistryClient,
  moved: readonly (MovedTag & { readonly repository: Repository })[],
  { settleMs }: { readonly settleMs?: number } = {},
): Promise<void> {
  const written = moved.filter(({ changed }) => changed)
  if (written.length === 0) return
  const longest = Math.max(...written.map(({ openMs = 0 }) => openMs))
  await client.transport.clock.sleep(settleMs ?? Math.max(SETTLE_MS, 2 * longest))
  await inParallel(written, PARALLEL_READS, async ({ repository, tag, digest }) => {
    const found = await client.headTag(repository, tag)
    if (found?.digest !== digest)
      throw changed(formatReference({ ...repository, tag }), digest, found?.digest ?? 'no such tag')
  })
}

function changed(name: string, expected: Digest | undefined, found: string): Error {
  return fail('registry/tag-changed', `${name} was moved meanwhile`, { expected: expected ?? 'no such tag', found })
}

/** @throws `registry/tag-not-ours`; what cannot be read strictly is not ours either. */
function checkReplaceable(present: RawManifest, artifactType: string | undefined, name: string): void {
  const found = artifactTypeOf(present)
  if (found === (artifactType ?? 'image')) return
  throw fail('registry/tag-not-ours', `${name} exists and is not replaced`, {
    expected: artifactType ?? 'an image',
    found: `${found} (${present.digest})`,
  })
}

function artifactTypeOf(raw: RawManifest): string {
  let manifest: Manifest
  try {
    manifest = parseManifest(raw.bytes, raw.mediaType)
  } catch {
    return `something that is not a strict manifest (${printable(raw.mediaType, 80)})`
  }
  if (manifest.artifactType !== undefined) return manifest.artifactType
  if (manifest.mediaType === DOCKER_LIST || manifest.mediaType === DOCKER_MANIFEST) return 'image'
  if (manifest.kind === 'image')
    return IMAGE_CONFIGS.has(manifest.config.mediaType) ? 'image' : manifest.config.mediaType
  // An index of referrers carries no type of its own; its entries do, and no platform.
  const isImage = manifest.manifests.length > 0 && manifest.manifests.every(entry => entry.artifactType === undefined)
  return isImage ? 'image' : `an ${OCI_INDEX} of artifacts`
}
