import { join } from 'node:path'
import { encodeBase64, utf8 } from '../core/bytes.ts'
import { type Digest, parseDigest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { isObject, type Json, parseJson, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { readFileBounded } from '../io/files.ts'
import { normalPlatform } from '../materials/dockerfile/contexts.ts'
import { configOf } from '../registry/image-config.ts'
import { DOCKER_LIST, formatPlatform, OCI_INDEX, parseManifest } from '../registry/manifest.ts'
import type { BuildahStore } from './buildah-store.ts'

/** One image of a storage. Source: github.com/containers/storage, `images.json` (run with buildah 1.28). */
export interface StoredImage {
  /** Of its config, hex. */
  readonly id: string
  readonly names: readonly string[]
  /** Every name it ever had here. */
  readonly history: readonly string[]
  /** Of the manifest of this one platform. */
  readonly manifest: Digest
}

/** What the config of a stored image says about builds on it. */
export interface StoredConfig {
  readonly Env?: readonly string[]
  readonly OnBuild?: readonly string[]
}

/** Bytes of `images.json`: a few hundred for each image, of which one instruction makes one. */
const INVENTORY_BYTES = 64 * 1024 * 1024

type Place = Pick<BuildahStore, 'graphRoot' | 'driver'>

/** @throws `materials/store-unreadable` */
export async function storedImages(store: Place): Promise<readonly StoredImage[]> {
  try {
    const bytes = await readFileBounded(join(folderOf(store), 'images.json'), INVENTORY_BYTES)
    const list = parseJson(bytes, 'images of the storage')
    if (!Array.isArray(list)) throw unreadable('its list of images is none')
    return list.map(readImage)
  } catch (error) {
    throw asUnreadable(error)
  }
}

/**
 * Compares a stored image with the digest that was verified: its manifest is that, or is listed for this platform in the index
 * that is that. All bytes are hashed here.
 * @throws `materials/undeclared` when it is another, `materials/store-unreadable`
 */
export async function checkStored(store: Place, image: StoredImage, wanted: Digest, platform: string): Promise<void> {
  const manifest = await stored(store, image, 'manifest')
  const own = sha256(manifest) === image.manifest
  if (own && image.manifest === wanted) return
  const index = own ? await stored(store, image, `manifest-${wanted}`) : new Uint8Array()
  if (sha256(index) === wanted && lists(index, image.manifest, platform)) return
  throw fail('materials/undeclared', 'buildah stored another image than the one that was verified', {
    expected: `${wanted} for ${platform}`,
    found: image.manifest,
  })
}

/** @throws `materials/store-unreadable` */
export async function storedConfig(store: Place, image: StoredImage): Promise<StoredConfig> {
  const bytes = await stored(store, image, `sha256:${image.id}`)
  try {
    if (sha256(bytes) !== `sha256:${image.id}`) throw unreadable('a config has other bytes than its name says')
    const config = configOf(bytes) ?? {}
    if (!isObject(config)) throw unreadable('a config is no object')
    const [Env, OnBuild] = [textsOf(config.Env), textsOf(config.OnBuild)]
    return { ...(Env === undefined ? {} : { Env }), ...(OnBuild === undefined ? {} : { OnBuild }) }
  } catch (error) {
    throw asUnreadable(error)
  }
}

function lists(index: Uint8Array, manifest: Digest, platform: string): boolean {
  const { mediaType } = parseJsonObject(index, 'index of a base image')
  const read = parseManifest(index, mediaType === DOCKER_LIST ? DOCKER_LIST : OCI_INDEX)
  const children = read.kind === 'index' ? read.manifests : []
  return children.some(
    child =>
      child.digest === manifest &&
      child.platform !== undefined &&
      normalPlatform(formatPlatform(child.platform)) === normalPlatform(platform),
  )
}

/** Names that are no plain words are stored under their base64. */
async function stored(store: Place, { id }: StoredImage, name: string): Promise<Uint8Array> {
  const file = /^[a-z0-9]+$/.test(name) ? name : `=${encodeBase64(utf8(name))}`
  try {
    return await readFileBounded(join(folderOf(store), id, file), LIMITS.manifestBytes)
  } catch (error) {
    throw asUnreadable(error)
  }
}

function folderOf({ graphRoot, driver }: Place): string {
  return join(graphRoot, `${driver}-images`)
}

function readImage(value: Json): StoredImage {
  if (!isObject(value)) throw unreadable('an image of it is none')
  const { id } = value
  if (typeof id !== 'string' || !/^[0-9a-f]{64}$/.test(id)) throw unreadable('an image of it has no id')
  const digests = value['big-data-digests']
  const manifest = isObject(digests) ? digests.manifest : undefined
  if (typeof manifest !== 'string') throw unreadable('an image of it has no manifest')
  return {
    id,
    names: textsOf(value.names) ?? [],
    history: textsOf(value['names-history']) ?? [],
    manifest: parseDigest(manifest),
  }
}

function textsOf(value: Json | undefined): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) throw unreadable('a list of names is none')
  return value.map((text: Json) => {
    if (typeof text !== 'string') throw unreadable('a list of names holds something else')
    return text
  })
}

function asUnreadable(error: unknown): WaybillError {
  const known = asWaybillError(error)
  return known.code === 'materials/store-unreadable' ? known : unreadable(known.message, error)
}

function unreadable(why: string, cause?: unknown): WaybillError {
  return fail('materials/store-unreadable', 'The storage of buildah cannot be read', {
    expected: 'images.json and the files beside it',
    found: why,
    ...(cause === undefined ? {} : { cause }),
  })
}
