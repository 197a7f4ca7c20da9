import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { LawFiles } from '../core/facts.ts'
import { type Finding, worst } from '../core/verdict.ts'
import type { LawChange } from '../policy/changes.ts'
import { policyDifference } from '../policy/difference.ts'
import { constantLaw, currentLaw, endFold, type SourceJudgement, startFold } from '../policy/fold.ts'
import { changedLaw, changedPaths, type Law, parseLaw } from '../policy/law.ts'
import { isTagRef, type TagJudgement } from '../policy/tag.ts'
import { commitsBetween } from '../source/range.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { outsideLaw } from './outside-policy.ts'
import type { Position } from './source-commits.ts'
import { lawOf, SourceFold } from './source-fold.ts'
import { judgeTagRun } from './source-tag.ts'

/** `proposed`: how the law would change if a pull request were merged. `tag`: who tagged the commit. */
export type Judgement = SourceJudgement & { readonly proposed?: LawChange; readonly tag?: TagJudgement }

/**
 * Judges what the event asks for (1-product § 5): the line from the anchor to the ref's tip, or what a proposal brings under
 * the law accepted at its base.
 * @returns undefined when there is no anchor: then nothing is judged.
 * @throws `source/no-anchor`, `source/not-on-ref`, `source/before-anchor`, and what the fold throws.
 */
export async function judge(
  request: AttestRequest,
  ports: AttestPorts,
  { history, tip, line }: Position,
): Promise<Judgement | undefined> {
  const { anchor, head, ref, purpose, base, mode } = request.source
  if (anchor === undefined) {
    if (mode === 'enforce') throw fail('source/no-anchor', 'Nothing says from which commit on to verify')
    return undefined
  }
  const now = ports.now()
  const outside = request.source.policy
  const law =
    outside === undefined
      ? undefined
      : await outsideLaw(outside, request.serverUrl, ports.policyRepository(outside.repository))
  const driver = new SourceFold(history, now, law, ports.sigstoreTrust)
  if (purpose === 'sign') {
    const run = { ref, head, anchor, history, git: ports.git, driver, now }
    const tagged = isTagRef(ref) ? await judgeTagRun(run) : undefined
    if (tagged !== undefined) return tagged
    if (line === undefined) throw notOnRef(request, tip)
    const newer = new Set(line.slice(0, -1))
    // What lies below the anchor was never judged by anybody: an empty range must not read as a passed one.
    if (newer.has(anchor)) throw beforeAnchor(head, anchor)
    return upTo(endFold(await driver.alongFirstParents(anchor, tip, ref), now), newer)
  }
  const baseRef = base?.ref ?? ref
  const accepted = currentLaw(await driver.alongFirstParents(anchor, tip, baseRef))
  const commits = await commitsBetween(head, tip, id => history.commit(id))
  const fold = await driver.underLaw(startFold({ id: tip }, constantLaw(accepted), baseRef), commits)
  const proposed = proposedChange(accepted, head, await lawOf(history, head))
  return { ...endFold(fold, now), ...(proposed === undefined ? {} : { proposed }) }
}

/** What a proposal would change in the law if it were merged: the first thing a reviewer has to see (13-adversary 3). */
function proposedChange(accepted: Law, head: CommitId, files: LawFiles): LawChange | undefined {
  const kind = changedLaw(accepted, files)
  if (kind === 'same') return undefined
  const change = { commit: head, subject: '', kind, accepted: false, paths: changedPaths(accepted, files) } as const
  try {
    return { ...change, lines: policyDifference(accepted.policy, parseLaw(files).policy) }
  } catch {
    // A policy that cannot be read is told by its path; it will not be accepted either.
    return { ...change, lines: [] }
  }
}

/**
 * The law is that of the ref's tip, also when an older commit is built; commits that came later are not judged with it.
 * A commit that was brought in by a later one is told by `via`.
 */
function upTo(judgement: SourceJudgement, newer: ReadonlySet<CommitId>): SourceJudgement {
  if (newer.size === 0) return judgement
  const commits = judgement.commits.filter(commit => !newer.has(commit.via ?? commit.id))
  const outcome = worst(['passed', ...commits.map(commit => commit.outcome), ...outcomesOf(judgement.findings)])
  return { ...judgement, commits, outcome }
}

function outcomesOf(findings: readonly Finding[]): readonly 'rejected'[] {
  return findings.filter(finding => finding.severity === 'reject').map(() => 'rejected' as const)
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
