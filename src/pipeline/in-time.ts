import type { WaybillError } from '../core/error.ts'

/**
 * What is under way when the time is over is left; the process does not wait for it. 13-adversary 43
 * @param expired resolves when the time is over; absent: there is no bound.
 */
export async function inTime<T>(
  expired: Promise<void> | undefined,
  work: () => Promise<T>,
  late: () => WaybillError,
): Promise<T> {
  if (expired === undefined) return work()
  const over = expired.then(() => {
    throw late()
  })
  const working = work()
  working.catch(() => {})
  return Promise.race([over, working])
}
