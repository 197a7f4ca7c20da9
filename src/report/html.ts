import { printable } from '../core/text.ts'

/**
 * The one way to make HTML. What is put into a template is text and becomes text: it can end no element, attribute or comment,
 * and brings no entity and no link. Markup comes from templates in this program alone; their type cannot be made otherwise.
 */
export class Html {
  readonly #markup: string

  private constructor(markup: string) {
    this.#markup = markup
  }

  get markup(): string {
    return this.#markup
  }

  /** Static parts of a template as they are, values escaped. */
  static join(parts: readonly string[], values: readonly Value[]): Html {
    const markup = parts.map((part, at) => `${part}${at < values.length ? markupOf(values[at]) : ''}`)
    return new Html(markup.join(''))
  }
}

export type Value = string | number | Html | readonly Html[] | undefined

/** `html` before a template. Values stand between tags or in double quotes, never in a script, a style or a bare attribute. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return Html.join(parts.raw, values)
}

function markupOf(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.markup
  return typeof value === 'object' ? value.map(item => item.markup).join('') : escapeText(String(value))
}

/** Longest text shown of anything. */
const MAX = 1000

/** Control, bidi and zero-width characters as escapes, then all that HTML gives a meaning as entities. HTML § 13.3 */
export function escapeText(text: string): string {
  return printable(text, MAX).replace(/[&<>"'`]/g, sign => `&#${sign.charCodeAt(0)};`)
}

/** Addresses that may become links: pages of the platform and of the public log, every part of them in a known form. */
const KNOWN: readonly RegExp[] = [
  /^https:\/\/github\.com\/[\w.-]{1,100}\/[\w.-]{1,100}\/commit\/[0-9a-f]{40}$/,
  /^https:\/\/github\.com\/[\w.-]{1,100}\/[\w.-]{1,100}\/actions\/runs\/\d{1,20}(?:\/attempts\/\d{1,6})?$/,
  /^https:\/\/search\.sigstore\.dev\/\?logIndex=\d{1,20}$/,
]

/** The text as a link where the address has a known form, else the text alone. */
export function link(text: string, address: string | undefined): Html {
  if (address === undefined || !KNOWN.some(form => form.test(address))) return html`${text}`
  return html`<a href="${address}" rel="noopener noreferrer">${text}</a>`
}

/** The page of a commit, of a repository as provenance names it: `git+https://github.com/acme/app`. */
export function commitAddress(repository: string | undefined, id: string): string | undefined {
  return repository === undefined ? undefined : `${repository.replace(/^git\+/, '').replace(/@.*$/, '')}/commit/${id}`
}

/** The page of an entry of the public log. */
export function logAddress({ url, index }: { readonly url: string; readonly index: string }): string | undefined {
  return url === 'https://rekor.sigstore.dev' ? `https://search.sigstore.dev/?logIndex=${index}` : undefined
}
