import type { Digest } from '../core/digest.ts'
import { fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { RegistryClient } from './client.ts'
import type { FetchedBundle } from './fetched.ts'
import type { Descriptor, Manifest } from './manifest.ts'
import type { Repository } from './reference.ts'

/**
 * Sigstore bundles beside an image: a manifest with the image as subject and the bundle as its only layer.
 * cosign ≥ 3, gh, policy-controller and Kyverno read this shape.
 */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
/** Spellings of earlier bundle versions that are read. */
const BUNDLE_TYPES = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.[1-3])?\+json(?:;version=0\.[1-3])?$/

/** What reading takes: a registry, or an image layout on disk that answers the same questions. */
export type ContentReader = Pick<RegistryClient, 'getManifest' | 'getRaw' | 'getBlob' | 'blobExists'>

/** By digest and size: a planted manifest with the right digest and a wrong size must spoil nothing for the others. */
export type ReadBundles = Map<string, Promise<Uint8Array>>

/** A layer that claims to be a bundle, not fetched yet. */
export interface Candidate {
  readonly manifest: Digest
  readonly layer: Descriptor
}

/** By the manifest's own words, never those of a list that names it. */
export function isBundleManifest(manifest: Manifest): boolean {
  if (manifest.kind !== 'image') return false
  return isBundleType(manifest.artifactType ?? manifest.config.mediaType) || manifest.layers.some(isBundleLayer)
}

export function isBundleLayer({ mediaType }: Descriptor): boolean {
  return isBundleType(mediaType)
}

function isBundleType(mediaType: string): boolean {
  return BUNDLE_TYPES.test(mediaType)
}

/** The only layer of a referrer. @throws `registry/bundle-skipped` */
export function bundleLayer(manifest: Manifest): Descriptor {
  const [layer, ...more] = manifest.kind === 'image' ? manifest.layers : []
  if (layer === undefined || more.length > 0) throw notRead('not exactly one layer')
  return sizedLayer(layer)
}

/** @throws `registry/bundle-skipped` when no bundle may be that large. */
export function sizedLayer(layer: Descriptor): Descriptor {
  if (layer.size > LIMITS.bundleBytes) throw notRead(`larger than ${LIMITS.bundleBytes} bytes`)
  return layer
}

/** @throws `registry/bundle-skipped` when it has another size than its manifest says, and what the reader throws. */
export async function fetchLayer(
  reader: ContentReader,
  repository: Repository,
  { manifest, layer: { digest, size } }: Candidate,
  read: ReadBundles,
): Promise<FetchedBundle> {
  const key = `${digest} ${size}`
  const reading = read.get(key) ?? reader.getBlob(repository, digest, size)
  read.set(key, reading)
  const bytes = await reading
  if (bytes.byteLength !== size) throw notRead('another size than announced')
  return { bytes, manifest }
}

export function notRead(found: string, detail?: string): WaybillError {
  return fail('registry/bundle-skipped', 'A referrer is not a bundle of the shape that is read', {
    expected: 'one bundle as the only layer, with the image as subject',
    found: detail === undefined ? found : `${found}: ${detail}`,
  })
}
