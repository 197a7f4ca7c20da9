import { asWaybillError, fail } from '../core/error.ts'
import { type JsonObject, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, integerAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { isLoopbackHost } from '../io/http.ts'
import type { LfsPointer } from '../source/lfs-pointer.ts'

/** Where the content of one object is to be had. */
export interface LfsDownload {
  readonly url: string
  /** To be sent there and nowhere else. */
  readonly headers: Readonly<Record<string, string>>
}

/** Of each object asked for: where it is, or why it is not to be had. */
export type LfsAnswer = ReadonlyMap<string, LfsDownload | Error>

/** Fields that decide how a message is read, who is asked, or what comes back; the answer may not choose them. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'range',
  'if-range',
  'accept-encoding',
  'cookie',
  'user-agent',
])

/**
 * Reads the answer to a batch of downloads (git-lfs docs/api/batch.md, v3 § Successful Responses). Each object asked for must be
 * there once and with the size that the tree names; addresses are https, or http where the service itself is one of this machine.
 * @param asked in one request. @throws `source/lfs-answer-malformed`, `source/lfs-unavailable` for another transfer than `basic`
 */
export function readLfsBatch(bytes: Uint8Array, asked: readonly LfsPointer[], service: string): LfsAnswer {
  try {
    return answersIn(parseJsonObject(bytes, 'answer of the Git LFS service'), asked, service)
  } catch (error) {
    const known = asWaybillError(error)
    if (known.code.startsWith('source/')) throw known
    throw malformed(known.message)
  }
}

function answersIn(answer: JsonObject, asked: readonly LfsPointer[], service: string): LfsAnswer {
  const transfer = optional(answer.transfer ?? undefined, stringAt, 'transfer') ?? 'basic'
  if (transfer !== 'basic')
    throw fail('source/lfs-unavailable', `The Git LFS service wants the transfer ${printable(transfer, 60)}`, {
      expected: 'basic',
      found: transfer,
    })
  const algorithm = optional(answer.hash_algo ?? undefined, stringAt, 'hash_algo') ?? 'sha256'
  if (algorithm !== 'sha256') throw malformed(`objects named by ${printable(algorithm, 60)}`)
  const objects = arrayAt(answer.objects, 'objects')
  if (objects.length > asked.length) throw malformed('more objects than were asked for')
  const found = new Map<string, LfsDownload | Error>()
  for (const [at, value] of objects.entries()) {
    const object = objectAt(value, `objects[${at}]`)
    const oid = stringAt(object.oid, `objects[${at}].oid`)
    const wanted = asked.find(pointer => pointer.oid === oid)
    if (wanted === undefined || found.has(oid)) throw malformed('an object that was not asked for, or one twice')
    found.set(oid, objectAnswer(object, wanted, `objects[${at}]`, service))
  }
  const silent = asked.find(({ oid }) => !found.has(oid))
  if (silent !== undefined) throw malformed(`nothing about ${silent.oid}`)
  return found
}

function objectAnswer(object: JsonObject, wanted: LfsPointer, at: string, service: string): LfsDownload | Error {
  if (object.error !== undefined && object.error !== null) return refusal(objectAt(object.error, `${at}.error`), wanted)
  const size = integerAt(object.size, `${at}.size`)
  if (size !== wanted.size) throw malformed(`${size} bytes for ${wanted.oid}, of which the commit says ${wanted.size}`)
  const actions = objectAt(object.actions, `${at}.actions`)
  const download = objectAt(actions.download, `${at}.actions.download`)
  const url = stringAt(download.href, `${at}.actions.download.href`)
  return { url: checkedUrl(url, service), headers: headersOf(download, `${at}.actions.download.header`) }
}

/** 404: not there; 410: removed; anything else: not now, or not for us. */
function refusal(error: JsonObject, { oid }: LfsPointer): Error {
  const code = integerAt(error.code, 'error.code')
  const said = printable(optional(error.message ?? undefined, stringAt, 'error.message') ?? '', 200)
  const gone = code === 404 || code === 410
  return fail(
    gone ? 'source/lfs-missing' : 'source/lfs-unavailable',
    gone ? `The server does not have the Git LFS object ${oid}` : `The server does not give the Git LFS object ${oid}`,
    { found: `${code} ${said}`.trim() },
  )
}

/** https, without a login in it; a storage service's query is a secret, so no address is ever shown whole. */
function checkedUrl(text: string, service: string): string {
  const url = text.length <= LIMITS.lfsHeaderCharacters && URL.canParse(text) ? new URL(text) : undefined
  const plain = url?.protocol === 'http:' && isLoopbackHost(url.hostname) && isLoopbackHost(new URL(service).hostname)
  if (url === undefined || (url.protocol !== 'https:' && !plain) || url.username !== '' || url.password !== '')
    throw malformed('an address that is no https address')
  return url.href
}

function headersOf(download: JsonObject, at: string): Readonly<Record<string, string>> {
  const headers = Object.entries(stringMapAt(download.header, at))
  if (headers.length > LIMITS.lfsHeaders) throw malformed(`more than ${LIMITS.lfsHeaders} header fields`)
  const checked = headers.map(([name, value]) => {
    const isField = /^[A-Za-z0-9-]{1,100}$/.test(name) && !OWN_FIELDS.has(name.toLowerCase())
    if (!isField || value.length > LIMITS.lfsHeaderCharacters || !/^[\x20-\x7e]*$/.test(value))
      throw malformed(`a header field ${printable(name, 60)} that may not be sent`)
    return [name.toLowerCase(), value] as const
  })
  if (new Set(checked.map(([name]) => name)).size !== checked.length) throw malformed('a header field twice')
  return Object.fromEntries(checked)
}

function malformed(found: string): Error {
  return fail('source/lfs-answer-malformed', `The Git LFS service gave an answer that cannot be used: ${found}`, {
    found,
  })
}
