import type { CommitId, Digest } from '../core/digest.ts'
import { asWaybillError, fail } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import type { LawChange } from '../policy/changes.ts'
import { constantLaw, endFold, endFoldAt, type Fold, type SourceJudgement } from '../policy/fold.ts'
import { type Law, POLICY_PATH } from '../policy/law.ts'
import { isTagRef, type TagJudgement } from '../policy/tag.ts'
import { commitsBetween } from '../source/range.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { acceptedLaw } from './base-law.ts'
import { outsideLaw } from './outside-policy.ts'
import { proposedChange } from './proposed-change.ts'
import { ReviewStatements } from './review-statements.ts'
import type { Position } from './source-commits.ts'
import { type FoldOptions, SourceFold } from './source-fold.ts'
import { lawOf } from './source-law.ts'
import { judgeTagRun } from './source-tag.ts'

export type Judgement = SourceJudgement & {
  /** How the law would change if a pull request were merged. */
  readonly proposed?: LawChange
  /** Who tagged the commit. */
  readonly tag?: TagJudgement
  readonly reviews?: JudgedReviews
  /** About summaries of earlier runs that were found and are not used; no verdict rests on them. */
  readonly earlier?: readonly Finding[]
}

/** What became of the review statements that were found. */
export interface JudgedReviews {
  /** Those that counted, as they were found. */
  readonly statements: ReadonlyMap<Digest, Uint8Array>
  /** Why others were refused. */
  readonly notes: readonly string[]
}

/**
 * Judges what the event asks for (1-product § 5): the line from the anchor to the ref's tip, or what a proposal brings under
 * the law accepted at its base.
 * @returns undefined when there is no anchor: then nothing is judged.
 * @throws `source/no-anchor`, `source/not-on-ref`, `source/before-anchor`, and what the fold throws.
 */
export async function judge(
  request: AttestRequest,
  ports: AttestPorts,
  position: Position,
): Promise<Judgement | undefined> {
  const { anchor, mode } = request.source
  if (anchor === undefined) {
    if (mode === 'enforce') throw fail('source/no-anchor', 'Nothing says from which commit on to verify')
    return undefined
  }
  const statements = new ReviewStatements(heads => ports.git.reviews(heads))
  const judgement = await judgeFrom(anchor, request, ports, position, statements)
  return { ...judgement, reviews: await reviewsOf(judgement, statements) }
}

async function judgeFrom(
  anchor: CommitId,
  request: AttestRequest,
  ports: AttestPorts,
  position: Position,
  statements: ReviewStatements,
): Promise<Judgement> {
  const now = ports.now()
  const outside = request.source.policy
  const law =
    outside === undefined
      ? undefined
      : await outsideLaw(outside, request.serverUrl, ports.policyRepository(outside.repository))
  const driver = new SourceFold(position.history, now, { ...optionsFor(request, ports, law), statements })
  const judgement = await judgeBy(driver, request, ports, { ...position, anchor, now })
  const notes = await driver.earlierNotes()
  return { ...judgement, earlier: notes }
}

async function judgeBy(
  driver: SourceFold,
  request: AttestRequest,
  ports: AttestPorts,
  { history, tip, line, anchor, now }: Position & { readonly anchor: CommitId; readonly now: Date },
): Promise<Judgement> {
  const { head, ref, purpose, base } = request.source
  if (purpose === 'sign') {
    const run = { ref, head, anchor, history, git: ports.git, driver, now }
    const tagged = isTagRef(ref) ? await judgeTagRun(run) : undefined
    if (tagged !== undefined) return tagged
    if (line === undefined) throw notOnRef(request, tip)
    // What lies below the anchor was never judged by anybody: an empty range must not read as a passed one.
    if (line.slice(0, -1).includes(anchor)) throw beforeAnchor(head, anchor)
    // The law is that of the tip, also when an older commit is built; what came later is not judged with it.
    const fold = await driver.alongFirstParents(anchor, tip, ref)
    // A later change of the law that nobody could check may take away what this commit rests on.
    if (tip !== head) acceptedLaw(fold)
    const judgement = endFoldAt(fold, head, now)
    if (judgement === undefined) throw notOnRef(request, tip)
    return judgement
  }
  const baseRef = base?.ref ?? ref
  const accepted = acceptedLaw(await driver.alongFirstParents(anchor, tip, baseRef))
  const fold = await proposalFold(driver, request, tip, constantLaw(accepted))
  const files = await lawOf(history, head)
  const proposed = proposedChange(accepted, { head, files, base: await lawOf(history, tip) })
  return { ...endFold(fold, now), ...(proposed === undefined ? {} : { proposed }) }
}

/**
 * What a pull request brings is judged commit by commit, whatever its shape; what a merge queue has made is a line that
 * continues its base (1-product § 5). Reviews of a pull request that is still open are shown; those of what would be merged
 * are judged.
 */
async function proposalFold(
  driver: SourceFold,
  { source: { head, base, ref } }: AttestRequest,
  tip: CommitId,
  law: Law,
): Promise<Fold> {
  const baseRef = base?.ref ?? ref
  if (base?.tip !== undefined) {
    try {
      return await driver.alongUnderLaw(tip, head, law, baseRef, { reviews: 'judge', pending: true })
    } catch (error) {
      if (asWaybillError(error).code !== 'source/anchor-not-ancestor') throw error
    }
  }
  const commits = await commitsBetween(head, tip, driver.graph)
  const reviews = base?.tip === undefined ? 'show' : 'judge'
  return driver.underLaw(tip, commits, law, baseRef, { reviews, pending: true })
}

/** The statements that counted, read once more, so that nothing but them is held while a long history is judged. */
async function reviewsOf({ commits }: SourceJudgement, statements: ReviewStatements): Promise<JudgedReviews> {
  const counted = commits.flatMap(({ id, review }) =>
    review === undefined || review.statements.length === 0 ? [] : [{ head: review.head ?? id, review }],
  )
  const heads = new Set(counted.map(({ head }) => head))
  const digests = new Set(counted.flatMap(({ review }) => review.statements))
  return { statements: await statements.bytes(heads, digests), notes: statements.notes() }
}

function optionsFor(request: AttestRequest, ports: AttestPorts, outside: Law | undefined): FoldOptions {
  const { run, serverUrl, repository } = request
  const policyUri = outside?.origin?.uri ?? `git+${serverUrl}/${repository}#${POLICY_PATH}`
  const { earlier } = ports
  let judged = 0
  return {
    watch: () => ports.progress({ kind: 'counted', done: ++judged, unit: 'commits' }),
    repositoryUri: `${serverUrl}/${repository}`,
    ...(earlier === undefined ? {} : { earlier: question => earlier({ ...question, policyUri }) }),
    ...(outside === undefined ? {} : { outside }),
    ...(ports.sigstoreTrust === undefined ? {} : { sigstoreTrust: ports.sigstoreTrust }),
    ...(run === undefined ? {} : { repositoryId: Number(run.repositoryId) }),
    ...(ports.platform === undefined ? {} : { platform: ports.platform }),
  }
}

/** True when the policy says nothing about the ref. A tag is judged only where a rule asks for it. */
export function hasNoRule({ findings, tag }: Judgement): boolean {
  return tag === undefined && findings.some(finding => finding.code === 'policy/no-rule')
}

function beforeAnchor(head: CommitId, anchor: CommitId): Error {
  return fail('source/before-anchor', `${head} is older than the anchor ${anchor}`, {
    expected: `the anchor or a commit after it`,
    found: `${head}, one of its ancestors`,
  })
}

function notOnRef(request: AttestRequest, tip: CommitId): Error {
  const { head, ref } = request.source
  return fail('source/not-on-ref', `${head} is not on the first-parent line of ${ref}`, {
    expected: `${head} among the first parents of ${ref}`,
    found: `${ref} is at ${tip} now`,
  })
}
