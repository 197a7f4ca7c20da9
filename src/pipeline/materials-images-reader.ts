import { isDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { ContentReader } from '../registry/bundle-manifest.ts'
import type { FetchedManifest } from '../registry/client.ts'
import { parseManifest } from '../registry/manifest.ts'
import { formatReference, type Reference, type Repository } from '../registry/reference.ts'
import type { ImagesPorts } from './materials-images-request.ts'

/**
 * Registries as one judgement of images sees them: a tag is asked for once, whatever the number of platforms, stages and
 * spellings, and so is each manifest; what is meant by the tag afterwards is nobody's business here. All reads share one
 * budget of bytes (13-adversary 43).
 */
export class ImageReader {
  readonly #ports: Pick<ImagesPorts, 'registry'>
  readonly #manifests = new Map<string, Promise<FetchedManifest>>()
  readonly #max: number
  #spent = 0

  constructor(ports: Pick<ImagesPorts, 'registry'>, max: number = LIMITS.baseImageBytes) {
    this.#ports = ports
    this.#max = max
  }

  /** What a reference means: its digest, else what its tag meant when it was first asked for. @throws what the registry throws */
  open(reference: Reference, terms: { readonly private: boolean }): Promise<FetchedManifest> {
    const { tag = 'latest', digest } = reference
    if (digest !== undefined) return this.#once(reference, digest, terms)
    return this.#once(reference, tag, terms).then(found => {
      const key = keyOf(reference, found.descriptor.digest, terms)
      if (!this.#manifests.has(key)) this.#manifests.set(key, Promise.resolve(found))
      return found
    })
  }

  /** For code that reads by digest. */
  under(terms: { readonly private: boolean }): ContentReader {
    const reader = this.#ports.registry(terms)
    const counted = async <T>(work: () => Promise<T>, size: (found: T) => number): Promise<T> => {
      if (this.#spent >= this.#max) throw outOfBytes(this.#max)
      const found = await work()
      this.#spent += size(found)
      return found
    }
    return {
      getManifest: (repository, digest) => this.#once(repository, digest, terms),
      getRaw: (repository, reference) =>
        counted(
          () => reader.getRaw(repository, reference),
          found => found?.bytes.byteLength ?? 0,
        ),
      getBlob: (repository, digest, maxBytes) =>
        counted(
          () => reader.getBlob(repository, digest, maxBytes),
          bytes => bytes.byteLength,
        ),
      blobExists: (repository, digest) => reader.blobExists(repository, digest),
    }
  }

  #once(repository: Repository, place: string, terms: { readonly private: boolean }): Promise<FetchedManifest> {
    const key = keyOf(repository, place, terms)
    const known = this.#manifests.get(key) ?? this.#read(repository, place, terms)
    this.#manifests.set(key, known)
    return known
  }

  async #read(repository: Repository, place: string, terms: { readonly private: boolean }): Promise<FetchedManifest> {
    const raw = await this.under(terms).getRaw(repository, place)
    if (raw === undefined) throw notThere(repository, place)
    const manifest = parseManifest(raw.bytes, raw.mediaType)
    const { digest } = raw
    return {
      descriptor: { mediaType: manifest.mediaType, digest, size: raw.bytes.byteLength },
      bytes: raw.bytes,
      manifest,
    }
  }
}

function keyOf({ host, repository }: Repository, place: string, terms: { readonly private: boolean }): string {
  return `${host}/${repository} ${place} ${terms.private}`
}

function notThere({ host, repository }: Repository, place: string): Error {
  const named = isDigest(place) ? { digest: place } : { tag: place }
  return fail('registry/not-found', `The registry has no ${formatReference({ host, repository, ...named })}`)
}

function outOfBytes(max: number): Error {
  return fail(
    'materials/out-of-bytes',
    'The base images of this build have larger manifests than are read in one run',
    {
      expected: `at most ${max} bytes`,
    },
  )
}
