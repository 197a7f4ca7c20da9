/**
 * Markdown as a web page. `marked` is no dependency of ours by name: mermaid, a dev dependency, brings it, as `package-lock.json` says.
 * The style is our own and only resembles the platform's; the text is the renderer's.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { marked } from 'marked'
import type { OpenPage } from '../../__tests__/peers/browser.ts'

const LIBRARY = readFileSync(createRequire(import.meta.url).resolve('mermaid/dist/mermaid.min.js'), 'utf8')

const STYLE = `
body { margin: 0; padding: 24px 32px; font: 15px/1.5 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; color: #1f2328; background: #fff }
h2, h3, h4 { margin: 22px 0 12px; line-height: 1.25 }
h2 { font-size: 22px; padding-bottom: 6px; border-bottom: 1px solid #d1d9e0 }
h3 { font-size: 18px }
p, ul { margin: 0 0 14px }
a { color: #0969da }
blockquote { margin: 0 0 14px; padding: 0 14px; color: #59636e; border-left: 4px solid #d1d9e0 }
code { font: 85% ui-monospace, "DejaVu Sans Mono", monospace; background: #eff1f3; border-radius: 6px; padding: 2px 5px; overflow-wrap: anywhere }
code.short { white-space: nowrap }
pre { background: #f6f8fa; border-radius: 6px; padding: 12px 14px; overflow: hidden }
pre code { background: none; padding: 0; white-space: pre-wrap; font-size: 12.5px }
pre.mermaid { background: none; text-align: center; padding: 4px }
table { display: block; width: max-content; max-width: 100%; overflow: hidden; border-collapse: collapse; margin: 0 0 14px; font-size: 14px }
th, td { border: 1px solid #d1d9e0; padding: 5px 10px; text-align: left; vertical-align: top }
tr:nth-child(2n) td { background: #f6f8fa }
details { margin: 0 0 14px }
.comment { border: 1px solid #d1d9e0; border-radius: 6px; overflow: hidden }
.comment > header { padding: 8px 16px; font-size: 14px; color: #59636e; background: #f6f8fa; border-bottom: 1px solid #d1d9e0 }
.comment > header b { color: #1f2328 }
.comment > div { padding: 14px 16px 2px; font-size: 14px }
.comment h2 { margin-top: 8px }
`

/** What a job shows of its summary. */
export function summaryPage(markdown: string): string {
  return page(htmlOf(markdown))
}

/** What a conversation shows of a comment. */
export function commentPage(markdown: string): string {
  return page(
    `<div class="comment"><header><b>github-actions</b> bot commented</header><div>${htmlOf(markdown)}</div></div>`,
  )
}

/** Graphs of a page, drawn by the platform's library; the view must be `scripted`. */
export async function drawGraphs({ page }: OpenPage): Promise<void> {
  await page.addScriptTag({ content: LIBRARY })
  await page.evaluate('(mermaid.initialize({ startOnLoad: false, securityLevel: "strict" }), mermaid.run())')
}

function htmlOf(markdown: string): string {
  return marked
    .parse(markdown, { gfm: true, async: false })
    .replace(/<pre><code class="language-mermaid">([\s\S]*?)<\/code><\/pre>/g, '<pre class="mermaid">$1</pre>')
    .replace(/<code>([^<]{1,24})<\/code>/g, '<code class="short">$1</code>')
}

function page(body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>picture</title><style>${STYLE}</style></head><body>${body}</body></html>`
}
