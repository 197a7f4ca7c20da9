import type { CommitFacts, Person } from '../core/facts.ts'
import type { ParsedCommit } from './commit.ts'
import type { Keyring } from './keyring.ts'
import { factsOf } from './verify.ts'

/** Checks the signatures of many commits. @returns facts in the order of the commits. */
export type CheckMany = (commits: readonly ParsedCommit[], keyring: Keyring) => Promise<readonly CommitFacts[]>

/**
 * The one door through which signatures of many commits are checked: whoever wants to spread the work does it here.
 * @returns facts in the order of the commits. They hold nothing of the commits' bytes, so these can be forgotten.
 */
export async function checkMany(commits: readonly ParsedCommit[], keyring: Keyring): Promise<readonly CommitFacts[]> {
  return Promise.all(commits.map(async commit => compact(await factsOf(commit, keyring), keyring)))
}

/**
 * Text that was cut out of an object keeps the whole object alive in memory; a copy does not. A long history keeps some of
 * these strings until its end.
 */
function compact(facts: CommitFacts, keyring: Keyring): CommitFacts {
  const committer = compactPerson(facts.committer, keyring)
  const author = isSame(facts.author, facts.committer) ? committer : compactPerson(facts.author, keyring)
  return {
    ...facts,
    tree: copy(facts.tree),
    parents: facts.parents.map(copy),
    subject: copy(facts.subject),
    author,
    committer,
  }
}

function compactPerson({ name, email, time, offset }: Person, keyring: Keyring): Person {
  return { name: keyring.text(name), email: keyring.text(email), time, offset: keyring.text(offset) }
}

function isSame(a: Person, b: Person): boolean {
  return a.time === b.time && a.name === b.name && a.email === b.email && a.offset === b.offset
}

/** The same text in memory of its own. Lone surrogates, which UTF-8 has no place for, are left as they are. */
function copy<T extends string>(text: T): T {
  return structuredClone(text)
}
