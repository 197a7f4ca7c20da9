import { CATALOGUE } from '../core/catalogue.ts'
import type { CommitId } from '../core/digest.ts'
import type { ErrorCode, WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { Law } from './law.ts'

/** What the whole fold knows beside the commits, from the run's verified claims and from git. */
export interface FoldContext {
  /** The platform's number of this repository. Absent: nothing that the platform says about pull requests can be believed. */
  readonly repositoryId?: number
  /** As review statements name it, `https://github.com/owner/name`; compared where there is no number. */
  readonly repositoryUri?: string
  /** `judge` (default): missing reviews are rejected. `show`: they are told, and no verdict rests on them (1-product § 5). */
  readonly reviews?: 'judge' | 'show'
  /** First-parent commits that will be folded, oldest first, without the anchor: tells a rebased series from a repetition. */
  readonly line?: readonly CommitId[]
  /** The fold judges a proposal: pull requests that are not merged yet count (a pull request's own run, a merge group). */
  readonly pending?: boolean
}

/** Under which law a commit is judged. */
export interface Bench extends Pick<FoldContext, 'repositoryId' | 'repositoryUri' | 'reviews' | 'pending'> {
  readonly law: Law
  /** The commit that brought this law. */
  readonly lawAt: CommitId
  /** Full name of the ref whose rules hold. */
  readonly ref: string
  /** The instant at which expiry is judged where no trusted time is known. */
  readonly now: Date
  /** Commit → its place on the line of first parents. */
  readonly places?: ReadonlyMap<CommitId, number>
}

/** The bench at which a fold judges its next commit, or its end. */
export function benchOf(
  fold: Pick<Bench, 'law' | 'lawAt' | 'ref' | 'places'> & { readonly context: FoldContext },
  now: Date,
): Bench {
  const { law, lawAt, ref, places, context } = fold
  const { line: _line, ...rest } = context
  return { law, lawAt, ref, now, ...rest, ...(places === undefined ? {} : { places }) }
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

/** A cause in the words of whoever met it, for `found`. */
export function causeText({ message, found }: WaybillError): string {
  return found === undefined ? message : `${message}: ${found}`
}

/** `commit 3f1c9e2 "Fix login"` */
export function commitText(id: CommitId, subject: string): string {
  return `commit ${id.slice(0, 7)}${subject === '' ? '' : ` "${subject}"`}`
}

/** `the policy (.github/waybill.yml at 9a04d11)` */
export function lawText({ law, lawAt }: Pick<Bench, 'law' | 'lawAt'>): string {
  return `the policy (${law.policyPath}${law.constant ? '' : ` at ${lawAt.slice(0, 7)}`})`
}
