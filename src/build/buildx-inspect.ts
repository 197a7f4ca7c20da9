/**
 * Reads `docker buildx inspect`: a header (`Name`, `Driver`), then `Nodes:` with `Status`, `Error`, `BuildKit version` each.
 * A node that was never started is `inactive` and starts with the build; one with an `Error` cannot.
 */
export function readInspect(text: string): {
  driver: string
  nodes: number
  answers: boolean
  buildkit: readonly string[]
} {
  const values = (name: string): string[] =>
    text.split('\n').flatMap(line => {
      const [key, ...rest] = line.split(':')
      return key?.trim().toLowerCase() === name ? [rest.join(':').trim()] : []
    })
  const nodes = values('endpoint').length
  const broken = values('error').length
  return {
    driver: values('driver')[0] ?? 'unknown',
    nodes,
    answers: nodes === 0 || broken < nodes,
    buildkit: [...new Set([...values('buildkit version'), ...values('buildkit')])],
  }
}
