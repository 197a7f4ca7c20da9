import { type CommitId, type Digest, isCommitId, isDigest } from './digest.ts'

/**
 * A line of a pull request's comment that says which review statement stands behind a ref. Anybody with write access may
 * delete that ref or put the reviewer's older statement back; the comment is what makes such a loss seen (13-adversary 11).
 * Anybody may write such a line too, so it never proves anything: it can only make something unknown.
 */
export interface ReviewMention {
  /** `refs/waybill/reviews/<head>/<principal>` */
  readonly ref: string
  readonly head: CommitId
  /** As the ref is named. */
  readonly principal: string
  /** SHA-256 of the statement's envelope. */
  readonly statement: Digest
}

/** Where reviewers put their statements: one ref for each head and principal, pointing at a blob. */
export const REVIEW_REFS = 'refs/waybill/reviews/'

const NAME = /^([0-9a-f]{40})\/([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/

/** What the name of such a ref says; undefined for a ref that is none. */
export function reviewRefOf(ref: string): Omit<ReviewMention, 'statement'> | undefined {
  const [, head = '', principal] = NAME.exec(ref.startsWith(REVIEW_REFS) ? ref.slice(REVIEW_REFS.length) : '') ?? []
  return isCommitId(head) && principal !== undefined ? { ref, head, principal } : undefined
}

/** Name of the ref for one reviewer's statement. */
export function reviewRef(head: CommitId, principal: string): string {
  return `${REVIEW_REFS}${head}/${principal}`
}

/** The marker line, invisible where Markdown is shown. */
export function mentionLine({ ref, statement }: Pick<ReviewMention, 'ref' | 'statement'>): string {
  return `<!-- waybill-review: ${ref} ${statement} -->`
}

/** One marker on a line of its own, in the one spelling of `mentionLine`; blanks at the end are an editor's. */
const LINE = /^<!-- waybill-review: (\S{1,200}) (\S{1,80}) -->[ \t\r]*$/m

/** The first marker of a comment: whoever signs writes one comment for each statement. */
export function mentionIn(body: string): ReviewMention | undefined {
  const [, ref = '', statement] = LINE.exec(body) ?? []
  const named = reviewRefOf(ref)
  return named !== undefined && isDigest(statement) ? { ...named, statement } : undefined
}
