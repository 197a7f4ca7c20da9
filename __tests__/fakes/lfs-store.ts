import { createHash } from 'node:crypto'
import type { ServiceAnswer, ServiceRequest } from './service.ts'

/** One object of a batch answer, which a test may change. */
export interface LfsObject {
  oid: string
  size: number
  actions?: unknown
  error?: unknown
  [other: string]: unknown
}

/**
 * The batch API of Git LFS and the storage behind it (git-lfs docs/api/batch.md, v3): `POST …/info/lfs/objects/batch` answers with
 * addresses below `/lfs-storage/`, which want the header field that the answer names.
 */
export class LfsStore {
  readonly #objects = new Map<string, Uint8Array>()
  /** Last word on one object of an answer. */
  change: (object: LfsObject) => unknown = object => object
  /** Last word on the whole answer. */
  whole: (answer: Record<string, unknown>) => ServiceAnswer | Record<string, unknown> = answer => answer
  /** Bytes that storage gives in place of the right ones. */
  lie: Uint8Array | undefined

  /** @returns the text of its pointer. */
  add(content: Uint8Array | string): string {
    const bytes = Buffer.from(content)
    const oid = createHash('sha256').update(bytes).digest('hex')
    this.#objects.set(oid, bytes)
    return pointerOf(oid, bytes.byteLength)
  }

  answer({ path, method, headers, body }: ServiceRequest, url: string): ServiceAnswer {
    if (path.startsWith('/lfs-storage/')) {
      const found = this.#objects.get(path.slice('/lfs-storage/'.length))
      if (headers['x-storage'] !== 'opened') return { status: 403, body: 'no field of the answer' }
      return found === undefined ? { status: 404, body: 'gone' } : { status: 200, body: Buffer.from(this.lie ?? found) }
    }
    if (method !== 'POST' || !path.endsWith('/objects/batch')) return { status: 404, body: 'Not Found' }
    const asked = JSON.parse(Buffer.from(body).toString()) as { objects: { oid: string; size: number }[] }
    const objects = asked.objects.map(object => this.change(this.#object(object, url)))
    const answer = this.whole({ transfer: 'basic', objects })
    if (typeof answer.status === 'number') return answer as unknown as ServiceAnswer
    return { status: 200, headers: { 'content-type': 'application/vnd.git-lfs+json' }, body: JSON.stringify(answer) }
  }

  #object({ oid, size }: { oid: string; size: number }, url: string): LfsObject {
    if (!this.#objects.has(oid)) return { oid, size, error: { code: 404, message: 'Object does not exist' } }
    const download = { href: `${url}/lfs-storage/${oid}`, header: { 'X-Storage': 'opened' }, expires_in: 60 }
    return { oid, size, actions: { download } }
  }
}

export function pointerOf(oid: string, size: number): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${size}\n`
}
