import { resolve } from 'node:path'
import { parseDigest } from '../core/digest.ts'
import { printable } from '../core/text.ts'
import { exists } from '../io/files.ts'
import { appendEvents } from '../pipeline/append-events.ts'
import {
  type QuarantineMode,
  type QuarantineOutcome,
  type QuarantineSubject,
  quarantineRejected,
} from '../pipeline/quarantine.ts'
import { QUARANTINE_FOLDER } from '../pipeline/quarantine-file.ts'
import type { RecordPorts } from '../pipeline/quarantine-record.ts'
import { type Repository, repositoryOf } from '../registry/reference.ts'
import type { Receipt, SubjectReceipt } from '../report/receipt.ts'
import type { GateResult } from './gate.ts'
import type { ClientFor } from './gate-evidence.ts'

/** Who signs records, and where they are put; made before anything is judged, asked for nothing until something is rejected. */
export interface QuarantineHands extends RecordPorts {
  readonly clientFor: ClientFor
  /** Registry repository with the bundles of files. */
  readonly filesRepository?: Repository
}

/** What becomes of a verdict; paths relative to `folder`. */
export interface AfterOptions {
  /** Absent: `files`, which moves rejected files and leaves everything else alone. */
  readonly quarantine?: QuarantineMode
  /** Needed by `attest` and `retag`. */
  readonly hands?: QuarantineHands
  readonly quarantineDirectory?: string
  readonly events?: string
  readonly folder: string
  readonly now: Date
}

/**
 * What follows the verdict and cannot change it: what failed for its integrity is quarantined (7-verify-deploy § 2), events are
 * told. @throws `core/file-unwritable` when events cannot be written: somebody relies on being told.
 */
export async function afterGate(result: GateResult, options: AfterOptions): Promise<Receipt> {
  const { folder, now, events, quarantineDirectory = QUARANTINE_FOLDER, quarantine = 'files', hands } = options
  const { receipt } = result
  const subjects = await Promise.all(receipt.subjects.map(subject => inHand(subject, result, hands)))
  const { filesRepository } = hands ?? {}
  const files =
    hands === undefined || filesRepository === undefined
      ? {}
      : { files: { registry: hands.clientFor('typed', { private: true }), repository: filesRepository } }
  const outcomes = await quarantineRejected(
    subjects,
    {
      mode: quarantine,
      directory: resolve(folder, quarantineDirectory),
      ...(receipt.policy === undefined ? {} : { policy: receipt.policy }),
      now,
    },
    { ...hands, ...files },
  )
  const told = withOutcomes(receipt, outcomes)
  if (events !== undefined) await appendEvents(resolve(folder, events), told, now)
  return told
}

async function inHand(
  receipt: SubjectReceipt,
  { files, rejected }: GateResult,
  hands: QuarantineHands | undefined,
): Promise<QuarantineSubject> {
  const found = rejected.get(receipt.name)
  const { environment } = found?.expectation.deployer ?? {}
  const known = {
    receipt,
    signed: found?.records ?? [],
    ...(environment === undefined ? {} : { environment }),
  }
  const path = files.get(receipt.name)
  if (path !== undefined) {
    const bundle = `${path}.sigstore.json`
    return { ...known, file: { path, ...((await exists(bundle)) ? { bundle } : {}) } }
  }
  if (found?.reference === undefined || hands === undefined) return known
  const { reference, origin, expectation } = found
  const registry = hands.clientFor(origin, expectation)
  const repository = repositoryOf(reference)
  const image = {
    repository,
    ...(reference.tag === undefined ? {} : { tag: reference.tag }),
    registry,
    describe: async () => (await registry.getManifest(repository, parseDigest(receipt.digest))).descriptor,
  }
  return { ...known, image }
}

/** The subject says what became of it, and people are told where it is and how to get it back. */
function withOutcomes(receipt: Receipt, outcomes: readonly QuarantineOutcome[]): Receipt {
  const done = outcomes.filter(({ quarantined }) => quarantined)
  // What was done of a subject tells in its message what was not.
  const failed = outcomes.flatMap(({ quarantined, name, problems }) =>
    quarantined ? [] : problems.map(({ message }) => printable(`${name} could not be quarantined: ${message}`, 1_000)),
  )
  if (done.length === 0 && failed.length === 0) return receipt
  const known = new Map(done.map(outcome => [outcome.name, outcome]))
  const subjects = receipt.subjects.map(subject => {
    const outcome = known.get(subject.name)
    return outcome === undefined ? subject : { ...subject, quarantine: quarantineOf(outcome) }
  })
  return {
    ...receipt,
    subjects,
    attestations: [...receipt.attestations, ...done.flatMap(({ record }) => record?.receipt ?? [])],
    // A notice is one line: whatever else is in it is a control character that somebody wrote into a name.
    notices: [...receipt.notices, ...done.flatMap(({ message }) => linesOf(message)), ...failed],
  }
}

function linesOf(message: string): readonly string[] {
  return message.split('\n').map(line => line.trim())
}

function quarantineOf({ record, standing, file, tags }: QuarantineOutcome): NonNullable<SubjectReceipt['quarantine']> {
  const words = record?.payload ?? standing
  const moved = file?.moved ?? tags?.kept
  return {
    state: 'quarantined',
    from: 'run',
    ...(words === undefined ? {} : { record: words }),
    ...(moved === undefined ? {} : { moved }),
  }
}
