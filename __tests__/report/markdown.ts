import { lexer, type Token, type Tokens } from 'marked'

/** HTML that the report itself writes. */
const OWN_HTML =
  /^(?:<!-- waybill:[A-Za-z0-9._%/-]+ -->|<\/?details>|<summary>[^<>]*<\/summary>|<details><summary>[^<>]*<\/summary>)$/
/** What GitHub makes of plain text after the Markdown was read: mentions, references, commits, emoji, addresses. */
const LIVE =
  /(?:^|[^\w`])@[A-Za-z0-9]|#\d|\b(?:GH|GHSA|CVE)-\w|\b[0-9a-f]{7,40}\b|:\/\/|www\.|:[\w+-]+:|\S@\S+\.\S|\$[^$\s]/i

export interface LiveParts {
  readonly html: readonly string[]
  readonly links: readonly string[]
  readonly texts: readonly string[]
  /** Cells of each row of every table, as a number. */
  readonly tables: readonly (readonly number[])[]
  readonly headings: readonly string[]
}

/** Everything in a text that a reader's browser would act on, by a Markdown reader that has GitHub's extensions. */
export function liveParts(markdown: string): LiveParts {
  const found = {
    html: [] as string[],
    links: [] as string[],
    texts: [] as string[],
    tables: [] as number[][],
    headings: [] as string[],
  }
  for (const token of lexer(markdown, { gfm: true })) walk(token, found)
  return found
}

function walk(token: Token, found: { [K in keyof LiveParts]: LiveParts[K][number][] }): void {
  if (token.type === 'html')
    found.html.push(
      ...(token as Tokens.HTML).text.split('\n').filter(line => line.trim() !== '' && !OWN_HTML.test(line.trim())),
    )
  if (token.type === 'link' || token.type === 'image') found.links.push((token as Tokens.Link).href)
  if (token.type === 'heading') found.headings.push((token as Tokens.Heading).text)
  if (token.type === 'table') {
    const table = token as Tokens.Table
    found.tables.push([table.header.length, ...table.rows.map(row => row.length)])
    for (const cell of [...table.header, ...table.rows.flat()]) for (const inner of cell.tokens) walk(inner, found)
  }
  const inner = 'tokens' in token && token.type !== 'table' ? (token.tokens as Token[] | undefined) : undefined
  if (token.type === 'text' && inner === undefined && LIVE.test(token.raw)) found.texts.push(token.raw)
  for (const part of inner ?? []) walk(part, found)
  if (token.type === 'list') for (const item of (token as Tokens.List).items) walk(item, found)
}
