import { decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { isObject, type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { isPrintable } from '../core/text.ts'
import type { ObservedMaterial } from './allowed.ts'

/**
 * BuildKit's provenance, as buildx writes it into the metadata file: the bare predicate.
 *
 *     SLSA v0.2  { "materials": [{ "uri": "pkg:docker/…", "digest": { "sha256": "…" } }], … }
 *     SLSA v1    { "buildDefinition": { "resolvedDependencies": [ the same ] }, … }
 *
 * It is the builder's own word about itself: it can show that something else went in, and prove nothing to a stranger.
 * Source: slsa.dev/spec/v0.2/provenance, slsa.dev/spec/v1.0/provenance; BuildKit 0.26.3 `solver/llbsolver/provenance`.
 */
const KEY = 'buildx.build.provenance'
/** Characters of one URI. A Dockerfile's own line ends far below. */
const URI_CHARACTERS = 8_192

/**
 * What went in by the metadata file: one entry for the build, or one a platform; each thing once.
 * @returns `undefined` when there is no provenance in it, as buildx 0.29 does for several platforms.
 * @throws `materials/provenance-malformed`
 */
export function observedInMetadata(metadata: JsonObject): readonly ObservedMaterial[] | undefined {
  const keys = Object.keys(metadata).filter(key => key === KEY || key.startsWith(`${KEY}/`))
  return keys.length === 0 ? undefined : eachOnce(keys.flatMap(key => materialsOf(metadata[key])))
}

/** Of one predicate, as `docker buildx history inspect attachment` prints it. @throws `materials/provenance-malformed` */
export function observedInPredicate(bytes: Uint8Array): readonly ObservedMaterial[] {
  if (bytes.byteLength > LIMITS.builderProvenanceBytes || decodeUtf8(bytes) === undefined)
    throw malformed('its size or text')
  try {
    return eachOnce(materialsOf(parseJsonObject(bytes, 'provenance of the builder')))
  } catch (cause) {
    throw malformed('JSON of the expected form', cause)
  }
}

/** The same thing for two platforms is one thing, if the digest is the same. */
export function eachOnce(materials: readonly ObservedMaterial[]): readonly ObservedMaterial[] {
  const found = new Map(materials.map(material => [JSON.stringify([material.uri, sorted(material.digest)]), material]))
  if (found.size > LIMITS.observedMaterials) throw malformed(`${found.size} materials`)
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, material]) => material)
}

/** The reference of the build in the builder's history: the last part of `buildx.build.ref`. */
export function historyReference(metadata: JsonObject): string | undefined {
  const value = metadata['buildx.build.ref']
  const last = typeof value === 'string' ? (value.split('/').at(-1) ?? '') : ''
  return /^[a-z0-9]{8,64}$/.test(last) ? last : undefined
}

function materialsOf(predicate: Json | undefined): readonly ObservedMaterial[] {
  if (!isObject(predicate)) throw malformed('no object')
  const definition = predicate.buildDefinition
  const list = isObject(definition) ? definition.resolvedDependencies : predicate.materials
  // Go writes an empty list as null; a build from nothing has none.
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw malformed('materials that are no list')
  if (list.length > LIMITS.observedMaterials) throw malformed(`${list.length} materials`)
  return (list as readonly Json[]).map(materialOf)
}

function materialOf(value: Json): ObservedMaterial {
  if (!isObject(value)) throw malformed('a material that is no object')
  const { uri, digest } = value
  if (typeof uri !== 'string' || uri === '' || uri.length > URI_CHARACTERS || !isPrintable(uri))
    throw malformed('a material without a readable uri')
  return { uri, digest: digestOf(digest) }
}

function digestOf(value: Json | undefined): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) throw malformed('a digest that is no object')
  const entries = Object.entries(value).map(([algorithm, hex]) => {
    if (!/^[a-z0-9_-]{1,32}$/.test(algorithm) || typeof hex !== 'string' || !/^[0-9a-f]{32,128}$/.test(hex))
      throw malformed('a digest that is no lower-case hex')
    return [algorithm, hex] as const
  })
  return Object.fromEntries(entries)
}

function sorted(digest: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(digest).sort(([a], [b]) => (a < b ? -1 : 1))
}

function malformed(found: string, cause?: unknown): Error {
  return fail('materials/provenance-malformed', 'The builder’s provenance cannot be read', {
    expected: 'materials with a uri and digests each',
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}
