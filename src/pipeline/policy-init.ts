import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { isMalformed, isRefused } from '../core/facts.ts'
import { isPlatformKey } from '../policy/platform.ts'
import { parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import { loadKeyring } from '../source/keyring.ts'
import { checkSignature } from '../source/verify.ts'
import { lastCommits } from './source-shown.ts'
import { suggestPolicy } from './suggest-policy.ts'

/** A policy to review, and what it was made from. */
export interface ProposedPolicy {
  readonly text: string
  /** Full name of the branch its rule is about. */
  readonly ref: string
  readonly commits: number
  readonly unsigned: number
  /** Signed by the platform; denied unless a rule opens it. */
  readonly platform: number
  /** Files the policy names, to be exported by hand: path below `.github` → fingerprint. */
  readonly keyFiles: Readonly<Record<string, string>>
}

/**
 * Proposes a policy for `ref` from the keys that signed the last commits before `head`.
 * @throws `policy/nothing-to-suggest` when none of them carries a signature that could be named.
 */
export async function proposePolicy(history: History, head: CommitId, ref: string): Promise<ProposedPolicy> {
  const commit = parseCommit(head, await history.commit(head))
  if (isMalformed(commit))
    throw fail(commit.malformed.code, commit.malformed.message, { found: commit.malformed.found })
  const commits = await lastCommits(history, commit)
  const keyring = await loadKeyring([])
  const seen = await Promise.all(
    commits.map(async item => ({ commit: item, fact: await checkSignature(item, keyring) })),
  )
  const text = suggestPolicy(seen, ref)
  const unsigned = seen.filter(({ fact }) => fact.kind === 'none').length
  const platform = seen.filter(({ fact }) => isRefused(fact) && isPlatformKey(fact.claimedKey)).length
  if (text === undefined)
    throw fail('policy/nothing-to-suggest', `None of the last ${seen.length} commits of ${ref} names a person’s key`, {
      expected: 'a commit signed with a key of its own',
      found: `${unsigned} unsigned, ${platform} signed by the platform`,
    })
  const files = [...text.matchAll(/fingerprint: "([0-9A-F]+)", file: ([^ ]+) /g)]
  return {
    text,
    ref,
    commits: seen.length,
    unsigned,
    platform,
    keyFiles: Object.fromEntries(files.map(([, fingerprint = '', file = '']) => [file, fingerprint])),
  }
}
