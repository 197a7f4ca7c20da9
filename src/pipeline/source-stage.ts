import type { CommitId } from '../core/digest.ts'
import { fail, WaybillError } from '../core/error.ts'
import { isMalformed } from '../core/facts.ts'
import type { StageMode, StageState } from '../core/receipt.ts'
import { together } from '../core/together.ts'
import { type Finding, findingOf, worst } from '../core/verdict.ts'
import {
  type CommitJudgement,
  constantLaw,
  currentLaw,
  endFold,
  type SourceJudgement,
  startFold,
} from '../policy/fold.ts'
import { matchesRef } from '../policy/match.ts'
import { type ParsedCommit, parseCommit } from '../source/commit.ts'
import type { History } from '../source/git.ts'
import { commitsBetween, firstParentsDownTo } from '../source/range.ts'
import type { StageClaim } from '../statements/provenance.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Ready } from './preflight.ts'
import { errorOf, type RunRecord } from './run.ts'
import { SourceFold } from './source-fold.ts'
import { commitReceipt } from './source-receipt.ts'
import { showCommits } from './source-shown.ts'
import { outcomeOfError } from './stages.ts'

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
}

/** The commits as fetched, before anything is judged. */
export interface Fetched {
  readonly history: History
  /** Of the run's ref; for a proposal the tip of its base. */
  readonly tip: CommitId
}

/**
 * Begins to fetch the commits. It writes nothing but private files, so it need not wait for anything; what fails is told
 * by the stage that needs it.
 */
export function beginSource(request: AttestRequest, ports: AttestPorts, record: RunRecord): Promise<Fetched> {
  const fetched = fetchCommits(request, ports, record)
  fetched.catch(() => {})
  record.onEnd(async () => {
    ports.git.stop()
    await fetched
  })
  return fetched
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
  return record.stages.run('source', mode, async () => {
    const position = await locate(request, await fetched, record)
    const judgement = wanted === 'off' ? undefined : await judge(request, ports, position).catch(tolerated(mode))
    if (judgement instanceof WaybillError) return unjudged(request, ready, position, judgement, record)
    const asked = judgement !== undefined && !(wanted === 'auto' && hasNoRule(judgement))
    checkOtherCommit(request, ready, judgement, record)
    if (!asked) return notAsked(request, position, wanted, record)
    return judgedOutcome(request, position, judgement, mode, record)
  })
}

async function fetchCommits(request: AttestRequest, ports: AttestPorts, record: RunRecord): Promise<Fetched> {
  const { head, anchor } = request.source
  // Which commits are needed besides the head is asked while the head and its ancestors come.
  const [tip, history] = await together([
    tipOf(request, ports),
    ports.git.openHistory(head, []).then(opened => {
      record.onEnd(() => opened.close())
      return opened
    }),
  ] as const)
  await history.ensure([tip, ...(anchor === undefined ? [] : [anchor])])
  return { history, tip }
}

async function tipOf({ source }: AttestRequest, ports: AttestPorts): Promise<CommitId> {
  const { ref, purpose, base } = source
  const against = purpose === 'sign' ? ref : (base?.ref ?? ref)
  const tip = base?.tip ?? (await ports.git.resolveRef(against))
  if (tip !== undefined) return tip
  throw fail('source/ref-gone', `${against} does not exist any more`, { expected: against })
}

interface Position extends Fetched {
  readonly commit: ParsedCommit
  readonly line: readonly CommitId[] | undefined
}

/** Finds the head on its ref as the server serves it now. */
async function locate(request: AttestRequest, { history, tip }: Fetched, record: RunRecord): Promise<Position> {
  const { head, ref, purpose } = request.source
  const commit = parseCommit(head, await history.commit(head))
  record.source = { repository: `${request.serverUrl}/${request.repository}`, ref, commit: head }
  if (isMalformed(commit))
    throw fail(commit.malformed.code, `commit ${head.slice(0, 7)}: ${commit.malformed.message}`, {
      found: commit.malformed.found,
    })
  const line = purpose === 'sign' ? await firstParentsDownTo(tip, head, id => history.commit(id)) : undefined
  return { history, commit, tip, line }
}

async function judge(
  request: AttestRequest,
  ports: AttestPorts,
  { history, tip, line }: Position,
): Promise<SourceJudgement | undefined> {
  const { anchor, head, ref, purpose, base, mode } = request.source
  if (anchor === undefined) {
    if (mode === 'enforce') throw fail('source/no-anchor', 'Nothing says from which commit on to verify')
    return undefined
  }
  const now = ports.now()
  const driver = new SourceFold(history, now)
  if (purpose === 'sign') {
    if (line === undefined) throw notOnRef(request, tip)
    const newer = new Set(line.slice(0, -1))
    // What lies below the anchor was never judged by anybody: an empty range must not read as a passed one.
    if (newer.has(anchor)) throw beforeAnchor(head, anchor)
    return upTo(endFold(await driver.alongFirstParents(anchor, tip, ref), now), newer)
  }
  const baseRef = base?.ref ?? ref
  const accepted = currentLaw(await driver.alongFirstParents(anchor, tip, baseRef))
  const commits = await commitsBetween(head, tip, id => history.commit(id))
  return endFold(await driver.underLaw(startFold({ id: tip }, constantLaw(accepted), baseRef), commits), now)
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

function hasNoRule({ findings }: SourceJudgement): boolean {
  return findings.some(finding => finding.code === 'policy/no-rule')
}

/** 13-adversary 7: the commit of everything that signs is the token's `sha`, unless an approved rule says otherwise. */
function checkOtherCommit(
  request: AttestRequest,
  ready: Ready,
  judgement: SourceJudgement | undefined,
  record: RunRecord,
): void {
  const sha = ready.identity?.claims.sha
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
  position: Position,
  wanted: AttestRequest['source']['mode'],
  record: RunRecord,
): Promise<{ state: StageState; value: SourceOutcome }> {
  const shown = await showCommits(request, position.history, position.commit)
  record.subjects = shown.subjects
  record.notices.push(...shown.notices)
  if (shown.suggestedPolicy !== undefined) record.suggestedPolicy = shown.suggestedPolicy
  record.notChecked.push('Who wrote the commits: nothing was judged.')
  const mode = wanted === 'off' ? 'off' : 'audit'
  return { state: 'not-asked', value: outcome(position, { mode, verdict: 'not-asked' }) }
}

function judgedOutcome(
  request: AttestRequest,
  position: Position,
  judgement: SourceJudgement,
  mode: StageMode,
  record: RunRecord,
): { state: StageState; value: SourceOutcome } {
  record.subjects = judgement.commits.map(commitReceipt)
  const { policyPath, policyDigest } = judgement.law
  record.policy = {
    uri: `git+${request.serverUrl}/${request.repository}#${policyPath}`,
    ref: judgement.lawAt,
    digest: policyDigest,
    anchor: judgement.anchor,
  }
  for (const change of judgement.changes) record.notices.push(changeNotice(change))
  if (judgement.unsupported !== undefined) throw judgement.unsupported
  const first = firstRejection(judgement)
  // A rejected source ends an enforced run before anything is built; under audit it is told and the run goes on.
  if (mode === 'enforce' && first !== undefined) throw first
  return { state: judgement.outcome, value: outcome(position, { mode, verdict: judgement.outcome }) }
}

function firstRejection({ outcome, findings, commits }: SourceJudgement): Error | undefined {
  if (outcome === 'passed') return undefined
  const all = [...findings, ...commits.filter(commit => commit.outcome === outcome).flatMap(findingsOf)]
  const [finding] = outcome === 'rejected' ? all.filter(item => item.severity === 'reject') : all
  return finding === undefined ? fail('core/internal', 'A rejection without a finding') : errorOf(finding, outcome)
}

function findingsOf(commit: CommitJudgement): readonly Finding[] {
  return commit.findings
}

function changeNotice({ commit, kind, accepted, by, paths, lines }: SourceJudgement['changes'][number]): string {
  const what = kind === 'policy' ? 'the policy' : 'workflows'
  const how = accepted ? `approved${by === undefined ? '' : ` by ${by}`}` : 'NOT accepted'
  const details = lines.map(line => `${line.how === 'added' ? '+' : '−'} ${line.what} ${line.text}`)
  const shown = [...paths.slice(0, 5), ...details.slice(0, 10)].join('; ')
  return `Commit ${commit.slice(0, 7)} changed ${what} (${how}): ${shown}`
}

function outcome({ history, commit, line }: Position, claim: StageClaim): SourceOutcome {
  return { history, commit, claim, foundOnRef: line !== undefined, newer: new Set(line?.slice(0, -1) ?? []) }
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

/** 13-adversary 7: another commit than the token's would let a run on main vouch for a commit of a fork. */
function otherCommit(head: string, sha: string): Error {
  return fail('source/other-commit', 'The commit to build is not the commit this run is for', {
    expected: sha,
    found: head,
  })
}
