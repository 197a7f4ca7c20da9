import { WaybillError } from '../../core/error.ts'

/** How long one candidate is waited for: `brief` while another one could take its place. */
export type Waiting = 'brief' | 'patient'

/**
 * Asks `needed` of the candidates at once; where one fails, the next unused one takes its place. While there are more than are
 * needed each is waited for briefly; those that gave no answer are asked again, patiently, when all have had their turn. No two
 * are ever asked for the same place at the same time: each that answers keeps what it was given for ever.
 * @param candidates in order of preference, at least `needed`.
 * @returns results in order of arrival at their place; @throws the last error when too few are left.
 */
export async function quorum<C, R>(
  candidates: readonly C[],
  needed: number,
  attempt: (candidate: C, waiting: Waiting) => Promise<R>,
): Promise<readonly R[]> {
  const waiting: Waiting = candidates.length > needed ? 'brief' : 'patient'
  const turns = candidates.map(candidate => ({ candidate, waiting }))
  const lane = async (first: (typeof turns)[number]): Promise<R> => {
    let turn = first
    for (;;) {
      try {
        return await attempt(turn.candidate, turn.waiting)
      } catch (error) {
        if (turn.waiting === 'brief' && gaveNoAnswer(error)) turns.push({ ...turn, waiting: 'patient' })
        const next = turns.shift()
        if (next === undefined) throw error
        turn = next
      }
    }
  }
  return Promise.all(turns.splice(0, needed).map(lane))
}

/** Nonsense is not waited for: it would be said again. */
function gaveNoAnswer(error: unknown): boolean {
  return error instanceof WaybillError && error.code.endsWith('-unavailable')
}
