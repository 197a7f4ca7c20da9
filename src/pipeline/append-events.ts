import { appendTo } from '../io/files.ts'
import { renderEvents } from '../report/events.ts'
import type { Receipt } from '../report/receipt.ts'

/**
 * Appends a line for each rejected or quarantined subject to a file that something else reads, all lines in one write. The
 * file is created even if there is nothing to tell, so that whoever follows it finds it. @throws `core/file-unwritable`
 */
export async function appendEvents(path: string, receipt: Receipt, at: Date): Promise<void> {
  await appendTo(path, renderEvents(receipt, at))
}
