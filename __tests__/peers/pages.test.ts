import type { Browser } from 'playwright-core'
import { compareInspections } from '../../src/report/compare.ts'
import { renderComparisonPage } from '../../src/report/html-comparison.ts'
import { renderInspectionPage } from '../../src/report/html-inspection.ts'
import { renderReceiptPage } from '../../src/report/html-receipt.ts'
import { GATE_RECEIPTS } from '../report/gate-receipts.ts'
import { commitsOf, hostileInspection, inspectionOf, PASSED, REFUSED, SEEN } from '../report/inspections.ts'
import { MATERIAL_RECEIPTS } from '../report/material-receipts.ts'
import { hostile, REJECTED, RELEASE, UNKNOWN } from '../report/receipts.ts'
import { SOURCE_RECEIPTS } from '../report/source-receipts.ts'
import { OpenPage, openBrowser, type View } from './browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

const HOSTILE = '</script><img src="https://evil.test/x" onerror=alert(1)>"\'><script>alert(1)</script>\u202e&lt;b&gt;'
const LONG = [
  inspectionOf({ commits: commitsOf(100) }),
  inspectionOf({ commits: commitsOf(130, 20), digit: '5', base: '6' }),
] as const

const PAGES: Readonly<Record<string, string>> = {
  described: renderInspectionPage(SEEN),
  passed: renderInspectionPage(PASSED),
  rejected: renderInspectionPage(REFUSED),
  'of two images': renderComparisonPage(LONG, compareInspections(...LONG)),
  'of 100 commits': renderInspectionPage(LONG[0]),
  'of strangers’ words': renderInspectionPage(hostileInspection(HOSTILE)),
  'of 70,000 characters': renderInspectionPage(hostileInspection('x'.repeat(70_000))),
  'of a run that passed': renderReceiptPage(RELEASE),
  'of a run that was rejected': renderReceiptPage(REJECTED),
  'of a run that was not checked': renderReceiptPage(UNKNOWN),
  'of a run with strangers’ words': renderReceiptPage(hostile(HOSTILE)),
  'of materials': renderReceiptPage(Object.values(MATERIAL_RECEIPTS)[0] ?? RELEASE),
  'of changed rules': renderReceiptPage(SOURCE_RECEIPTS.loosened),
  'of the gate': renderReceiptPage(Object.values(GATE_RECEIPTS)[0] ?? RELEASE),
}

const VIEWS: readonly View[] = [
  { width: 320, scheme: 'light' },
  { width: 1280, scheme: 'light' },
  { width: 320, scheme: 'dark' },
  { width: 1280, scheme: 'dark' },
]

test('the browser tells what a bad page does', async () => {
  const bad = '<html><body><img src="https://elsewhere.test/x.png"><script>console.error("loud")</script></body></html>'
  const open = await OpenPage.of(browser, bad, { width: 320, scheme: 'dark', scripted: true })
  expect(open.requests).toContain('https://elsewhere.test/x.png')
  expect(open.complaints.join('\n')).toContain('loud')
  expect((await open.violations()).join('\n')).toMatch(/image-alt/)
  await open.close()
})

describe.each(Object.entries(PAGES))('the page %s', (_name, page) => {
  test.each(VIEWS)('asks nobody, complains of nothing and fits: $width px, $scheme', async view => {
    const open = await OpenPage.of(browser, page, view)
    expect(open.requests).toEqual([])
    expect(open.complaints).toEqual([])
    expect(await open.overflow()).toBeLessThanOrEqual(0)
    await open.close()
  })

  test.each(VIEWS)('is accessible with everything unfolded: $width px, $scheme', async view => {
    const open = await OpenPage.of(browser, page, { ...view, scripted: true })
    await open.page.evaluate('for (const item of document.querySelectorAll("details")) item.open = true')
    expect(await open.violations()).toEqual([])
    expect(await open.overflow()).toBeLessThanOrEqual(0)
    await open.close()
  })
})

test('a page can be walked and unfolded by keyboard alone', async () => {
  const open = await OpenPage.of(browser, PAGES.described ?? '', { width: 1280, scheme: 'light' })
  const [skip, image] = await open.walk(2)
  expect(skip).toBe('a Skip to the content')
  expect(image).toMatch(/^summary image/)
  const isOpen = () =>
    open.page
      .locator('details')
      .first()
      .evaluate(item => item.hasAttribute('open'))
  expect(await isOpen()).toBe(false)
  await open.page.keyboard.press('Enter')
  expect(await isOpen()).toBe(true)
  const stops = await open.walk(40)
  for (const name of [
    'summary provenance',
    'summary source summary',
    'div Commits, newest first',
    'div Platforms of the image',
  ])
    expect(stops.some(stop => stop.startsWith(name))).toBe(true)
  await open.close()
})

test('nothing that a stranger wrote becomes an element', async () => {
  const tame = await OpenPage.of(browser, renderInspectionPage(hostileInspection('harmless')), {
    width: 1280,
    scheme: 'light',
  })
  const wild = await OpenPage.of(browser, PAGES['of strangers’ words'] ?? '', { width: 1280, scheme: 'light' })
  const elements = (open: OpenPage) => open.page.locator('*').evaluateAll(list => list.map(({ tagName }) => tagName))
  expect(await elements(wild)).toEqual(await elements(tame))
  await Promise.all([tame.close(), wild.close()])
})

test('on paper everything is unfolded', async () => {
  const open = await OpenPage.of(browser, PAGES.described ?? '', { width: 1280, scheme: 'light' })
  const height = () =>
    open.page
      .locator('details.node .facts')
      .first()
      .evaluate(item => item.getBoundingClientRect().height)
  expect(await height()).toBe(0)
  await open.page.emulateMedia({ media: 'print' })
  expect(await height()).toBeGreaterThan(0)
  await open.close()
})
