import { isHostName } from './image-name.ts'
import { compilePattern, matches, type Pattern } from './match.ts'
import type { UriPattern } from './material-rules.ts'

/**
 * Patterns of the URIs of materials, and the one spelling that they are compared with (13-adversary 34).
 *
 *     https://host[:port]/path[?query]           http:// on this machine alone
 *     git+https://host[:port]/path@ref           git+http:// on this machine alone
 *     artifact://owner/repository/workflow.yml/file
 *
 * A star never stands in scheme or host, and never matches a "?": whoever chooses the query of a download chooses what a
 * redirecting path leads to.
 */
const NAME = '[A-Za-z0-9_][A-Za-z0-9._-]*'
const ARTIFACT = new RegExp(`^artifact://${NAME}/${NAME}/${NAME}\\.ya?ml/${NAME}$`)
const REF = /^[A-Za-z0-9_][A-Za-z0-9._/-]*$/
const MAX_LENGTH = 8_192

/** Whether this is the one spelling of the URI of a material. Everything else matches no rule. */
export function isCanonicalUri(uri: string): boolean {
  if (uri.length > MAX_LENGTH) return false
  if (uri.startsWith('artifact://')) return ARTIFACT.test(uri)
  if (!uri.startsWith('git+')) return isCanonicalUrl(uri)
  // Exactly one "@": neither a login nor a path may move the place where the ref begins.
  const [remote = '', ref = '', more] = uri.slice('git+'.length).split('@')
  if (more !== undefined || remote.includes('?')) return false
  return isCanonicalUrl(remote) && isRef(ref)
}

/** As git check-ref-format. */
function isRef(ref: string): boolean {
  return REF.test(ref) && !/\.\.|\/\/|[./]$|\.lock$/.test(ref)
}

function isCanonicalUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.href !== text || url.username !== '' || url.password !== '') return false
  if (
    url.protocol === 'http:' ? !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname) : url.protocol !== 'https:'
  )
    return false
  if (!isHostName(url.hostname) || url.hostname.startsWith('[::ffff:') || /[#\\\s]/.test(text)) return false
  // What servers decode before they split a path: an encoded "/", "\", "." or "%", controls, and "..;" of some of them.
  return !/%(?:2[ef5]|5c|[01][0-9a-f]|7f)|\/\.{1,2}(?:;|$)/i.test(url.pathname)
}

/** As the manifest's URIs: plain http is for tests on this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** Undefined for what is no pattern. The caller has looked at scheme, host and spelling. */
export function compileUriPattern(text: string): UriPattern | undefined {
  const [before = '', behind] = splitQuery(text)
  const path = compilePattern(before)
  const query = behind === undefined ? undefined : emptyOr(behind)
  if (path === undefined || (behind !== undefined && query === undefined)) return undefined
  return { text, path, ...(query === undefined ? {} : { query }) }
}

/** Whether the whole canonical URI matches. */
export function matchesUri({ path, query }: UriPattern, uri: string): boolean {
  const [before = '', behind] = splitQuery(uri)
  if (!matches(path, before)) return false
  return behind === undefined ? query === undefined : query !== undefined && matches(query, behind)
}

/**
 * For rules that deny: also what many servers take for the same place, in other letters, encoded, with doubled slashes,
 * `.git` or another query. It refuses more than it has to, never less.
 */
export function resemblesUri(pattern: UriPattern, uri: string): boolean {
  const loose = loosePattern(pattern)
  return loose !== undefined && matches(loose, looseForm(uri))
}

/** The pattern of all loose forms that it resembles. */
export function loosePattern({ text }: UriPattern): Pattern | undefined {
  return compilePattern(looseForm(text))
}

function looseForm(text: string): string {
  const [before = ''] = splitQuery(text)
  const decoded = before.replace(/%(?!2a)[2-7][0-9a-f]/gi, code =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  )
  const [scheme = '', rest = ''] = split(decoded.toLowerCase(), '://')
  const path = rest.replace(/\/{2,}/g, '/')
  return `${scheme}://${scheme.startsWith('git+') ? path.replace(/(?:\.git)?\/?(?=@|$)/, '') : path}`
}

function emptyOr(text: string): Pattern | undefined {
  return text === '' ? { text: '', tokens: [] } : compilePattern(text)
}

function splitQuery(text: string): readonly [string, string?] {
  return split(text, '?')
}

function split(text: string, mark: string): readonly [string, string?] {
  const at = text.indexOf(mark)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + mark.length)]
}
