import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import { type Digest, hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { HttpAnswer } from '../io/http.ts'
import { retryAfterMs } from '../io/retry.ts'
import type { Repository } from './reference.ts'
import { refusal } from './refusal.ts'
import type { RegistryRequest, RegistryTransport } from './transport.ts'

export interface Blob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly bytes?: Uint8Array
  readonly open?: () => Readable
}

/** The slowest upload that is waited for, in bytes a second. */
const SLOWEST = 50 * 1024
/** Bytes that are sent together with the question for a session; larger ones would too often be sent twice. */
const SINGLE_REQUEST = 64 * 1024
/** Whole uploads tried before giving up: a broken session cannot be continued, it is begun again. */
const ROUNDS = 3

/**
 * POST for a session (or a mount), then one PUT with the bytes. distribution-spec v1.1.1 § POST then PUT. A small blob goes
 * with the POST already, and the PUT follows where the registry wants it (§ Single POST).
 * When the connection breaks during the PUT, nobody knows whether the session lives, so a new one is begun.
 * @throws `registry/digest-mismatch` (the stream is not what it claims), `registry/forbidden` …
 */
export async function uploadBlob(
  transport: RegistryTransport,
  repository: Repository,
  blob: Blob,
  from?: string,
): Promise<void> {
  for (let round = 1; ; round++) {
    const begun =
      (await single(transport, repository, blob, from)) ?? (await begin(transport, repository, blob.digest, from))
    if (begun.status === 201) return
    const location = transport.resolveLocation(repository, begun.headers.location)
    if (location === undefined)
      throw fail('registry/unexpected-answer', `${repository.host} began an upload without saying where it goes`)
    const mismatch: { error?: Error } = {}
    const request = putRequest(repository, blob, location, mismatch)
    const answer = await transport.send(request).catch((error: unknown) => {
      if (mismatch.error !== undefined) throw mismatch.error
      if (round >= ROUNDS) throw error
      return undefined
    })
    if (answer !== undefined && isDone(answer)) return
    if (answer !== undefined && (round >= ROUNDS || !mayBeginAgain(answer))) throw refusal(request, answer, true)
    const asked = retryAfterMs(answer?.headers['retry-after'], transport.clock.now()) ?? 0
    await transport.clock.sleep(Math.min(LIMITS.requestMs, asked) + Math.round(transport.clock.random() * 200 * round))
  }
}

/** @returns undefined when the registry has no use for a POST with the blob itself: then all is as if it had not been asked. */
async function single(
  transport: RegistryTransport,
  repository: Repository,
  { bytes, digest, size }: Blob,
  from: string | undefined,
): Promise<HttpAnswer | undefined> {
  if (bytes === undefined || from !== undefined || size > SINGLE_REQUEST) return undefined
  const path = `blobs/uploads/?${new URLSearchParams({ digest })}`
  const headers = { 'content-type': 'application/octet-stream' }
  const request = { method: 'POST', repository, action: 'push', path, headers, body: bytes, attempts: 1 } as const
  const answer = await transport.send(request).catch(() => undefined)
  return answer?.status === 201 || answer?.status === 202 ? answer : undefined
}

function begin(
  transport: RegistryTransport,
  repository: Repository,
  digest: Digest,
  from?: string,
): Promise<HttpAnswer> {
  // An empty body makes Node send content-length: 0, which Google's and Amazon's front ends insist on.
  const body = new Uint8Array()
  const base = { method: 'POST', repository, action: 'push', body } as const
  if (from === undefined) return transport.request({ ...base, path: 'blobs/uploads/' }, [202])
  const query = new URLSearchParams({ mount: digest, from })
  return transport.request({ ...base, path: `blobs/uploads/?${query}`, alsoPull: from }, [201, 202])
}

function putRequest(repository: Repository, blob: Blob, location: URL, mismatch: { error?: Error }): RegistryRequest {
  const url = new URL(location)
  url.searchParams.set('digest', blob.digest)
  const open = blob.open
  return {
    method: 'PUT',
    repository,
    action: 'push',
    path: url,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
    body: open === undefined ? (blob.bytes ?? new Uint8Array()) : () => hashed(open(), blob, mismatch),
    timeoutMs: LIMITS.requestMs + Math.ceil((blob.size / SLOWEST) * 1000),
    attempts: 1,
  }
}

/** Passes bytes through and breaks off before the last one if they are not what the digest says. */
function hashed(source: Readable, blob: Blob, mismatch: { error?: Error }): Readable {
  const hash = createHash('sha256')
  let size = 0
  let held: Uint8Array | undefined
  const check = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk)
      size += chunk.byteLength
      const previous = held
      held = chunk
      if (size > blob.size) done(note(mismatch, blob, `more than ${blob.size} bytes`))
      else done(null, previous)
    },
    flush(done) {
      const hex = hash.digest('hex')
      if (size !== blob.size || hex !== hexOf(blob.digest)) done(note(mismatch, blob, `${size} bytes, sha256:${hex}`))
      else done(null, held)
    },
  })
  // The error reaches the request through `check` itself; the callback keeps it from being unhandled.
  pipeline(source, check, () => {})
  return check
}

function note(mismatch: { error?: Error }, blob: Blob, found: string): Error {
  mismatch.error = fail('registry/digest-mismatch', 'A blob that was to be pushed is not what its digest says', {
    expected: `${blob.size} bytes, ${blob.digest}`,
    found,
    remedy: 'Write the image layout again; a file of it is damaged or was changed meanwhile.',
  })
  return mismatch.error
}

function isDone(answer: HttpAnswer): boolean {
  return answer.status === 201 || answer.status === 204 || answer.status === 200
}

/** The session is gone or the server stumbled; anything else is an answer. */
function mayBeginAgain(answer: HttpAnswer): boolean {
  return (
    answer.status === 404 ||
    answer.status === 408 ||
    answer.status === 416 ||
    answer.status === 429 ||
    answer.status >= 500
  )
}
