import { asWaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import type { HttpAnswer } from './http.ts'

export interface RetryClock {
  now(): number
  sleep(ms: number): Promise<void>
  random(): number
}

export const realClock: RetryClock = {
  now: () => Date.now(),
  sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
  random: Math.random,
}

/** Nine tries wait at least ten seconds in all, at most twenty: as long as a service takes to start again. */
const ATTEMPTS = 9
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 4_000

/**
 * Repeats `attempt` while the answer is 408, 429, 500, 502, 503 or 504 or no answer came, with exponential backoff
 * and jitter, honouring Retry-After (seconds or HTTP date), inside one total budget.
 * @returns the last answer, also when it is still a failure; @throws the last error when nothing ever answered.
 */
export async function withRetry<A extends Pick<HttpAnswer, 'status' | 'headers'>>(
  attempt: () => Promise<A>,
  options: { budgetMs?: number; attempts?: number; clock?: RetryClock } = {},
): Promise<A> {
  const clock = options.clock ?? realClock
  const end = clock.now() + (options.budgetMs ?? LIMITS.retryBudgetMs)
  const attempts = options.attempts ?? ATTEMPTS
  for (let round = 0; ; round++) {
    const result = await settle(attempt)
    const last = round + 1 >= attempts
    if ('answer' in result && !isTransient(result.answer.status)) return result.answer
    const wait = 'answer' in result ? pause(round, clock, result.answer.headers['retry-after']) : pause(round, clock)
    if (last || clock.now() + wait > end || ('error' in result && !isRetriable(result.error))) {
      if ('answer' in result) return result.answer
      throw result.error
    }
    await clock.sleep(wait)
  }
}

export function isTransient(status: number): boolean {
  return status === 408 || status === 429 || status === 500 || (status >= 502 && status <= 504)
}

async function settle<A>(attempt: () => Promise<A>): Promise<{ answer: A } | { error: unknown }> {
  try {
    return { answer: await attempt() }
  } catch (error) {
    return { error }
  }
}

function isRetriable(error: unknown): boolean {
  return asWaybillError(error).code === 'core/unreachable'
}

function pause(round: number, clock: RetryClock, retryAfter?: string): number {
  const asked = retryAfterMs(retryAfter, clock.now())
  if (asked !== undefined) return asked
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** round, LONGEST_PAUSE_MS)
  // Half of it at random, so that many jobs that failed together do not come back together.
  return Math.round(longest * (0.5 + clock.random() / 2)) + 50
}

/** Retry-After in milliseconds from now; undefined when absent or unreadable. RFC 9110 § 10.2.3. */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
