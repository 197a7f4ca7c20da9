import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail, WaybillError } from '../core/error.ts'
import type { LawChange } from '../policy/changes.ts'
import { constantLaw, currentLaw, endFold, type Fold, type SourceJudgement } from '../policy/fold.ts'
import type { Law } from '../policy/law.ts'
import type { History } from '../source/git.ts'
import { commitsBetween } from '../source/range.ts'
import { acceptedLaw } from './base-law.ts'
import type { Progress } from './progress.ts'
import { proposedChange } from './proposed-change.ts'
import { type FoldOptions, SourceFold, type WatchedStep } from './source-fold.ts'
import { lawOf } from './source-law.ts'

/** What of a history is to be judged: everything after a base or an anchor, up to the head. At least one of the two is given. */
export interface CheckRequest {
  readonly head: CommitId
  /** What stands left of the dots: what is reachable from it is not judged. */
  readonly base?: CommitId
  /** Named from outside, its law accepted. */
  readonly anchor?: CommitId
  /** Full name of the ref whose rules hold. */
  readonly ref: string
  /** A policy from outside (`--policy`), constant. */
  readonly law?: Law
  /** A commit whose judgement is to be explained. */
  readonly explain?: CommitId
}

export interface CheckPorts extends Omit<FoldOptions, 'outside' | 'watch'> {
  readonly history: History
  readonly now: Date
  /** Told after every judged step: how many there were, and of how many where that is known. */
  readonly progress?: Progress
}

/**
 * Where the law came from: a file; the fold from an anchor; that fold, for what another line brings; the base, taken as the
 * anchor; the base, for what another line brings.
 */
export type LawSource = 'file' | 'anchor' | 'anchor-to-base' | 'base' | 'base-alone'

export interface CheckedSource {
  readonly judgement: SourceJudgement
  readonly lawFrom: LawSource
  /** How the law would change if what was judged as a proposal were merged. */
  readonly proposed?: LawChange
  /** The step in which the commit to be explained was judged. */
  readonly explained?: WatchedStep
}

/**
 * Judges a range of a clone (12-policy § 1, "laptop"). A range whose base lies on the head's line of first parents continues
 * that line and is folded with its changes of law; any other brings commits to its base, as a pull request does, and is judged
 * commit by commit under the base's law.
 * @throws `source/nothing-judged` (unknown) for an empty range, and what the fold throws.
 */
export async function checkSource(request: CheckRequest, ports: CheckPorts): Promise<CheckedSource> {
  const { history, now, progress, ...options } = ports
  const watched = new Watch(request.explain, progress)
  const driver = new SourceFold(history, now, { ...options, watch: step => watched.see(step) })
  const { fold, lawFrom } = await foldFor(request, driver).catch((error: unknown) => {
    throw withoutPolicy(error, request)
  })
  const judgement = endFold(fold, now)
  if (request.base !== undefined && judgement.commits.length === 0) throw empty(request.base, request.head)
  const asProposal = lawFrom === 'anchor-to-base' || lawFrom === 'base-alone'
  const proposed = asProposal ? await proposalOf(request, fold, history) : undefined
  const { explained } = watched
  return {
    judgement,
    lawFrom,
    ...(proposed === undefined ? {} : { proposed }),
    ...(explained === undefined ? {} : { explained }),
  }
}

async function proposalOf({ head, base }: CheckRequest, fold: Fold, history: History): Promise<LawChange | undefined> {
  const [files, before] = [await lawOf(history, head), await lawOf(history, base ?? head)]
  return proposedChange({ ...currentLaw(fold), constant: false }, { head, files, base: before })
}

interface Folded {
  readonly fold: Fold
  readonly lawFrom: LawSource
}

async function foldFor(request: CheckRequest, driver: SourceFold): Promise<Folded> {
  const { head, base, anchor, ref, law } = request
  if (law !== undefined) {
    if (base === undefined) return { fold: await driver.alongUnderLaw(needed(anchor), head, law, ref), lawFrom: 'file' }
    const along = await ifOnLine(() => driver.alongUnderLaw(base, head, law, ref))
    return { fold: along ?? (await proposal(driver, request, base, law)), lawFrom: 'file' }
  }
  if (base === undefined) return { fold: await driver.alongFirstParents(needed(anchor), head, ref), lawFrom: 'anchor' }
  if (anchor !== undefined) {
    const accepted = constantLaw(acceptedLaw(await driver.alongFirstParents(anchor, base, ref)))
    return { fold: await proposal(driver, request, base, accepted), lawFrom: 'anchor-to-base' }
  }
  const along = await ifOnLine(() => driver.alongFirstParents(base, head, ref))
  if (along !== undefined) return { fold: along, lawFrom: 'base' }
  const accepted = constantLaw(currentLaw(await driver.alongFirstParents(base, base, ref)))
  return { fold: await proposal(driver, request, base, accepted), lawFrom: 'base-alone' }
}

/** As a pull request is judged (1-product § 5): reviews of what is still open are shown, no verdict rests on them. */
async function proposal(driver: SourceFold, { head, ref }: CheckRequest, base: CommitId, law: Law): Promise<Fold> {
  const commits = await commitsBetween(head, base, driver.graph)
  return driver.underLaw(base, commits, law, ref, { reviews: 'show', pending: true })
}

async function ifOnLine(work: () => Promise<Fold>): Promise<Fold | undefined> {
  try {
    return await work()
  } catch (error) {
    if (asWaybillError(error).code === 'source/anchor-not-ancestor') return undefined
    throw error
  }
}

class Watch {
  readonly #wanted: CommitId | undefined
  readonly #progress: CheckPorts['progress']
  #done = 0
  explained: WatchedStep | undefined

  constructor(wanted: CommitId | undefined, progress: CheckPorts['progress']) {
    this.#wanted = wanted
    this.#progress = progress
  }

  see(watched: WatchedStep): void {
    const { commit, broughtIn } = watched.step
    if ([commit, ...broughtIn].some(({ id }) => id === this.#wanted)) this.explained = watched
    const all = watched.before.places?.size
    this.#progress?.({
      kind: 'counted',
      done: ++this.#done,
      unit: 'commits',
      // A line may bring more commits than it has steps; what would be more than all of them is no share.
      ...(all === undefined || all < this.#done ? {} : { all }),
    })
  }
}

function needed(anchor: CommitId | undefined): CommitId {
  if (anchor !== undefined) return anchor
  throw fail('core/internal', 'A check without a base and without an anchor')
}

/** Who gave a range did not speak of an anchor. */
function withoutPolicy(error: unknown, { base, anchor, head }: CheckRequest): Error {
  const known = asWaybillError(error)
  if (known.code !== 'source/anchor-without-policy' || base === undefined || anchor !== undefined) return known
  const cause = known.cause instanceof WaybillError ? known.cause.message : known.message
  return fail(known.code, `The base ${base} of the range holds no usable policy: ${cause}`, {
    ...(known.expected === undefined ? {} : { expected: known.expected }),
    ...(known.found === undefined ? {} : { found: known.found }),
    remedy: `Judge by a policy of your own (--policy FILE), or from a commit on that holds one: waybill source check ${head} --since ANCHOR, found with: git log --format=%H -1 -- .github/waybill.yml`,
    cause: known,
  })
}

/** 13-adversary 38: a range with its ends exchanged must not read as a good one. */
function empty(base: CommitId, head: CommitId): Error {
  return fail('source/nothing-judged', `No commit is reachable from ${head} and not from ${base}: nothing was judged`, {
    kind: 'unknown',
    expected: 'OLD..NEW',
    found: 'an empty range',
    remedy: `Look at the range: git log --oneline ${base}..${head}; the older commit stands left of the dots.`,
  })
}
