import { LIMITS } from '../core/limits.ts'
import { type RetryClock, retryAfterMs } from '../io/retry.ts'

/**
 * How long one registry is waited for, over all requests of a run. When it asks one request to come again later, all others
 * wait, too: those already on their way would only be refused in turn, and make it wait longer.
 */
export class Patience {
  readonly #clock: RetryClock
  #until = 0
  #waitedMs = 0
  #waiting = 0
  #since = 0

  constructor(clock: RetryClock) {
    this.#clock = clock
  }

  /** The clock whose sleeps count; those of several requests at once count once. */
  readonly clock: RetryClock = {
    now: () => this.#clock.now(),
    random: () => this.#clock.random(),
    sleep: ms => this.#sleep(ms),
  }

  /** Milliseconds that one more request may wait. */
  get leftMs(): number {
    return Math.max(0, Math.min(LIMITS.retryBudgetMs, LIMITS.registryWaitMs - this.#waitedMs))
  }

  /** Waits for the registry's own time, if it gave one. */
  async turn(): Promise<void> {
    const ms = this.#until - this.#clock.now()
    // Not all at the same moment: the registry would refuse most of them again.
    if (ms > 0) await this.#sleep(ms + Math.round(this.#clock.random() * 500))
  }

  /** Learns from an answer. A time beyond what is waited for binds only the request that was told. */
  heed(answer: { readonly status: number; readonly headers: Readonly<Record<string, string>> }): void {
    if (answer.status !== 429 && answer.status !== 503) return
    const now = this.#clock.now()
    const ms = retryAfterMs(answer.headers['retry-after'], now)
    if (ms !== undefined && ms <= this.leftMs) this.#until = Math.max(this.#until, now + ms)
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#waiting++ === 0) this.#since = this.#clock.now()
    try {
      await this.#clock.sleep(ms)
    } finally {
      if (--this.#waiting === 0) this.#waitedMs += this.#clock.now() - this.#since
    }
  }
}
