/** Ways to name the next page: those that a client must follow, and those that it must not trust. */
export type Paging =
  /** From the root: `</v2/…?page=2>`. */
  | 'absolute'
  /** Relative to the page: `<?page=2>`. */
  | 'relative'
  /** A whole URL with http and the registry's own host. */
  | 'http'
  /** Among other links, with `rel` unquoted. */
  | 'among-others'
  /** The first page again, for ever. */
  | 'loop'
  /** Another page after the last one, for ever; each is empty. */
  | 'endless'
  /** Another host. */
  | 'foreign'
  /** Another endpoint of the same host. */
  | 'elsewhere'
  /** Something that is no URL. */
  | 'garbage'

interface PageRequest {
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export function pageLink(paging: Paging, request: PageRequest, start: number, isLast: boolean): string | undefined {
  if (isLast && paging !== 'loop' && paging !== 'endless') return undefined
  const query = new URLSearchParams(request.query)
  query.set('page', String(paging === 'loop' ? 0 : start))
  const path = `${request.path}?${query}`
  switch (paging) {
    case 'relative':
      return `<?${query}>; rel="next"`
    case 'http':
      return `<http://${request.headers.host}${path}>; rel="next"`
    case 'among-others':
      return `<${request.path}>; rel="first", <${path}>; title="b"; rel=next`
    case 'foreign':
      return '<https://mallory.example/v2/>; rel="next"'
    case 'elsewhere':
      return '</admin>; rel="next"'
    case 'garbage':
      return '<http://[>; rel="next"'
    default:
      return `<${path}>; rel="next"`
  }
}
