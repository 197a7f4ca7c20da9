import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isMalformed, type LawFiles } from '../core/facts.ts'
import { changedLaw, type Law } from '../policy/law.ts'
import { matchesRef } from '../policy/match.ts'
import { type ParsedCommit, parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'

/** @throws `source/malformed` when the commit cannot be read. */
export async function readable(history: History, id: CommitId): Promise<ParsedCommit> {
  const commit = parseCommit(id, await history.commit(id))
  if (!isMalformed(commit)) return commit
  const { code, message, found } = commit.malformed
  throw fail(code, `commit ${id.slice(0, 7)}: ${message}`, { found })
}

/** Law files of one commit. @throws `source/malformed` when the commit itself cannot be read. */
export async function lawOf(history: History, id: CommitId): Promise<LawFiles> {
  const commit = await readable(history, id)
  for await (const { law } of history.lawFiles([commit])) return law
  return { files: [] }
}

/** Whether the accepted law can be another one after this commit. One that only carries what its parent had changes nothing. */
export function mayChange(accepted: Law, previous: LawFiles | undefined, files: LawFiles): boolean {
  if (previous?.tree !== undefined && previous.tree === files.tree) return false
  return changedLaw(accepted, files) !== 'same'
}

/** Whether a rule for the ref lets anything pass that the platform signed: only then its keys are worth asking for. */
export function asksPlatform({ policy }: Law, ref: string): boolean {
  return policy.source
    .filter(rule => matchesRef(rule.refs, ref))
    .some(({ platform: { merge, squash, rebase, content } }) =>
      [merge === 'clean', squash === 'evidence', rebase === 'evidence', content.size > 0].includes(true),
    )
}

/** Of each commit asked about, in order. */
export async function nextLaw(laws: AsyncIterator<LawFiles>): Promise<LawFiles> {
  const next = await laws.next()
  if (next.done !== true) return next.value
  throw fail('core/internal', 'Fewer law files were read than commits were asked about')
}

/** 13-adversary 13: what ends early says how far it came. */
export function withCoverage(error: unknown, done: number, all: number): Error {
  const known = asWaybillError(error)
  if (known.code !== 'source/deadline' && known.code !== 'source/disk-limit') return known
  return fail(known.code, known.message, {
    ...(known.expected === undefined ? {} : { expected: known.expected }),
    found: `${done} of ${all} commits of the line were judged`,
    cause: known,
  })
}
