/** A moment that a run must not go beyond. */
export interface Deadline {
  /** Resolves then, never before; never when it was forgotten. */
  readonly reached: Promise<void>
  /** Stops waiting, so that nothing keeps the process alive. */
  forget(): void
}

/** @param ms from now. */
export function after(ms: number): Deadline {
  let timer: NodeJS.Timeout | undefined
  const reached = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  return { reached, forget: () => clearTimeout(timer) }
}
