/** The time by which progress is shown. */
export interface ProgressClock {
  /** Milliseconds, monotonic. */
  now(): number
  /** Calls `act` again and again until the returned function is called; it never keeps the process alive. */
  every(ms: number, act: () => void): () => void
}

export const PROGRESS_CLOCK: ProgressClock = {
  now: () => performance.now(),
  every: (ms, act) => {
    const timer = setInterval(act, ms)
    timer.unref()
    return () => clearInterval(timer)
  },
}
