import { encodeBase64, utf8 } from '../core/bytes.ts'
import { asWaybillError, fail, WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import type { AddressGuard } from '../io/address.ts'
import { after } from '../io/deadline.ts'
import { remove } from '../io/files.ts'
import { type HttpAnswer, type HttpClient, isLoopbackHost, readBounded } from '../io/http.ts'
import { withRetry } from '../io/retry.ts'
import { type DownloadPorts, placeText } from '../materials/fetch/answer.ts'
import { download } from '../materials/fetch/download.ts'
import type { LfsContent } from '../source/export-large.ts'
import type { LfsPointer } from '../source/lfs-pointer.ts'
import { bareRepository } from '../source/submodule-url.ts'
import { type LfsDownload, readLfsBatch } from './lfs-answer.ts'

/** The repository whose objects are asked for. */
export interface LfsPlace {
  /** `https://host/owner/name` */
  readonly remote: string
  /** Sent to this repository's service and nowhere else (13-adversary 17). */
  readonly token?: string
  /** Whoever runs this named the server, or the rule says `private: true`: it may be inside. */
  readonly inside: boolean
}

export interface LfsPorts {
  readonly http: Pick<HttpClient, 'stream'>
  /** @param inside addresses of this machine and of private networks are accepted. */
  guard(inside: boolean): AddressGuard
  /** A path at which nothing is; nobody but this run knows it. */
  part(): string
  readonly download: DownloadPorts
  /** Default: that of `withRetry`. */
  readonly retry?: Parameters<typeof withRetry>[1]
}

const MEDIA_TYPE = 'application/vnd.git-lfs+json'

interface Waiting {
  readonly pointer: LfsPointer
  resolve(answer: LfsDownload): void
  reject(error: unknown): void
}

/**
 * Content of Git LFS pointers from the service of their own repository: `<remote>.git/info/lfs` and no other, whatever a
 * `.lfsconfig` of the tree says (13-adversary 17). Questions that come together are one request. What is served counts once its
 * size and SHA-256 are those of the tree, so neither service nor storage has to be believed.
 */
export class LfsObjects implements LfsContent {
  readonly remote: string
  readonly #place: LfsPlace
  readonly #ports: LfsPorts
  #waiting: Waiting[] = []
  #running = 0
  readonly #queue: (() => void)[] = []

  constructor(place: LfsPlace, ports: LfsPorts) {
    this.#place = place
    this.#ports = ports
    this.remote = bareRepository(place.remote)
  }

  /** @throws `source/lfs-…`, `materials/other-bytes`, `core/address-refused`, `materials/deadline`, `materials/out-of-bytes` */
  async obtain(pointer: LfsPointer, path: string): Promise<string> {
    const place = await this.#where(pointer).catch((error: unknown) => {
      throw about(asWaybillError(error), path)
    })
    await this.#turn()
    try {
      return await this.#download(pointer, path, place)
    } finally {
      this.#running--
      this.#queue.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= LIMITS.lfsParallel) await new Promise<void>(resolve => this.#queue.push(resolve))
    this.#running++
  }

  async #download({ oid, size }: LfsPointer, path: string, { url, headers }: LfsDownload): Promise<string> {
    const part = this.#ports.part()
    const wanted = { name: `${path} (Git LFS)`, digest: new Map([['sha256', oid]]), size }
    const address = { url, headers, guard: this.#ports.guard(this.#mayBeInside(url)) }
    try {
      await download({ wanted, addresses: [address], path: part }, this.#ports.download)
      return part
    } catch (error) {
      await remove(part)
      throw told(asWaybillError(error), path)
    }
  }

  /** On the server itself, or on this machine where the server is, storage is as inside as the server; anywhere else it is not. */
  #mayBeInside(url: string): boolean {
    const { inside } = this.#place
    const [own, storage] = [new URL(this.remote), new URL(url)]
    const together = isLoopbackHost(own.hostname) && isLoopbackHost(storage.hostname)
    return inside && (storage.host === own.host || together)
  }

  /** One request for all that is asked within a moment. */
  #where(pointer: LfsPointer): Promise<LfsDownload> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ pointer, resolve, reject })
      if (this.#waiting.length >= LIMITS.lfsBatch) void this.#ask()
      else if (this.#waiting.length === 1) void after(LIMITS.lfsGatherMs).reached.then(() => this.#ask())
    })
  }

  async #ask(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    const groups = Array.from({ length: Math.ceil(waiting.length / LIMITS.lfsBatch) }, (_, at) =>
      waiting.slice(at * LIMITS.lfsBatch, (at + 1) * LIMITS.lfsBatch),
    )
    await inParallel(groups, 1, group => this.#askGroup(group))
  }

  async #askGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const pointers = [...new Map(group.map(({ pointer }) => [pointer.oid, pointer])).values()]
      const answers = await this.#batch(pointers)
      for (const { pointer, resolve, reject } of group) {
        const answer = answers.get(pointer.oid)
        if (answer === undefined || answer instanceof Error) reject(answer)
        else resolve(answer)
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  async #batch(pointers: readonly LfsPointer[]) {
    const url = `${this.remote}.git/info/lfs/objects/batch`
    const { token, inside } = this.#place
    const objects = pointers.map(({ oid, size }) => ({ oid, size }))
    const body = utf8(JSON.stringify({ operation: 'download', transfers: ['basic'], objects, hash_algo: 'sha256' }))
    const login = token === undefined ? '' : `Basic ${encodeBase64(utf8(`x-access-token:${token}`))}`
    const headers = {
      accept: MEDIA_TYPE,
      'content-type': MEDIA_TYPE,
      ...(login === '' ? {} : { authorization: login }),
    }
    const pin = await this.#ports.guard(inside)(new URL(url))
    const request = { method: 'POST', url, headers, body, pin, timeoutMs: LIMITS.requestMs } as const
    const { signal } = this.#ports.download
    const answer = await withRetry(async (): Promise<HttpAnswer> => {
      const { status, headers, body } = await this.#ports.http.stream(request, signal)
      return { status, headers, body: await readBounded(body, LIMITS.serviceAnswerBytes, url) }
    }, this.#ports.retry).catch((error: unknown) => {
      throw told(asWaybillError(error), placeText(url))
    })
    // A redirect is not followed: the question has the token in it.
    if (answer.status !== 200) throw unavailable(placeText(url), `status ${answer.status}`)
    return readLfsBatch(answer.body, pointers, url)
  }
}

/** Of many pointers that are asked for at once, the one whose file this is. */
function about({ code, message, expected, found, remedy, kind, cause }: WaybillError, path: string): Error {
  const said = { ...(expected === undefined ? {} : { expected }), ...(found === undefined ? {} : { found }) }
  return fail(code, `${path}: ${message}`, { ...said, remedy, kind, cause })
}

/** A server that does not answer is one reason; bytes that are others, an address inside, an end of the time stay what they are. */
function told(error: WaybillError, what: string): Error {
  if (error.cause instanceof WaybillError && error.cause.code === 'core/address-refused') return error.cause
  const passing = ['core/unreachable', 'materials/fetch-failed', 'materials/fetch-refused', 'core/answer-too-large']
  return passing.includes(error.code) ? unavailable(what, error.found ?? error.message, error) : error
}

function unavailable(what: string, found: string, cause?: unknown): Error {
  return fail('source/lfs-unavailable', `Git LFS gave nothing usable for ${what}`, {
    expected: 'the content, from the service of this repository',
    found,
    ...(cause === undefined ? {} : { cause }),
  })
}
