/** One answer of the embedded registry. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Bytes that `content-length` promises; those beyond the body never come. */
  readonly announce?: number
}

/** An error in the distribution spec's shape. */
export function problem(status: number, code: string, message = code, detail?: unknown): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] }),
  }
}
