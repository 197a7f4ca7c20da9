import type { CommitId } from '../core/digest.ts'
import { isCommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { isPullRef } from './match.ts'

/** A policy file of another repository: constant over the whole history that it judges (12-policy § 1). */
export interface OutsidePolicy {
  /** `owner/name` on the same server. */
  readonly repository: string
  /** Full name of a branch or tag, or a whole commit id. */
  readonly ref: string
  /** From the root of that repository; the files it names lie below its folder. */
  readonly path: string
}

export type PolicySource = { readonly path: string } | OutsidePolicy

const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$/
const NAME = /^[A-Za-z0-9._-]{1,100}$/
const SEGMENT = /^[A-Za-z0-9_+@][A-Za-z0-9._+@ -]*$|^\.[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/**
 * Reads where a policy lies: `owner/name@ref:path`, or a path alone for this repository. The ref is `refs/heads/…`,
 * `refs/tags/…` or a whole commit id: a short name could mean a branch today and a tag tomorrow.
 * @throws `policy/source-malformed`
 */
export function parsePolicySource(text: string): PolicySource {
  const at = text.indexOf('@')
  const slash = text.indexOf('/')
  // `a@b.yml` and `keys/a@b.yml` are paths; only `owner/name@…:…` has a colon behind the sign.
  if (at === -1 || slash === -1 || slash > at || !text.includes(':', at)) return { path: pathOf(text, text) }
  const repository = text.slice(0, at)
  const [owner = '', name = '', ...more] = repository.split('/')
  if (!OWNER.test(owner) || !NAME.test(name) || name === '.' || name === '..' || more.length > 0)
    throw malformed('owner/name before the @', text)
  const colon = text.indexOf(':', at)
  const ref = text.slice(at + 1, colon)
  if (!isCommitId(ref) && !isRef(ref))
    throw malformed('refs/heads/…, refs/tags/… or a whole commit id after the @', text)
  return { repository, ref, path: pathOf(text.slice(colon + 1), text) }
}

export function isOutside(source: PolicySource): source is OutsidePolicy {
  return 'repository' in source
}

/** `git+https://github.com/acme/policies@refs/heads/main#waybill.yml`: how receipts and statements name it. */
export function outsidePolicyUri(serverUrl: string, { repository, ref, path }: OutsidePolicy): string {
  return `git+${serverUrl}/${repository}@${ref}#${path}`
}

/** The commit that `ref` names itself. */
export function pinnedCommit({ ref }: OutsidePolicy): CommitId | undefined {
  return isCommitId(ref) ? ref : undefined
}

/** What git allows (git check-ref-format), in ASCII; whoever may open a pull request may write its refs. */
function isRef(ref: string): boolean {
  if (!/^refs\/(?:heads|tags)\/[\x21-\x7e]+$/.test(ref) || isPullRef(ref)) return false
  return !/[~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|\/$|\.$/.test(ref)
}

function pathOf(path: string, text: string): string {
  const clean = path.replace(/^\.\//, '')
  if (clean.length > 500 || !clean.split('/').every(segment => SEGMENT.test(segment)))
    throw malformed('a path from the root of the repository', text)
  return clean
}

function malformed(expected: string, found: string): Error {
  return fail('policy/source-malformed', 'Where the policy lies cannot be understood', { expected, found })
}
