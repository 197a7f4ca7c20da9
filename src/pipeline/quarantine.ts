import { type Digest, parseDigest } from '../core/digest.ts'
import { asWaybillError, type ErrorCode, type WaybillError } from '../core/error.ts'
import type { Verified } from '../core/verified.ts'
import { sharedName } from '../policy/policy-name.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { Descriptor } from '../registry/manifest.ts'
import { type SetAside, setAside } from '../registry/quarantine-tag.ts'
import { formatReference, type Repository } from '../registry/reference.ts'
import type { SubjectReceipt } from '../report/receipt.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { quarantineDecision } from './quarantine-decision.ts'
import { type QuarantinedFile, quarantineFile } from './quarantine-file.ts'
import { quarantineMessage, reasonOf } from './quarantine-message.ts'
import {
  attachRecord,
  type QuarantineWord,
  type RecordPorts,
  type SignedRecord,
  signRecord,
  standingRecord,
  storeFileRecord,
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
  readonly image?: QuarantinedImage
  /** Every statement about it that was verified, so that a record which stands already is not written again. */
  readonly signed?: readonly Verified<SignedStatement>[]
  /** Deployment environment of the rule that judged it. */
  readonly environment?: string
}

export interface QuarantinedImage {
  readonly repository: Repository
  /** The one that was under judgement, if it was named by one. */
  readonly tag?: string
  /** With the logins that the caller has for whoever named the image (13-adversary 39). */
  readonly registry: RegistryClient
  /** The manifest, asked for only when something is attached to it. */
  describe(): Promise<Descriptor>
}

export interface QuarantineRequest {
  readonly mode: QuarantineMode
  readonly directory: string
  readonly policy?: { readonly uri: string; readonly digest?: Digest }
  readonly now: Date
}

/** Needed by `attest` and `retag` alone. */
export interface QuarantinePorts extends Partial<RecordPorts> {
  /** Registry repository that keeps bundles of files, also their records. */
  readonly files?: { readonly registry: RegistryClient; readonly repository: Repository }
}

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
  /** A record of the same signer and scope that stood already, by the digest of its signed bytes. */
  readonly standing?: Digest
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
  const run: RunSoFar = {
    passed: new Set(subjects.flatMap(({ receipt }) => (receipt.verdict === 'passed' ? [receipt.digest] : []))),
    records: new Map(),
  }
  // One after the other: they are few, and two that are the same image or file must not race.
  for (const subject of subjects)
    if (subject.receipt.verdict === 'rejected') outcomes.push(await quarantineOne(subject, request, ports, run))
  return outcomes
}

interface RunSoFar {
  /** Digests that passed under another name or rule. */
  readonly passed: ReadonlySet<string>
  /** Signed in this run, by digest and scope: two tags of one image need one. */
  readonly records: Map<string, SignedRecord>
}

async function quarantineOne(
  subject: QuarantineSubject,
  request: QuarantineRequest,
  ports: QuarantinePorts,
  run: RunSoFar,
): Promise<QuarantineOutcome> {
  const { name, digest } = subject.receipt
  const decision = quarantineDecision(subject.receipt)
  const base = { name, digest, codes: [], problems: [], message: '' }
  if (!decision.quarantine) return { ...base, quarantined: false, reason: decision.reason }
  // A record is about bytes: the same ones are good where another rule looks at them.
  if (run.passed.has(digest)) return { ...base, quarantined: false, reason: 'the same digest passed in this run' }
  const work = new Work(subject, request, decision.codes, run)
  if (subject.file !== undefined) await work.try(() => work.moveFile())
  if (request.mode !== 'files') await work.try(() => work.record(ports))
  if (request.mode === 'retag') await work.try(() => work.retag())
  return work.outcome()
}

/** What is done for one subject, step by step; each step tells what it did or why not. */
class Work {
  readonly #subject: QuarantineSubject
  readonly #request: QuarantineRequest
  readonly #codes: readonly ErrorCode[]
  readonly #run: RunSoFar
  readonly #problems: WaybillError[] = []
  readonly #done: string[] = []
  #file: QuarantinedFile | undefined
  #record: SignedRecord | undefined
  #standing: Digest | undefined
  #tags: SetAside | undefined

  constructor(subject: QuarantineSubject, request: QuarantineRequest, codes: readonly ErrorCode[], run: RunSoFar) {
    this.#run = run
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
    const { file, receipt, environment } = this.#subject
    if (file === undefined) return
    const { policy, now, directory } = this.#request
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

  async record({ signer, keep, files }: QuarantinePorts): Promise<void> {
    const { image, file, signed = [] } = this.#subject
    if (signer === undefined || keep === undefined || (image === undefined && file === undefined)) return
    const word = this.#word()
    const me = await signer()
    const standing = standingRecord(word, signed, me.signer)
    if (standing !== undefined) {
      this.#standing = standing.payload
      this.#done.push(`a signed record stands already, ${standing.payload}`)
      return
    }
    const key = JSON.stringify([word.digest, word.policy, word.environment])
    const record = this.#run.records.get(key) ?? (await signRecord(word, { signer: async () => me, keep }))
    this.#run.records.set(key, record)
    this.#record = record
    const { log } = record.receipt
    const entry = log === undefined ? '' : `, entry ${log.index} of ${log.url}`
    this.#done.push(`signed record ${record.payload}${entry}, kept as ${record.receipt.bundle}`)
    await this.#store(record, files)
  }

  async #store(record: SignedRecord, files: QuarantinePorts['files']): Promise<void> {
    const { image } = this.#subject
    if (image !== undefined) {
      const { repository, registry } = image
      this.#record = await attachRecord({ repository, subject: await image.describe() }, record, registry)
    } else if (files !== undefined) this.#record = await storeFileRecord(files.repository, record, files.registry)
    const stored = this.#record?.receipt.stored
    if (stored !== undefined) this.#done.push(`the record is in ${stored}`)
  }

  async retag(): Promise<void> {
    const { image, receipt } = this.#subject
    if (image === undefined) return
    const { repository, tag, registry } = image
    this.#tags = await setAside(registry, repository, parseDigest(receipt.digest), tag)
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
      ...(this.#standing === undefined ? {} : { standing: this.#standing }),
      ...(this.#tags === undefined ? {} : { tags: this.#tags }),
      message: this.#message(left),
    }
  }

  #message(left: readonly string[]): string {
    const { receipt, image } = this.#subject
    const target = this.#file?.record ?? (image === undefined ? receipt.name : referenceOf(image, receipt))
    const reason = reasonOf(receipt, this.#codes)
    return quarantineMessage({ ...reason, name: receipt.name, digest: receipt.digest, done: this.#done, left, target })
  }

  /** No texts of findings: they quote what strangers wrote, and a record is public for ever. No path of this machine either. */
  #word(): QuarantineWord {
    const { receipt, environment } = this.#subject
    const policy = sharedName(this.#request.policy?.uri)
    return {
      digest: parseDigest(receipt.digest),
      decision: 'quarantine',
      ...(policy === undefined ? {} : { policy }),
      ...(environment === undefined ? {} : { environment }),
      reason: 'The gate rejected it for failed integrity',
      codes: this.#codes.slice(0, MAX_CODES),
    }
  }
}

const MAX_CODES = 50

function referenceOf({ repository }: QuarantinedImage, { digest }: SubjectReceipt): string {
  return formatReference({ ...repository, digest: parseDigest(digest) })
}
