import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LIMITS } from '../../src/core/limits.ts'
import { reportRun } from '../../src/entry/report-run.ts'
import { WorkflowLog } from '../../src/github/commands.ts'
import { annotationsOf } from '../../src/report/annotations.ts'
import { cosign2Commands, judgedCommands } from '../../src/report/commands.ts'
import type { Receipt, SubjectReceipt } from '../../src/report/receipt.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import { GATE_RECEIPTS } from './gate-receipts.ts'
import { commits } from './outcome-receipts.ts'
import { HOSTILE_TEXTS, hostile, REJECTED, RELEASE } from './receipts.ts'

const MEBIBYTE = 1024 * 1024
const LONG = `Fix ${'x'.repeat(70_000)}`

test('a commit message of 70,000 characters is cut everywhere, and the verdict stays in sight', () => {
  const receipt = hostile(LONG)
  const summary = renderSummary(receipt)
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(LIMITS.summaryBytes)
  expect(summary).toMatch(/^## ❌ Rejected: /m)
  expect(renderTerminal(receipt, { colour: false })).toContain('rejected')
  expect(annotationsOf(receipt).length).toBeGreaterThan(0)
})

test('300 commits with messages of 70,000 characters fit the budget', () => {
  const subjects = commits(300).subjects.map(subject => ({ ...subject, title: LONG, author: LONG, principal: LONG }))
  const summary = renderSummary({ ...RELEASE, subjects })
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(LIMITS.summaryBytes)
  expect(summary).toContain('### What was not checked')
})

test('a list that is too long for the budget is cut aloud', () => {
  const notChecked = Array.from({ length: 5_000 }, (_, at) => `${at} ${'y'.repeat(900)}`)
  const summary = renderSummary({ ...RELEASE, notChecked })
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(LIMITS.summaryBytes)
  expect(summary).toMatch(/^- \d+ more in the result JSON$/m)
})

const judged = (subject: Partial<SubjectReceipt>): Receipt => {
  const [app] = GATE_RECEIPTS['gate-image'].subjects
  if (app === undefined) throw new Error('The gate judged an image')
  return { ...GATE_RECEIPTS['gate-image'], subjects: [{ ...app, ...subject }] }
}

test('a gate prints commands for what passed, by its digest, with the identity that was certified', () => {
  const { identity, digest } = GATE_RECEIPTS['gate-image'].subjects[0] as SubjectReceipt
  const lines = judgedCommands(judged({ name: 'ghcr.io/acme/app:v1' }))
  expect(lines.map(line => line.split(' --')[0]?.split(" '")[0])).toEqual([
    'cosign verify',
    'cosign verify-attestation',
    'gh attestation verify',
    'waybill verify image',
  ])
  for (const line of lines) {
    expect(line).toContain(`'${identity?.san}'`)
    expect(line).toContain(`ghcr.io/acme/app@${digest}'`)
    expect(line).not.toContain(':v1')
  }
})

test.each([
  { given: 'what was rejected', subject: { verdict: 'rejected' } },
  { given: 'what a key signed', subject: { identity: undefined } },
  { given: 'a file', subject: { name: 'app.tar.gz' } },
  { given: 'an image that nothing was required of but its source', subject: { links: [] } },
] as const)('a gate prints no command for $given', ({ subject }) => {
  expect(judgedCommands(judged(subject as Partial<SubjectReceipt>))).toEqual([])
  expect(cosign2Commands(judged(subject as Partial<SubjectReceipt>))).toEqual([])
})

test.each(HOSTILE_TEXTS)(
  '13-adversary 37: a gate puts the name %j into no command, and the identity only quoted',
  text => {
    expect(judgedCommands(judged({ name: text }))).toEqual([])
    // Of three dashes a name may be made.
    if (!/^[a-z0-9._-]+$/.test(text)) expect(judgedCommands(judged({ name: `ghcr.io/acme/${text}` }))).toEqual([])
    const identity = { san: text, issuer: text, repository: text }
    for (const line of [...judgedCommands(judged({ identity })), ...cosign2Commands(judged({ identity }))])
      expect(line).toContain(`'${text.replaceAll("'", "'\\''")}'`)
  },
)

describe('the file of the runner', () => {
  const log = () => {
    const lines: string[] = []
    return {
      lines,
      log: new WorkflowLog(
        text => lines.push(Buffer.from(text).toString('utf8')),
        () => 'word',
      ),
    }
  }
  const folder = () => mkdtempSync(join(tmpdir(), 'waybill-summary-'))
  const large: Receipt = { ...RELEASE, subjects: [...commits(3_000).subjects] }

  test('is missing: everything else is still told', async () => {
    const { lines, log: own } = log()
    const resultPath = join(folder(), 'result.json')
    await reportRun(REJECTED, { resultPath }, own, {})
    expect(existsSync(resultPath)).toBe(true)
    expect(lines.join('')).toContain('::error title=source/unsigned')
  })

  test('is a folder, or in one that is gone: a warning, and everything else is still told', async () => {
    for (const summary of [folder(), join(folder(), 'gone', 'summary.md')]) {
      const { lines, log: own } = log()
      const resultPath = join(folder(), 'result.json')
      await reportRun(REJECTED, { summary, resultPath }, own, {})
      expect(existsSync(resultPath)).toBe(true)
      expect(lines.join('')).toMatch(/::warning title=core\/file-un/)
    }
  })

  test.each([0, 200_000, MEBIBYTE - 60_000, MEBIBYTE - 10, MEBIBYTE, MEBIBYTE + 5])(
    'has %d bytes already: together they are never more than a step may show, and what is cut says so',
    async bytes => {
      const summary = join(folder(), 'summary.md')
      writeFileSync(summary, 'x'.repeat(bytes))
      await reportRun(large, { summary }, log().log, {})
      const text = readFileSync(summary, 'utf8')
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(Math.max(MEBIBYTE, bytes))
      expect(text.startsWith('x'.repeat(bytes))).toBe(true)
      const added = text.slice(bytes)
      if (added !== '' && added.length < renderSummary(large).length) {
        expect(added).toMatch(/more in the result|The summary was cut here/)
        if (MEBIBYTE - bytes > 20_000) expect(added).toContain('### What was not checked')
      }
    },
  )
})
