import { fail, WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { formatReference, parseReference } from '../registry/reference.ts'
import { holdsKnownSecret, looksLikeSecret } from './secret-detector.ts'

export type CacheUse = 'from' | 'to'
type CacheType = 'registry' | 'gha' | 'inline'

/** An entry of `cache-from` or `cache-to`, read strictly. Every value was held against its grammar and stands in clear. */
export interface CacheEntry {
  readonly type: CacheType
  /** In the order written, `type` not among them; `ref` canonical. */
  readonly fields: ReadonlyMap<string, string>
}

const YES_NO = /^(?:true|false)$/
const MODE = /^(?:min|max)$/
const COMPRESSION: Readonly<Record<string, RegExp>> = {
  compression: /^(?:uncompressed|gzip|estargz|zstd)$/,
  'compression-level': /^[0-9]{1,2}$/,
  'force-compression': YES_NO,
  'oci-mediatypes': YES_NO,
  'image-manifest': YES_NO,
}
const SCOPE = /^[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,127}$/
const REF = /^[^\s,"]{1,512}$/

/**
 * What each kind of cache may say. Not here: `local` (a folder that any step of the job, or a cache of another branch, fills),
 * `s3` and `azblob` (their keys would stand in the entry or in the environment of the builder). Source: BuildKit 0.26.3 README,
 * "Cache".
 */
const ATTRIBUTES: Readonly<
  Record<CacheType, Readonly<Record<CacheUse, Readonly<Record<string, RegExp>> | undefined>>>
> = {
  registry: { from: { ref: REF }, to: { ref: REF, mode: MODE, 'ignore-error': YES_NO, ...COMPRESSION } },
  gha: {
    from: { scope: SCOPE, timeout: /^[0-9]{1,4}[sm]$/ },
    to: { scope: SCOPE, mode: MODE, 'ignore-error': YES_NO, timeout: /^[0-9]{1,4}[sm]$/ },
  },
  inline: { from: undefined, to: {} },
}

/** Their values are credentials, or say where credentials would be sent. */
const CREDENTIALS =
  /(?:token|password|secret|access_key|account_key|session|username|credential|^url(?:_v2)?$|^endpoint_url$|^registry\.insecure$)/i

/**
 * @param text `type=registry,ref=host/path:tag[,mode=max]`, `type=gha[,scope=…]`, `type=inline`, or a reference alone.
 * @throws `build/cache-malformed`, `build/cache-type`, `build/cache-credentials`, `build/argument-secret`
 */
export function parseCache(text: string, use: CacheUse, secrets: readonly string[] = []): CacheEntry {
  const input = `cache-${use}`
  const kind = holdsKnownSecret(text, secrets) ? 'a secret of this run' : looksLikeSecret(text)
  if (kind !== undefined)
    throw fail('build/argument-secret', `An entry of ${input} holds ${kind}`, {
      expected: 'an entry that everybody may read: it stands in the provenance',
      found: kind,
      remedy: `Remove it from ${input}; log in to the registry of the cache in an earlier step instead.`,
    })
  const pairs = pairsOf(text, input)
  const type = pairs.get('type')
  pairs.delete('type')
  const known = type === 'registry' || type === 'gha' || type === 'inline' ? ATTRIBUTES[type][use] : undefined
  if (known === undefined || type === undefined) throw unknownType(type, use)
  for (const [name, value] of pairs) {
    if (CREDENTIALS.test(name))
      throw fail('build/cache-credentials', `An entry of ${input} has the attribute ${printable(name, 60)}`, {
        expected: 'no credentials and no addresses of them',
        found: printable(name, 60),
      })
    const grammar = Object.hasOwn(known, name) ? known[name] : undefined
    if (grammar?.test(value) !== true)
      throw malformed(
        input,
        `one of ${Object.keys(known).join(', ') || 'no attributes'}, each as the builder knows it`,
        name,
      )
  }
  if (type === 'registry') pairs.set('ref', canonicalRef(pairs.get('ref'), input))
  return { type: type as CacheType, fields: pairs }
}

/** As the builder is told, and as the provenance says it. */
export function formatCache({ type, fields }: CacheEntry): string {
  return [`type=${type}`, ...[...fields].map(([name, value]) => `${name}=${value}`)].join(',')
}

/** Each entry must be spelled as `formatCache` does: whoever asked has read it already. @throws as `parseCache` */
export function checkCaches(entries: readonly string[], use: CacheUse, secrets: readonly string[]): void {
  if (entries.length > LIMITS.cacheEntries)
    throw malformed(`cache-${use}`, `at most ${LIMITS.cacheEntries} entries`, String(entries.length))
  for (const entry of entries) {
    const canonical = formatCache(parseCache(entry, use, secrets))
    if (canonical !== entry) throw malformed(`cache-${use}`, canonical, entry)
  }
  const twice = entries.find((entry, at) => entries.indexOf(entry) !== at)
  if (twice !== undefined) throw malformed(`cache-${use}`, 'each entry once', twice)
}

/** True where an entry is GitHub's own cache, which every branch of a repository may write. */
export function usesGha(entries: readonly string[] = []): boolean {
  return entries.some(entry => /^type=gha(?:,|$)/.test(entry))
}

function pairsOf(text: string, input: string): Map<string, string> {
  const pairs = new Map<string, string>()
  const whole = text.includes('=') ? text : `type=registry,ref=${text}`
  for (const field of whole.split(',')) {
    const [, name, value] = /^([a-z][a-z0-9._-]{0,63})=([^\s"\0]{1,512})$/i.exec(field) ?? []
    if (name === undefined || value === undefined || pairs.has(name))
      throw malformed(
        input,
        'type=registry,ref=host/path:tag: names and values, each name once, without quotes',
        nameOf(field),
      )
    pairs.set(name, value)
  }
  return pairs
}

/** What stands behind the name may be anything. */
function nameOf(field: string): string {
  return field.includes('=') ? `${field.split('=', 1)[0] ?? ''}=…` : field
}

function canonicalRef(ref: string | undefined, input: string): string {
  if (ref === undefined) throw malformed(input, 'ref=host/path:tag', 'type=registry without a ref')
  try {
    const reference = parseReference(ref)
    const named = reference.tag !== undefined || reference.digest !== undefined
    return formatReference(named ? reference : { ...reference, tag: 'latest' })
  } catch (error) {
    if (error instanceof WaybillError) throw malformed(input, 'ref=host/path:tag', ref)
    throw error
  }
}

function unknownType(type: string | undefined, use: CacheUse): Error {
  return fail(
    'build/cache-type',
    `The cache type ${printable(type ?? 'of nothing', 60)} is not served in cache-${use}`,
    {
      expected: use === 'from' ? 'registry or gha' : 'registry, gha or inline',
      found: printable(type ?? 'no type', 60),
    },
  )
}

function malformed(input: string, expected: string, found: string): Error {
  return fail('build/cache-malformed', `An entry of ${input} is not acceptable`, {
    expected,
    found: printable(found, 300),
  })
}
