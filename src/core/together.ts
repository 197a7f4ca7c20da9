/**
 * Waits for all of it, whatever happens to some. Work that runs side by side fails in any order; what is told is always
 * the same.
 * @throws the error of the first in this order that failed.
 */
export async function together<T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const settled = await Promise.allSettled(work)
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  return settled.map(result => (result.status === 'fulfilled' ? result.value : undefined)) as {
    -readonly [K in keyof T]: Awaited<T[K]>
  }
}
