/**
 * `node tools/bootstrap.mjs tools/pictures.ts`: draws summaries as a job's page shows them, with the Markdown and graph libraries of the
 * dev dependencies in a real browser, into `docs/images`. The style is our own and only resembles the page; the text is the renderer's.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { marked } from 'marked'
import type { Browser } from 'playwright-core'
import { OpenPage, openBrowser } from '../__tests__/peers/browser.ts'
import { OUTCOME_RECEIPTS } from '../__tests__/report/outcome-receipts.ts'
import type { Receipt } from '../src/report/receipt.ts'
import { renderSummary } from '../src/report/summary.ts'

const ROOT = join(import.meta.dirname, '..')
const LIBRARY = readFileSync(createRequire(import.meta.url).resolve('mermaid/dist/mermaid.min.js'), 'utf8')
/** CSS pixels of the column in which a job shows a summary. */
const WIDTH = 1220

const PICTURES = { passed: 'reviewed', rejected: 'ended-source' } as const

const STYLE = `
body { margin: 0; padding: 24px 32px; font: 15px/1.5 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; color: #1f2328; background: #fff }
h2, h3, h4 { margin: 22px 0 12px; line-height: 1.25 }
h2 { font-size: 22px; padding-bottom: 6px; border-bottom: 1px solid #d1d9e0 }
h3 { font-size: 18px }
p, ul { margin: 0 0 14px }
blockquote { margin: 0 0 14px; padding: 0 14px; color: #59636e; border-left: 4px solid #d1d9e0 }
code { font: 85% ui-monospace, "DejaVu Sans Mono", monospace; background: #eff1f3; border-radius: 6px; padding: 2px 5px; overflow-wrap: anywhere }
code.short { white-space: nowrap }
pre { background: #f6f8fa; border-radius: 6px; padding: 12px 14px; overflow: hidden }
pre code { background: none; padding: 0; white-space: pre-wrap; font-size: 12.5px }
pre.mermaid { background: none; text-align: center; padding: 4px }
table { border-collapse: collapse; margin: 0 0 14px; font-size: 14px }
th, td { border: 1px solid #d1d9e0; padding: 5px 10px; text-align: left; vertical-align: top }
tr:nth-child(2n) td { background: #f6f8fa }
details { margin: 0 0 14px }
`

function pageOf(markdown: string): string {
  const html = marked.parse(markdown, { gfm: true, async: false })
  const graphs = html.replace(
    /<pre><code class="language-mermaid">([\s\S]*?)<\/code><\/pre>/g,
    '<pre class="mermaid">$1</pre>',
  )
  const short = graphs.replace(/<code>([^<]{1,24})<\/code>/g, '<code class="short">$1</code>')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>summary</title><style>${STYLE}</style></head><body>${short}</body></html>`
}

async function picture(browser: Browser, receipt: Receipt, path: string): Promise<void> {
  const open = await OpenPage.of(browser, pageOf(renderSummary(receipt)), {
    width: WIDTH,
    scheme: 'light',
    scripted: true,
  })
  try {
    await open.page.addScriptTag({ content: LIBRARY })
    await open.page.evaluate('(mermaid.initialize({ startOnLoad: false, securityLevel: "strict" }), mermaid.run())')
    await open.picture(path)
  } finally {
    await open.close()
  }
}

const browser = await openBrowser()
try {
  for (const [verdict, name] of Object.entries(PICTURES)) {
    const receipt = OUTCOME_RECEIPTS[name]
    if (receipt === undefined) throw new Error(`There is no receipt ${name}`)
    const path = join(ROOT, 'docs', 'images', `summary-${verdict}.png`)
    await picture(browser, receipt, path)
    console.log(path)
  }
} finally {
  await browser.close()
}
