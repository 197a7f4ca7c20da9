import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { findPeers } from '../../tools/peers/install.ts'

/** A real browser that looks at what people see, and may ask nobody for anything. */

/** @throws when there is no Chromium: the ring fails, it never skips. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findPeers().debian.chromium, args: ['--no-sandbox'] })
}

export interface View {
  /** CSS pixels. */
  readonly width: number
  readonly height?: number
  readonly scheme: 'light' | 'dark'
  /** The page's own content security policy is put aside, so that a test may bring scripts into it. */
  readonly scripted?: true
}

/** Where every page of a test lies: nothing answers there but the test itself. */
const PLACE = 'https://page.test/'

export class OpenPage {
  readonly page: Page
  /** Addresses that the page asked for, besides itself. Every one was refused. */
  readonly requests: readonly string[]
  /** What the browser wrote to its console, errors of the page, dialogs. */
  readonly complaints: readonly string[]
  readonly #context: BrowserContext

  private constructor(context: BrowserContext, page: Page, requests: string[], complaints: string[]) {
    this.#context = context
    this.page = page
    this.requests = requests
    this.complaints = complaints
  }

  /** Opens these bytes as the page; other requests are refused and noted. */
  static async of(browser: Browser, html: string, { width, height = 800, scheme, scripted }: View): Promise<OpenPage> {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      deviceScaleFactor: 1,
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'UTC',
      ...(scripted === undefined ? {} : { bypassCSP: true }),
    })
    const page = await context.newPage()
    const requests: string[] = []
    const complaints: string[] = []
    await page.route('**/*', route => {
      const url = route.request().url()
      if (url === PLACE) return route.fulfill({ body: html, contentType: 'text/html; charset=utf-8' })
      requests.push(url)
      return route.abort()
    })
    page.on('console', message => complaints.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', error => complaints.push(`error: ${error.message}`))
    page.on('dialog', dialog => {
      complaints.push(`dialog: ${dialog.message()}`)
      dialog.dismiss().catch(() => {})
    })
    await page.goto(PLACE)
    return new OpenPage(context, page, requests, complaints)
  }

  /** What axe-core finds wrong, one line a place. The view must be `scripted`. */
  async violations(): Promise<readonly string[]> {
    await this.page.evaluate(AXE)
    const found = await this.page.evaluate<readonly Violation[]>(
      'axe.run(document, { resultTypes: ["violations"] }).then(result => result.violations)',
    )
    return found.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary = '' }) => `${id}: ${help}: ${html}: ${failureSummary}`),
    )
  }

  /** How many CSS pixels the page is wider than its window. */
  overflow(): Promise<number> {
    return this.page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  }

  /** Roles, names and texts of what has the focus, after each of so many presses of the tabulator key. */
  async walk(presses: number): Promise<readonly string[]> {
    const stops: string[] = []
    for (let at = 0; at < presses; at++) {
      await this.page.keyboard.press('Tab')
      stops.push(await this.page.evaluate<string>(FOCUSED))
    }
    return stops
  }

  /** The whole page, or what a selector finds first, as a PNG. */
  async picture(path: string, selector?: string): Promise<void> {
    if (selector === undefined) await this.page.screenshot({ path, fullPage: true, animations: 'disabled' })
    else await this.page.locator(selector).first().screenshot({ path, animations: 'disabled' })
  }

  async close(): Promise<void> {
    await this.#context.close()
  }
}

interface Violation {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

const FOCUSED = `(e => {
  if (e === null) return ''
  const name = e.getAttribute('aria-label') ?? e.textContent ?? ''
  return e.tagName.toLowerCase() + ' ' + name.trim().slice(0, 60)
})(document.activeElement)`

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
