/** What a hook sees of a request, before the registry looks at it. */
export interface FaultRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** 1 for the first request this hook sees. */
  readonly count: number
}

/**
 * What happens instead of the answer: a fixed answer, a connection cut before the answer (`cut`), one cut in the
 * middle of the answer's body (`cut-body`), one cut after the registry did its work (`cut-after`), or a delay before
 * the normal answer. `undefined` = nothing.
 */
export type Fault =
  | undefined
  | 'cut'
  | 'cut-body'
  | 'cut-after'
  | {
      readonly status: number
      readonly headers?: Record<string, string>
      readonly body?: string | Uint8Array
      /** Bytes that `content-length` promises; those beyond the body never come. */
      readonly announce?: number
    }
  | { readonly delayMs: number }

export type FaultHook = (request: FaultRequest) => Fault

export interface FaultRule {
  readonly method?: string
  readonly path?: RegExp
  /** How many matching requests are hit; default 1, `Infinity` for all. */
  readonly times?: number
  /** How many matching requests pass before the first is hit; default 0. */
  readonly after?: number
  readonly fault: Exclude<Fault, undefined>
}

/** The registry's faults. Hooks are asked in the order they were added; the first that answers wins. */
export class Faults {
  /** How many requests were hit so far. */
  injected = 0
  readonly #hooks: { hook: FaultHook; seen: number }[] = []
  readonly #lies = new Map<string, Buffer>()

  hook(hook: FaultHook): void {
    this.#hooks.push({ hook, seen: 0 })
  }

  /** `faults.add({method: 'PUT', path: /manifests/, times: 2, fault: {status: 503}})`. */
  add(rule: FaultRule): void {
    let matched = 0
    this.hook(request => {
      if (rule.method !== undefined && rule.method !== request.method) return undefined
      if (rule.path !== undefined && !rule.path.test(request.path)) return undefined
      matched++
      const after = rule.after ?? 0
      return matched > after && matched <= after + (rule.times ?? 1) ? rule.fault : undefined
    })
  }

  /** From now on serve these bytes when `digest` (of a blob or manifest) is asked for. */
  lie(digest: string, bytes: Uint8Array | string): void {
    this.#lies.set(digest, Buffer.from(bytes as Uint8Array))
  }

  liedBytes(digest: string): Buffer | undefined {
    return this.#lies.get(digest)
  }

  clear(): void {
    this.#hooks.length = 0
    this.#lies.clear()
  }

  next(request: Omit<FaultRequest, 'count'>): Fault {
    for (const entry of this.#hooks) {
      entry.seen++
      const fault = entry.hook({ ...request, count: entry.seen })
      if (fault === undefined) continue
      this.injected++
      return fault
    }
    return undefined
  }
}
