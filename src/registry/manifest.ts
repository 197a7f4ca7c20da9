import { type Digest, parseDigest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { type Json, type JsonObject, parseJsonObject } from '../core/json.ts'
import { respelledKey } from '../core/key-spelling.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, integerAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
/** What is asked for when a manifest is read; schema 1 is not among it. */
export const MANIFEST_TYPES = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST] as const

/** image-spec v1.1.1 § Guidance for an Empty Descriptor: the two bytes `{}`. */
export const EMPTY_CONFIG = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: parseDigest('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'),
  size: 2,
} as const

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** What names a piece of content. image-spec v1.1.1 § Content Descriptors. Annotations and types are claims of the writer. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: Platform
}

interface Common {
  readonly mediaType: string
  readonly artifactType?: string
  readonly subject?: Descriptor
  readonly annotations: Readonly<Record<string, string>>
}

export interface ImageManifest extends Common {
  readonly kind: 'image'
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export interface ImageIndex extends Common {
  readonly kind: 'index'
  readonly manifests: readonly Descriptor[]
}

export type Manifest = ImageManifest | ImageIndex

/** Fields of image-spec that say what is pulled. */
const NAMES = new Set(
  [
    'schemaVersion mediaType artifactType manifests config layers subject annotations',
    'digest size platform os architecture variant os.version os.features urls data fsLayers history',
  ].flatMap(names => names.split(' ')),
)
const ANNOTATIONS = new Set(['annotations'])

/**
 * Reads a manifest or index strictly (13-adversary 21): the media type stands in the document and equals the one the
 * registry announced, the content is of one kind only, no key comes twice, schema 1 is refused. A looser reader
 * could see an image where another sees an index, and a signature would cover whichever suits the attacker.
 * @param contentType the answer's Content-Type, or the descriptor's media type; parameters are ignored.
 * @throws `registry/manifest-malformed`
 */
export function parseManifest(bytes: Uint8Array, contentType: string): Manifest {
  try {
    if (bytes.byteLength > LIMITS.manifestBytes) throw malformed(`more than ${LIMITS.manifestBytes} bytes`)
    const object = parseJsonObject(bytes, 'manifest')
    const respelled = respelledKey(object, NAMES, ANNOTATIONS)
    if (respelled !== undefined) throw malformed(`the key ${respelled}, which some readers take for another`)
    return readManifest(object, mediaTypeOf(contentType))
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code === 'registry/manifest-malformed' || known.code === 'core/internal') throw error
    throw malformed(known.found ?? known.message, error)
  }
}

/** The media type of a Content-Type header: lower case, without parameters. */
export function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
}

/** @throws `core/shape`, `core/digest-malformed` */
export function readDescriptor(value: Json | undefined, path: string): Descriptor {
  const object = objectAt(value, path)
  const platform = optional(object.platform, readPlatform, `${path}.platform`)
  const artifactType = optional(object.artifactType, stringAt, `${path}.artifactType`)
  const mediaType = stringAt(object.mediaType, `${path}.mediaType`)
  if (mediaType === '') throw malformed(`an empty ${path}.mediaType`)
  return {
    mediaType,
    digest: parseDigest(stringAt(object.digest, `${path}.digest`)),
    size: integerAt(object.size, `${path}.size`),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(object.annotations === undefined
      ? {}
      : { annotations: stringMapAt(object.annotations, `${path}.annotations`) }),
    ...(platform === undefined ? {} : { platform }),
  }
}

function readManifest(object: JsonObject, announced: string): Manifest {
  if (object.schemaVersion !== 2) throw malformed(`schemaVersion ${JSON.stringify(object.schemaVersion) ?? 'missing'}`)
  const mediaType = stringAt(object.mediaType, 'manifest.mediaType')
  if (mediaType !== announced) throw malformed(`media type ${mediaType} announced as ${announced}`)
  const isIndex = mediaType === OCI_INDEX || mediaType === DOCKER_LIST
  if (!isIndex && mediaType !== OCI_MANIFEST && mediaType !== DOCKER_MANIFEST)
    throw malformed(`media type ${mediaType}`)
  const forbidden = isIndex ? ['config', 'layers', 'fsLayers', 'history'] : ['manifests', 'fsLayers', 'history']
  for (const key of forbidden) if (key in object) throw malformed(`${key} in a document of type ${mediaType}`)
  const artifactType = optional(object.artifactType, stringAt, 'manifest.artifactType')
  const subject = optional(object.subject, readDescriptor, 'manifest.subject')
  const common = {
    mediaType,
    annotations: stringMapAt(object.annotations, 'manifest.annotations'),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject }),
  }
  if (isIndex) return { kind: 'index', ...common, manifests: readList(object.manifests, 'manifest.manifests') }
  const config = readDescriptor(object.config, 'manifest.config')
  // BuildKit 0.26 writes null for an image in which there is no file; to every reader in Go it is the empty list.
  const layers = object.layers === null ? [] : readList(object.layers, 'manifest.layers')
  return { kind: 'image', ...common, config, layers }
}

function readList(value: Json | undefined, path: string): readonly Descriptor[] {
  return arrayAt(value, path).map((item, i) => readDescriptor(item, `${path}[${i}]`))
}

function readPlatform(value: Json, path: string): Platform {
  const object = objectAt(value, path)
  const variant = optional(object.variant, stringAt, `${path}.variant`)
  return {
    os: stringAt(object.os, `${path}.os`),
    architecture: stringAt(object.architecture, `${path}.architecture`),
    ...(variant === undefined ? {} : { variant }),
  }
}

/**
 * Layers that may not be distributed: whoever pulls fetches them from the URLs in the descriptor, by their digest. Neither a layout
 * nor a registry need hold them, and nobody shall send them. image-spec v1.1.1 § Non-Distributable Layers; Docker's foreign layers.
 */
const STAYS =
  /^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.v1\.tar(?:\+(?:gzip|zstd))?|docker\.image\.rootfs\.foreign\.diff\.tar(?:\.gzip)?)$/

/** What a registry has to hold for a manifest, besides the manifest: its config and every layer that may be distributed. */
export function blobsToSend({ config, layers }: ImageManifest): readonly Descriptor[] {
  return [config, ...layers.filter(({ mediaType }) => !STAYS.test(mediaType))]
}

/** `linux/amd64`, `linux/arm/v7`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, ...(platform.variant ? [platform.variant] : [])].join('/')
}

function malformed(found: string, cause?: unknown): Error {
  return fail('registry/manifest-malformed', `The manifest is not acceptable: ${printable(found)}`, {
    expected: 'an OCI or Docker v2 manifest or index with its own media type',
    found,
    cause,
  })
}
