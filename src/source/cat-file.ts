import { createHash, type Hash } from 'node:crypto'
import { concatBytes, latin1 } from '../core/bytes.ts'
import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'

/** One object whose id was recomputed over all of its bytes. */
export interface GitObject {
  readonly type: ObjectType
  /** Bytes of the whole object. */
  readonly size: number
  /** The first `keep` bytes; the whole object when `size <= keep`. */
  readonly bytes: Uint8Array
}

export interface ObjectRequest {
  readonly id: CommitId
  /** Bytes to keep; the rest is hashed and dropped. */
  readonly keep: number
  /**
   * Gets the content as it comes, and the size of the whole, before the id is known to be right: the caller must discard
   * it when `read` fails. Reading stops while the promise is open.
   */
  readonly sink?: (chunk: Uint8Array, size: number) => Promise<void> | undefined
}

interface Waiting extends ObjectRequest {
  readonly resolve: (object: GitObject | undefined) => void
  readonly reject: (error: Error) => void
}

interface Body {
  readonly request: Waiting
  readonly type: ObjectType
  readonly size: number
  readonly hash: Hash
  readonly kept: Uint8Array[]
  keptBytes: number
  left: number
  /** What the sink threw; the rest of the object is then read and dropped, so that the next answer is found. */
  refused?: unknown
}

/** `<id> SP <type> SP <size>`; longer lines are no answer of git. */
const MAX_HEADER = 128

/**
 * The answer side of `git cat-file --batch` (git v2.39, Documentation/git-cat-file.txt § Batch output):
 *
 *     <id> SP <type> SP <size> LF <size bytes> LF
 *     <id> SP missing LF
 *
 * A state machine over chunks of any size; answers come in the order of the questions. git serves a loose object under
 * the name of its file without looking at it, so the id of every object is computed here: SHA-1 over
 * `<type> SP <size> NUL <bytes>`.
 */
export class CatFileReader {
  readonly #waiting: Waiting[] = []
  #next = 0
  #header: Uint8Array[] = []
  #headerBytes = 0
  #body: Body | undefined
  #failure: WaybillError | undefined

  /** To be called right after the question was written. @returns undefined when git does not have the object. */
  expect(request: ObjectRequest): Promise<GitObject | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => this.#waiting.push({ ...request, resolve, reject }))
  }

  /** Every open and later question ends with this error. */
  fail(error: WaybillError): void {
    this.#failure ??= error
    this.#body?.request.reject(this.#failure)
    this.#body = undefined
    for (const waiting of this.#waiting.slice(this.#next)) waiting.reject(this.#failure)
    this.#waiting.length = 0
    this.#next = 0
  }

  /** @returns a promise while a sink is busy; the caller must not push more until it is done. Never fails. */
  push(chunk: Uint8Array): undefined | Promise<void> {
    let at = 0
    while (at < chunk.byteLength && this.#failure === undefined) {
      if (this.#body === undefined) {
        at = this.#readHeader(chunk, at)
        continue
      }
      const part = chunk.subarray(at, at + this.#body.left)
      at += part.byteLength
      const busy = this.#readBody(this.#body, part)
      if (busy === undefined) continue
      const rest = chunk.subarray(at)
      return busy.then(() => this.push(rest))
    }
    return undefined
  }

  #readHeader(chunk: Uint8Array, start: number): number {
    const end = chunk.indexOf(0x0a, start)
    const part = chunk.subarray(start, end === -1 ? undefined : end)
    this.#headerBytes += part.byteLength
    if (this.#headerBytes > MAX_HEADER) {
      this.fail(strange('a line that is too long'))
      return chunk.byteLength
    }
    if (end === -1) {
      this.#header.push(part)
      return chunk.byteLength
    }
    const line = latin1(this.#header.length === 0 ? part : concatBytes([...this.#header, part]))
    this.#header = []
    this.#headerBytes = 0
    this.#begin(line)
    return end + 1
  }

  #begin(line: string): void {
    const request = this.#shift()
    const [, id, type, digits] = /^([0-9a-f]{40}) (commit|tree|blob|tag) (0|[1-9][0-9]{0,14})$/.exec(line) ?? []
    if (request !== undefined && line === `${request.id} missing`) {
      request.resolve(undefined)
    } else if (request === undefined || id !== request.id || type === undefined) {
      const error = strange(line)
      request?.reject(error)
      this.fail(error)
    } else {
      const hash = createHash('sha1').update(`${type} ${digits}\0`)
      const size = Number(digits)
      // One more byte is awaited: the newline after the content.
      this.#body = { request, type: type as ObjectType, size, hash, kept: [], keptBytes: 0, left: size + 1 }
    }
  }

  #shift(): Waiting | undefined {
    const request = this.#waiting[this.#next++]
    if (this.#next >= 4_096) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
    return request
  }

  #readBody(body: Body, part: Uint8Array): undefined | Promise<void> {
    body.left -= part.byteLength
    const content = body.left === 0 ? part.subarray(0, -1) : part
    let busy: Promise<void> | undefined
    if (content.byteLength > 0) {
      body.hash.update(content)
      keep(body, content)
      busy = pour(body, content)
    }
    if (body.left > 0) return busy
    this.#body = undefined
    if (busy !== undefined) return busy.then(() => finish(body))
    finish(body)
    return undefined
  }
}

function keep(body: Body, content: Uint8Array): void {
  const room = body.request.keep - body.keptBytes
  if (room <= 0) return
  // A copy (`slice` of a Buffer is a view): the chunk belongs to the pipe, and a small view would keep all of it alive.
  const kept = new Uint8Array(content.subarray(0, room))
  body.kept.push(kept)
  body.keptBytes += kept.byteLength
}

function pour(body: Body, content: Uint8Array): Promise<void> | undefined {
  if (body.request.sink === undefined || 'refused' in body) return undefined
  const refuse = (error: unknown): void => {
    body.refused = error
  }
  try {
    return body.request.sink(content, body.size)?.catch(refuse)
  } catch (error) {
    refuse(error)
    return undefined
  }
}

function finish(body: Body): void {
  const { request, type, size } = body
  const found = body.hash.digest('hex')
  const [only] = body.kept
  if (found !== request.id) {
    const message = `The object stored as ${request.id} has another content`
    request.reject(fail('source/object-forged', message, { expected: request.id, found }))
  } else if ('refused' in body) {
    request.reject(asWaybillError(body.refused))
  } else {
    request.resolve({ type, size, bytes: body.kept.length === 1 && only !== undefined ? only : concatBytes(body.kept) })
  }
}

function strange(found: string): WaybillError {
  return fail('source/object-missing', 'git gave an answer that cannot be read', { found: printable(found, 200) })
}
