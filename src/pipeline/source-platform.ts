import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { inParallel } from '../core/parallel.ts'
import type { Answer, PlatformCommit } from '../policy/evidence.ts'
import type { PlatformPort } from './attest-request.ts'

/** Commits in one question. */
const BATCH = 25
/** Questions under way at once. */
const LANES = 4
/** Answers kept: those of the commits around the present one, not of a whole history. */
const KEPT = 4_096

/**
 * Asks the platform about commits, many at once, each once. Every failure becomes an answer that says so: a platform that
 * does not answer has not said "there is no pull request" (13-adversary 5).
 */
export class PlatformAnswers {
  readonly #port: PlatformPort | undefined
  readonly #remaining: () => number
  readonly #known = new Map<CommitId, Answer<PlatformCommit>>()
  #keys: Promise<Answer<Uint8Array>> | undefined

  /** @param remaining milliseconds until the stage ends; throws `source/deadline` when there are none. */
  constructor(port: PlatformPort | undefined, remaining: () => number) {
    this.#port = port
    this.#remaining = remaining
  }

  /** @returns an answer for each commit. @throws `source/deadline` */
  async about(ids: readonly CommitId[]): Promise<ReadonlyMap<CommitId, Answer<PlatformCommit>>> {
    if (this.#known.size > KEPT) this.#known.clear()
    const open = [...new Set(ids)].filter(id => !this.#known.has(id))
    const batches = Array.from({ length: Math.ceil(open.length / BATCH) }, (_, i) =>
      open.slice(i * BATCH, (i + 1) * BATCH),
    )
    await inParallel(batches, LANES, async batch => {
      const answers = await this.#ask(batch)
      for (const [at, id] of batch.entries()) this.#known.set(id, answers[at] ?? unavailable(strange(id)))
    })
    return new Map(ids.map(id => [id, this.#known.get(id) ?? unavailable(strange(id))]))
  }

  /** ASCII armor of the platform's signing keys, asked once. @throws `source/deadline` */
  signingKeys(): Promise<Answer<Uint8Array>> {
    this.#keys ??= this.#askKeys()
    return this.#keys
  }

  async #ask(ids: readonly CommitId[]): Promise<readonly Answer<PlatformCommit>[]> {
    if (this.#port === undefined) return ids.map(() => unavailable(nobodyToAsk()))
    try {
      const answers = await this.#inTime(this.#port.commits(ids))
      // An answer about another commit is none.
      return ids.map((id, at) => {
        const answer = answers[at]
        const fits = answer !== undefined && (answer.kind === 'unavailable' || answer.value.id === id)
        return fits ? answer : unavailable(strange(id))
      })
    } catch (error) {
      const cause = unlessLate(error)
      return ids.map(() => unavailable(cause))
    }
  }

  async #askKeys(): Promise<Answer<Uint8Array>> {
    if (this.#port === undefined) return unavailable(nobodyToAsk())
    try {
      return await this.#inTime(this.#port.signingKeys())
    } catch (error) {
      return unavailable(unlessLate(error))
    }
  }

  /** One deadline for the whole stage (13-adversary 13), whatever patience the other side has. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {})
    const ms = this.#remaining()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const end = () =>
        reject(fail('source/deadline', 'The time for reading the source is over while the platform was asked'))
      timer = setTimeout(end, Math.min(ms, 0x7fffffff))
    })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

function unavailable(cause: WaybillError): { readonly kind: 'unavailable'; readonly cause: WaybillError } {
  return { kind: 'unavailable', cause }
}

/** What cannot be asked is unknown, whatever kind of failure it was to the one who asked. */
function unlessLate(error: unknown): WaybillError {
  const known = asWaybillError(error)
  if (known.code === 'source/deadline') throw known
  if (known.kind === 'unknown' && known.code !== 'core/internal') return known
  return fail('source/platform-evidence-missing', `The platform could not be asked: ${known.message}`, { cause: known })
}

function nobodyToAsk(): WaybillError {
  return fail('source/platform-evidence-missing', 'There is no access to the platform’s API in this run', {
    expected: 'a token that may read pull requests',
    found: 'none',
  })
}

function strange(id: CommitId): WaybillError {
  return fail('source/platform-evidence-missing', `The platform gave no answer about commit ${id.slice(0, 7)}`, {
    expected: `an answer about ${id}`,
  })
}
