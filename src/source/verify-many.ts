import type { CommitFacts } from '../core/facts.ts'
import type { ParsedCommit } from './commit.ts'
import type { Keyring } from './keyring.ts'
import { factsOf } from './verify.ts'

/** Commits whose signatures are checked side by side. */
const BATCH = 64

/**
 * The one door through which signatures of many commits are checked: whoever wants to spread the work does it here.
 * @returns facts in the order of the commits. They hold nothing of the commits' bytes, so these can be forgotten.
 */
export async function checkMany(commits: readonly ParsedCommit[], keyring: Keyring): Promise<readonly CommitFacts[]> {
  const facts: CommitFacts[] = []
  for (let at = 0; at < commits.length; at += BATCH) {
    const batch = await Promise.all(commits.slice(at, at + BATCH).map(commit => factsOf(commit, keyring)))
    for (const fact of batch) facts.push(compact(fact))
  }
  return facts
}

/**
 * Text that was cut out of an object keeps the whole object alive in memory; a copy does not. A long history keeps some of
 * these strings until its end.
 */
function compact(facts: CommitFacts): CommitFacts {
  const { id, tree, parents, author, committer, subject } = facts
  const same =
    author.name === committer.name &&
    author.email === committer.email &&
    author.time === committer.time &&
    author.offset === committer.offset
  return {
    ...facts,
    id: copy(id),
    tree: copy(tree),
    parents: parents.map(copy),
    subject: copy(subject),
    committer: same ? author : committer,
  }
}

/** The same text in memory of its own. Lone surrogates, which UTF-8 has no place for, are left as they are. */
function copy<T extends string>(text: T): T {
  return structuredClone(text)
}
