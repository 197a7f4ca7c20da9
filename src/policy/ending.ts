import { CATALOGUE } from '../core/catalogue.ts'
import type { CommitId } from '../core/digest.ts'
import type { ErrorCode } from '../core/error.ts'
import { type Finding, type Outcome, worst } from '../core/verdict.ts'
import { type Bench, commitText, lawText } from './bench.ts'
import { noRuleFinding, rulesFor } from './commit.ts'
import type { Chain, Fold, JudgedStep } from './fold.ts'
import type { CommitJudgement, KeyUse, SourceJudgement, UsedException } from './judgement.ts'
import { revokes } from './key.ts'
import type { Law } from './law.ts'
import type { Exception } from './policy.ts'

/**
 * The verdict at the head: revocations and exceptions of the law accepted last are applied to every commit since the anchor.
 * First what a compromise takes away, then what maintainers except by name: they decide with the compromise in view.
 */
export function endFold(fold: Fold, now: Date): SourceJudgement {
  const bench: Bench = { law: fold.law, lawAt: fold.lawAt, ref: fold.ref, now }
  const steps = oldestFirst(fold.steps).map(step => mapStep(step, commit => voidCompromised(commit, bench)))
  const { judged, exceptions, unused } = applyExceptions(steps, fold.law)
  const commits = judged.flatMap(({ commit, broughtIn }) => [...broughtIn, commit])
  const findings = [...endFindings(fold, commits, bench), ...unused]
  const outcomes = [
    ...commits.map(commit => commit.outcome),
    ...findings.filter(isReject).map((): Outcome => 'rejected'),
  ]
  const outcome = worst(['passed', ...outcomes])
  return {
    outcome,
    commits,
    findings,
    law: fold.law,
    lawAt: fold.lawAt,
    anchor: fold.anchor,
    ref: fold.ref,
    ...(outcome === 'passed' ? { level: levelOf(commits) } : {}),
    keys: keysOf(commits),
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

function mapStep(step: JudgedStep, change: (commit: CommitJudgement) => CommitJudgement): JudgedStep {
  return { commit: change(step.commit), broughtIn: step.broughtIn.map(change) }
}

function isReject(finding: Finding): boolean {
  return finding.severity === 'reject'
}

/**
 * A compromised key's holder can date commits as he likes, so without a trusted time nothing it signed counts, also what was
 * accepted before the compromise was known (3-source § 4). A retired key is judged by the law at each commit instead.
 */
function voidCompromised(commit: CommitJudgement, bench: Bench): CommitJudgement {
  const { key, primary, outcome } = commit
  if (key === undefined || outcome === 'rejected') return commit
  const identity = { fingerprint: key, ...(primary === undefined ? {} : { primary }) }
  const entry = bench.law.policy.revoked.find(item => item.mode === 'compromised' && revokes(item, identity))
  if (entry === undefined) return commit
  const text = `${commitText(commit.id, commit.subject)} is signed by ${commit.kind} key ${key}`
  const finding = findingAbout(
    commit.id,
    'source/key-revoked',
    `${text}, which ${lawText(bench)} calls compromised`,
    'reject',
  )
  const { basis: _basis, ...rest } = commit
  return { ...rest, outcome: 'rejected', findings: [...commit.findings, finding] }
}

interface Applied {
  readonly judged: readonly JudgedStep[]
  readonly exceptions: readonly UsedException[]
  readonly unused: readonly Finding[]
}

function applyExceptions(steps: readonly JudgedStep[], law: Law): Applied {
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
  const nothing = commits.length === 0 ? [findingAbout(fold.anchor, 'source/nothing-judged', message, 'note')] : []
  return [...noRule, ...nothing]
}

/** The anchor is trusted because it was named, not because it is signed: with nothing else the lower level is claimed. */
function levelOf(commits: readonly CommitJudgement[]): NonNullable<SourceJudgement['level']> {
  const signed = commits.length > 0 && commits.every(({ basis }) => basis === 'signed' || basis === 'derived')
  return signed ? 'ORG_SOURCE_COMMITS_SIGNED' : 'ORG_SOURCE_COMMITS_ACCEPTED'
}

function keysOf(commits: readonly CommitJudgement[]): readonly KeyUse[] {
  const uses = new Map<string, KeyUse>()
  for (const { id, key, primary, principal, basis } of commits) {
    if (basis !== 'signed' || key === undefined || principal === undefined) continue
    const before = uses.get(key) ?? { fingerprint: key, principal, first: id, last: id, commits: 0 }
    uses.set(key, { ...before, ...(primary === undefined ? {} : { primary }), last: id, commits: before.commits + 1 })
  }
  return [...uses.values()]
}
