import { utf8 } from '../core/bytes.ts'
import { sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type BundleToAttach, bundleReferrer, readBundle } from './bundles.ts'
import type { RegistryClient } from './client.ts'
import { OCI_INDEX, OCI_MANIFEST, parseManifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'
import { type MovedTag, moveTag } from './tags.ts'

/**
 * A tag under which bundles are found without knowing the image they hang on: an OCI index whose entries are the very
 * manifests that are attached to the image. It adds no content, and whoever cannot read it loses nothing but the way there.
 *
 *     { schemaVersion 2, mediaType index, artifactType BUNDLE_INDEX_TYPE, manifests: [descriptor of a bundle's manifest, …] }
 */
export const BUNDLE_INDEX_TYPE = 'application/vnd.waybill.bundle-index.v0+json'

/** Entries read of one index; a run writes three. */
const MAX_ENTRIES = 16

/**
 * Points the tag to these bundles, which must be attached already.
 * @throws `registry/tag-not-ours` when the tag is something else; what `moveTag` throws.
 */
export function pointBundleIndex(
  client: RegistryClient,
  repository: Repository,
  tag: string,
  items: readonly BundleToAttach[],
): Promise<MovedTag> {
  const manifests = items.map(bundleReferrer).map(({ manifest, artifactType, annotations }) => {
    return { mediaType: OCI_MANIFEST, digest: sha256(manifest), size: manifest.byteLength, artifactType, annotations }
  })
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, artifactType: BUNDLE_INDEX_TYPE, manifests }
  const target = { mediaType: OCI_INDEX, bytes: utf8(JSON.stringify(index)) }
  return moveTag(client, repository, tag, target, { artifactType: BUNDLE_INDEX_TYPE })
}

/**
 * Unverified bytes of the bundles behind the tag, in its order; empty when there is no such tag.
 * @throws `registry/tag-not-ours`, `registry/manifest-malformed`, `registry/bundle-skipped` …
 */
export async function readBundleIndex(
  client: RegistryClient,
  repository: Repository,
  tag: string,
): Promise<readonly Uint8Array[]> {
  const raw = await client.getRaw(repository, tag)
  if (raw === undefined) return []
  const index = parseManifest(raw.bytes, raw.mediaType)
  if (index.kind !== 'index' || index.artifactType !== BUNDLE_INDEX_TYPE || index.manifests.length > MAX_ENTRIES)
    throw fail('registry/tag-not-ours', `${formatReference({ ...repository, tag })} is not an index of bundles`, {
      expected: `${BUNDLE_INDEX_TYPE} with at most ${MAX_ENTRIES} entries`,
      found: `${index.artifactType ?? index.mediaType} (${raw.digest})`,
    })
  return Promise.all(index.manifests.map(({ digest }) => readBundle(client, repository, digest)))
}
