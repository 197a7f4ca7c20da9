import { type CommitId, parseCommitId } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import { isMalformed, type LawFiles } from '../core/facts.ts'
import { currentLaw, type Fold, type FoldContext, type FoldStep, startFold, stepFold } from '../policy/fold.ts'
import { changedLaw, type Law, parseLaw } from '../policy/law.ts'
import { matchesRef } from '../policy/match.ts'
import { type ParsedCommit, parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import { CommitGraph } from '../source/graph.ts'
import type { Authorities, Keyring } from '../source/keyring.ts'
import type { CheckMany } from '../source/verify-many.ts'
import { type FirstParents, type WalkStep, walkFirstParents } from '../source/walk.ts'
import type { PlatformPort } from './attest-request.ts'
import { type EvidencePorts, SourceEvidence, withTrustedTime } from './source-evidence.ts'
import { SourceFacts } from './source-facts.ts'
import { PlatformAnswers } from './source-platform.ts'

/** First-parent commits judged together: evidence for them is asked for at once. */
const WINDOW_STEPS = 512
/** Commits in such a window, unless a single merge brings more. */
const WINDOW_COMMITS = 2_048
/** First-parent commits whose law files are asked for at once. */
const LAW_BLOCK = 16_384

/** What the driver may ask beside git, and what the fold is told. */
export interface FoldOptions extends Pick<FoldContext, 'repositoryId' | 'repositoryUri' | 'reviews'> {
  readonly platform?: PlatformPort
  readonly statements?: EvidencePorts['statements']
  readonly sigstoreTrust?: Authorities['sigstoreTrust']
  /** A law that was read elsewhere and that no commit of this history changes. */
  readonly outside?: Law
  /** Checks signatures in the place of Waybill's own engine alone. */
  readonly check?: CheckMany
  /** Told of every step as it is judged, for progress and explanations; it changes nothing. */
  readonly watch?: (step: WatchedStep) => void
}

/** One step, with the fold before and after it. */
export interface WatchedStep {
  readonly step: FoldStep
  readonly before: Fold
  readonly after: Fold
}

/** How a proposal is judged, other than what is on the branch already. */
export type ProposalContext = Pick<FoldContext, 'reviews' | 'pending'>

/**
 * Drives the fold of `policy` over the history that `source` reads: the one place where facts meet the law.
 * Commits are judged in windows. A window ends with a commit whose law differs from the accepted one, so that every commit is
 * judged with the keys and the evidence that the law of its own moment asks for. Of a window that is judged nothing stays but
 * the judgements.
 */
export class SourceFold {
  readonly #history: History
  readonly #now: Date
  readonly #context: Pick<FoldContext, 'repositoryId' | 'repositoryUri' | 'reviews'>
  readonly #watch: FoldOptions['watch']
  readonly #graph: CommitGraph
  readonly #facts: SourceFacts
  readonly #ports: EvidencePorts

  readonly #outside: Law | undefined

  constructor(history: History, now: Date, options: FoldOptions = {}) {
    const { platform, statements, sigstoreTrust, outside, check, watch, ...context } = options
    this.#history = history
    this.#now = now
    this.#context = context
    this.#watch = watch
    this.#outside = outside
    const answers = new PlatformAnswers(platform, () => history.remaining())
    this.#graph = new CommitGraph(
      id => history.commit(id),
      (tips, without) => history.guess(tips, without),
    )
    this.#facts = new SourceFacts(history, answers, sigstoreTrust, check)
    const ports = { history, graph: this.#graph, facts: this.#facts, platform: answers }
    this.#ports = { ...ports, ...(statements === undefined ? {} : { statements }) }
  }

  /** The shape of the history as far as it was read. */
  get graph(): CommitGraph {
    return this.#graph
  }

  /**
   * @throws `source/anchor-without-policy`, `source/anchor-not-ancestor`, `source/deadline` and `source/disk-limit` with what
   * was covered, and what reading the objects throws.
   */
  async alongFirstParents(anchor: CommitId, head: CommitId, ref: string): Promise<Fold> {
    const first = await readable(this.#history, anchor)
    const line = await walkFirstParents(head, anchor, this.#graph)
    const laws = this.#lawsOf(first.tree, line)
    const law = await this.#anchorLaw(anchor, await nextLaw(laws))
    return this.#along(this.#start(anchor, law, ref, line), line, () => nextLaw(laws))
  }

  /** As `alongFirstParents`, from a commit on and under a law that no commit changes. */
  async alongUnderLaw(
    base: CommitId,
    head: CommitId,
    law: Law,
    ref: string,
    context: ProposalContext = {},
  ): Promise<Fold> {
    const line = await walkFirstParents(head, base, this.#graph)
    return this.#along(this.#start(base, law, ref, line, context), line, async () => ({ files: [] }))
  }

  /** Judges commits one by one under a law that none of them changes. */
  async underLaw(
    base: CommitId,
    commits: readonly CommitId[],
    law: Law,
    ref: string,
    context: ProposalContext = {},
  ): Promise<Fold> {
    let fold = startFold({ id: base }, law, ref, { ...this.#context, ...context })
    const evidence = new SourceEvidence(this.#ports, ref)
    for (let at = 0; at < commits.length; at += WINDOW_STEPS) {
      const part = commits.slice(at, at + WINDOW_STEPS)
      const steps = part.map(commit => ({ commit, broughtIn: [], law: { files: [] } }))
      fold = await this.#judge(fold, steps, evidence)
    }
    return fold
  }

  /** The keys a law names, parsed once. @throws `source/key-unreadable` */
  keyring(law: Law): Promise<Keyring> {
    return this.#facts.keyring(law)
  }

  #start(anchor: CommitId, law: Law, ref: string, line: FirstParents, context: ProposalContext = {}): Fold {
    const ids = Array.from({ length: line.length }, (_, place) => line.at(place))
    return startFold({ id: anchor }, law, ref, { ...this.#context, ...context, line: ids })
  }

  async #along(start: Fold, line: FirstParents, nextFiles: () => Promise<LawFiles>): Promise<Fold> {
    const evidence = new SourceEvidence(this.#ports, start.ref)
    let fold = start
    let done = 0
    let window: LawStep[] = []
    let commits = 0
    let previous: LawFiles | undefined
    try {
      for await (const step of line.steps()) {
        const law = await nextFiles()
        window.push({ ...step, law })
        commits += 1 + step.broughtIn.length
        const ends = mayChange(currentLaw(fold), previous, law)
        previous = law
        if (!ends && commits < WINDOW_COMMITS && window.length < WINDOW_STEPS && step.place + 1 < line.length) continue
        fold = await this.#judge(fold, window, evidence, line)
        done += window.length
        window = []
        commits = 0
      }
      return fold
    } catch (error) {
      throw withCoverage(error, done, line.length)
    }
  }

  async #judge(start: Fold, steps: readonly LawStep[], evidence: SourceEvidence, line?: FirstParents): Promise<Fold> {
    this.#history.remaining()
    const law = currentLaw(start)
    const ids = steps.flatMap(step => [step.commit, ...step.broughtIn])
    const facts = (await this.#facts.of(ids, law, asksPlatform(law, start.ref)))[Symbol.iterator]()
    const read = steps.map(step => ({ ...step, facts: take(facts), sides: step.broughtIn.map(() => take(facts)) }))
    const asked = read.map(({ facts, sides, law: files, place }) => ({
      commit: facts,
      broughtIn: sides,
      changes: changedLaw(law, files),
      now: this.#now,
      ...(place === undefined ? {} : { place }),
    }))
    const found = await evidence.of(asked, law, line)
    let fold = start
    for (const [at, step] of read.entries()) {
      const candidate = await this.#candidate(currentLaw(fold), step.law)
      const known = found[at]
      const pushed = (commit: typeof step.facts) => withTrustedTime(commit, known)
      const input = {
        commit: pushed(step.facts),
        broughtIn: step.sides.map(pushed),
        law: step.law,
        ...(known === undefined ? {} : { evidence: known }),
        ...(candidate === undefined ? {} : { candidate }),
      }
      const before = fold
      fold = stepFold(before, input, this.#now)
      this.#watch?.({ step: input, before, after: fold })
    }
    return fold
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

  /** Law files of the anchor, then of each commit of the line: two fetches for many thousands of them. */
  async *#lawsOf(anchorTree: CommitId, line: FirstParents): AsyncGenerator<LawFiles> {
    for (let at = -1; at < line.length; at += LAW_BLOCK) {
      const places = Array.from({ length: Math.min(LAW_BLOCK, line.length - at) }, (_, i) => at + i)
      const commits = places.map(place =>
        place === -1 ? { id: line.anchor, tree: anchorTree } : { id: line.at(place), tree: this.#treeAt(line, place) },
      )
      for await (const { law } of this.#history.lawFiles(commits)) yield law
    }
  }

  #treeAt(line: FirstParents, place: number): CommitId {
    const tree = this.#graph.tree(line.number(place))
    if (tree !== undefined) return parseCommitId(tree)
    throw fail('source/malformed', `Commit ${line.at(place)} names no tree, so what follows it cannot be judged`, {
      expected: 'tree <40 hex> as the first line',
    })
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

type LawStep = Omit<WalkStep, 'place'> & { readonly place?: number; readonly law: LawFiles }

/** Whether the accepted law can be another one after this commit. One that only carries what its parent had changes nothing. */
function mayChange(accepted: Law, previous: LawFiles | undefined, files: LawFiles): boolean {
  if (previous?.tree !== undefined && previous.tree === files.tree) return false
  return changedLaw(accepted, files) !== 'same'
}

/** Whether a rule for the ref lets anything pass that the platform signed: only then its keys are worth asking for. */
function asksPlatform({ policy }: Law, ref: string): boolean {
  return policy.source
    .filter(rule => matchesRef(rule.refs, ref))
    .some(({ platform: { merge, squash, rebase, content } }) =>
      [merge === 'clean', squash === 'evidence', rebase === 'evidence', content.size > 0].includes(true),
    )
}

function take<T>(values: Iterator<T>): T {
  const { value, done } = values.next()
  if (done === true) throw fail('core/internal', 'Fewer commits were read than were asked for')
  return value
}

async function nextLaw(laws: AsyncIterator<LawFiles>): Promise<LawFiles> {
  const next = await laws.next()
  if (next.done !== true) return next.value
  throw fail('core/internal', 'Fewer law files were read than commits were asked about')
}

/** 13-adversary 13: what ends early says how far it came. */
function withCoverage(error: unknown, done: number, all: number): Error {
  const known = asWaybillError(error)
  if (known.code !== 'source/deadline' && known.code !== 'source/disk-limit') return known
  return fail(known.code, known.message, {
    ...(known.expected === undefined ? {} : { expected: known.expected }),
    found: `${done} of ${all} commits of the line were judged`,
    cause: known,
  })
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
