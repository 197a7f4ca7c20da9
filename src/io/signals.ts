/** Resolves when the process is told to end: SIGTERM by Kubernetes, SIGINT by a person. A second one ends it at once. */
export function untilTold(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
}
