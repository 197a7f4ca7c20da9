import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { type Finding, worst } from '../core/verdict.ts'
import type {
  AttestationReceipt,
  ImageReceipt,
  Receipt,
  RuleChange,
  SinkReceipt,
  SubjectReceipt,
} from '../report/receipt.ts'
import type { LastLook } from './last-attested.ts'
import { NOT_VERIFIED } from './materials-unchecked.ts'
import type { SavedState } from './saved-state.ts'
import { outcomeOfError, type StageLog } from './stages.ts'

/** What a run has learned so far. It is written down as it happens, so that a failed run still tells all it knows. */
export class RunRecord {
  readonly stages: StageLog
  subjects: readonly SubjectReceipt[] = []
  attestations: readonly AttestationReceipt[] = []
  sinks: readonly SinkReceipt[] = []
  ruleChanges: readonly RuleChange[] = []
  image: ImageReceipt | undefined
  policy: Receipt['policy']
  identity: Receipt['identity']
  signingKey: Receipt['signingKey']
  source: Receipt['source']
  materials: Receipt['materials']
  reproducible: Receipt['reproducible']
  suggestedPolicy: string | undefined
  since: Receipt['since']
  /** The one look at the last attested image. */
  last: Promise<LastLook> | undefined
  /** Whether another attempt on another machine will find what was signed. */
  saved: SavedState
  readonly notices: string[] = []
  readonly notChecked: string[] = []
  readonly #open: (() => Promise<void>)[] = []
  readonly #last: (() => Promise<void>)[] = []
  #error: WaybillError | undefined

  constructor(stages: StageLog) {
    this.stages = stages
  }

  /** Something to end when the run ends, however it ends. */
  onEnd(close: () => Promise<void>): void {
    this.#open.push(close)
  }

  /** Something that may still be found out while the run does other things; it must not throw. */
  beforeEnd(learn: () => Promise<void>): void {
    this.#last.push(learn)
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#last.splice(0).map(learn => learn()))
    // Ending one thing may open the next: what was still being fetched.
    while (this.#open.length > 0) await Promise.allSettled(this.#open.splice(0).map(close => close()))
  }

  fail(error: unknown): void {
    this.#error = asWaybillError(error)
  }

  /** An error between the first stage and the last: what nobody came to look at is told. */
  endBy(error: unknown): void {
    this.fail(error)
    const told = this.materials !== undefined || this.notChecked.includes(NOT_VERIFIED)
    if (!told && this.stages.state('materials') !== 'not-asked') this.notChecked.push(NOT_VERIFIED)
    this.notChecked.push(`What comes after the stage ${this.stages.last()}: the run ended there.`)
  }

  get error(): WaybillError | undefined {
    return this.#error
  }

  receipt(command: string): Receipt {
    const { image, policy, identity, signingKey, source, materials, suggestedPolicy, ruleChanges, saved, since } = this
    const { reproducible } = this
    return {
      schemaVersion: 1,
      command,
      // What ended the run may have happened between two stages that passed.
      verdict:
        this.#error === undefined ? this.stages.verdict() : worst([this.stages.verdict(), outcomeOfError(this.#error)]),
      subjects: this.subjects,
      stages: this.stages.receipts(),
      attestations: this.attestations,
      ...(this.sinks.length === 0 ? {} : { sinks: this.sinks }),
      ...(since === undefined ? {} : { since }),
      ...(ruleChanges.length === 0 ? {} : { ruleChanges }),
      ...(image === undefined ? {} : { image }),
      ...(materials === undefined ? {} : { materials }),
      ...(reproducible === undefined ? {} : { reproducible }),
      ...(policy === undefined ? {} : { policy }),
      ...(source === undefined ? {} : { source }),
      ...(identity === undefined ? {} : { identity }),
      ...(signingKey === undefined ? {} : { signingKey }),
      ...(suggestedPolicy === undefined ? {} : { suggestedPolicy }),
      ...(saved === undefined || !('artifact' in saved) ? {} : { stateArtifact: saved.artifact }),
      notChecked: [...this.notChecked],
      notices: [...this.notices, ...untold(saved)],
      requests: this.stages.requests(),
      ...(this.#error === undefined ? {} : { error: errorReceipt(this.#error) }),
    }
  }
}

function untold(saved: SavedState): readonly string[] {
  if (saved === undefined || 'artifact' in saved) return []
  const { code, why } = saved.trouble
  return [`What was signed could not be saved for another attempt: ${why} (${code}).`]
}

export function errorReceipt(error: WaybillError): NonNullable<Receipt['error']> {
  const { code, message, expected, found, remedy } = error
  return {
    code,
    message,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    remedy,
  }
}

/** The error that ends a run on a finding, with the same code and facts. */
export function errorOf(finding: Finding, kind: 'rejected' | 'unknown'): WaybillError {
  const { code, message, expected, found, remedy } = finding
  return fail(code, message, {
    kind,
    remedy,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
  })
}
