import type { CommitFacts, Person } from '../core/facts.ts'
import type { ParsedCommit } from './commit.ts'
import type { Keyring } from './keyring.ts'
import { factsOf } from './verify.ts'

/** Commits whose signatures are checked side by side. */
const BATCH = 64

/** Checks the signatures of many commits. @returns facts in the order of the commits. */
export type CheckMany = (commits: readonly ParsedCommit[], keyring: Keyring) => Promise<readonly CommitFacts[]>

/**
 * The one door through which signatures of many commits are checked: whoever wants to spread the work does it here.
 * @returns facts in the order of the commits. They hold nothing of the commits' bytes, so these can be forgotten.
 */
export async function checkMany(commits: readonly ParsedCommit[], keyring: Keyring): Promise<readonly CommitFacts[]> {
  const facts: CommitFacts[] = []
  const shared = sharedOf(keyring)
  for (let at = 0; at < commits.length; at += BATCH) {
    const batch = await Promise.all(commits.slice(at, at + BATCH).map(commit => factsOf(commit, keyring)))
    for (const fact of batch) facts.push(compact(fact, shared))
  }
  return facts
}

/**
 * Text that was cut out of an object keeps the whole object alive in memory; a copy does not. A long history keeps some of
 * these strings until its end, and most of its people and keys are the same few.
 */
function compact(facts: CommitFacts, shared: Shared): CommitFacts {
  const { id, tree, parents, author, committer, subject, signature } = facts
  const by = person(author, shared)
  const same = author.time === committer.time && author.offset === committer.offset
  const committedBy = person(committer, shared)
  return {
    ...facts,
    id: copy(id),
    tree: copy(tree),
    parents: parents.map(copy),
    subject: copy(subject),
    author: by,
    committer: same && by.name === committedBy.name && by.email === committedBy.email ? by : committedBy,
    signature:
      'fingerprint' in signature ? { ...signature, fingerprint: shared.text(signature.fingerprint) } : signature,
  }
}

function person({ name, email, time, offset }: Person, shared: Shared): Person {
  return { name: shared.text(name), email: shared.text(email), time, offset: shared.text(offset) }
}

/** Distinct texts kept for sharing: far more than a project has people and keys. */
const SHARED = 10_000

/** Gives equal texts the same memory. */
class Shared {
  readonly #texts = new Map<string, string>()

  text(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (this.#texts.size >= SHARED) this.#texts.clear()
    const own = copy(text)
    this.#texts.set(own, own)
    return own
  }
}

/** The texts met since a keyring came into use; they go with it. */
const sharedBy = new WeakMap<Keyring, Shared>()

function sharedOf(keyring: Keyring): Shared {
  const known = sharedBy.get(keyring) ?? new Shared()
  sharedBy.set(keyring, known)
  return known
}

/** The same text in memory of its own. */
function copy<T extends string>(text: T): T {
  return structuredClone(text)
}
