import { asWaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { HttpAnswer } from '../io/http.ts'
import { isTransient } from '../io/retry.ts'
import type { BlobReader } from './blob-reader.ts'
import type { Repository } from './reference.ts'
import { refusal } from './refusal.ts'
import type { RegistryRequest, RegistryTransport } from './transport.ts'

/** A begun upload. */
export interface UploadSession {
  readonly repository: Repository
  readonly location: URL
  /** Bytes that each chunk but the last must have (`OCI-Chunk-Min-Length`). */
  readonly smallest: number
}

/** `stored`: it is in. `lost`: the session is gone, begin again. `refused`: no such pieces. `too-large`: smaller ones. */
export type ChunkedEnd = 'stored' | 'lost' | 'refused' | 'too-large'

/** Answers that say "not like this" rather than "not now". 416 at the very beginning is how a cap on chunks is told, too. */
const REFUSES: ReadonlySet<number> = new Set([400, 404, 405, 411, 415, 416, 501])
/** Failures without a byte more, in a row. */
const FAILURES = 4
/** The slowest upload that is waited for, in bytes a second. */
const SLOWEST = 50 * 1024

export function uploadTimeoutMs(bytes: number): number {
  return LIMITS.requestMs + Math.ceil((bytes / SLOWEST) * 1000)
}

/**
 * Uploads a blob in pieces, each with the range it fills, and goes on where the registry stands after a piece that broke off.
 * distribution-spec v1.1.1 § Pushing a blob in chunks
 *
 * Trap: what a registry says about its range is not to be relied on. Amazon's stays at the first piece although the others
 * are stored; so a range that was believed and then refused is not believed again. The digest at the end decides.
 * @param chunk bytes of each piece
 * @throws `registry/digest-mismatch` (the source), `registry/forbidden`, `registry/unavailable` …
 */
export async function uploadInChunks(
  transport: RegistryTransport,
  session: UploadSession,
  source: { readonly reader: BlobReader; readonly size: number; readonly digest: string },
  chunk: number,
): Promise<ChunkedEnd> {
  const upload = new ChunkedUpload(transport, session, source.reader)
  const length = Math.max(chunk, session.smallest)
  while (upload.offset < source.size) {
    const end = await upload.send(Math.min(length, source.size - upload.offset))
    if (end !== undefined) return end
  }
  return upload.finish(source.digest)
}

class ChunkedUpload {
  offset = 0
  readonly #transport: RegistryTransport
  readonly #repository: Repository
  readonly #reader: BlobReader
  #location: URL
  #failures = 0
  /** Up to where bytes were sent and taken, whatever the ranges say. */
  #sent = 0
  #believesRanges = true

  constructor(transport: RegistryTransport, { repository, location }: UploadSession, reader: BlobReader) {
    this.#transport = transport
    this.#repository = repository
    this.#reader = reader
    this.#location = location
  }

  /** Sends one piece and moves on. @returns undefined to go on */
  async send(length: number): Promise<ChunkedEnd | undefined> {
    const start = this.offset
    const request = this.#request('PATCH', () => this.#reader.piece(start, length), length, {
      'content-range': `${start}-${start + length - 1}`,
    })
    const answer = await this.#try(request)
    if (answer instanceof Error) return this.#goOn(request, answer)
    if (answer.status === 202 || answer.status === 201 || answer.status === 204) return this.#taken(answer, length)
    if (answer.status === 413) return 'too-large'
    if (this.#sent === 0 && REFUSES.has(answer.status)) return 'refused'
    if (answer.status === 404) return 'lost'
    if (answer.status === 416 && start < this.#sent) return this.#doubt()
    if (answer.status === 416 || isTransient(answer.status)) return this.#goOn(request, answer)
    throw refusal(request, answer, true)
  }

  /** The closing request. @returns `lost` also when the registry says that it does not hold what was sent */
  async finish(digest: string): Promise<ChunkedEnd> {
    const url = new URL(this.#location)
    url.searchParams.set('digest', digest)
    const request: RegistryRequest = { ...this.#request('PUT', new Uint8Array(), 0), path: url }
    const answer = await this.#try(request)
    if (answer instanceof Error || isTransient(answer.status)) return 'lost'
    if (answer.status === 201 || answer.status === 204 || answer.status === 200) return 'stored'
    if (answer.status === 404 || answer.status === 416) return 'lost'
    // A digest that is not: something between here and there changed or lost a piece.
    if (answer.status === 400) return 'refused'
    throw refusal(request, answer, true)
  }

  #taken(answer: HttpAnswer, length: number): ChunkedEnd | undefined {
    const start = this.offset
    this.#move(answer)
    this.#sent = Math.max(this.#sent, start + length)
    const told = this.#believesRanges ? endOf(answer) : undefined
    // Less than was sent: what is missing is sent again. More than was sent is nonsense.
    this.offset = told !== undefined && told < start + length ? told : start + length
    this.#failures = this.offset > start ? 0 : this.#failures + 1
    return this.#failures > FAILURES ? 'refused' : undefined
  }

  /** Bytes that the registry said it had not are not wanted: it had them. */
  #doubt(): undefined {
    this.#believesRanges = false
    this.offset = this.#sent
    return undefined
  }

  /** Nobody knows how much of a piece arrived that broke off: the registry is asked. */
  async #goOn(request: RegistryRequest, ended: HttpAnswer | Error): Promise<ChunkedEnd | undefined> {
    if (++this.#failures > FAILURES) {
      if (ended instanceof Error) throw ended
      if (ended.status === 416) return 'refused'
      throw refusal(request, ended, true)
    }
    await this.#transport.pause(this.#repository, this.#failures, ended instanceof Error ? undefined : ended)
    const status = await this.#transport
      .send(this.#request('GET', undefined, undefined))
      .catch((error: unknown) => asWaybillError(error))
    if (status instanceof Error || (status.status !== 204 && status.status !== 202 && status.status !== 200))
      return 'lost'
    this.#move(status)
    const told = endOf(status)
    if (told === undefined) return 'lost'
    if (told > this.#sent) this.#failures = 0
    this.offset = told
    this.#sent = Math.max(this.#sent, told)
    return undefined
  }

  #move(answer: HttpAnswer): void {
    const { location } = answer.headers
    const next = this.#transport.resolveLocation(this.#repository, location, this.#location)
    if (next !== undefined) this.#location = next
  }

  async #try(request: RegistryRequest): Promise<HttpAnswer | Error> {
    try {
      return await this.#transport.send(request)
    } catch (error) {
      if (this.#reader.mismatch !== undefined) throw this.#reader.mismatch
      if (asWaybillError(error).code === 'registry/unreachable') return asWaybillError(error)
      throw error
    }
  }

  #request(
    method: 'PATCH' | 'PUT' | 'GET',
    body: RegistryRequest['body'] | undefined,
    length: number | undefined,
    extra: Readonly<Record<string, string>> = {},
  ): RegistryRequest {
    const sized = length === undefined ? {} : { 'content-length': String(length) }
    const typed = method === 'GET' ? {} : { 'content-type': 'application/octet-stream' }
    return {
      method,
      repository: this.#repository,
      action: 'push',
      path: this.#location,
      headers: { ...typed, ...sized, ...extra },
      ...(body === undefined ? {} : { body }),
      timeoutMs: uploadTimeoutMs(length ?? 0),
      // A piece must not be sent twice blindly: after a failure the registry says how far it is.
      ...(method === 'GET' ? {} : { attempts: 1 }),
    }
  }
}

/** Bytes the registry says it has; undefined when it does not say. `0-0` is how an empty upload is told. */
function endOf(answer: HttpAnswer): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.headers.range ?? '')?.[1]
  if (last === undefined) return undefined
  return last === '0' ? 0 : Number(last) + 1
}
