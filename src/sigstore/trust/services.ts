import { fail, WaybillError } from '../../core/error.ts'
import { type Json, type JsonObject, jsonText, parseJsonObject } from '../../core/json.ts'
import { printable } from '../../core/text.ts'
import { SIGSTORE_LIMITS } from '../limits.ts'
import { checkShape, type Shape } from '../protojson.ts'

/**
 * The services to sign with, chosen from a signing_config.v0.2.json by the rules of `sigstore_trustroot.proto`
 * (protobuf-specs v0.5): valid now, of a version we speak, per operator the highest version and newest start.
 */
export interface SigningServices {
  /** Base URL; absent when the configuration names no certificate authority (then only keys can sign). */
  readonly fulcioUrl?: string
  /** Candidates in order of preference, one an operator. */
  readonly rekor: readonly RekorService[]
  /** Full URLs, in order of preference, one an operator. */
  readonly tsa: readonly string[]
  readonly oidcIssuers: readonly string[]
  /** How many of the candidates must witness a signature (ANY 1, ALL every one, EXACT its count). */
  readonly selection: { readonly rekor: number; readonly tsa: number }
}

export interface RekorService {
  readonly url: string
  readonly majorApiVersion: 1 | 2
  readonly operator: string
}

interface Service {
  readonly url: string
  readonly version: number
  readonly operator: string
  readonly start: number
  readonly end: number
}

const SERVICE = {
  url: 'string',
  majorApiVersion: 'uint32',
  validFor: { start: 'time', end: 'time' },
  operator: 'string',
} as const satisfies Shape
const SELECTION = { selector: 'enum', count: 'uint32' } as const satisfies Shape
const SIGNING_CONFIG = {
  mediaType: 'string',
  caUrls: [SERVICE],
  oidcUrls: [SERVICE],
  rekorTlogUrls: [SERVICE],
  rekorTlogConfig: SELECTION,
  tsaUrls: [SERVICE],
  tsaConfig: SELECTION,
} as const satisfies Shape
const MEDIA_TYPE = 'application/vnd.dev.sigstore.signingconfig.v0.2+json'

/**
 * @param promised only logs that promise inclusion with a time (Rekor v1), where an operator has such a one besides.
 * @throws `sigstore/signing-config-malformed`, `sigstore/no-service` when a kind is listed but none is valid at `now`,
 * `sigstore/log-without-promise` when no log promises anything and it was asked for.
 */
export function loadSigningConfig(bytes: Uint8Array, now: Date, promised = false): SigningServices {
  const json = strictConfig(bytes)
  if (promised) requirePromises(json, now)
  const fulcio = choose(json, 'caUrls', 1, now)[0]
  const rekor = choose(json, 'rekorTlogUrls', promised ? 1 : 2, now)
  const tsa = choose(json, 'tsaUrls', 1, now)
  return {
    ...(fulcio === undefined ? {} : { fulcioUrl: fulcio.url }),
    rekor: rekor.map(s => ({ url: s.url, majorApiVersion: s.version === 2 ? 2 : 1, operator: s.operator })),
    tsa: tsa.map(s => s.url),
    oidcIssuers: choose(json, 'oidcUrls', 1, now).map(s => s.url),
    selection: {
      rekor: needed(json, 'rekorTlogConfig', rekor.length),
      tsa: needed(json, 'tsaConfig', tsa.length),
    },
  }
}

/** cosign ≤ 2 reads a signature in a tag by the log's signed promise alone, and Rekor v2 gives none. */
function requirePromises(json: JsonObject, now: Date): void {
  const [first, ...more] = choose(json, 'rekorTlogUrls', 2, now)
  const all = (json.rekorTlogUrls ?? []) as readonly JsonObject[]
  if (all.some(service => service.majorApiVersion === 1)) return
  throw fail('sigstore/log-without-promise', 'No transparency log of the signing configuration promises inclusion', {
    expected: 'rekorTlogUrls with a log of majorApiVersion 1',
    found: [first, ...more]
      .map(log => (log === undefined ? 'no log' : `${log.url} (version ${log.version})`))
      .join(', '),
  })
}

function strictConfig(bytes: Uint8Array): JsonObject {
  if (bytes.byteLength > SIGSTORE_LIMITS.signingConfigBytes) throw malformed('it is too large')
  try {
    const json = parseJsonObject(bytes, 'signing configuration')
    if (json.mediaType !== MEDIA_TYPE) throw malformed('its mediaType is another', jsonText(json.mediaType), MEDIA_TYPE)
    checkShape(json, SIGNING_CONFIG, 'signingConfig')
    return json
  } catch (error) {
    if (error instanceof WaybillError && error.code === 'sigstore/signing-config-malformed') throw error
    throw malformed(error instanceof Error ? error.message : 'it cannot be read')
  }
}

/** Version 0 is "not yet released"; a service not valid yet would sign what no verifier accepts. */
function choose(json: JsonObject, field: string, maxVersion: number, now: Date): readonly Service[] {
  const listed = Array.isArray(json[field]) ? (json[field] as readonly JsonObject[]).map(item => read(item, field)) : []
  const time = now.getTime()
  const valid = listed
    .filter(s => s.version >= 1 && s.version <= maxVersion && s.start <= time && time <= s.end)
    .sort((a, b) => b.version - a.version || b.start - a.start)
  if (listed.length > 0 && valid.length === 0) {
    throw fail('sigstore/no-service', `The signing configuration names no usable service under ${field}`, {
      expected: `a service of version 1${maxVersion === 1 ? '' : ` to ${maxVersion}`} that is valid at ${now.toISOString()}`,
      found: listed.map(s => `${printable(s.url, 100)} (version ${s.version})`).join(', '),
    })
  }
  const operators = new Set<string>()
  return valid.filter(s => !operators.has(s.operator) && operators.add(s.operator))
}

function read(item: JsonObject, field: string): Service {
  const period = (item.validFor ?? {}) as { start?: string | null; end?: string | null }
  return {
    url: cleanUrl(item.url ?? null, field),
    version: Number(item.majorApiVersion ?? 0),
    operator: jsonText(item.operator ?? ''),
    start: period.start ? Date.parse(period.start) : Number.NEGATIVE_INFINITY,
    end: period.end ? Date.parse(period.end) : Number.POSITIVE_INFINITY,
  }
}

function cleanUrl(value: Json, field: string): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw malformed(`${field} has a URL that is not plain`, jsonText(value), 'https://host/path')
  return url.href.replace(/\/+$/, '')
}

function needed(json: JsonObject, field: string, candidates: number): number {
  if (candidates === 0) return 0
  const config = (json[field] ?? {}) as { selector?: string; count?: number }
  if (config.selector === 'ANY') return 1
  if (config.selector === 'ALL') return candidates
  const count = config.count ?? 0
  if (config.selector !== 'EXACT' || count < 1) throw malformed(`${field} does not say ANY, ALL or EXACT with a count`)
  if (count > candidates) {
    throw fail('sigstore/no-service', `${field} asks for more services than there are operators with a usable one`, {
      expected: `${count} operators`,
      found: String(candidates),
    })
  }
  return count
}

function malformed(why: string, found?: string, expected?: string): WaybillError {
  return fail('sigstore/signing-config-malformed', `The signing configuration cannot be used: ${why}`, {
    ...(found === undefined ? {} : { found }),
    ...(expected === undefined ? {} : { expected }),
  })
}
