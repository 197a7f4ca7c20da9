import { literal } from './re2.ts'
import { notExpressible } from './refused.ts'

/**
 * Identities below a prefix may be workflows, and their runs for pull requests never count (13-adversary 28). RE2 knows no
 * "not followed by", so what may stand behind the "@" is named instead: branches, tags and commits. A prefix may end behind it.
 * @returns an expression of RE2 for the whole identity. @throws `policy/not-expressible` for a prefix of pull requests
 */
export function belowPrefix(prefix: string): string {
  const at = prefix.indexOf('@refs/')
  if (at === -1) return `^${literal(prefix)}[^@]*(?:@(?:refs/(?:heads|tags)/[^@]*|[0-9a-f]{40}))?$`
  const ref = prefix.slice(at + '@refs/'.length)
  if (ref === '') return `^${literal(prefix)}(?:heads|tags)/(?s:.*)$`
  if (ref.startsWith('pull/'))
    throw notExpressible(
      'The prefix names a pull request, which never matches',
      'a branch or a tag',
      prefix,
      'Name a branch.',
    )
  return `^${literal(prefix)}(?s:.*)$`
}
