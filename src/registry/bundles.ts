import { utf8 } from '../core/bytes.ts'
import { type Digest, sha256 } from '../core/digest.ts'
import { type FileToAttach, fileReferrer } from './attached-file.ts'
import { BUNDLE_TYPE } from './bundle-manifest.ts'
import type { RegistryClient } from './client.ts'
import type { UpdateOptions } from './kept-update.ts'
import { type Descriptor, EMPTY_CONFIG, OCI_MANIFEST } from './manifest.ts'
import type { Repository } from './reference.ts'
import { type Attached, attachReferrers, type Referrer } from './referrers.ts'
import { sendUntilComplete } from './resend.ts'

export { BUNDLE_TYPE, type ReadBundles } from './bundle-manifest.ts'
export { type BundleLimits, fetchBundles, readBundle } from './fetch-bundles.ts'
export type { FetchedBundle, FetchedBundles } from './fetched.ts'

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
 * Stores bundles, and documents that they name, and makes them findable. Three serial stages: blobs, manifests, one update of
 * the list; two calls at once would write over each other's list.
 * @returns bundles in the order of `items`; repeating the call with the same items changes nothing.
 */
export async function attachBundles(
  client: RegistryClient,
  repository: Repository,
  items: readonly BundleToAttach[],
  { files = [], ...options }: UpdateOptions & { readonly files?: readonly FileToAttach[] } = {},
): Promise<readonly AttachedBundle[]> {
  const contents = [...items.map(({ bundle }) => bundle), ...files.map(({ bytes }) => bytes)]
  const blobs = new Map(contents.map(bytes => [sha256(bytes), bytes]))
  const referrers = [...items.map(bundleReferrer), ...files.map(fileReferrer)]
  const pause = (round: number) => client.transport.pause(repository, round)
  const attached = await sendUntilComplete(pause, async () => {
    await Promise.all([
      client.putBlob(repository, EMPTY_CONFIG_BYTES, { unlessPresent: true }),
      ...[...blobs.values()].map(bytes => client.putBlob(repository, bytes)),
    ])
    return attachReferrers(client, repository, referrers, options)
  })
  return attached.slice(0, items.length).map((result, i) => {
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
