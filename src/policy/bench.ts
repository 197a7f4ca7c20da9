import { CATALOGUE } from '../core/catalogue.ts'
import type { CommitId } from '../core/digest.ts'
import type { ErrorCode } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { Law } from './law.ts'

/** Under which law a commit is judged. */
export interface Bench {
  readonly law: Law
  /** The commit that brought this law. */
  readonly lawAt: CommitId
  /** Full name of the ref whose rules hold. */
  readonly ref: string
  /** The instant at which expiry is judged, as no trusted time is known. */
  readonly now: Date
}

/** A finding about one commit; a code whose kind is not "rejected" becomes a note: it says that something could not be checked. */
export function findingFor(
  id: CommitId,
  code: ErrorCode,
  message: string,
  facts: { readonly expected?: string; readonly found?: string; readonly remedy?: string } = {},
): Finding {
  const { kind, remedy } = CATALOGUE[code]
  const { expected, found } = facts
  return {
    code,
    severity: kind === 'rejected' ? 'reject' : 'note',
    subject: id,
    message: printable(message, 600),
    ...(expected === undefined ? {} : { expected: printable(expected, 600) }),
    ...(found === undefined ? {} : { found: printable(found, 600) }),
    remedy: facts.remedy ?? remedy,
  }
}

/** `commit 3f1c9e2 "Fix login"` */
export function commitText(id: CommitId, subject: string): string {
  return `commit ${id.slice(0, 7)}${subject === '' ? '' : ` "${subject}"`}`
}

/** `the policy (.github/waybill.yml at 9a04d11)` */
export function lawText({ law, lawAt }: Pick<Bench, 'law' | 'lawAt'>): string {
  return `the policy (${law.policyPath}${law.constant ? '' : ` at ${lawAt.slice(0, 7)}`})`
}
