import type { Readable } from 'node:stream'
import { type Digest, isDigest, parseDigest, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { HttpAnswer } from '../io/http.ts'
import type { Action } from './auth.ts'
import { type Blob, BlobUploads } from './blob-upload.ts'
import { immutableTag, saysImmutable } from './immutable-tag.ts'
import { type Descriptor, MANIFEST_TYPES, type Manifest, mediaTypeOf, parseManifest } from './manifest.ts'
import { formatReference, isTag, type Reference, type Repository } from './reference.ts'
import { refusal, saysDigestInvalid, saysPartMissing } from './refusal.ts'
import { type RegistryRequest, RegistryTransport, type TransportOptions } from './transport.ts'

/** A manifest as it was read: bytes hashed, content parsed, and the ETag if the registry gave one. */
export interface FetchedManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly manifest: Manifest
  readonly etag?: string
}

/** Raw bytes behind a tag, hashed but not understood: for tags that may hold anything. */
export interface RawManifest {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly mediaType: string
  readonly etag?: string
}

export interface PutOptions {
  /** Only if the tag still has this ETag. */
  readonly ifMatch?: string
  /** `*`: only if the tag does not exist. */
  readonly ifNoneMatch?: '*'
}

/** Bytes at hand, or a stream that can be opened again for each try. */
export type BlobSource = Uint8Array | { readonly open: () => Readable; readonly size: number; readonly digest: Digest }

/** How often a manifest is sent again that a registry calls by a wrong digest. */
const STUMBLES = 5

/**
 * A client for any registry of OCI distribution spec 1.1. Every byte that is read is hashed against the digest that was
 * asked for; a registry is a place to fetch from, never a witness. Safe to use concurrently.
 */
export class RegistryClient {
  readonly transport: RegistryTransport
  /** Blobs that are in a repository or on their way, so that the empty config is not asked for again and again. */
  readonly #stored = new Map<string, Promise<void>>()
  readonly #uploads: BlobUploads

  constructor(options: TransportOptions & { readonly chunkBytes?: number }) {
    this.transport = new RegistryTransport(options)
    this.#uploads = new BlobUploads(this.transport, options.chunkBytes)
  }

  /** Opens connections ahead of their first request. */
  warm(repository: Repository, connections: number): void {
    this.transport.warm(repository, connections)
  }

  /**
   * What a reference means now; a digest wins over a tag. One request.
   * @throws `registry/not-found`, `registry/digest-mismatch`, `registry/manifest-malformed`, and what `transport` throws.
   */
  async resolve(reference: Reference): Promise<Descriptor & FetchedManifest> {
    const fetched = await this.#read(reference, reference.digest ?? reference.tag ?? 'latest')
    return { ...fetched.descriptor, ...fetched }
  }

  /** One manifest by digest. @throws as `resolve` */
  getManifest(repository: Repository, digest: Digest): Promise<FetchedManifest> {
    return this.#read(repository, digest)
  }

  /** Bytes behind a tag or digest; undefined when the registry says it does not exist. @throws `registry/digest-mismatch` */
  async getRaw(repository: Repository, reference: string): Promise<RawManifest | undefined> {
    const answer = await this.transport.request(
      {
        method: 'GET',
        repository,
        action: 'pull',
        path: `manifests/${checkedReference(reference)}`,
        headers: { accept: MANIFEST_TYPES.join(', ') },
        maxBytes: LIMITS.manifestBytes,
      },
      [200, 404],
    )
    if (answer.status === 404) return undefined
    const etag = answer.headers.etag
    const mediaType = mediaTypeOf(answer.headers['content-type'] ?? '')
    return {
      bytes: answer.body,
      digest: checkedDigest(repository, reference, answer),
      mediaType,
      ...(etag ? { etag } : {}),
    }
  }

  /** Digest and type a tag has now, by the registry's word alone; undefined when it does not exist. */
  async headTag(repository: Repository, tag: string): Promise<{ digest: Digest; mediaType: string } | undefined> {
    const answer = await this.transport.request(
      {
        method: 'HEAD',
        repository,
        action: 'pull',
        path: `manifests/${checkedReference(tag)}`,
        headers: { accept: MANIFEST_TYPES.join(', ') },
      },
      [200, 404],
    )
    if (answer.status === 404) return undefined
    const digest = answer.headers['docker-content-digest']
    // Without the header a HEAD says nothing; the bytes do.
    if (!isDigest(digest)) return this.getRaw(repository, tag)
    return { digest, mediaType: mediaTypeOf(answer.headers['content-type'] ?? '') }
  }

  /**
   * Stores exactly these bytes under a tag or their digest. Blobs and children must be there already.
   * @returns `ociSubject`: the subject the registry says it indexed (distribution-spec v1.1.1 § Pushing Manifests with Subject).
   * @throws `registry/precondition-failed`, `registry/tag-immutable`, `registry/parts-lost` (send the blobs again),
   * `registry/forbidden` …
   */
  async putManifest(
    repository: Repository,
    reference: string,
    mediaType: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ ociSubject?: string; etag?: string }> {
    const request = {
      method: 'PUT',
      repository,
      action: 'push',
      path: `manifests/${checkedReference(reference)}`,
      headers: {
        'content-type': mediaType,
        ...(options.ifMatch === undefined ? {} : { 'if-match': options.ifMatch }),
        ...(options.ifNoneMatch === undefined ? {} : { 'if-none-match': options.ifNoneMatch }),
      },
      body: bytes,
    } as const
    const answer = await this.#sendManifest(request)
    if (isTag(reference) && saysImmutable(answer)) throw immutableTag(repository, reference)
    if (saysPartMissing(answer)) throw this.#partsLost(repository, reference)
    if (answer.status !== 201 && answer.status !== 200 && answer.status !== 202) throw refusal(request, answer, true)
    const ociSubject = answer.headers['oci-subject']
    const etag = answer.headers.etag
    return { ...(ociSubject === undefined ? {} : { ociSubject }), ...(etag === undefined ? {} : { etag }) }
  }

  /** Beside other writers of the same parts an old registry stumbles over its own files; these bytes are as right the next time. */
  async #sendManifest(request: RegistryRequest): Promise<HttpAnswer> {
    for (let round = 1; ; round++) {
      const answer = await this.transport.send(request)
      if (round > STUMBLES || !saysDigestInvalid(answer)) return answer
      await this.transport.pause(request.repository, round)
    }
  }

  /** What was accepted is not there, so nothing counts as stored any more. */
  #partsLost(repository: Repository, reference: string): Error {
    const prefix = `${repository.host}/${repository.repository}@`
    for (const key of this.#stored.keys()) if (key.startsWith(prefix)) this.#stored.delete(key)
    return fail(
      'registry/parts-lost',
      `${repository.host}/${repository.repository} has not got all parts of a manifest`,
      {
        expected: `the parts of ${reference}, which it accepted`,
      },
    )
  }

  /** A blob's bytes. @throws `registry/not-found`, `registry/digest-mismatch`, `core/answer-too-large` */
  async getBlob(repository: Repository, digest: Digest, maxBytes: number): Promise<Uint8Array> {
    const answer = await this.transport.request(
      { method: 'GET', repository, action: 'pull', path: `blobs/${digest}`, maxBytes },
      [200],
    )
    const found = sha256(answer.body)
    if (found !== digest) throw mismatch(repository, digest, found)
    return answer.body
  }

  blobExists(repository: Repository, digest: Digest): Promise<boolean> {
    return this.#exists(repository, digest, 'pull')
  }

  /**
   * Stores a blob; a stream is hashed on its way and refused if it is not what it claims.
   * @param options.from a repository of the same registry that may hold the blob already (mount).
   * @param options.unlessPresent asks first; worth it for large or shared blobs.
   * @throws `registry/digest-mismatch`, `registry/forbidden` …
   */
  async putBlob(
    repository: Repository,
    source: BlobSource,
    options: { from?: string; unlessPresent?: boolean } = {},
  ): Promise<{ digest: Digest; size: number }> {
    const blob =
      source instanceof Uint8Array
        ? { bytes: source, digest: sha256(source), size: source.byteLength }
        : { open: source.open, digest: source.digest, size: source.size }
    const key = `${repository.host}/${repository.repository}@${blob.digest}`
    const stored = this.#stored.get(key) ?? this.#store(repository, blob, options)
    this.#stored.set(key, stored)
    // What failed is tried again by the next one who needs it.
    await stored.catch(error => {
      if (this.#stored.get(key) === stored) this.#stored.delete(key)
      throw error
    })
    return { digest: blob.digest, size: blob.size }
  }

  async #store(
    repository: Repository,
    blob: Blob,
    { from, unlessPresent }: { from?: string; unlessPresent?: boolean },
  ): Promise<void> {
    if (unlessPresent && (await this.#exists(repository, blob.digest, 'push'))) return
    await this.#uploads.upload(repository, blob, from)
  }

  /**
   * Proves write access before anything is signed: an upload is begun and cancelled. Two requests.
   * @throws `registry/unauthorized`, `registry/forbidden`, `registry/not-found` …
   */
  async checkPush(repository: Repository): Promise<void> {
    const begun = await this.transport.request(
      { method: 'POST', repository, action: 'push', path: 'blobs/uploads/', body: new Uint8Array() },
      [202],
    )
    const url = this.transport.resolveLocation(repository, begun.headers.location)
    if (url === undefined) return
    // Some registries cannot cancel; the upload then expires by itself.
    await this.transport.send({ method: 'DELETE', repository, action: 'push', path: url, attempts: 1 }).catch(() => {})
  }

  /** With `push`, one token serves the question and the upload after it. */
  async #exists(repository: Repository, digest: Digest, action: Action): Promise<boolean> {
    // A redirect to storage means that the blob is there; the storage's signed URL is often good for GET only.
    const answer = await this.transport.request(
      { method: 'HEAD', repository, action, path: `blobs/${digest}`, follow: false },
      [200, 302, 303, 307, 404],
    )
    return answer.status !== 404
  }

  async #read(repository: Repository, reference: string): Promise<FetchedManifest> {
    const raw = await this.getRaw(repository, reference)
    if (raw === undefined) {
      const named = isDigest(reference) ? { ...repository, digest: reference } : { ...repository, tag: reference }
      throw fail('registry/not-found', `The registry has no ${formatReference(named)}`)
    }
    const manifest = parseManifest(raw.bytes, raw.mediaType)
    const descriptor = {
      mediaType: manifest.mediaType,
      digest: raw.digest,
      size: raw.bytes.byteLength,
      ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
    }
    return { descriptor, bytes: raw.bytes, manifest, ...(raw.etag === undefined ? {} : { etag: raw.etag }) }
  }
}

/** Hashes what came. For a tag the registry's own claim must agree, if it makes one. @throws `registry/digest-mismatch` */
function checkedDigest(repository: Repository, reference: string, answer: HttpAnswer): Digest {
  const found = sha256(answer.body)
  const claimed = answer.headers['docker-content-digest']
  const asked = isDigest(reference) ? reference : isDigest(claimed) ? claimed : found
  if (asked !== found) throw mismatch(repository, asked, found)
  return found
}

function mismatch(repository: Repository, asked: Digest, found: Digest): Error {
  return fail(
    'registry/digest-mismatch',
    `${repository.host}/${repository.repository} served other bytes than asked for`,
    {
      expected: asked,
      found,
    },
  )
}

/** Only a tag or digest goes into a path: anything else could name another endpoint. */
function checkedReference(reference: string): string {
  return isTag(reference) ? reference : parseDigest(reference)
}
