import { CATALOGUE } from '../core/catalogue.ts'
import type { CommitId } from '../core/digest.ts'
import { type ErrorCode, fail } from '../core/error.ts'
import { type Finding, type Outcome, worst } from '../core/verdict.ts'
import { type Bench, benchOf } from './bench.ts'
import { noRuleFinding, rulesFor } from './commit.ts'
import { type CoveredStep, coverSteps, ownCover, timeOf, voidCompromised, witnessTime } from './compromise.ts'
import { type DroppedLaw, droppedFinding } from './dropped-law.ts'
import type { Chain, Fold } from './fold.ts'
import type { CommitJudgement, CoveringTime, SourceJudgement, UsedException } from './judgement.ts'
import { identityOfKey, keyUses, type SignedUse } from './keys-used.ts'
import type { Law } from './law.ts'
import type { Exception } from './policy.ts'
import type { JudgedStep } from './step.ts'

/**
 * The verdict at the head: revocations and exceptions of the law accepted last are applied to every commit since the anchor.
 * First what a compromise takes away, then what maintainers except by name: they decide with the compromise in view.
 */
export function endFold(fold: Fold, now: Date): SourceJudgement {
  return conclude(fold, endOf(fold, now))
}

/**
 * As `endFold`, for a commit below the head: under the law accepted at the head, everything up to the first-parent commit
 * that is this one or brought it in. What came later is not judged with it; a commit that was brought in needs the merge
 * that did so, for it came to the branch by nothing else.
 * @returns undefined when the commit lies neither in the judged range nor is its anchor.
 */
export function endFoldAt(fold: Fold, commit: CommitId, now: Date): SourceJudgement | undefined {
  const end = endOf(fold, now)
  if (commit === fold.anchor) return conclude(fold, { ...end, steps: [] })
  const at = end.steps.findIndex(step => step.commit.id === commit || step.broughtIn.some(({ id }) => id === commit))
  return at === -1 ? undefined : conclude(fold, { ...end, steps: end.steps.slice(0, at + 1) })
}

/** The whole history with the last law applied to it. */
interface End {
  readonly bench: Bench
  readonly steps: readonly CoveredStep[]
  readonly findings: readonly Finding[]
  readonly exceptions: readonly UsedException[]
}

function endOf(fold: Fold, now: Date): End {
  const bench = benchOf(fold, now)
  const steps = coverSteps(oldestFirst(fold.steps)).map(step => voidCompromised(step, bench))
  const { judged, exceptions, unused } = applyExceptions(steps, fold.law)
  return { bench, steps: judged, findings: [...endFindings(fold, commitsOf(judged), bench), ...unused], exceptions }
}

function commitsOf(steps: readonly CoveredStep[]): readonly CommitJudgement[] {
  return steps.flatMap(({ commit, broughtIn }) => [...broughtIn, commit])
}

function conclude(fold: Fold, { bench, steps, findings, exceptions }: End): SourceJudgement {
  const commits = commitsOf(steps)
  const outcomes = [
    ...commits.map(commit => commit.outcome),
    ...findings.filter(isReject).map((): Outcome => 'rejected'),
  ]
  const outcome = worst(['passed', ...outcomes])
  const reviewed = outcome === 'passed' ? reviewedOf(steps, bench) : undefined
  return {
    outcome,
    commits,
    findings,
    law: fold.law,
    lawAt: fold.lawAt,
    anchor: fold.anchor,
    ref: fold.ref,
    ...(outcome === 'passed' ? { level: levelOf(commits) } : {}),
    ...(reviewed === undefined ? {} : { reviewed }),
    keys: keyUses(signedUses(steps)),
    exceptions,
    changes: oldestFirst(fold.changes),
    ...(fold.unsupported === undefined ? {} : { unsupported: fold.unsupported }),
  }
}

function oldestFirst<T>(chain: Chain<T>): readonly T[] {
  const list: T[] = []
  for (let link = chain; link !== undefined; link = link.before) list.push(link.last)
  return list.reverse()
}

function mapStep(step: CoveredStep, change: (commit: CommitJudgement) => CommitJudgement): CoveredStep {
  return { ...step, commit: change(step.commit), broughtIn: step.broughtIn.map(change) }
}

function isReject(finding: Finding): boolean {
  return finding.severity === 'reject'
}

interface Applied {
  readonly judged: readonly CoveredStep[]
  readonly exceptions: readonly UsedException[]
  readonly unused: readonly Finding[]
}

function applyExceptions(steps: readonly CoveredStep[], law: Law): Applied {
  const covers = new Map<Exception, number>()
  const named = new Map<string, Exception>(
    law.policy.exceptions.filter(e => e.kind === 'commit').map(e => [e.commit, e]),
  )
  const seals = sealedUpTo(steps, law.policy.exceptions)
  const judged = steps.map((step, index) =>
    mapStep(step, commit => {
      const exception = named.get(commit.id) ?? seals.find(seal => index <= seal.index)?.exception
      if (exception === undefined || commit.outcome === 'passed') return commit
      covers.set(exception, (covers.get(exception) ?? 0) + 1)
      return excepted(commit)
    }),
  )
  const used = law.policy.exceptions.filter(exception => covers.has(exception))
  return {
    judged,
    exceptions: used.map(exception => usedException(exception, covers.get(exception) ?? 0)),
    unused: law.policy.exceptions.filter(exception => !covers.has(exception)).map(unusedFinding),
  }
}

/** `until` seals everything up to and including its commit, which must lie on the first-parent line. */
function sealedUpTo(steps: readonly JudgedStep[], exceptions: readonly Exception[]) {
  return exceptions
    .filter(exception => exception.kind === 'until')
    .map(exception => ({ exception, index: steps.findIndex(step => step.commit.id === exception.commit) }))
    .filter(({ index }) => index !== -1)
}

function excepted(commit: CommitJudgement): CommitJudgement {
  const findings = commit.findings.map(finding => ({ ...finding, severity: 'note' as const }))
  return { ...commit, outcome: 'passed', basis: 'excepted', findings }
}

function usedException(exception: Exception, covers: number): UsedException {
  const { kind, commit, reason, approvedBy } = exception
  return { kind, commit, reason, covers, ...(approvedBy === undefined ? {} : { approvedBy }) }
}

function unusedFinding({ kind, commit }: Exception): Finding {
  return findingAbout(
    commit,
    'source/exception-unused',
    `The exception {${kind}: ${commit}} changes nothing in this history`,
    'note',
  )
}

function findingAbout(subject: CommitId, code: ErrorCode, message: string, severity: Finding['severity']): Finding {
  return { code, severity, subject, message, remedy: CATALOGUE[code].remedy }
}

/** What holds for the history as a whole: the law at the head must have a rule for the ref it judges. */
function endFindings(fold: Fold, commits: readonly CommitJudgement[], bench: Bench): readonly Finding[] {
  const head = oldestFirst(fold.steps).at(-1)?.commit ?? { id: fold.anchor, subject: '' }
  const noRule = rulesFor(bench).length === 0 ? [noRuleFinding(head, bench)] : []
  const message = `The head is the anchor ${fold.anchor.slice(0, 7)} itself, so no commit was judged`
  const dropped = fold.dropped.map(item => droppedFinding(item, mergeOf(fold, item), bench))
  const nothing = commits.length === 0 ? [findingAbout(fold.anchor, 'source/nothing-judged', message, 'note')] : []
  return [...noRule, ...dropped, ...nothing]
}

function mergeOf(fold: Fold, { by }: DroppedLaw): CommitJudgement {
  const merge = oldestFirst(fold.steps).find(({ commit }) => commit.id === by)
  if (merge === undefined) throw fail('core/internal', `The fold lost commit ${by}`)
  return merge.commit
}

/** The anchor is trusted because it was named, not because it is signed: with nothing else the lower level is claimed. */
function levelOf(commits: readonly CommitJudgement[]): NonNullable<SourceJudgement['level']> {
  const signed = commits.length > 0 && commits.every(({ basis }) => basis === 'signed' || basis === 'derived')
  return signed ? 'ORG_SOURCE_COMMITS_SIGNED' : 'ORG_SOURCE_COMMITS_ACCEPTED'
}

/**
 * The signatures that the verdict rests on: of the commits of the history, of commits of pull requests that an accepted commit
 * was made of, and of reviewers whose approval counted.
 */
function* signedUses(steps: readonly CoveredStep[]): Generator<SignedUse> {
  for (const step of steps) {
    const { commit, broughtIn, inner, witnesses } = step
    for (const item of broughtIn) yield* useOf(item, item.id, timeOf(item, step))
    const made = commit.basis === 'derived' || commit.basis === 'platform'
    for (const item of made ? inner : []) yield* useOf(item, commit.id, ownCover(item))
    yield* useOf(commit, commit.id, timeOf(commit, step))
    for (const witness of commit.outcome === 'passed' && commit.basis !== 'excepted' ? witnesses : []) {
      const key = witness.signature === undefined ? witness.key : identityOfKey(witness.signature)
      if (key === undefined) continue
      const earlier = witness.inside === true ? commit.earlierTime : undefined
      const { name: principal } = witness.principal
      yield { key, principal, at: commit.id, isCommit: false, time: witnessTime(witness, step), earlier }
    }
  }
}

function* useOf(
  { basis, principal, signature, earlierTime: earlier }: CommitJudgement,
  at: CommitId,
  time: CoveringTime | undefined,
): Generator<SignedUse> {
  if (basis !== 'signed' || signature === undefined || principal === undefined) return
  yield { key: identityOfKey(signature), principal, at, isCommit: true, time, earlier }
}

/** Whether every commit of the line has the review it needed; undefined when none was asked for, or it was only shown. */
function reviewedOf(steps: readonly JudgedStep[], bench: Bench): boolean | undefined {
  if (bench.reviews === 'show' || rulesFor(bench).every(rule => rule.review === undefined)) return undefined
  const asked = steps.flatMap(({ commit }) => commit.review ?? [])
  return asked.length === 0 ? undefined : asked.every(({ enough }) => enough)
}
