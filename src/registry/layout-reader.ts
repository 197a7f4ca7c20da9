import { type Digest, hexOf, isDigest, sha256 } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import { stringAt } from '../core/shape.ts'
import type { ContentReader } from './bundle-manifest.ts'
import type { FetchedManifest, RawManifest } from './client.ts'
import type { Layout } from './layout.ts'
import { type Descriptor, type Manifest, parseManifest } from './manifest.ts'
import type { Repository } from './reference.ts'

/** The annotation by which a layout names its entries. image-spec v1.1.1 § Pre-Defined Annotation Keys */
export const REF_NAME = 'org.opencontainers.image.ref.name'
/** What `cosign save` writes beside each entry: `dev.cosignproject.cosign/{image, imageIndex, sigs, atts}`. */
const COSIGN_KIND = /^dev\.cosignproject\.cosign\/(image|imageIndex|sigs|atts|sboms)$/
const PARALLEL = 8

/**
 * Answers for an image layout what a registry answers over the network: manifests and blobs by digest, tags by the names in
 * `index.json`. Every byte is hashed; nothing is ever fetched. The repository of a question is ignored: a layout is one.
 */
export class LayoutReader implements ContentReader {
  readonly layout: Layout
  /** True when the layout holds more blobs than were looked through. */
  cut = false
  #opened: Promise<readonly Opened[]> | undefined

  constructor(layout: Layout) {
    this.layout = layout
  }

  /** @throws `registry/not-found`, `registry/digest-mismatch`, `registry/manifest-malformed` */
  async getManifest(_repository: Repository, digest: Digest): Promise<FetchedManifest> {
    const bytes = await this.#blob(digest, LIMITS.manifestBytes)
    const manifest = parseManifest(bytes, this.#typeOf(digest, bytes))
    const { mediaType, artifactType } = manifest
    const descriptor = {
      mediaType,
      digest,
      size: bytes.byteLength,
      ...(artifactType === undefined ? {} : { artifactType }),
    }
    return { descriptor, bytes, manifest }
  }

  /** A digest, or a tag: an entry of `index.json` with this name. @throws `registry/layout-ambiguous` */
  async getRaw(_repository: Repository, reference: string): Promise<RawManifest | undefined> {
    const digest = isDigest(reference) ? reference : this.#tagged(reference)
    if (digest === undefined) return undefined
    const bytes = await this.#blob(digest, LIMITS.manifestBytes).catch(error => {
      if (isDigest(reference) && asWaybillError(error).code === 'registry/not-found') return undefined
      throw error
    })
    return bytes === undefined ? undefined : { bytes, digest, mediaType: this.#typeOf(digest, bytes) }
  }

  /** @throws `registry/not-found`, `registry/digest-mismatch` */
  getBlob(_repository: Repository, digest: Digest, maxBytes: number): Promise<Uint8Array> {
    return this.#blob(digest, maxBytes)
  }

  async blobExists(_repository: Repository, digest: Digest): Promise<boolean> {
    return this.layout.sizeOf(digest).then(size => size !== undefined)
  }

  /**
   * Every manifest that the layout's index names, opened, and those that lie in it unnamed: some tools save what is attached
   * to an image without listing it. Read once. Entries that cannot be read have an error.
   */
  opened(): Promise<readonly Opened[]> {
    this.#opened ??= this.#open()
    return this.#opened
  }

  async #open(): Promise<readonly Opened[]> {
    const entries = new Map(this.layout.manifests.map(entry => [entry.digest, entry]))
    const found = await this.layout.blobs()
    this.cut = found.length > LIMITS.layoutBlobs
    const blobs = found.slice(0, LIMITS.layoutBlobs)
    // A manifest that is attached to something has a few hundred bytes; layers and configs are told apart when read.
    const small = blobs.filter(({ digest, size }) => !entries.has(digest) && size <= LIMITS.looseManifestBytes)
    const listed = await inParallel([...entries.values()], PARALLEL, entry => this.#openOne(entry.digest, entry))
    const loose = await inParallel(small, PARALLEL, ({ digest }) => this.#openOne(digest))
    return [...listed, ...loose.filter(item => item.manifest !== undefined)]
  }

  async #openOne(digest: Digest, entry?: Descriptor): Promise<Opened> {
    const at = { digest, ...(entry === undefined ? {} : { entry }) }
    try {
      return { ...at, manifest: (await this.getManifest({ host: '', repository: '' }, digest)).manifest }
    } catch (error) {
      return { ...at, error: asWaybillError(error) }
    }
  }

  async #blob(digest: Digest, maxBytes: number): Promise<Uint8Array> {
    const size = await this.layout.sizeOf(digest)
    if (size === undefined) throw fail('registry/not-found', `The layout holds no ${digest}`, { found: 'nothing' })
    if (size > maxBytes)
      throw fail('core/answer-too-large', 'A blob of the layout is larger than accepted', {
        expected: `${maxBytes} bytes`,
      })
    const bytes = await this.layout.readBlob(digest, maxBytes)
    const found = sha256(bytes)
    if (found === digest) return bytes
    throw fail('registry/digest-mismatch', 'A blob of the layout is not what its digest says', {
      expected: digest,
      found,
      remedy: 'Write the image layout again; a file of it is damaged or was changed meanwhile.',
    })
  }

  /** What announces a manifest: the entry that names it, else only its own word. */
  #typeOf(digest: Digest, bytes: Uint8Array): string {
    const entry = this.layout.manifests.find(item => item.digest === digest)
    if (entry !== undefined) return entry.mediaType
    try {
      return stringAt(parseJsonObject(bytes, 'manifest').mediaType, 'manifest.mediaType')
    } catch {
      return ''
    }
  }

  #tagged(tag: string): Digest | undefined {
    const named = this.layout.manifests.filter(entry => tagOf(entry) === tag)
    const digests = new Set([...named, ...this.#savedByCosign(tag)].map(({ digest }) => digest))
    const [digest, ...more] = digests
    if (more.length === 0) return digest
    throw fail('registry/layout-ambiguous', `The layout names several manifests ${tag}`, {
      expected: 'one',
      found: String(digests.size),
    })
  }

  /** `cosign save` marks entries by their kind; they belong to the one image of the layout. */
  #savedByCosign(tag: string): readonly Descriptor[] {
    const asked = /^sha256-[0-9a-f]{64}\.(sig|att)$/.exec(tag)?.[1]
    const images = this.layout.manifests.filter(entry => ['image', 'imageIndex'].includes(cosignKind(entry) ?? ''))
    const [image, ...more] = images
    if (asked === undefined || image === undefined || more.length > 0) return []
    if (tag !== `sha256-${hexOf(image.digest)}.${asked}`) return []
    return this.layout.manifests.filter(entry => cosignKind(entry) === `${asked}s`)
  }
}

/** A manifest of a layout, or why it could not be read. */
export interface Opened {
  readonly digest: Digest
  /** What `index.json` says of it. */
  readonly entry?: Descriptor
  readonly manifest?: Manifest
  readonly error?: Error
}

/** The tag in an entry's name, which is a bare tag (skopeo, oras) or a whole reference (crane). */
export function tagOf({ annotations }: Descriptor): string | undefined {
  const name = annotations?.[REF_NAME]
  return name === undefined ? undefined : name.slice(name.lastIndexOf(':') + 1)
}

/** `image`, `imageIndex`, `sigs`, `atts`, `sboms` */
export function cosignKind({ annotations }: Descriptor): string | undefined {
  return COSIGN_KIND.exec(annotations?.kind ?? '')?.[1]
}
