import { type CommitId, parseCommitId } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import type { LawFiles } from '../core/facts.ts'
import type { Finding } from '../core/verdict.ts'
import { currentLaw, type Fold, type FoldContext, type FoldStep, startFold, stepFold } from '../policy/fold.ts'
import { changedLaw, type Law, parseLaw } from '../policy/law.ts'
import type { History } from '../source/git.ts'
import { CommitGraph } from '../source/graph.ts'
import type { Authorities, Keyring } from '../source/keyring.ts'
import type { CheckMany } from '../source/verify-many.ts'
import { type FirstParents, type WalkStep, walkFirstParents } from '../source/walk.ts'
import type { PlatformPort } from './attest-request.ts'
import { BroughtLaws } from './source-brought.ts'
import { type AskEarlier, EarlierOnBranch } from './source-earlier.ts'
import { type EvidencePorts, SourceEvidence, withTrustedTime } from './source-evidence.ts'
import { SourceFacts } from './source-facts.ts'
import { asksPlatform, lawOf, mayChange, nextLaw, readable, withCoverage } from './source-law.ts'
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
  /** What earlier runs of the branch stated. */
  readonly earlier?: AskEarlier
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
  readonly #brought: BroughtLaws
  readonly #outside: Law | undefined
  readonly #askEarlier: AskEarlier | undefined
  readonly #earlier: EarlierOnBranch[] = []

  constructor(history: History, now: Date, options: FoldOptions = {}) {
    const { platform, statements, sigstoreTrust, outside, check, watch, earlier, ...context } = options
    this.#history = history
    this.#now = now
    this.#context = context
    this.#watch = watch
    this.#outside = outside
    this.#askEarlier = earlier
    const answers = new PlatformAnswers(platform, () => history.remaining())
    this.#graph = new CommitGraph(
      id => history.commit(id),
      (tips, without) => history.guess(tips, without),
    )
    this.#brought = new BroughtLaws(history, this.#graph)
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
    const tipLaw = async () => this.#outside ?? parseLaw(await lawOf(this.#history, head))
    const earlier = new EarlierOnBranch({ ref, anchor, graph: this.#graph, tipLaw }, this.#askEarlier, this.#now)
    this.#earlier.push(earlier)
    for (;;) {
      const fold = await this.#fromAnchor(anchor, head, ref, earlier)
      if (!(await earlier.isLess(fold))) return fold
    }
  }

  /** Why summaries of earlier runs that were found are not used. */
  async earlierNotes(): Promise<readonly Finding[]> {
    return (await Promise.all(this.#earlier.map(branch => branch.notes()))).flat()
  }

  async #fromAnchor(anchor: CommitId, head: CommitId, ref: string, earlier: EarlierOnBranch): Promise<Fold> {
    const first = await readable(this.#history, anchor)
    const line = await walkFirstParents(head, anchor, this.#graph)
    const laws = this.#lawsOf(first.tree, line)
    const law = await this.#anchorLaw(anchor, await nextLaw(laws))
    return this.#along(this.#start(anchor, law, ref, line), line, () => nextLaw(laws), earlier)
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

  async #along(
    start: Fold,
    line: FirstParents,
    nextFiles: () => Promise<LawFiles>,
    earlier?: EarlierOnBranch,
  ): Promise<Fold> {
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
        fold = await this.#judge(fold, window, evidence, { line, earlier })
        done += window.length
        window = []
        commits = 0
      }
      return fold
    } catch (error) {
      throw withCoverage(error, done, line.length)
    }
  }

  async #judge(
    start: Fold,
    steps: readonly LawStep[],
    evidence: SourceEvidence,
    { line, earlier }: { readonly line?: FirstParents; readonly earlier?: EarlierOnBranch | undefined } = {},
  ): Promise<Fold> {
    this.#history.remaining()
    const law = currentLaw(start)
    const ids = steps.flatMap(step => [step.commit, ...step.broughtIn])
    const facts = (await this.#facts.of(ids, law, asksPlatform(law, start.ref)))[Symbol.iterator]()
    const plain = steps.map(step => ({ ...step, facts: take(facts), sides: step.broughtIn.map(() => take(facts)) }))
    const read = (await earlier?.withTimes(plain, law, line)) ?? plain
    const reviewed = await earlier?.reviews(law)
    const asked = read.map(({ facts, sides, law: files, place }) => ({
      commit: facts,
      broughtIn: sides,
      changes: changedLaw(law, files),
      now: this.#now,
      earlier: reviewed?.(facts.id),
      ...(place === undefined ? {} : { place }),
    }))
    const found = await evidence.of(asked, law, line)
    const sides = read.map(({ sides }) => ({ broughtIn: sides }))
    const brought = law.constant || line === undefined ? [] : await this.#brought.of(sides, start, line)
    let fold = start
    for (const [at, step] of read.entries()) {
      const candidate = await this.#candidate(currentLaw(fold), step.law)
      const known = found[at]
      if (known?.earlier !== undefined) earlier?.lent(step.commit)
      const pushed = (commit: typeof step.facts) => withTrustedTime(commit, known)
      const input = {
        commit: pushed(step.facts),
        broughtIn: step.sides.map(pushed),
        law: step.law,
        broughtLaws: brought[at] ?? [],
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

function take<T>(values: Iterator<T>): T {
  const { value, done } = values.next()
  if (done === true) throw fail('core/internal', 'Fewer commits were read than were asked for')
  return value
}
