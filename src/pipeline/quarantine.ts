import { type Digest, parseDigest } from '../core/digest.ts'
import { asWaybillError, type ErrorCode, type WaybillError } from '../core/error.ts'
import type { Verified } from '../core/verified.ts'
import { type SetAside, setAside } from '../registry/quarantine-tag.ts'
import { formatReference } from '../registry/reference.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { QuarantineRecord } from '../statements/quarantine.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { quarantineDecision } from './quarantine-decision.ts'
import { type QuarantinedFile, quarantineFile } from './quarantine-file.ts'
import { quarantineMessage, reasonOf } from './quarantine-message.ts'
import {
  attachRecord,
  type RecordedImage,
  type RecordPorts,
  type SignedRecord,
  signRecord,
  standingRecord,
} from './quarantine-record.ts'

/**
 * `files`: rejected files are moved. `attest`: besides, a signed record is attached to images (of files: kept beside them) and
 * logged. `retag`: besides, the tag is taken away from the image.
 */
export type QuarantineMode = 'off' | 'files' | 'attest' | 'retag'
export const QUARANTINE_MODES: readonly QuarantineMode[] = ['off', 'files', 'attest', 'retag']

/** One subject after it was judged. What is neither an image nor a file in hand cannot be quarantined. */
export interface QuarantineSubject {
  readonly receipt: SubjectReceipt
  readonly file?: { readonly path: string; readonly bundle?: string }
  /** `tag`: the one that was under judgement, if it was named by one. */
  readonly image?: RecordedImage & { readonly tag?: string }
  /** Every statement about it that was verified, so that a record which stands already is not written again. */
  readonly signed?: readonly Verified<SignedStatement>[]
}

export interface QuarantineRequest {
  readonly mode: QuarantineMode
  readonly directory: string
  readonly policy?: { readonly uri: string; readonly digest?: Digest }
  readonly environment?: string
  readonly now: Date
}

/** `RecordPorts`, needed by `attest` and `retag` alone. */
export type QuarantinePorts = Partial<RecordPorts>

/** What became of one subject that was rejected. */
export interface QuarantineOutcome {
  readonly name: string
  readonly digest: string
  /** False: it was left alone, for `reason`. */
  readonly quarantined: boolean
  readonly reason?: string
  readonly codes: readonly ErrorCode[]
  readonly file?: QuarantinedFile
  readonly record?: Pick<SignedRecord, 'receipt' | 'payload'>
  readonly tags?: SetAside
  /** What was tried and could not be done. It changes no verdict: what is rejected stays rejected. */
  readonly problems: readonly WaybillError[]
  /** For people; empty when nothing was quarantined. */
  readonly message: string
}

/**
 * Quarantines what failed for its integrity, and only that (7-verify-deploy § 2, 13-adversary 31). To be called after
 * everything was judged and before the result is written. One that fails never stops the others, nor any verdict.
 * @returns an outcome for each subject that was rejected, in order; nothing for `off`.
 */
export async function quarantineRejected(
  subjects: readonly QuarantineSubject[],
  request: QuarantineRequest,
  ports: QuarantinePorts = {},
): Promise<readonly QuarantineOutcome[]> {
  if (request.mode === 'off') return []
  const outcomes: QuarantineOutcome[] = []
  // One after the other: they are few, and two that are the same image or file must not race.
  for (const subject of subjects)
    if (subject.receipt.verdict === 'rejected') outcomes.push(await quarantineOne(subject, request, ports))
  return outcomes
}

async function quarantineOne(
  subject: QuarantineSubject,
  request: QuarantineRequest,
  ports: QuarantinePorts,
): Promise<QuarantineOutcome> {
  const { name, digest } = subject.receipt
  const decision = quarantineDecision(subject.receipt)
  const base = { name, digest, codes: [], problems: [], message: '' }
  if (!decision.quarantine) return { ...base, quarantined: false, reason: decision.reason }
  const work = new Work(subject, request, decision.codes)
  if (subject.file !== undefined) await work.try(() => work.moveFile())
  if (request.mode !== 'files') await work.try(() => work.record(ports))
  if (request.mode === 'retag') await work.try(() => work.retag(ports))
  return work.outcome()
}

/** What is done for one subject, step by step; each step tells what it did or why not. */
class Work {
  readonly #subject: QuarantineSubject
  readonly #request: QuarantineRequest
  readonly #codes: readonly ErrorCode[]
  readonly #problems: WaybillError[] = []
  readonly #done: string[] = []
  #file: QuarantinedFile | undefined
  #record: SignedRecord | undefined
  #tags: SetAside | undefined

  constructor(subject: QuarantineSubject, request: QuarantineRequest, codes: readonly ErrorCode[]) {
    this.#subject = subject
    this.#request = request
    this.#codes = codes
  }

  async try(step: () => Promise<void>): Promise<void> {
    await step().catch(error => {
      this.#problems.push(asWaybillError(error))
    })
  }

  async moveFile(): Promise<void> {
    const { file, receipt } = this.#subject
    if (file === undefined) return
    const { policy, environment, now, directory } = this.#request
    const { findings, expected, found, evidence } = reasonOf(receipt, this.#codes)
    const reason = {
      digest: parseDigest(receipt.digest),
      quarantinedAt: now.toISOString(),
      subject: receipt.name,
      codes: this.#codes,
      findings: findings.map(({ code, message, expected, found, remedy }) => ({
        code,
        message,
        ...(expected === undefined ? {} : { expected }),
        ...(found === undefined ? {} : { found }),
        remedy,
      })),
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      evidence,
      ...(policy === undefined ? {} : { policy }),
      ...(environment === undefined ? {} : { environment }),
    }
    this.#file = await quarantineFile(file.path, directory, reason, file.bundle)
    this.#done.push(`moved to ${this.#file.moved}, with ${this.#file.record} beside it`)
  }

  async record({ registry, signer, keep }: QuarantinePorts): Promise<void> {
    const { image, file, signed = [] } = this.#subject
    if (signer === undefined || keep === undefined || (image === undefined && file === undefined)) return
    const record = this.#words()
    const me = await signer()
    const standing = standingRecord(record, signed, me.signer)
    if (standing !== undefined) {
      this.#done.push(`a signed record stands already, ${standing.payload}`)
      return
    }
    this.#record =
      image === undefined || registry === undefined
        ? await signRecord(record, { signer: async () => me, keep })
        : await attachRecord(image, record, { registry, signer: async () => me, keep })
    const { payload, receipt } = this.#record
    const log = receipt.log === undefined ? '' : `, entry ${receipt.log.index} of ${receipt.log.url}`
    this.#done.push(`signed record ${payload}${log}${receipt.stored === undefined ? '' : `, in ${receipt.stored}`}`)
  }

  async retag({ registry }: QuarantinePorts): Promise<void> {
    const { image } = this.#subject
    if (image === undefined || registry === undefined) return
    const { repository, subject, tag } = image
    this.#tags = await setAside(registry, repository, subject.digest, tag)
    const kept = formatReference({ ...repository, tag: this.#tags.kept })
    this.#done.push(`kept as ${kept}${this.#tags.removed ? `, and the tag ${tag} is gone` : ''}`)
    if (this.#tags.problem !== undefined) this.#problems.push(this.#tags.problem)
  }

  outcome(): QuarantineOutcome {
    const { name, digest } = this.#subject.receipt
    const base = { name, digest, codes: this.#codes, problems: this.#problems }
    const left = this.#problems.map(({ message, found }) => (found === undefined ? message : `${message}: ${found}`))
    if (this.#done.length === 0) {
      const reason = left[0] ?? 'nothing of it is in hand that could be moved, and this mode writes no record'
      return { ...base, quarantined: false, reason, message: '' }
    }
    return {
      ...base,
      quarantined: true,
      ...(this.#file === undefined ? {} : { file: this.#file }),
      ...(this.#record === undefined ? {} : { record: this.#record }),
      ...(this.#tags === undefined ? {} : { tags: this.#tags }),
      message: this.#message(left),
    }
  }

  #message(left: readonly string[]): string {
    const { receipt, image } = this.#subject
    const target = this.#file?.record ?? (image === undefined ? receipt.name : referenceOf(image))
    const reason = reasonOf(receipt, this.#codes)
    return quarantineMessage({ ...reason, name: receipt.name, digest: receipt.digest, done: this.#done, left, target })
  }

  /** No texts of findings: they quote what strangers wrote, and a record is public for ever. */
  #words(): QuarantineRecord {
    const { policy, environment } = this.#request
    return {
      digest: parseDigest(this.#subject.receipt.digest),
      decision: 'quarantine',
      ...(policy === undefined ? {} : { policy: policy.uri }),
      ...(environment === undefined ? {} : { environment }),
      reason: 'The gate rejected it for failed integrity',
      codes: this.#codes.slice(0, MAX_CODES),
    }
  }
}

const MAX_CODES = 50

function referenceOf({ repository, subject }: RecordedImage): string {
  return formatReference({ ...repository, digest: subject.digest })
}
