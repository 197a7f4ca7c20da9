/** Renders everything that a run shows once, in a process that has rendered nothing before, and prints the milliseconds of each part. */

import { many } from '../../__tests__/report/gate-receipts.ts'
import { commits, platforms } from '../../__tests__/report/outcome-receipts.ts'
import { parseCommitId } from '../../src/core/digest.ts'
import { annotationsOf } from '../../src/report/annotations.ts'
import { renderComment, renderSection } from '../../src/report/comment.ts'
import { renderReceiptPage } from '../../src/report/html-receipt.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { renderResult } from '../../src/report/result.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { renderTerminal } from '../../src/report/terminal.ts'

/** 300 commits, 40 platforms and 100 images that were judged: more than one run ever has at once. */
const largest: Receipt = {
  ...platforms(40),
  verdict: 'rejected',
  subjects: [...commits(300).subjects, ...many(100).subjects],
}

const FACTS = {
  key: { workflow: 'build.yml', job: 'build', name: 'app' },
  run: { id: '77', attempt: '1', url: 'https://github.com/acme/app/actions/runs/77/attempts/1' },
  head: parseCommitId('c'.repeat(40)),
  changesGithub: false,
} as const

const PARTS: Readonly<Record<string, () => unknown>> = {
  summary: () => renderSummary(largest),
  terminal: () => renderTerminal(largest, { colour: false, columns: 120 }),
  annotations: () => annotationsOf(largest),
  result: () => renderResult(largest),
  comment: () => renderComment([renderSection(largest, FACTS)]),
  page: () => renderReceiptPage(largest),
}

const times = Object.entries(PARTS).map(([name, render]) => {
  const began = performance.now()
  render()
  return [name, performance.now() - began] as const
})
process.stdout.write(JSON.stringify(Object.fromEntries(times)))
