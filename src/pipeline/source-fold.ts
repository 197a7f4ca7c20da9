import { type CommitId, parseCommitId } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { type CommitFacts, isMalformed, type JudgedCommit, type LawFiles } from '../core/facts.ts'
import { currentLaw, type Fold, startFold, stepFold } from '../policy/fold.ts'
import { changedLaw, type Law, parseLaw } from '../policy/law.ts'
import { type ParsedCommit, parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import { type Authorities, type Keyring, loadKeyring } from '../source/keyring.ts'
import { factsOf } from '../source/verify.ts'
import { type JudgedStep, type ReadCommit, walkFirstParents } from '../source/walk.ts'

/** Commits whose signatures are checked side by side before they are judged in order. */
const BATCH = 64

/**
 * Drives the fold of `policy` over the history that `source` reads: the one place where facts meet the law.
 * Signatures of a batch are checked with the keys of the law accepted at its start; a batch ends where the law changes,
 * so that every commit is judged with the keys of its own moment.
 */
export class SourceFold {
  readonly #history: History
  readonly #now: Date
  readonly #outside: Law | undefined
  readonly #sigstoreTrust: Authorities['sigstoreTrust']
  readonly #keyrings = new Map<Law, Promise<Keyring>>()

  /** @param outside a law that was read elsewhere and that no commit of this history changes. */
  constructor(history: History, now: Date, outside?: Law, sigstoreTrust?: Authorities['sigstoreTrust']) {
    this.#history = history
    this.#now = now
    this.#outside = outside
    this.#sigstoreTrust = sigstoreTrust
  }

  /** @throws `source/anchor-without-policy`, `source/anchor-not-ancestor` and what reading the objects throws. */
  async alongFirstParents(anchor: CommitId, head: CommitId, ref: string): Promise<Fold> {
    const first = await readable(this.#history, anchor)
    const steps = await walkFirstParents(head, anchor, id => this.#history.commit(id))
    // One question for the law files of all: the anchor's are the first answer.
    const laws = await this.#lawsOf([first, ...steps.map(step => step.commit)])
    const law = await this.#anchorLaw(anchor, await nextLaw(laws))
    let fold = startFold({ id: anchor }, law, ref)
    for (const step of steps) fold = await this.#step(fold, { ...step, law: await nextLaw(laws) })
    return fold
  }

  /** Judges commits one by one under a law that none of them changes. */
  async underLaw(fold: Fold, commits: readonly ReadCommit[]): Promise<Fold> {
    const keyring = await this.keyring(currentLaw(fold))
    let next = fold
    for (let at = 0; at < commits.length; at += BATCH) {
      const facts = await Promise.all(commits.slice(at, at + BATCH).map(commit => judged(commit, keyring)))
      for (const commit of facts) next = stepFold(next, { commit, broughtIn: [], law: { files: [] } }, this.#now)
    }
    return next
  }

  /** The OpenPGP keys and root certificates a law names, parsed once. @throws `source/key-unreadable`, `source/root-unreadable` */
  keyring(law: Law): Promise<Keyring> {
    const known = this.#keyrings.get(law)
    if (known !== undefined) return known
    const loading = loadKeyring(law.keyFiles, law.x509Roots, this.#sigstoreTrust)
    this.#keyrings.set(law, loading)
    return loading
  }

  async #anchorLaw(anchor: CommitId, files: LawFiles): Promise<Law> {
    if (this.#outside !== undefined) return this.#outside
    try {
      const law = parseLaw(files)
      await this.keyring(law)
      return law
    } catch (error) {
      const known = asWaybillError(error)
      if (known.kind === 'unknown') throw known
      throw fail('source/anchor-without-policy', `The anchor ${anchor} contains no usable policy: ${known.message}`, {
        ...(known.expected === undefined ? {} : { expected: known.expected }),
        ...(known.found === undefined ? {} : { found: known.found }),
        cause: known,
      })
    }
  }

  async #lawsOf(commits: readonly ReadCommit[]): Promise<Laws> {
    const trees = commits.map(async commit => ({ id: commit.id, tree: await this.#treeOf(commit) }))
    return this.#history.lawFiles(await Promise.all(trees))[Symbol.asyncIterator]()
  }

  /** A malformed commit still has a tree to git, and its law must be seen where it was brought, not one commit later. */
  async #treeOf(commit: ReadCommit): Promise<CommitId> {
    if (!isMalformed(commit)) return commit.tree
    const head = Buffer.from(await this.#history.commit(commit.id))
      .subarray(0, 46)
      .toString('latin1')
    const tree = /^tree ([0-9a-f]{40})\n$/.exec(head)?.[1]
    if (tree !== undefined) return parseCommitId(tree)
    throw fail('source/malformed', `Commit ${commit.id} names no tree, so what follows it cannot be judged`, {
      expected: 'tree <40 hex> as the first line',
    })
  }

  async #step(fold: Fold, step: LawStep): Promise<Fold> {
    const keyring = await this.keyring(currentLaw(fold))
    const [commit, ...broughtIn] = await Promise.all(
      [step.commit, ...step.broughtIn].map(item => judged(item, keyring)),
    )
    if (commit === undefined) return fold
    const candidate = await this.#candidate(currentLaw(fold), step.law)
    const input = { commit, broughtIn, law: step.law, ...(candidate === undefined ? {} : { candidate }) }
    return stepFold(fold, input, this.#now)
  }

  /** A law whose key files cannot be read is as unusable as one that does not parse. */
  async #candidate(accepted: Law, files: LawFiles) {
    if (changedLaw(accepted, files) === 'same') return undefined
    try {
      const law = parseLaw(files)
      await this.keyring(law)
      return law
    } catch (error) {
      return asWaybillError(error)
    }
  }
}

type Laws = AsyncIterator<{ readonly law: LawFiles }>

async function nextLaw(laws: Laws): Promise<LawFiles> {
  const next = await laws.next()
  if (next.done !== true) return next.value.law
  throw fail('core/internal', 'Fewer law files were read than commits were asked about')
}

type LawStep = JudgedStep & { readonly law: LawFiles }

function judged(commit: ReadCommit, keyring: Keyring): Promise<JudgedCommit | CommitFacts> {
  return isMalformed(commit) ? Promise.resolve(commit) : factsOf(commit, keyring)
}

/** @throws `source/malformed` when the commit cannot be read. */
async function readable(history: History, id: CommitId): Promise<ParsedCommit> {
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
