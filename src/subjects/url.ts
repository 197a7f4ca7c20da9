import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

/** Where an application says what it runs. RFC 8615 § 3. */
export const DOCUMENT_PATH = '/.well-known/waybill.json'

/** A running application, as its caller names it. */
export interface ApplicationUrl {
  /** Where its document is asked for. */
  readonly document: URL
  /** `host` or `host:port`: whom the document must have been made for. */
  readonly audience: string
  /** What stood behind the host and was not asked for, since a document speaks for a whole host. */
  readonly ignored?: string
}

/**
 * Reads `https://HOST[:PORT][/path]`. Only the origin counts.
 * @param options.plain whether `http:` is accepted: of this machine, where no one stands in between.
 * @throws `verify/url-unusable`
 */
export function parseApplicationUrl(text: string, options: { readonly plain: (url: URL) => boolean }): ApplicationUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw unusable(`${printable(text, 200)} is not a URL`, text)
  // Not shown: it may be a password.
  if (url.username !== '' || url.password !== '') throw unusable('The URL holds a login', 'a user name or password')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && options.plain(url)))
    throw unusable(`${printable(url.host)} would be asked without TLS`, url.protocol)
  // `app.example.com.` is the same place, and nobody signs for it under that name.
  const host = url.host.replace(/\.(?=:|$)/, '')
  if (host === '' || host.startsWith(':')) throw unusable('The URL names no host', text)
  const document = new URL(`${url.protocol}//${host}${DOCUMENT_PATH}`)
  const ignored = `${url.pathname}${url.search}${url.hash}`
  return {
    document,
    audience: host,
    ...(ignored === '/' || ignored === DOCUMENT_PATH ? {} : { ignored }),
  }
}

function unusable(sentence: string, found: string): Error {
  return fail('verify/url-unusable', sentence, { expected: 'https://HOST[:PORT]', found: printable(found, 200) })
}
