import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { OpenPage, openBrowser } from './browser.ts'

/** Every graph of the golden files, read and drawn by mermaid itself in a real browser, as GitHub does. */
const GOLDEN = join(import.meta.dirname, '..', 'report', 'golden')
const LIBRARY = readFileSync(createRequire(import.meta.url).resolve('mermaid/dist/mermaid.min.js'), 'utf8')

interface Drawn {
  readonly error: string
  /** Texts of the nodes and the colours behind them. */
  readonly nodes: readonly { readonly text: string; readonly fill: string; readonly colour: string }[]
  readonly links: number
}

/** Words in the nodes with the colours that stand for them; contrast of each is above 4.5 : 1. */
const COLOURS: Readonly<Record<string, string>> = {
  passed: 'rgb(26, 127, 55)',
  rejected: 'rgb(207, 34, 46)',
  unknown: 'rgb(154, 103, 0)',
  'not asked': 'rgb(87, 96, 106)',
  'not reached': 'rgb(255, 255, 255)',
}

const graphs = readdirSync(GOLDEN)
  .filter(name => name.endsWith('.md.txt'))
  .flatMap(name =>
    [...readFileSync(join(GOLDEN, name), 'utf8').matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map(
      ([, text = '']) => [name, text] as const,
    ),
  )

let browser: Browser
let open: OpenPage
beforeAll(async () => {
  browser = await openBrowser()
  open = await OpenPage.of(browser, '<html lang="en"><body></body></html>', {
    width: 1280,
    scheme: 'light',
    scripted: true,
  })
  await open.page.addScriptTag({ content: LIBRARY })
})
afterAll(async () => {
  await open?.close()
  await browser?.close()
})

function draw(text: string): Promise<Drawn> {
  return open.page.evaluate<Drawn>(
    `(async text => {
      mermaid.initialize({ startOnLoad: false, securityLevel: 'strict' })
      document.body.innerHTML = ''
      try {
        await mermaid.parse(text)
        const { svg } = await mermaid.render('drawn', text)
        document.body.innerHTML = svg
      } catch (error) {
        return { error: String(error), nodes: [], links: 0 }
      }
      const nodes = [...document.querySelectorAll('g.node')].map(node => {
        const label = node.querySelector('.nodeLabel')
        return {
          text: label.textContent.trim(),
          fill: getComputedStyle(node.querySelector('rect')).fill,
          colour: getComputedStyle(label).color,
        }
      })
      return { error: '', nodes, links: document.querySelectorAll('path.flowchart-link').length }
    })(${JSON.stringify(text)})`,
  )
}

test('there are graphs of both kinds to draw', () => {
  expect(graphs.filter(([, text]) => text.startsWith('flowchart LR')).length).toBeGreaterThan(10)
  expect(graphs.filter(([, text]) => text.startsWith('flowchart TD')).length).toBeGreaterThan(0)
})

test.each(graphs)(
  'mermaid draws the graph of %s: a node for each line, in the colour of its outcome',
  async (_, text) => {
    const { error, nodes, links } = await draw(text)
    expect(error).toBe('')
    const wanted = [...text.matchAll(/\["(.+?)"\]/g)].map(([, label]) => label)
    expect(nodes.map(node => node.text).sort()).toEqual([...wanted].sort())
    expect(links).toBe(wanted.length - 1)
    for (const { text: label, fill, colour } of nodes) {
      const outcome = label.split(': ').at(-1) ?? ''
      expect([label, fill]).toEqual([label, COLOURS[outcome]])
      expect([label, colour]).toEqual([label, outcome === 'not reached' ? 'rgb(87, 96, 106)' : 'rgb(255, 255, 255)'])
    }
  },
)

test('13-adversary 37: labels are fixed words: no character of a graph could mean anything else to mermaid', () => {
  for (const [name, text] of graphs)
    for (const line of text.split('\n'))
      expect([name, line]).toEqual([
        name,
        expect.stringMatching(
          /^(?:flowchart (?:LR|TD)| {2}[a-z_0-9]+\["[a-z ]+: [a-z ]+"\]:::[a-z_]+| {2}[a-z_0-9]+(?: --> [a-z_0-9]+)+| {2}classDef [a-z_]+ [#a-z0-9:,-]+)$/,
        ),
      ])
})

test('what is no graph is refused: this test would see it', async () => {
  expect((await draw('flowchart LR\n  a["b"]:::c --> ')).error).not.toBe('')
})

test('mermaid asked nobody for anything', () => {
  expect(open.requests.filter(url => !url.endsWith('/favicon.ico'))).toEqual([])
})
