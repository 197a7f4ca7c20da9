import { CATALOGUE } from '../core/catalogue.ts'
import type { CommitId } from '../core/digest.ts'
import { type ErrorCode, WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { DeploySource, Revocation, SourceRequirement } from './policy.ts'

/** What a verified provenance says the image was built from. */
export interface BuiltFrom {
  readonly commit: CommitId
  /** `git+https://github.com/acme/app`, without ref. */
  readonly repository: string
}

/** What the gate's rule asks of the commit. */
export interface SourceQuestion {
  readonly requirement: SourceRequirement
  readonly built: BuiltFrom
  readonly rule: DeploySource
  readonly revoked: readonly Revocation[]
  /** What the findings are about. */
  readonly subject: string
}

/** The two statements that answer it, or why nothing does. */
export type SourceLink =
  | { readonly statements: readonly [summary: Verified<SignedStatement>, detail: Verified<SignedStatement>] }
  | { readonly findings: readonly [Finding, ...Finding[]] }

export type Say = (code: ErrorCode, message: string, expected: string, found: string | undefined) => Finding

/** Makes findings about the subject of a question. */
export function about({ subject }: { readonly subject: string }): Say {
  return (code, message, expected, found) => ({
    code,
    severity: 'reject',
    subject: printable(subject),
    message: printable(message, 600),
    expected: printable(expected, 600),
    found: printable(found ?? 'nothing', 600),
    remedy: CATALOGUE[code].remedy,
  })
}

/** What a reader gives, or the finding that it cannot be read. */
export function readable<T extends object>(
  read: () => T,
  question: { readonly subject: string },
  code: ErrorCode = 'verify/source-unusable',
): { readonly value: T } | { readonly unusable: Finding } {
  try {
    return { value: read() }
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    const { message, expected = 'the documented form', found } = error
    return { unusable: about(question)(code, message, expected, found) }
  }
}
