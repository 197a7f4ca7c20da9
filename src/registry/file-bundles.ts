import { utf8 } from '../core/bytes.ts'
import { type Digest, hexOf, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { BUNDLE_TYPE, EMPTY_CONFIG_BYTES } from './bundles.ts'
import type { RawManifest, RegistryClient } from './client.ts'
import { conditionsOf, putUnlessChanged, type UpdateOptions, updateUntilKept } from './kept-update.ts'
import { type Descriptor, EMPTY_CONFIG, type ImageManifest, OCI_MANIFEST, parseManifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

/** The file that an artifact's bundles are about, `sha256:<hex>`: the tag says it, too, but a tag can be moved. */
export const FILE_DIGEST_ANNOTATION = 'dev.waybill.file.digest'

/**
 * The tag under which the bundles of a file are found by its digest (6-sign-and-publish § 2):
 *
 *     { schemaVersion 2, mediaType OCI manifest, artifactType BUNDLE_TYPE, config: the empty one,
 *       layers: [{mediaType BUNDLE_TYPE, digest, size}, …], annotations: {FILE_DIGEST_ANNOTATION: "sha256:<hex>"} }
 *
 * No user's tag can be one (`checkTagName`). The file itself is not in it.
 */
export function fileTag(file: Digest): string {
  return `file-sha256-${hexOf(file)}`
}

export interface StoredFileBundles {
  readonly tag: string
  readonly manifest: Digest
  /** False when all were there already. */
  readonly changed: boolean
}

/**
 * Adds bundles to those of a file and makes sure that they stay: other writers' layers are kept, and what was written is read
 * back until ours are in. Repeating it changes nothing.
 * @throws `registry/tag-not-ours`, `registry/file-bundles-full`, `registry/file-bundles-contended`, `registry/tag-immutable` …
 */
export async function pushFileBundles(
  client: RegistryClient,
  repository: Repository,
  file: Digest,
  bundles: readonly Uint8Array[],
  options: UpdateOptions = {},
): Promise<StoredFileBundles> {
  const tag = fileTag(file)
  const wanted = await storeBlobs(client, repository, bundles)
  return updateUntilKept(client.transport.clock, options, async ({ number, last }) => {
    const present = await readPresent(client, repository, file)
    const missing = wanted.filter(layer => !present?.layers.some(({ digest }) => digest === layer.digest))
    if (present !== undefined && missing.length === 0)
      return { kept: { tag, manifest: present.raw.digest, changed: number > 0 } }
    if (last) throw contended(repository, tag, missing)
    const layers = [...(present?.layers ?? []), ...missing]
    if (layers.length > LIMITS.subjectBundles) throw full(repository, file, layers.length)
    const manifest = { tag, mediaType: OCI_MANIFEST, bytes: manifestBytes(file, layers) }
    return { taken: await putUnlessChanged(client, repository, manifest, conditionsOf(present?.raw)) }
  })
}

async function storeBlobs(
  client: RegistryClient,
  repository: Repository,
  bundles: readonly Uint8Array[],
): Promise<readonly Descriptor[]> {
  const distinct = [...new Map(bundles.map(bytes => [sha256(bytes), bytes])).values()]
  await Promise.all([
    client.putBlob(repository, EMPTY_CONFIG_BYTES, { unlessPresent: true }),
    ...distinct.map(bytes => client.putBlob(repository, bytes)),
  ])
  return distinct.map(bytes => ({ mediaType: BUNDLE_TYPE, digest: sha256(bytes), size: bytes.byteLength }))
}

interface Present {
  readonly raw: RawManifest
  readonly layers: readonly Descriptor[]
}

async function readPresent(client: RegistryClient, repository: Repository, file: Digest): Promise<Present | undefined> {
  const raw = await client.getRaw(repository, fileTag(file))
  if (raw === undefined) return undefined
  const manifest = manifestOf(raw)
  if (manifest === undefined || manifest.annotations[FILE_DIGEST_ANNOTATION] !== file)
    throw notOurs(repository, file, raw, manifest)
  return { raw, layers: manifest.layers }
}

/** What cannot be read strictly, or holds anything but bundles, is not ours to write over. */
function manifestOf(raw: RawManifest): ImageManifest | undefined {
  try {
    const manifest = parseManifest(raw.bytes, raw.mediaType)
    return manifest.kind === 'image' && manifest.artifactType === BUNDLE_TYPE ? manifest : undefined
  } catch {
    return undefined
  }
}

function manifestBytes(file: Digest, layers: readonly Descriptor[]): Uint8Array {
  const { mediaType, size, digest } = EMPTY_CONFIG
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: { mediaType, size, digest },
    layers,
    annotations: { [FILE_DIGEST_ANNOTATION]: file },
  }
  return utf8(JSON.stringify(manifest))
}

function named(repository: Repository, file: Digest): string {
  return formatReference({ ...repository, tag: fileTag(file) })
}

function notOurs(repository: Repository, file: Digest, raw: RawManifest, manifest: ImageManifest | undefined): Error {
  const other = manifest?.annotations[FILE_DIGEST_ANNOTATION] ?? 'no file'
  return fail('registry/tag-not-ours', `${named(repository, file)} does not hold the bundles of this file`, {
    expected: `${BUNDLE_TYPE} about ${file}`,
    found: manifest === undefined ? `${raw.mediaType} ${raw.digest}` : `bundles about ${other}`,
  })
}

function full(repository: Repository, file: Digest, count: number): Error {
  return fail('registry/file-bundles-full', `${named(repository, file)} holds as many bundles as are examined`, {
    expected: `at most ${LIMITS.subjectBundles}`,
    found: String(count),
  })
}

function contended(repository: Repository, tag: string, missing: readonly Descriptor[]): Error {
  const name = formatReference({ ...repository, tag })
  return fail('registry/file-bundles-contended', `Other writers kept removing bundles from ${name}`, {
    expected: missing.map(({ digest }) => digest).join(', '),
  })
}
