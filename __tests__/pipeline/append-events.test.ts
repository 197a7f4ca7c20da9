import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appendEvents } from '../../src/pipeline/append-events.ts'
import { GATE_RECEIPTS, many } from '../report/gate-receipts.ts'

const AT = new Date('2026-05-02T10:05:00Z')

test('appendEvents() keeps what is there, and creates the file even if there is nothing to tell', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-events-'))
  try {
    const path = join(folder, 'events.jsonl')
    await appendEvents(path, GATE_RECEIPTS['gate-image'], AT)
    expect(readFileSync(path, 'utf8')).toBe('')
    await appendEvents(path, many(10), AT)
    await appendEvents(path, many(10), AT)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines.map(line => (JSON.parse(line) as { event: string }).event)).toEqual(Array(18).fill('waybill.rejected'))
    await expect(appendEvents(folder, many(10), AT)).rejects.toMatchObject({ code: 'core/file-unwritable' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
