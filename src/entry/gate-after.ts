import { resolve } from 'node:path'
import { exists } from '../io/files.ts'
import { appendEvents } from '../pipeline/append-events.ts'
import { type QuarantineOutcome, quarantineRejected } from '../pipeline/quarantine.ts'
import { QUARANTINE_FOLDER } from '../pipeline/quarantine-file.ts'
import type { Receipt, SubjectReceipt } from '../report/receipt.ts'
import type { GateResult } from './gate.ts'

/** What becomes of a verdict; paths relative to `folder`. */
export interface AfterOptions {
  /** Absent: `files`, which moves rejected files and leaves everything else alone. */
  readonly quarantine?: 'off' | 'files'
  readonly quarantineDirectory?: string
  readonly events?: string
  readonly folder: string
  readonly now: Date
}

/**
 * What follows the verdict and cannot change it: rejected files are moved away (7-verify-deploy § 2), events are told.
 * @throws `core/file-unwritable` when events cannot be written: somebody relies on being told.
 */
export async function afterGate({ receipt, files }: GateResult, options: AfterOptions): Promise<Receipt> {
  const { folder, now, events, quarantineDirectory = QUARANTINE_FOLDER, quarantine = 'files' } = options
  const subjects = await Promise.all(receipt.subjects.map(subject => inHand(subject, files)))
  const outcomes = await quarantineRejected(subjects, {
    mode: quarantine,
    directory: resolve(folder, quarantineDirectory),
    ...(receipt.policy === undefined ? {} : { policy: receipt.policy }),
    now,
  })
  const told = withOutcomes(receipt, outcomes)
  if (events !== undefined) await appendEvents(resolve(folder, events), told, now)
  return told
}

async function inHand(receipt: SubjectReceipt, files: GateResult['files']) {
  const path = files.get(receipt.name)
  if (path === undefined) return { receipt }
  const bundle = `${path}.sigstore.json`
  return { receipt, file: { path, ...((await exists(bundle)) ? { bundle } : {}) } }
}

/** The subject says that it was moved, and people are told where it is and how to get it back. */
function withOutcomes(receipt: Receipt, outcomes: readonly QuarantineOutcome[]): Receipt {
  const done = outcomes.filter(({ quarantined }) => quarantined)
  const failed = outcomes.flatMap(({ problems }) => problems.map(({ message }) => message))
  if (done.length === 0 && failed.length === 0) return receipt
  const names = new Set(done.map(({ name }) => name))
  const subjects = receipt.subjects.map(subject =>
    names.has(subject.name) ? { ...subject, quarantine: { state: 'quarantined', from: 'run' } as const } : subject,
  )
  return { ...receipt, subjects, notices: [...receipt.notices, ...done.map(({ message }) => message), ...failed] }
}
