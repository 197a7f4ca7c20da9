import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'

/** Bytes that all downloads of one run may take together, those thrown away included (13-adversary 43). */
export class FetchBudget {
  readonly #max: number
  #spent = 0

  constructor(max: number = LIMITS.materialsBytes) {
    this.#max = max
  }

  /** @throws `materials/out-of-bytes`: what is not fetched by then is unknown, never rejected. */
  take(bytes: number): void {
    this.#spent += bytes
    if (this.#spent > this.#max)
      throw fail('materials/out-of-bytes', 'The materials of this run are larger than is fetched in one run', {
        expected: `at most ${this.#max} bytes`,
      })
  }
}
