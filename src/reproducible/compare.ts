import type { Digest } from '../core/digest.ts'
import { asWaybillError } from '../core/error.ts'
import { isObject, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { ContentReader } from '../registry/bundle-manifest.ts'
import type { FetchedManifest } from '../registry/client.ts'
import type { InspectedImage } from '../registry/image.ts'
import type { Descriptor, ImageManifest } from '../registry/manifest.ts'
import type { Repository } from '../registry/reference.ts'
import type { ComparedPlatform, Difference } from './difference.ts'
import { compareEntries } from './entries.ts'
import { firstField } from './fields.ts'
import { LayerReading } from './layer.ts'
import { type PairedPlatform, pairPlatforms } from './platforms.ts'

/** One of two builds, wherever it lies. */
export interface BuiltImage {
  readonly image: Pick<InspectedImage, 'platforms'>
  readonly reader: ContentReader
  readonly repository: Repository
  /** A layer as it is stored. What it is compared for is a hint to a person, so it is not hashed. */
  layer(descriptor: Descriptor): AsyncIterable<Uint8Array>
}

/**
 * Compares two builds of one request: platform manifests, then configurations, then layers, then their files (5-build § 4). Where two
 * manifests have one digest nothing else is read: they name everything below them by digest.
 * @throws what the readers throw; a layer that cannot be read is a difference that could not be looked into.
 */
export async function compareBuilds(first: BuiltImage, second: BuiltImage): Promise<readonly ComparedPlatform[]> {
  const compared: ComparedPlatform[] = []
  for (const pair of pairPlatforms(first.image.platforms, second.image.platforms))
    compared.push(await comparePair(pair, first, second))
  return compared
}

async function comparePair(pair: PairedPlatform, one: BuiltImage, other: BuiltImage): Promise<ComparedPlatform> {
  const { platform, first, second } = pair
  const digests = { ...(first === undefined ? {} : { first }), ...(second === undefined ? {} : { second }) }
  if (first === undefined || second === undefined) return { platform, ...digests, differences: [{ kind: 'platform' }] }
  if (first === second) return { platform, ...digests, differences: [] }
  const [x, y] = await Promise.all([partsOf(one, first), partsOf(other, second)])
  return { platform, ...digests, differences: await differencesOf(x, y) }
}

interface Parts {
  readonly of: BuiltImage
  readonly manifest: JsonObject
  readonly config: JsonObject
  readonly configDigest: Digest | undefined
  readonly layers: readonly Descriptor[]
}

async function partsOf(of: BuiltImage, digest: Digest): Promise<Parts> {
  const { bytes, manifest }: FetchedManifest = await of.reader.getManifest(of.repository, digest)
  const image: Partial<ImageManifest> = manifest.kind === 'image' ? manifest : {}
  const { config, layers = [] } = image
  const read = config && (await of.reader.getBlob(of.repository, config.digest, LIMITS.manifestBytes))
  return {
    of,
    manifest: parseJsonObject(bytes, 'manifest'),
    config: read === undefined ? {} : parseJsonObject(read, 'image config'),
    configDigest: config?.digest,
    layers,
  }
}

/** At least one: two manifests of two digests are not the same bytes. */
async function differencesOf(x: Parts, y: Parts): Promise<readonly Difference[]> {
  const layers = await layerDifferences(x, y)
  const found = [...configDifferences(x, y), ...layers]
  const shared = Math.min(x.layers.length, y.layers.length)
  const own = firstField(ownFields(x.manifest, shared), ownFields(y.manifest, shared))
  if (own !== undefined) return [...found, field('manifest', own)]
  return found.length > 0 ? found : [field('manifest', SPELLING)]
}

const SPELLING = { path: '', first: 'its JSON', second: 'the same JSON spelled in another way' }

/** The digests of the layers stand in the configuration, too; that a layer is another one is told of the layer. */
function configDifferences(x: Parts, y: Parts): readonly Difference[] {
  if (x.configDigest === y.configDigest) return []
  const found = firstField(withoutLayers(x.config), withoutLayers(y.config))
  if (found !== undefined) return [field('config', found)]
  return sameLayers(x, y) ? [field('config', firstField(x.config, y.config) ?? SPELLING)] : []
}

async function layerDifferences(x: Parts, y: Parts): Promise<readonly Difference[]> {
  const differences: Difference[] = []
  if (x.layers.length !== y.layers.length)
    differences.push({ kind: 'layers', first: String(x.layers.length), second: String(y.layers.length) })
  let seen = 0
  for (const [at, layer] of x.layers.entries()) {
    const other = y.layers[at]
    if (other === undefined || layer.digest === other.digest) continue
    if (++seen > LIMITS.comparedLayers) return markLast(differences)
    differences.push(...(await layerDifference([x, layer], [y, other], at)))
  }
  return differences
}

async function layerDifference(
  [x, layer]: readonly [Parts, Descriptor],
  [y, other]: readonly [Parts, Descriptor],
  at: number,
): Promise<readonly Difference[]> {
  const madeBy = instructionOf(x.config, at)
  const common = { layer: at + 1, ...(madeBy === undefined ? {} : { madeBy }) }
  const [one, two] = [new LayerReading(x.of.layer(layer)), new LayerReading(y.of.layer(other))]
  try {
    const { files, more } = await compareEntries(one.entries(), two.entries())
    if (files.length === 0) return [{ kind: one.diffHex() === two.diffHex() ? 'packing' : 'format', ...common }]
    const shown = files.map(
      ({ path, what, first, second }): Difference => ({
        kind: 'file',
        ...common,
        path: shortened(path),
        what,
        first: shortened(first),
        second: shortened(second),
      }),
    )
    return more ? markLast(shown) : shown
  } catch (error) {
    return [{ kind: 'unread', ...common, second: asWaybillError(error).code }]
  }
}

function markLast(differences: readonly Difference[]): readonly Difference[] {
  return differences.map((difference, at) =>
    at === differences.length - 1 ? { ...difference, more: true } : difference,
  )
}

function sameLayers(x: Parts, y: Parts): boolean {
  return x.layers.length === y.layers.length && x.layers.every(({ digest }, at) => digest === y.layers[at]?.digest)
}

function withoutLayers(config: JsonObject): JsonObject {
  const { rootfs: _layers, ...rest } = config
  return rest
}

/** Everything but the digests and sizes of what a manifest names, which are compared for themselves; of the layers, those that both have. */
function ownFields(manifest: JsonObject, shared: number): JsonObject {
  const { config, layers, ...rest } = manifest
  const bare = (part: unknown): JsonObject => {
    const { digest: _digest, size: _size, ...named } = isObject(part as JsonObject) ? (part as JsonObject) : {}
    return named
  }
  return { ...rest, config: bare(config), layers: Array.isArray(layers) ? layers.slice(0, shared).map(bare) : [] }
}

/** Of the history's entries those that made a layer, in order (image-spec v1.1.1, config § history). */
function instructionOf({ history }: JsonObject, at: number): string | undefined {
  if (!Array.isArray(history)) return undefined
  const made = history.filter(isObject).filter(({ empty_layer }) => empty_layer !== true)
  const words = made[at]?.created_by
  return typeof words === 'string' && words !== '' ? shortened(words) : undefined
}

function field(
  kind: 'manifest' | 'config',
  { path, first, second }: { readonly path: string; readonly first: string; readonly second: string },
): Difference {
  return { kind, path: shortened(path), first: shortened(first), second: shortened(second) }
}

/** Characters shown of one value. */
const SHOWN = 300

function shortened(text: string): string {
  return printable(text, SHOWN)
}
