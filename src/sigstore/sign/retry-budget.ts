import { LIMITS } from '../../core/limits.ts'
import { isTransient, type RetryClock, realClock } from '../../io/retry.ts'

/**
 * How long the services of one session may keep it waiting in all: each request has retries, a session has dozens of
 * requests, and a job that hangs for an hour in retries has failed without saying so. Failures of requests side by side
 * overlap and count once. The first try of a request is always made, so a service that works is not punished for another.
 */
export class RetryBudget {
  readonly #totalMs: number
  readonly #clock: RetryClock
  #spent = 0
  #until = Number.NEGATIVE_INFINITY

  /** @param totalMs default `LIMITS.retryBudgetMs`. */
  constructor(totalMs: number = LIMITS.retryBudgetMs, clock: RetryClock = realClock) {
    this.#totalMs = totalMs
    this.#clock = clock
  }

  /** Milliseconds that may still be lost. */
  get leftMs(): number {
    return Math.max(0, this.#totalMs - this.#spent)
  }

  /** One try of a request; what it took is lost if it failed in a way that is tried again. */
  async attempt<A extends { readonly status: number }>(send: () => Promise<A>): Promise<A> {
    const from = this.#clock.now()
    try {
      const answer = await send()
      if (isTransient(answer.status)) this.#lose(from)
      return answer
    } catch (error) {
      this.#lose(from)
      throw error
    }
  }

  /** The clock for `withRetry`, whose pauses are lost time, too. */
  get clock(): RetryClock {
    const clock = this.#clock
    return {
      now: () => clock.now(),
      random: () => clock.random(),
      sleep: async ms => {
        const from = clock.now()
        await clock.sleep(ms)
        this.#lose(from)
      },
    }
  }

  #lose(from: number): void {
    const to = this.#clock.now()
    this.#spent += Math.max(0, to - Math.max(from, this.#until))
    this.#until = Math.max(this.#until, to)
  }
}
