import { asWaybillError, type WaybillError } from '../core/error.ts'
import { STAGES, type StageMode, type StageName, type StageState } from '../core/stage.ts'
import { type Outcome, worst } from '../core/verdict.ts'
import type { StageReceipt } from '../report/receipt.ts'
import type { Progress } from './progress.ts'

/** What a stage hands back: its state and the value the next stage needs. */
export interface StageResult<T> {
  readonly state: StageState
  /** The mode it really had, where that was only found out on the way. */
  readonly mode?: StageMode
  readonly value: T
}

export interface StagePorts {
  /** Milliseconds, monotonic. */
  clock(): number
  /** Requests made so far. */
  requests(): number
  readonly progress: Progress
}

/** Keeps the order, state and duration of the stages of one run, also when one of them throws. */
export class StageLog {
  readonly #done = new Map<StageName, StageReceipt>()
  readonly #requests: Record<string, number> = {}
  readonly #ports: StagePorts

  constructor(ports: StagePorts) {
    this.#ports = ports
  }

  /** Runs one stage. A thrown error is recorded as the stage's state and thrown on. */
  async run<T>(name: StageName, mode: StageMode | undefined, work: () => Promise<StageResult<T>>): Promise<T> {
    const started = this.#ports.clock()
    const asked = this.#ports.requests()
    this.#ports.progress({ kind: 'begun', what: name })
    try {
      const { state, value, mode: found = mode } = await work()
      this.#set(name, state, found, started)
      return value
    } catch (error) {
      this.#set(name, outcomeOfError(asWaybillError(error)), mode, started)
      throw error
    } finally {
      this.#tellEnd(name)
      this.#requests[name] = this.#ports.requests() - asked
    }
  }

  /** A stage that nobody asked for: a state, never a verdict. */
  notAsked(name: StageName): void {
    this.#set(name, 'not-asked', undefined, this.#ports.clock())
  }

  /** What a later stage found out about an earlier one; nothing gets better by it. */
  worsen(name: StageName, outcome: Outcome): void {
    const known = this.#done.get(name)
    if (known !== undefined && isOutcome(known.state))
      this.#done.set(name, { ...known, state: worst([known.state, outcome]) })
  }

  /** Every stage in order; those that were never begun are `not-reached`. Of files and a second build only where there were any. */
  receipts(): readonly StageReceipt[] {
    const stages = STAGES.filter(name => (name !== 'files' && name !== 'reproducible') || this.#done.has(name))
    return stages.map(name => this.#done.get(name) ?? { name, state: 'not-reached', ms: 0 })
  }

  /** Requests of each stage that was begun. */
  requests(): Readonly<Record<string, number>> {
    return { ...this.#requests }
  }

  /** The stage that was begun last. */
  last(): StageName {
    return STAGES.findLast(name => this.#done.has(name)) ?? 'preflight'
  }

  state(name: StageName): StageState {
    return this.#done.get(name)?.state ?? 'not-reached'
  }

  /** The worst outcome of all asked stages, whatever their mode (13-adversary 41). */
  verdict(): Outcome {
    const outcomes = [...this.#done.values()].map(stage => stage.state).filter(isOutcome)
    const [first, ...rest] = outcomes
    return first === undefined ? 'unknown' : worst([first, ...rest])
  }

  #tellEnd(name: StageName): void {
    const { state = 'unknown', ms = 0 } = this.#done.get(name) ?? {}
    this.#ports.progress({ kind: 'ended', what: name, state, ms })
  }

  #set(name: StageName, state: StageState, mode: StageMode | undefined, started: number): void {
    const ms = Math.round(this.#ports.clock() - started)
    this.#done.set(name, { name, state, ...(mode === undefined ? {} : { mode }), ms })
  }
}

/** What an error means for a verdict: a configuration that was not understood decided nothing. */
export function outcomeOfError(error: WaybillError): Outcome {
  return error.kind === 'rejected' ? 'rejected' : 'unknown'
}

function isOutcome(state: StageState): state is Outcome {
  return state === 'passed' || state === 'rejected' || state === 'unknown'
}
