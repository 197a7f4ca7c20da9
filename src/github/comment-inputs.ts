import type { CommitId } from '../core/digest.ts'
import { isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { maybe } from '../core/maybe.ts'
import type { Environment } from '../io/environment.ts'
import { COMMENT_INPUTS } from './input-table.ts'
import { Inputs, malformed } from './inputs.ts'

/** The inputs of `comment/action.yml`, typed. */
export interface CommentInputs {
  /** Pattern of artifact names, in which `*` stands for any characters. */
  readonly artifact: string
  readonly policy?: string
  readonly since?: CommitId
  readonly githubToken: string
}

/** @throws `entry/input-unsupported`, `entry/input-malformed` */
export function readCommentInputs(env: Environment): CommentInputs {
  const inputs = new Inputs(env, COMMENT_INPUTS)
  const githubToken = inputs.text('github-token')
  if (githubToken === undefined)
    throw fail('entry/input-malformed', 'There is no token to comment with', {
      expected: 'github-token',
      found: 'nothing',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is an expression of GitHub Actions
      remedy: 'Leave github-token away: its default is ${{ github.token }}.',
    })
  const since = inputs.text('since')
  if (since !== undefined && !isCommitId(since)) throw malformed('since', 'the full id of a commit', since)
  return {
    artifact: inputs.text('artifact') ?? 'waybill-*',
    ...maybe('policy', inputs.text('policy')),
    ...maybe('since', since),
    githubToken,
  }
}
