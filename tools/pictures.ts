/**
 * `node tools/pictures.ts [NAME…]`: draws everything that people see with Chromium into docs/images: summaries,
 * comments, terminals and pages, of what passed and of what was rejected. Equal bytes on a machine with equal fonts and browser.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OpenPage, openBrowser, type View } from '../__tests__/peers/browser.ts'
import { GATE_RECEIPTS } from '../__tests__/report/gate-receipts.ts'
import { commitsOf, inspectionOf, PASSED, REFUSED, SEEN } from '../__tests__/report/inspections.ts'
import { OUTCOME_RECEIPTS } from '../__tests__/report/outcome-receipts.ts'
import { REJECTED, RELEASE } from '../__tests__/report/receipts.ts'
import { parseCommitId } from '../src/core/digest.ts'
import { renderComment, renderSection } from '../src/report/comment.ts'
import { compareInspections } from '../src/report/compare.ts'
import { renderComparisonPage } from '../src/report/html-comparison.ts'
import { renderInspectionPage } from '../src/report/html-inspection.ts'
import { renderReceiptPage } from '../src/report/html-receipt.ts'
import type { Receipt } from '../src/report/receipt.ts'
import { renderSummary } from '../src/report/summary.ts'
import { renderTerminal } from '../src/report/terminal.ts'
import { commentPage, drawGraphs, summaryPage } from './pictures/markdown.ts'
import { smallPng } from './pictures/small-png.ts'
import { terminalPage } from './pictures/terminal.ts'

interface Picture {
  readonly page: string
  readonly view: View
  /** Whether the page has graphs. */
  readonly graphs?: true
}

const FOLDER = join(import.meta.dirname, '..', 'docs', 'images')
const TWO = [
  inspectionOf(),
  inspectionOf({ commits: commitsOf(9), digit: '5', base: '6', name: 'ghcr.io/acme/app:v2' }),
] as const
const WIDE: View = { width: 1000, scheme: 'light' }
const PASSED_RUN = receiptOf(OUTCOME_RECEIPTS, 'reviewed')
const REJECTED_RUN = receiptOf(OUTCOME_RECEIPTS, 'ended-source')

const PICTURES: Readonly<Record<string, Picture>> = {
  'summary-passed': summary(PASSED_RUN),
  'summary-rejected': summary(REJECTED_RUN),
  'comment-passed': comment(PASSED_RUN),
  'comment-rejected': comment(REJECTED_RUN),
  'terminal-passed': terminal(
    'waybill verify image ghcr.io/acme/app:v1.2.3 --policy .github/waybill.yml',
    receiptOf(GATE_RECEIPTS, 'gate-image'),
  ),
  'terminal-rejected': terminal(
    'waybill verify manifest "deploy/*.yaml" --policy .github/waybill.yml --pin --out waybill-evidence',
    receiptOf(GATE_RECEIPTS, 'gate-manifest'),
  ),
  'page-described': { page: renderInspectionPage(SEEN), view: WIDE },
  'page-passed': { page: renderInspectionPage(PASSED), view: WIDE },
  'page-rejected': { page: renderInspectionPage(REFUSED), view: { width: 1000, scheme: 'dark' } },
  'page-changes': { page: renderComparisonPage(TWO, compareInspections(...TWO)), view: WIDE },
  'page-narrow': { page: renderInspectionPage(PASSED), view: { width: 320, scheme: 'dark' } },
  'page-run-passed': { page: renderReceiptPage(RELEASE), view: WIDE },
  'page-run-rejected': { page: renderReceiptPage(REJECTED), view: WIDE },
}

function receiptOf(all: Readonly<Record<string, Receipt>>, name: string): Receipt {
  const found = all[name]
  if (found === undefined) throw new Error(`There is no receipt ${name}`)
  return found
}

/** As wide as the column in which a job shows it. */
function summary(receipt: Receipt): Picture {
  const page = summaryPage(renderSummary(receipt))
  return { page, view: { width: 1220, scheme: 'light', scripted: true }, graphs: true }
}

/** As wide as a conversation. */
function comment(receipt: Receipt): Picture {
  const section = renderSection(receipt, {
    key: { workflow: 'build.yml', job: 'build', name: 'app' },
    run: { id: '77', attempt: '1', url: 'https://github.com/acme/app/actions/runs/77/attempts/1' },
    head: parseCommitId(receipt.source?.commit ?? ''),
    changesGithub: false,
  })
  const page = commentPage(renderComment([section]))
  return { page, view: { width: 920, scheme: 'light', scripted: true }, graphs: true }
}

function terminal(line: string, receipt: Receipt): Picture {
  const columns = 110
  const exitCode = { passed: 0, rejected: 1, unknown: 2 }[receipt.verdict]
  const text = renderTerminal(receipt, { colour: true, columns, exitCode })
  return { page: terminalPage(line, text, columns), view: { width: 980, height: 60, scheme: 'dark' } }
}

const names = process.argv.slice(2)
mkdirSync(FOLDER, { recursive: true })
const browser = await openBrowser()
try {
  for (const [name, { page, view, graphs }] of Object.entries(PICTURES)) {
    if (names.length > 0 && !names.includes(name)) continue
    const open = await OpenPage.of(browser, page, view)
    if (graphs) await drawGraphs(open)
    const path = join(FOLDER, `${name}.png`)
    await open.picture(path)
    await open.close()
    writeFileSync(path, smallPng(readFileSync(path)))
    console.log(`docs/images/${name}.png ${Math.ceil(statSync(path).size / 1024)} KiB`)
  }
} finally {
  await browser.close()
}
