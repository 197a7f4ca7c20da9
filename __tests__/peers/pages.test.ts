import type { Browser } from 'playwright-core'
import { OpenPage, openBrowser } from './browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

test('the browser tells what a bad page does', async () => {
  const bad = '<html><body><img src="https://elsewhere.test/x.png"><script>console.error("loud")</script></body></html>'
  const open = await OpenPage.of(browser, bad, { width: 320, scheme: 'dark', scripted: true })
  expect(open.requests).toEqual(
    ['https://elsewhere.test/x.png', 'https://page.test/favicon.ico'].slice(0, open.requests.length),
  )
  expect(open.requests.length).toBeGreaterThan(0)
  expect(open.complaints.join('\n')).toContain('loud')
  expect((await open.violations()).join('\n')).toMatch(/image-alt/)
  await open.close()
})
