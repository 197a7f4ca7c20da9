/** `node tools/page-pictures.ts`: draws the pages of `waybill inspect --html` with Chromium into docs/images/. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { OpenPage, openBrowser, type View } from '../__tests__/peers/browser.ts'
import { commitsOf, inspectionOf, PASSED, REFUSED, SEEN } from '../__tests__/report/inspections.ts'
import { REJECTED, RELEASE } from '../__tests__/report/receipts.ts'
import { compareInspections } from '../src/report/compare.ts'
import { renderComparisonPage } from '../src/report/html-comparison.ts'
import { renderInspectionPage } from '../src/report/html-inspection.ts'
import { renderReceiptPage } from '../src/report/html-receipt.ts'

const FOLDER = join(import.meta.dirname, '..', 'docs', 'images')
const TWO = [
  inspectionOf(),
  inspectionOf({ commits: commitsOf(9), digit: '5', base: '6', name: 'ghcr.io/acme/app:v2' }),
] as const
const WIDE: View = { width: 1000, scheme: 'light' }

/** Equal bytes for equal pages on a machine with equal fonts and an equal browser. */
const PICTURES: Readonly<Record<string, readonly [page: string, view: View]>> = {
  'page-described': [renderInspectionPage(SEEN), WIDE],
  'page-passed': [renderInspectionPage(PASSED), WIDE],
  'page-rejected': [renderInspectionPage(REFUSED), { width: 1000, scheme: 'dark' }],
  'page-changes': [renderComparisonPage(TWO, compareInspections(...TWO)), WIDE],
  'page-narrow': [renderInspectionPage(PASSED), { width: 320, scheme: 'dark' }],
  'page-run-passed': [renderReceiptPage(RELEASE), WIDE],
  'page-run-rejected': [renderReceiptPage(REJECTED), WIDE],
}

mkdirSync(FOLDER, { recursive: true })
const browser = await openBrowser()
try {
  for (const [name, [page, view]] of Object.entries(PICTURES)) {
    const open = await OpenPage.of(browser, page, view)
    await open.picture(join(FOLDER, `${name}.png`))
    await open.close()
    console.log(`docs/images/${name}.png`)
  }
} finally {
  await browser.close()
}
