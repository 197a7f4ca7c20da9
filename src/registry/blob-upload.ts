import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { HttpAnswer } from '../io/http.ts'
import { type Blob, BlobReader } from './blob-reader.ts'
import { uploadInChunks, uploadTimeoutMs } from './chunked-upload.ts'
import type { Repository } from './reference.ts'
import { refusal } from './refusal.ts'
import type { RegistryRequest, RegistryTransport } from './transport.ts'

export type { Blob } from './blob-reader.ts'

/** Bytes that are sent together with the question for a session; larger ones would too often be sent twice. */
const SINGLE_REQUEST = 64 * 1024
/** Whole uploads tried before giving up. */
const ROUNDS = 4
/** A front end that limits bodies is met with a quarter of what it refused, down to this many bytes. */
const SMALLEST_CHUNK = 1024 * 1024
/** What a registry answers to another repository's blob that it will not mount: then the bytes are sent. */
const NO_MOUNT: ReadonlySet<string> = new Set([
  'registry/unauthorized',
  'registry/forbidden',
  'registry/not-found',
  'registry/unexpected-answer',
])

/** `smaller`: too large for it, and there is a smaller piece to try. */
type RoundEnd = 'stored' | 'again' | 'smaller'

/** What was learned of one registry: whether it takes pieces, and how large. */
interface Ways {
  /** Bytes of one piece; a blob larger than that is sent in pieces. */
  chunk: number
  takesChunks: boolean
}

/**
 * Stores blobs. distribution-spec v1.1.1 § Pushing blobs: a small one goes with the POST that asks for a session, a larger
 * one with one PUT after it, a large one in pieces. What a registry does not take is asked of it once.
 * Safe to use concurrently.
 */
export class BlobUploads {
  readonly #transport: RegistryTransport
  readonly #chunkBytes: number
  readonly #ways = new Map<string, Ways>()

  /** @param chunkBytes bytes of one piece; default `LIMITS.uploadChunkBytes` */
  constructor(transport: RegistryTransport, chunkBytes: number = LIMITS.uploadChunkBytes) {
    this.#transport = transport
    this.#chunkBytes = chunkBytes
  }

  /**
   * @param from a repository of the same registry that may hold the blob already (mount).
   * @throws `registry/digest-mismatch` (the stream is not what it claims), `registry/forbidden` …
   */
  async upload(repository: Repository, blob: Blob, from?: string): Promise<void> {
    const reader = new BlobReader(blob)
    try {
      for (let round = 1; ; ) {
        const end = await this.#round(repository, blob, reader, { round, last: round >= ROUNDS, from })
        if (end === 'stored') return
        if (end === 'smaller') continue
        round++
        // An answer that was lost on its way may have been "stored"; a large blob is worth the question.
        if (blob.size > SINGLE_REQUEST && (await this.#isStored(repository, blob.digest))) return
      }
    } finally {
      reader.close()
    }
  }

  async #round(
    repository: Repository,
    blob: Blob,
    reader: BlobReader,
    { round, last, from }: { round: number; last: boolean; from: string | undefined },
  ): Promise<RoundEnd> {
    const ways = this.#waysOf(repository)
    const begun = await this.#begin(repository, blob, round === 1 ? from : undefined)
    if (begun.status === 201) return 'stored'
    const location = this.#transport.resolveLocation(repository, begun.headers.location)
    if (location === undefined)
      throw fail('registry/unexpected-answer', `${repository.host} began an upload without saying where it goes`)
    if (blob.size > ways.chunk && ways.takesChunks) {
      const smallest = smallestChunk(begun)
      const session = { repository, location, smallest }
      const source = { reader, size: blob.size, digest: blob.digest }
      const end = await uploadInChunks(this.#transport, session, source, ways.chunk)
      if (end === 'stored') return 'stored'
      if (end === 'too-large' && shrink(ways, blob.size)) return 'smaller'
      if (end !== 'lost') ways.takesChunks = false
      if (last) throw neverEnds(repository, blob)
      if (end === 'lost') await this.#transport.pause(repository, round)
      return 'again'
    }
    return this.#whole(putRequest(repository, blob, location, reader), reader, ways, { round, last, size: blob.size })
  }

  /** One PUT with everything. When it breaks off nobody knows whether the session lives, so a new one is begun. */
  async #whole(
    request: RegistryRequest,
    reader: BlobReader,
    ways: Ways,
    { round, last, size }: { round: number; last: boolean; size: number },
  ): Promise<RoundEnd> {
    const answer = await this.#transport.send(request).catch((error: unknown) => {
      if (reader.mismatch !== undefined) throw reader.mismatch
      if (last) throw error
      return undefined
    })
    if (answer !== undefined && (answer.status === 201 || answer.status === 204 || answer.status === 200))
      return 'stored'
    if (answer?.status === 413 && shrink(ways, size)) return 'smaller'
    if (answer !== undefined && (last || !mayBeginAgain(answer))) throw refusal(request, answer, true)
    await this.#transport.pause(request.repository, round, answer)
    return 'again'
  }

  async #begin(repository: Repository, blob: Blob, from: string | undefined): Promise<HttpAnswer> {
    if (from !== undefined) {
      const mounted = await this.#mount(repository, blob.digest, from)
      if (mounted !== undefined) return mounted
    }
    const { bytes, digest, size } = blob
    if (bytes !== undefined && from === undefined && size <= SINGLE_REQUEST) {
      const answered = await this.#single(repository, bytes, digest)
      if (answered !== undefined) return answered
    }
    // An empty body makes Node send content-length: 0, which Google's and Amazon's front ends insist on.
    const body = new Uint8Array()
    return this.#transport.request({ method: 'POST', repository, action: 'push', body, path: 'blobs/uploads/' }, [202])
  }

  /** @returns undefined when the registry has no use for a POST with the blob itself: then all is as if it had not been asked. */
  async #single(repository: Repository, bytes: Uint8Array, digest: Digest): Promise<HttpAnswer | undefined> {
    const path = `blobs/uploads/?${new URLSearchParams({ digest })}`
    const headers = { 'content-type': 'application/octet-stream' }
    const request = { method: 'POST', repository, action: 'push', path, headers, body: bytes, attempts: 1 } as const
    const answer = await this.#transport.send(request).catch(() => undefined)
    return answer?.status === 201 || answer?.status === 202 ? answer : undefined
  }

  /** @returns undefined when the other repository may not be read, or the registry mounts nothing. */
  async #mount(repository: Repository, digest: Digest, from: string): Promise<HttpAnswer | undefined> {
    const path = `blobs/uploads/?${new URLSearchParams({ mount: digest, from })}`
    const body = new Uint8Array()
    const request = { method: 'POST', repository, action: 'push', body, path, alsoPull: from } as const
    try {
      return await this.#transport.request(request, [201, 202])
    } catch (error) {
      if (NO_MOUNT.has(asWaybillError(error).code)) return undefined
      throw error
    }
  }

  async #isStored(repository: Repository, digest: Digest): Promise<boolean> {
    const request = { method: 'HEAD', repository, action: 'push', path: `blobs/${digest}`, follow: false } as const
    const answer = await this.#transport.send(request).catch(() => undefined)
    return answer !== undefined && [200, 302, 303, 307].includes(answer.status)
  }

  #waysOf({ host }: Repository): Ways {
    const known = this.#ways.get(host) ?? { chunk: this.#chunkBytes, takesChunks: true }
    this.#ways.set(host, known)
    return known
  }
}

/** After "too large": smaller pieces from now on. @returns false when there is nothing smaller to try */
function shrink(ways: Ways, size: number): boolean {
  const chunk = Math.floor(Math.min(ways.chunk, size) / 4)
  if (chunk < SMALLEST_CHUNK || !ways.takesChunks) return false
  ways.chunk = chunk
  return true
}

function putRequest(repository: Repository, blob: Blob, location: URL, reader: BlobReader): RegistryRequest {
  const url = new URL(location)
  url.searchParams.set('digest', blob.digest)
  return {
    method: 'PUT',
    repository,
    action: 'push',
    path: url,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
    body: blob.open === undefined ? (blob.bytes ?? new Uint8Array()) : () => reader.piece(0, blob.size),
    timeoutMs: uploadTimeoutMs(blob.size),
    attempts: 1,
  }
}

/** distribution-spec v1.1.1 § Pushing a blob in chunks. An absurd size is not believed. */
function smallestChunk(begun: HttpAnswer): number {
  const told = Number(/^\d{1,10}$/.exec(begun.headers['oci-chunk-min-length'] ?? '')?.[0] ?? 0)
  return told <= LIMITS.uploadChunkBytes ? told : 0
}

/** The session is gone or the server stumbled; anything else is an answer. */
function mayBeginAgain({ status }: HttpAnswer): boolean {
  return status === 404 || status === 408 || status === 416 || status === 429 || status >= 500
}

function neverEnds(repository: Repository, { digest, size }: Blob): Error {
  return fail('registry/unavailable', `${repository.host} lost each upload of a blob before its end`, {
    expected: `${digest} stored in ${repository.repository}`,
    found: `${ROUNDS} uploads begun and lost (${size} bytes)`,
  })
}
