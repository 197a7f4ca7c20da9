import { utf8 } from '../core/bytes.ts'
import { type Digest, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import type { RawManifest, RegistryClient } from './client.ts'
import { conditionsOf, putUnlessChanged, type UpdateOptions, updateUntilKept } from './kept-update.ts'
import { LEGACY_LAYER, type LegacySignature, legacyTag } from './legacy.ts'
import { type Descriptor, type ImageManifest, OCI_MANIFEST, parseManifest } from './manifest.ts'
import { formatReference, type Repository } from './reference.ts'

/** One signature or attestation to append; its media type is that of its form. */
export type LegacyContent = Pick<LegacySignature, 'payload' | 'annotations'>

export interface AppendedLegacy {
  readonly tag: string
  readonly manifest: Digest
  /** Of the layers given, how many were not there before. */
  readonly added: number
}

const CONFIG = 'application/vnd.oci.image.config.v1+json'
/** As every writer of these tags has it: nobody knows when a list began. */
const NO_TIME = '0001-01-01T00:00:00Z'

/**
 * Appends layers to the tag under which cosign ≤ 2 looks for signatures (`.sig`) or attestations (`.att`) of one subject, and makes sure
 * that they and those of other writers stay: there is no lock, so what was written is read back until ours are in. The config lists
 * the layers as that of an image, because other writers append with tools that go by it. Repeating it changes nothing.
 * @throws `registry/tag-not-ours`, `registry/legacy-full`, `registry/legacy-contended`, `registry/tag-immutable` …
 */
export async function appendLegacy(
  client: RegistryClient,
  repository: Repository,
  place: { readonly subject: Digest; readonly form: LegacySignature['form'] },
  contents: readonly LegacyContent[],
  options: UpdateOptions = {},
): Promise<AppendedLegacy> {
  const tag = legacyTag(place.subject, place.form)
  const wanted = contents.map(content => layerOf(content, LEGACY_LAYER[place.form]))
  const distinct = new Map(contents.map(({ payload }) => [sha256(payload), payload]))
  await Promise.all([...distinct.values()].map(bytes => client.putBlob(repository, bytes)))
  let added: number | undefined
  return updateUntilKept(client.transport.clock, options, async ({ last }) => {
    const present = await readPresent(client, { ...repository, tag }, LEGACY_LAYER[place.form])
    const missing = wanted.filter(layer => !present?.layers.some(other => isSame(other, layer)))
    added ??= missing.length
    if (present !== undefined && missing.length === 0) return { kept: { tag, manifest: present.raw.digest, added } }
    if (last) throw contended({ ...repository, tag }, missing)
    const layers = [...(present?.layers ?? []), ...missing]
    const config = configOf(layers)
    const bytes = manifestOf(present?.document, config, layers)
    if (layers.length > LIMITS.legacyLayers || bytes.byteLength > LIMITS.fallbackIndexBytes)
      throw full({ ...repository, tag }, layers.length, bytes.byteLength)
    await client.putBlob(repository, config)
    const mediaType = present?.raw.mediaType ?? OCI_MANIFEST
    return { taken: await putUnlessChanged(client, repository, { tag, mediaType, bytes }, conditionsOf(present?.raw)) }
  })
}

/** Bytes of one layer's entry in the manifest: a certificate, its chain and a promise, twice what cosign writes. */
const LAYER_ROOM = 16 * 1024

/**
 * Preflight: that each of the two tags takes one layer more is known before anything is signed. A tag that only this very run
 * filled to the last place is refused, too.
 * @throws `registry/legacy-full`, `registry/tag-not-ours`
 */
export async function checkLegacyRoom(client: RegistryClient, repository: Repository, subject: Digest): Promise<void> {
  const forms = ['signature', 'attestation'] as const
  await Promise.all(
    forms.map(async form => {
      const place = { ...repository, tag: legacyTag(subject, form) }
      const present = await readPresent(client, place, LEGACY_LAYER[form])
      if (present === undefined) return
      const { layers, raw } = present
      const bytes = raw.bytes.byteLength + LAYER_ROOM
      if (layers.length >= LIMITS.legacyLayers || bytes > LIMITS.fallbackIndexBytes)
        throw full(place, layers.length + 1, bytes)
    }),
  )
}

function layerOf({ payload, annotations }: LegacyContent, mediaType: string): Descriptor {
  return { mediaType, digest: sha256(payload), size: payload.byteLength, annotations }
}

/** The payload of a signature is the same for every signer, so only its annotations tell two apart. */
function isSame(other: Descriptor, { digest, mediaType, annotations = {} }: Descriptor): boolean {
  return (
    other.digest === digest &&
    other.mediaType === mediaType &&
    Object.entries(annotations).every(([name, value]) => other.annotations?.[name] === value)
  )
}

interface Present {
  readonly raw: RawManifest
  /** As it was, unknown fields included. */
  readonly document: JsonObject
  readonly layers: readonly Descriptor[]
}

type Place = Repository & { readonly tag: string }

async function readPresent(client: RegistryClient, place: Place, mediaType: string): Promise<Present | undefined> {
  const raw = await client.getRaw(place, place.tag)
  if (raw === undefined) return undefined
  const manifest = imageOf(raw)
  const foreign = manifest?.layers.length !== 0 && !manifest?.layers.some(layer => layer.mediaType === mediaType)
  if (manifest === undefined || foreign) throw notOurs(place, mediaType, raw)
  return { raw, document: parseJsonObject(raw.bytes, 'manifest'), layers: manifest.layers }
}

/** What cannot be read strictly is not written over. */
function imageOf(raw: RawManifest): ImageManifest | undefined {
  try {
    const manifest = parseManifest(raw.bytes, raw.mediaType)
    return manifest.kind === 'image' ? manifest : undefined
  } catch {
    return undefined
  }
}

function configOf(layers: readonly Descriptor[]): Uint8Array {
  const config = {
    architecture: '',
    created: NO_TIME,
    history: layers.map(() => ({ created: NO_TIME })),
    os: '',
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    config: {},
  }
  return utf8(JSON.stringify(config))
}

/** Layers of others stay as they are, with every field that they have. */
function manifestOf(document: JsonObject | undefined, config: Uint8Array, layers: readonly Descriptor[]): Uint8Array {
  const before = Array.isArray(document?.layers) ? document.layers : []
  const descriptor = { mediaType: CONFIG, size: config.byteLength, digest: sha256(config) }
  const manifest = {
    ...(document ?? { schemaVersion: 2, mediaType: OCI_MANIFEST }),
    config: descriptor,
    layers: [...before, ...layers.slice(before.length)],
  }
  return utf8(JSON.stringify(manifest))
}

function notOurs(place: Place, mediaType: string, raw: RawManifest): Error {
  return fail('registry/tag-not-ours', `${formatReference(place)} does not hold signatures of cosign`, {
    expected: `an image manifest with layers of ${mediaType}`,
    found: `${raw.mediaType} ${raw.digest}`,
  })
}

function full(place: Place, layers: number, bytes: number): Error {
  return fail('registry/legacy-full', `${formatReference(place)} is too long to append to`, {
    expected: `at most ${LIMITS.legacyLayers} layers and ${LIMITS.fallbackIndexBytes} bytes`,
    found: `${layers} layers, ${bytes} bytes`,
  })
}

function contended(place: Place, missing: readonly Descriptor[]): Error {
  return fail('registry/legacy-contended', `Other writers kept removing signatures from ${formatReference(place)}`, {
    expected: missing.map(({ digest }) => digest).join(', '),
  })
}
