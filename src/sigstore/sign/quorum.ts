/**
 * Asks `needed` of the candidates at once; where one fails, the next unused one takes its place.
 * @param candidates in order of preference, at least `needed`.
 * @returns results in order of arrival at their place; @throws the last error when too few are left.
 */
export async function quorum<C, R>(
  candidates: readonly C[],
  needed: number,
  attempt: (candidate: C) => Promise<R>,
): Promise<readonly R[]> {
  const spare = candidates.slice(needed)
  const lane = async (first: C): Promise<R> => {
    let candidate = first
    for (;;) {
      try {
        return await attempt(candidate)
      } catch (error) {
        const next = spare.shift()
        if (next === undefined) throw error
        candidate = next
      }
    }
  }
  return Promise.all(candidates.slice(0, needed).map(lane))
}
