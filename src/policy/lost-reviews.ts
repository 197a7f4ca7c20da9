import type { CommitId, Digest } from '../core/digest.ts'
import { fail, type WaybillError } from '../core/error.ts'
import type { MergedPull, PullMention } from './evidence.ts'
import type { Law } from './law.ts'

/**
 * Review statements that must be there, because the pull request says so, and are not (13-adversary 11). Whoever may push
 * can delete a withdrawal, or put the approval that it took back in its place; the reviewer's own comment shows both.
 *
 * Anybody may comment, so only what concerns a principal of the law counts, and of a principal with an account only what that
 * account wrote: a stranger could else stop every later run with one line. The last comment of each author holds.
 * @param heads what the commit may have been reviewed as.
 * @param stored by ref, what stands behind it now.
 */
export function lostReviews(
  pulls: readonly MergedPull[],
  heads: ReadonlySet<CommitId>,
  stored: ReadonlyMap<string, Digest>,
  law: Law,
): readonly WaybillError[] {
  return pulls.flatMap(pull => {
    const mentions = (pull.mentions ?? []).filter(mention => heads.has(mention.head) && concerns(mention, law))
    const unlisted = pull.commentsComplete === false ? [notListed(pull)] : []
    return [...unlisted, ...lastOfEach(mentions).flatMap(mention => lost(mention, stored.get(mention.ref), pull) ?? [])]
  })
}

function concerns({ principal, author }: PullMention, { policy }: Law): boolean {
  const named = policy.principals.get(principal)
  if (named === undefined) return false
  return named.github === undefined || author === undefined || author.id === named.github.id
}

function lastOfEach(mentions: readonly PullMention[]): readonly PullMention[] {
  return [...new Map(mentions.map(mention => [`${mention.ref} ${mention.author?.id ?? ''}`, mention])).values()]
}

function lost(
  { ref, statement }: PullMention,
  found: Digest | undefined,
  { number }: MergedPull,
): WaybillError | undefined {
  if (found === statement) return undefined
  const what = found === undefined ? 'is gone' : 'is another one now'
  return fail(
    'source/review-evidence-missing',
    `The statement behind ${ref}, which pull request ${number} speaks of, ${what}`,
    {
      expected: statement,
      found: found ?? 'none',
    },
  )
}

function notListed({ number }: MergedPull): WaybillError {
  return fail('source/review-evidence-missing', `Not all comments of pull request ${number} were listed`, {
    expected: 'every comment, as one may speak of a review that was withdrawn',
    found: 'some of them',
  })
}
