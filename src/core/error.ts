import { CATALOGUE } from './catalogue.ts'
import { printable } from './text.ts'

/** `<room>/<what>`, closed: every code is a row of the catalogue, from which `docs/errors.md` is generated. */
export type ErrorCode = keyof typeof CATALOGUE

/** How a failure counts: checked and bad, could not be checked, or the configuration could not be understood. */
export type ErrorKind = 'rejected' | 'unknown' | 'configuration'

export interface ErrorFacts {
  readonly expected?: string
  readonly found?: string
  /** Made from the facts; default: the catalogue's general remedy. */
  readonly remedy?: string
  /** Default: the catalogue's kind. */
  readonly kind?: ErrorKind
  readonly cause?: unknown
}

/** The only error class a user can meet. `message` is one sentence; facts stay apart so that machines can read them. */
export class WaybillError extends Error {
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly expected?: string
  readonly found?: string
  readonly remedy: string

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(printable(message, 2000), facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'WaybillError'
    this.code = code
    this.kind = facts.kind ?? CATALOGUE[code].kind
    if (facts.expected !== undefined) this.expected = printable(facts.expected, 1000)
    if (facts.found !== undefined) this.found = printable(facts.found, 1000)
    this.remedy = facts.remedy ?? CATALOGUE[code].remedy
  }
}

/** `throw fail('registry/digest-mismatch', 'The registry served other bytes', {expected, found})`. */
export function fail(code: ErrorCode, message: string, facts?: ErrorFacts): WaybillError {
  return new WaybillError(code, message, facts)
}

/** The error itself if it is one of ours, else `core/internal` with the cause kept (its text is not shown to people). */
export function asWaybillError(error: unknown): WaybillError {
  if (error instanceof WaybillError) return error
  const text = error instanceof Error ? error.message : String(error)
  return fail('core/internal', `Something failed that Waybill did not foresee: ${printable(text)}`, { cause: error })
}
