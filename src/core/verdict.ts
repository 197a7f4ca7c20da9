import type { ErrorCode, WaybillError } from './error.ts'
import { printable } from './text.ts'

/** One judged fact. `reject` makes the verdict rejected; `note` only informs. */
export interface Finding {
  readonly code: ErrorCode
  readonly severity: 'reject' | 'note'
  /** What was judged: a commit id, an image digest, a file name. */
  readonly subject: string
  readonly message: string
  readonly expected?: string
  readonly found?: string
  readonly remedy: string
}

/** What a passed verdict rests on, weakest of all its parts. */
export type Basis = 'signed' | 'derived' | 'platform' | 'pinned' | 'excepted'

/** Three outcomes, and no other words for them. "Could not check" is neither yes nor no. */
export type Verdict =
  | { readonly kind: 'passed'; readonly by: string; readonly basis: Basis; readonly notes: readonly Finding[] }
  | { readonly kind: 'rejected'; readonly findings: readonly [Finding, ...Finding[]] }
  | { readonly kind: 'unknown'; readonly cause: WaybillError }

export type Outcome = Verdict['kind']

/** Exit codes of 1-product: 3 is kept for a command line, policy or configuration that could not be understood. */
export const EXIT_CODE = { passed: 0, rejected: 1, unknown: 2 } as const satisfies Record<Outcome, number>
export const EXIT_CONFIGURATION = 3

const RANK = { passed: 0, unknown: 1, rejected: 2 } as const satisfies Record<Outcome, number>

/** rejected > unknown > passed. Throws a TypeError on an empty list: nothing judged is never "passed". */
export function worst(outcomes: readonly [Outcome, ...Outcome[]]): Outcome {
  if (outcomes.length === 0) throw new TypeError('worst() of no outcomes')
  return outcomes.reduce((a, b) => (RANK[b] > RANK[a] ? b : a))
}

export function rejected(first: Finding, ...more: Finding[]): Verdict {
  return { kind: 'rejected', findings: [first, ...more] }
}

/** Turns an error into the finding with the same code and facts. */
export function findingOf(error: WaybillError, subject: string, severity: Finding['severity'] = 'reject'): Finding {
  return {
    code: error.code,
    severity,
    subject: printable(subject),
    message: error.message,
    ...(error.expected === undefined ? {} : { expected: error.expected }),
    ...(error.found === undefined ? {} : { found: error.found }),
    remedy: error.remedy,
  }
}
