import { utf8 } from '../../src/core/bytes.ts'
import { type Digest, hexOf, sha256 } from '../../src/core/digest.ts'
import { BUNDLE_TYPE } from '../../src/registry/bundles.ts'
import { type Descriptor, EMPTY_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../src/registry/manifest.ts'
import { type RegistryOptions, startRegistry } from '../fakes/registry/registry.ts'
import { digestOf, type RepositoryStore } from '../fakes/registry/storage.ts'
import { ALICE, connect, keep, pushImage } from './support.ts'

/** An embedded registry with one image, written to from behind: as an attacker, or an older tool, would leave it. */
export async function evidenceWorld(options: RegistryOptions = {}) {
  const registry = keep(await startRegistry(options))
  const connection = connect(registry.host, { credentials: ALICE })
  const { descriptor: subject } = await pushImage(connection, 'image')
  const store = registry.storage.open('acme/app')
  registry.log.length = 0
  return { ...connection, registry, store, subject, connection }
}

export function putBlob(store: RepositoryStore, text: string): { digest: Digest; size: number } {
  store.blobs.set(sha256(text), Buffer.from(text))
  return { digest: sha256(text), size: utf8(text).byteLength }
}

/** @returns the digest of the stored manifest */
export function putManifest(store: RepositoryStore, document: object, tag?: string): Digest {
  const bytes = Buffer.from(JSON.stringify(document))
  const digest = digestOf(bytes) as Digest
  const { mediaType = OCI_MANIFEST } = document as { mediaType?: string }
  store.manifests.set(digest, { mediaType, bytes, digest })
  if (tag !== undefined) store.tags.set(tag, digest)
  return digest
}

/** Attaches one bundle as cosign 3 does, or with changes. */
export function putBundle(
  store: RepositoryStore,
  subject: Pick<Descriptor, 'digest'> | undefined,
  text: string,
  change: { artifactType?: string | undefined; layers?: readonly object[]; [key: string]: unknown } = {},
): Digest {
  return putManifest(store, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: EMPTY_CONFIG,
    layers: [{ mediaType: change.artifactType ?? BUNDLE_TYPE, ...putBlob(store, text) }],
    ...(subject === undefined ? {} : { subject: { mediaType: OCI_MANIFEST, size: 1, digest: subject.digest } }),
    ...change,
  })
}

export const SIMPLE_SIGNING_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json'
export const ENVELOPE_TYPE = 'application/vnd.dsse.envelope.v1+json'

export interface LegacyLayer {
  readonly text: string
  readonly mediaType?: string
  readonly annotations?: object
  readonly size?: number
}

/** Writes a `.sig` or `.att` tag as cosign 2 does: one layer for each signature. */
export function putLegacy(
  store: RepositoryStore,
  subject: Digest,
  suffix: 'sig' | 'att',
  layers: readonly LegacyLayer[],
): Digest {
  const usual = suffix === 'sig' ? SIMPLE_SIGNING_TYPE : ENVELOPE_TYPE
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...putBlob(store, '{"config":{}}') }
  const listed = layers.map(({ text, mediaType = usual, annotations, size }) => ({
    mediaType,
    ...putBlob(store, text),
    ...(size === undefined ? {} : { size }),
    ...(annotations === undefined ? {} : { annotations }),
  }))
  return putManifest(
    store,
    { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: listed },
    `sha256-${hexOf(subject)}.${suffix}`,
  )
}

export function indexOf(manifests: readonly object[], more: object = {}): object {
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...more }
}

export function textsOf(items: readonly { readonly bytes: Uint8Array }[]): string[] {
  return items.map(({ bytes }) => Buffer.from(bytes).toString())
}
