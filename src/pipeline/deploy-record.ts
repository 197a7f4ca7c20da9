import { asWaybillError, type WaybillError } from '../core/error.ts'
import type { StageName } from '../core/stage.ts'
import { type Outcome, worst } from '../core/verdict.ts'
import type { AttestationReceipt, Receipt, StageReceipt } from '../report/receipt.ts'
import type { DeployPorts, DeployRequest } from './deploy-request.ts'
import { errorReceipt } from './run.ts'
import { outcomeOfError } from './stages.ts'

type DeployStage = Extract<StageName, 'preflight' | 'sign' | 'publish' | 'self-verify' | 'tags'>

const STAGES = ['preflight', 'judge', 'sign', 'publish', 'self-verify', 'tags'] as const

/** What a deploy has learned so far, written down as it happens: a failed one still tells all it knows. */
export class DeployRecord {
  attestations: readonly AttestationReceipt[] = []
  readonly notices: string[] = []
  readonly #request: DeployRequest
  readonly #ports: Pick<DeployPorts, 'clock' | 'progress'>
  readonly #stages = new Map<string, StageReceipt>()
  #judged: readonly Receipt[] = []
  #identity: Receipt['identity']
  #error: WaybillError | undefined

  constructor(request: DeployRequest, ports: Pick<DeployPorts, 'clock' | 'progress'>) {
    this.#request = request
    this.#ports = ports
  }

  async stage<T>(name: DeployStage, work: () => Promise<T>): Promise<T> {
    const started = this.#ports.clock()
    this.#ports.progress(`${name} …`)
    const set = (state: StageReceipt['state']): void => {
      this.#stages.set(name, { name, state, ms: Math.round(this.#ports.clock() - started) })
    }
    try {
      const value = await work()
      set('passed')
      return value
    } catch (error) {
      set(outcomeOfError(asWaybillError(error)))
      throw error
    }
  }

  notAsked(name: DeployStage): void {
    this.#stages.set(name, { name, state: 'not-asked', ms: 0 })
  }

  judged(receipt: Receipt): void {
    this.#judged = [...this.#judged, receipt]
    const verdict = this.#verdictOfGate()
    const ms = this.#judged.flatMap(({ stages }) => stages).reduce((sum, stage) => sum + stage.ms, 0)
    this.#stages.set('judge', { name: 'judge', state: verdict, ms })
  }

  signedBy(identity: NonNullable<Receipt['identity']>): void {
    this.#identity = identity
  }

  fail(error: unknown): void {
    this.#error = asWaybillError(error)
  }

  get error(): WaybillError | undefined {
    return this.#error
  }

  receipt(): Receipt {
    const { command, policy } = this.#request
    const [first] = this.#judged
    const error = this.#error === undefined ? first?.error : errorReceipt(this.#error)
    return {
      schemaVersion: 1,
      command,
      verdict: this.#verdict(),
      subjects: this.#judged.flatMap(({ subjects }) => subjects),
      stages: STAGES.map(name => this.#stages.get(name) ?? { name, state: 'not-reached', ms: 0 }),
      attestations: this.attestations,
      policy,
      ...(this.#identity === undefined ? {} : { identity: this.#identity }),
      notChecked: [...new Set(this.#judged.flatMap(({ notChecked }) => notChecked))],
      notices: [...this.notices],
      ...(error === undefined ? {} : { error }),
    }
  }

  #verdict(): Outcome {
    const judged = this.#verdictOfGate()
    return this.#error === undefined
      ? judged
      : worst([judged === 'rejected' ? judged : 'passed', outcomeOfError(this.#error)])
  }

  /** Nothing judged is never "passed". */
  #verdictOfGate(): Outcome {
    const [first, ...more] = this.#judged.map(({ verdict }) => verdict)
    return first === undefined ? 'unknown' : worst([first, ...more])
  }
}
