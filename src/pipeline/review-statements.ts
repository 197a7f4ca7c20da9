import { type CommitId, type Digest, sha256 } from '../core/digest.ts'
import { asWaybillError, type WaybillError } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import type { ReviewFact } from '../policy/evidence.ts'
import { unlessStageEnds } from '../source/git-failure.ts'
import type { Keyring } from '../source/keyring.ts'
import type { StoredReview } from '../source/review-refs.ts'
import type { SourcePort } from './attest-request.ts'
import { checkReview } from './reviews.ts'

/** What the repository holds about one head. */
export interface HeadReviews {
  /** Statements with a valid signature; whether they count is for the policy. */
  readonly facts: readonly ReviewFact[]
  /** By ref: what stands behind it, also what is no statement. */
  readonly stored: ReadonlyMap<string, Digest>
}

/** Statements about heads, or why nobody knows of any: a question without an answer is never "there are none". */
export type HeadAnswers = ReadonlyMap<CommitId, HeadReviews> | WaybillError

interface Found extends HeadReviews {
  readonly facts: ReviewFact[]
  readonly stored: Map<string, Digest>
}

/** Refused statements that are told; of more their number. */
const TOLD = 10

/** The review statements of one run, as its repository serves them. */
export class ReviewStatements {
  readonly #read: SourcePort['reviews']
  readonly #refused = new Map<string, Finding>()

  constructor(read: SourcePort['reviews']) {
    this.#read = read
  }

  /** @param keyring of the law under which they will count. @throws `source/deadline`, `source/disk-limit` */
  async about(heads: ReadonlySet<CommitId>, keyring: Keyring): Promise<HeadAnswers> {
    const answers = new Map<CommitId, Found>()
    try {
      for await (const review of this.#read(heads)) {
        const about: Found = answers.get(review.head) ?? { facts: [], stored: new Map() }
        answers.set(review.head, about)
        const fact = await this.#check(review, keyring)
        if (fact !== undefined) about.facts.push(fact)
        if (review.bytes !== undefined) about.stored.set(review.ref, sha256(review.bytes))
      }
      return answers
    } catch (error) {
      unlessStageEnds(error)
      return asWaybillError(error)
    }
  }

  /** The statements themselves, by digest, of those that counted. @throws what reading throws */
  async bytes(heads: ReadonlySet<CommitId>, digests: ReadonlySet<Digest>): Promise<ReadonlyMap<Digest, Uint8Array>> {
    const kept = new Map<Digest, Uint8Array>()
    if (digests.size === 0) return kept
    for await (const { bytes } of this.#read(heads)) {
      const digest = bytes === undefined ? undefined : sha256(bytes)
      if (bytes !== undefined && digest !== undefined && digests.has(digest)) kept.set(digest, bytes)
    }
    return kept
  }

  /** Why statements were refused, each once and not more than a person reads. */
  notes(): readonly string[] {
    const all = [...this.#refused.values()]
    const told = all.slice(0, TOLD).map(({ code, message, found }) => `${code}: ${message}${inBrackets(found)}`)
    return all.length <= TOLD ? told : [...told, `${all.length - TOLD} more review statements were refused.`]
  }

  async #check(review: StoredReview, keyring: Keyring): Promise<ReviewFact | undefined> {
    const checked = await checkReview(review, keyring)
    if ('fact' in checked) {
      // A law of another branch may have had the key that this one lacks.
      this.#refused.delete(review.ref)
      return checked.fact
    }
    this.#refused.set(review.ref, checked.refused)
    return undefined
  }
}

function inBrackets(found: string | undefined): string {
  return found === undefined ? '' : ` (${found})`
}
