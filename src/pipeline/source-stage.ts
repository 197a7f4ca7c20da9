import type { CommitId, Digest } from '../core/digest.ts'
import { fail, WaybillError } from '../core/error.ts'
import type { StageMode, StageState } from '../core/stage.ts'
import { findingOf } from '../core/verdict.ts'
import type { SourceJudgement } from '../policy/fold.ts'
import { matchesRef } from '../policy/match.ts'
import { snapshotNotes } from '../policy/snapshot.ts'
import type { ParsedCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import type { StageClaim } from '../statements/provenance.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import { policyReceipt } from './outside-policy.ts'
import { claimsOf, type Ready } from './preflight.ts'
import { errorOf, type RunRecord } from './run.ts'
import { type Fetched, locate, type Position } from './source-commits.ts'
import { hasNoRule, type Judgement, judge } from './source-judge.ts'
import { commitReceipt, levelsOf, ruleChanges } from './source-receipt.ts'
import { showCommits } from './source-shown.ts'
import { tagReceipt } from './source-tag.ts'
import { uncheckedOf } from './source-unchecked.ts'
import { outcomeOfError, type StageResult } from './stages.ts'

/** What the rest of the run needs to know about the commit it builds. */
export interface SourceOutcome {
  readonly history: History
  readonly commit: ParsedCommit
  /** True when the commit was found on the first-parent line of the run's ref in this run (13-adversary 7). */
  readonly foundOnRef: boolean
  /** First parents of the ref's tip that come after the commit, as served in this run: they are newer. */
  readonly newer: ReadonlySet<CommitId>
  /** What provenance says about this stage. */
  readonly claim: StageClaim
  /** What was judged; absent when nothing was. What of it may be stated is for `source-statements.ts`. */
  readonly judgement?: SourceJudgement
  /** Review statements that counted, by digest, as they were found. */
  readonly reviews?: ReadonlyMap<Digest, Uint8Array>
}

/** Judges the range under the law accepted before each, and refuses what may not be built. */
export async function verifySource(
  request: AttestRequest,
  ports: AttestPorts,
  fetched: Promise<Fetched>,
  ready: Ready,
  record: RunRecord,
): Promise<SourceOutcome> {
  const wanted = request.source.mode
  const mode: StageMode = wanted === 'auto' ? 'enforce' : wanted
  return record.stages
    .run('source', mode, async () => {
      const position = await locate(request, await fetched, record)
      const judgement = wanted === 'off' ? undefined : await judge(request, ports, position).catch(tolerated(mode))
      if (judgement instanceof WaybillError) return unjudged(request, ready, position, judgement, record)
      const asked = judgement !== undefined && !(wanted === 'auto' && hasNoRule(judgement))
      checkOtherCommit(request, ready, judgement, record)
      if (!asked) return notAsked(request, ports, position, wanted, record)
      for (const { code, message, remedy } of snapshotNotes(judgement.law.policy, ports.now()))
        record.notices.push(`${code}: ${message}. ${remedy}`)
      return judgedOutcome(request, position, judgement, mode, record)
    })
    .finally(() => ports.git.endStage())
}

/** 13-adversary 7: the commit of everything that signs is the token's `sha`, unless an approved rule says otherwise. */
function checkOtherCommit(
  request: AttestRequest,
  ready: Ready,
  judgement: SourceJudgement | undefined,
  record: RunRecord,
): void {
  const sha = claimsOf(ready)?.sha
  if (sha === undefined || sha === request.source.head) return
  const rules = judgement?.law.policy.source.filter(rule => matchesRef(rule.refs, request.source.ref)) ?? []
  if (rules.length > 0 && rules.every(rule => rule.allowOtherCommit)) {
    record.notices.push(
      `Built from commit ${request.source.head}, not from the run’s own ${sha}, as the policy allows. A gate that requires provenance refuses this image: its certificate names the run’s commit.`,
    )
    return
  }
  throw otherCommit(request.source.head, sha)
}

/** Under audit a history that cannot be judged as a whole is told like a bad commit, and the run goes on. */
function tolerated(mode: StageMode): (error: unknown) => WaybillError {
  return error => {
    if (mode === 'audit' && error instanceof WaybillError && error.kind !== 'configuration') return error
    throw error
  }
}

function unjudged(
  request: AttestRequest,
  ready: Ready,
  position: Position,
  error: WaybillError,
  record: RunRecord,
): { state: StageState; value: SourceOutcome } {
  checkOtherCommit(request, ready, undefined, record)
  record.notChecked.push('Who wrote the commits and who reviewed them: their history could not be judged.')
  record.subjects = [
    {
      name: position.commit.id.slice(0, 7),
      digest: position.commit.id,
      verdict: outcomeOfError(error),
      findings: [findingOf(error, position.commit.id)],
    },
  ]
  const state = outcomeOfError(error)
  return { state, value: outcome(position, { mode: 'audit', verdict: state }) }
}

async function notAsked(
  request: AttestRequest,
  ports: AttestPorts,
  position: Position,
  wanted: AttestRequest['source']['mode'],
  record: RunRecord,
): Promise<StageResult<SourceOutcome>> {
  const shown = await showCommits(request, ports, position.history, position.commit)
  record.subjects = shown.subjects
  record.notices.push(...shown.notices)
  if (shown.suggestedPolicy !== undefined) record.suggestedPolicy = shown.suggestedPolicy
  record.notChecked.push('Who wrote the commits and who reviewed them: nothing was judged.')
  const mode = wanted === 'off' ? 'off' : 'audit'
  return { state: 'not-asked', mode, value: outcome(position, { mode, verdict: 'not-asked' }) }
}

function judgedOutcome(
  request: AttestRequest,
  position: Position,
  judgement: Judgement,
  mode: StageMode,
  record: RunRecord,
): { state: StageState; value: SourceOutcome } {
  const tag = judgement.tag === undefined ? [] : [tagReceipt(judgement.tag)]
  record.subjects = [...tag, ...judgement.commits.map(commitReceipt)]
  record.policy = policyReceipt(judgement, request)
  record.ruleChanges = ruleChanges(judgement.proposed, judgement.changes)
  record.notChecked.push(...uncheckedOf(judgement, request))
  const levels = levelsOf(judgement)
  if (record.source !== undefined && levels.length > 0) record.source = { ...record.source, levels }
  record.notices.push(...(judgement.reviews?.notes ?? []))
  for (const { code, message, expected, found } of judgement.earlier ?? [])
    record.notices.push(`${code}: ${message} (expected ${expected ?? 'another'}, found ${found ?? 'nothing'})`)
  // What is wrong with the history as a whole belongs to no commit.
  for (const { code, message, severity } of judgement.findings)
    if (severity === 'note' || mode === 'audit') record.notices.push(`${code}: ${message}`)
  if (judgement.unsupported !== undefined) throw judgement.unsupported
  const first = firstRejection(judgement)
  // A rejected source ends an enforced run before anything is built; under audit it is told and the run goes on.
  if (mode === 'enforce' && first !== undefined) throw first
  const reviews = judgement.reviews?.statements ?? new Map()
  const value = { ...outcome(position, { mode, verdict: judgement.outcome }), judgement, reviews }
  return { state: judgement.outcome, value }
}

function firstRejection({ outcome, findings, commits, tag }: Judgement): Error | undefined {
  if (outcome === 'passed') return undefined
  const all = [
    ...findings,
    ...(tag?.findings ?? []),
    ...commits.filter(commit => commit.outcome === outcome).flatMap(commit => commit.findings),
  ]
  const [finding] = outcome === 'rejected' ? all.filter(item => item.severity === 'reject') : all
  return finding === undefined ? fail('core/internal', 'A rejection without a finding') : errorOf(finding, outcome)
}

function outcome({ history, commit, line }: Position, claim: StageClaim): SourceOutcome {
  return { history, commit, claim, foundOnRef: line !== undefined, newer: new Set(line?.slice(0, -1) ?? []) }
}

/** 13-adversary 7: another commit than the token's would let a run on main vouch for a commit of a fork. */
function otherCommit(head: string, sha: string): Error {
  return fail('source/other-commit', 'The commit to build is not the commit this run is for', {
    expected: sha,
    found: head,
  })
}
