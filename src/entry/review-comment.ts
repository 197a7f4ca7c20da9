import { asWaybillError } from '../core/error.ts'
import { isObject } from '../core/json.ts'
import { mentionLine } from '../core/review-mention.ts'
import type { GithubApi } from '../github/api.ts'
import type { SignedReview } from '../pipeline/review-sign.ts'
import { codeSpan } from '../report/text.ts'
import type { PlatformApi } from './platform-api.ts'

/** The comment of a pull request that speaks of a statement (13-adversary 11). */
export type ReviewComment =
  | { readonly posted: true; readonly url: string }
  /** To be pasted by the reviewer, as himself. `why` it was not posted. */
  | { readonly posted: false; readonly text: string; readonly why: string }

/** One sentence for people, one line for Waybill. */
function commentText({ ref, digest, decision, principal, head, targetRef }: SignedReview): string {
  const did = decision === 'approve' ? 'approved' : 'withdrew the approval of'
  const what = `${codeSpan(principal)} ${did} ${codeSpan(head)} for ${codeSpan(targetRef)}`
  return `${what} in a signed statement. This comment lets its loss be noticed.\n\n${mentionLine({ ref, statement: digest })}\n`
}

/**
 * Posts the comment where there is a token for the repository's own server; the reviewer's own token, as only what his
 * account wrote counts. Never throws: the statement is signed and pushed already.
 */
export async function commentOn(
  pull: string,
  review: SignedReview,
  { api, serverUrl }: PlatformApi,
): Promise<ReviewComment> {
  const text = commentText(review)
  const name = repositoryOn(serverUrl, review.repositoryUri)
  if (!api.hasToken) return { posted: false, text, why: 'there is no GITHUB_TOKEN or GH_TOKEN' }
  if (name === undefined) return { posted: false, text, why: `the token is for ${serverUrl}` }
  try {
    const question = { of: `pull request ${pull} of ${name} to this token`, permission: 'pull-requests: write' }
    const answer = await api.post(`/repos/${name}/issues/${pull}/comments`, { body: text }, question)
    const url = isObject(answer) && typeof answer.html_url === 'string' ? answer.html_url : ''
    return { posted: true, url }
  } catch (error) {
    return { posted: false, text, why: asWaybillError(error).message }
  }
}

/** The platform's number of the repository; undefined where nobody can be asked. @throws what the API throws */
export async function repositoryNumber(
  repositoryUri: string,
  { api, serverUrl }: { readonly api: GithubApi; readonly serverUrl: string },
): Promise<string | undefined> {
  const name = repositoryOn(serverUrl, repositoryUri)
  if (name === undefined || !api.hasToken) return undefined
  const answer = await api.get(`/repos/${name}`, { of: `the repository ${name}`, permission: 'metadata: read' })
  const id = isObject(answer) ? answer.id : undefined
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? String(id) : undefined
}

/** `owner/name` when the repository is on this server; a token is never sent for another. */
function repositoryOn(serverUrl: string, repositoryUri: string): string | undefined {
  const name = repositoryUri.startsWith(`${serverUrl}/`) ? repositoryUri.slice(serverUrl.length + 1) : ''
  return /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/.test(name) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(name) ? name : undefined
}
