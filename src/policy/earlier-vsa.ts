import { CATALOGUE } from '../core/catalogue.ts'
import type { CommitId } from '../core/digest.ts'
import { WaybillError } from '../core/error.ts'
import type { TrustedTime } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import { readSourceDetail } from '../statements/read-source-detail.ts'
import type { DetailKey, DetailReview, SourceDetail } from '../statements/source-detail.ts'
import { isSourceSummary, readSourceSummary } from '../statements/source-vsa.ts'
import type { SignedStatement } from '../statements/statement.ts'
import { SOURCE_VERIFICATION_PREDICATE, SOURCE_VERIFIER_ID } from '../statements/uris.ts'
import type { EarlierReview } from './evidence.ts'
import { revokedFinding } from './gate-findings.ts'
import type { Revocation } from './policy.ts'

type Signed = Verified<SignedStatement>

/** Whose earlier summaries may be used: this run's repository, by its ids, from the protected branch (13-adversary 2). */
export interface EarlierExpected {
  /** Of the identity tokens of this platform. */
  readonly issuer: string
  /** `https://github.com`, without a slash at the end. */
  readonly serverUrl: string
  /** `owner/name` */
  readonly repository: string
  readonly repositoryId: string
  readonly ownerId: string
  /** The protected branch, in full. */
  readonly ref: string
  /** This run's own, `owner/name/.github/workflows/file.yml@ref`; the second is a called one's, or the same. */
  readonly workflowRef: string
  readonly jobWorkflowRef: string
  /** `source-workflows` of the accepted policy: paths of further workflows of this repository. */
  readonly workflows: readonly string[]
  readonly policyUri: string
  readonly anchor: CommitId
  readonly revoked: readonly Revocation[]
}

/** A summary that an earlier run of this repository signed, and its detail. */
export interface AcceptedEarlier {
  readonly detail: SourceDetail
  /** When both had been signed, by a log or timestamp authority. */
  readonly time: Date
}

/**
 * What earlier runs may give, and nothing else: a time by which a commit existed, for the expiry of keys, and reviews that
 * were collected already. No verdict rests on them alone; without them a platform is asked, or a key has simply expired.
 */
export interface EarlierEvidence {
  /** The subject of the newest accepted summary: it and all its ancestors existed by `time`. */
  readonly verified?: {
    readonly commit: CommitId
    readonly time: TrustedTime
    /** By when all of them existed that are signed by this key, where it tells more than `time`. */
    timeOfKey(fingerprint: string): TrustedTime | undefined
  }
  /** Of a commit that an accepted detail lists under the key that signed it. */
  timeOf(commit: CommitId): TrustedTime | undefined
  /** Review of a first-parent commit as it was judged then, under the law of its own position; to be judged again. */
  reviewOf(commit: CommitId): EarlierReview | undefined
  /** Why something that was found is not used. */
  readonly notes: readonly Finding[]
}

/** Events that may sign; a `pull_request_target` has the base branch's ref too (13-adversary 6). */
const EVENTS = ['push', 'release', 'workflow_dispatch', 'repository_dispatch', 'schedule']

/**
 * Whether an earlier run's summary may be used (13-adversary 2). Anybody's workflow can sign one, so everything the
 * certificate says is compared, and everything the summary says with what this run knows.
 * @param found all verified statements that were found beside it.
 */
export function acceptEarlier(
  summary: Signed,
  found: readonly Signed[],
  expected: EarlierExpected,
): AcceptedEarlier | { readonly refused: Finding } {
  const wrong = [...signerDifferences(summary, expected), ...summaryDifferences(summary, expected)][0]
  if (wrong !== undefined) return { refused: wrong }
  try {
    const { detail: named, commit, policy } = readSourceSummary(summary.statement)
    const signed = found.find(
      item =>
        item.statement.predicateType === SOURCE_VERIFICATION_PREDICATE &&
        item.payload === named &&
        signerDifferences(item, expected).length === 0,
    )
    if (signed === undefined) return { refused: refusal('detail', named ?? 'one', 'none of this repository’s runs') }
    const detail = readSourceDetail(signed.statement)
    const differs = firstDifference([
      ['anchor', expected.anchor, detail.range.anchor],
      ['commit', commit, detail.range.to],
      ['mode', 'enforce', detail.mode],
      ['policy', policy.digest ?? 'a digest', detail.law.policy.digest],
      ['policy', expected.policyUri, detail.law.policy.uri],
    ])
    if (differs !== undefined) return { refused: differs }
    const { signedAt: first } = summary
    const { signedAt: second } = signed
    if (first === undefined || second === undefined) return { refused: refusal('time', 'a time of a service', 'none') }
    return { detail, time: new Date(Math.max(first.getTime(), second.getTime())) }
  } catch (error) {
    return { refused: unreadable(error) }
  }
}

/** What accepted summaries give together; the first that knows a commit answers. @param accepted newest first. */
export function evidenceOf(accepted: readonly AcceptedEarlier[], notes: readonly Finding[]): EarlierEvidence {
  const times = new Map<CommitId, Date>()
  const reviews = new Map<CommitId, EarlierReview>()
  for (const { detail, time } of accepted) {
    for (const { gitCommit, key } of detail.commits)
      if (key !== undefined) keepEarliest(times, gitCommit, [time, carriedTime(detail, key), times.get(gitCommit)])
    for (const listed of detail.reviews) {
      const review = reviews.has(listed.commit) ? undefined : reviewIn(detail, listed)
      if (review !== undefined) reviews.set(listed.commit, review)
    }
  }
  const [newest] = accepted
  return {
    ...(newest === undefined ? {} : { verified: verifiedBy(newest) }),
    timeOf: commit => timed(times.get(commit)),
    reviewOf: commit => reviews.get(commit),
    notes,
  }
}

function keepEarliest(times: Map<CommitId, Date>, commit: CommitId, candidates: readonly (Date | undefined)[]): void {
  const known = candidates.flatMap(time => (time === undefined ? [] : [time.getTime()]))
  times.set(commit, new Date(Math.min(...known)))
}

function timed(time: Date): TrustedTime
function timed(time: Date | undefined): TrustedTime | undefined
function timed(time: Date | undefined): TrustedTime | undefined {
  return time === undefined ? undefined : { time, from: 'source-vsa' }
}

/**
 * Of a long history not every commit is listed, but every key is. One that signed an excepted commit too may have done so
 * later than its time tells.
 */
function verifiedBy({ detail, time }: AcceptedEarlier): NonNullable<EarlierEvidence['verified']> {
  const whole = detail.exceptions.length === 0
  return {
    commit: detail.range.to,
    time: timed(time),
    timeOfKey: fingerprint => timed(whole ? carriedTime(detail, fingerprint) : undefined),
  }
}

/** What a detail says of all uses of a key: from the platform or a log, or from summaries that were earlier still. */
function carriedTime({ keys }: SourceDetail, key: string): Date | undefined {
  const uses = keys.filter(({ fingerprint }) => fingerprint === key)
  const times = uses.flatMap(({ verifiedTime, lastTime }) => verifiedTime ?? lastTime ?? [])
  return times.length < uses.length || times.length === 0 ? undefined : new Date(Math.max(...times.map(Number)))
}

/** @returns undefined when a key of it is not listed: then nobody could revoke it. */
function reviewIn({ keys }: SourceDetail, { commit: _commit, keys: names, ...review }: DetailReview) {
  const signed = names.map(name => keys.filter(({ fingerprint }) => fingerprint === name))
  if (signed.some(({ length }) => length === 0)) return undefined
  return { ...review, keys: signed.flat().map(keyOf) } satisfies EarlierReview
}

function keyOf(use: DetailKey): EarlierReview['keys'][number] {
  const { first: _f, firstTime: _t, last: _l, lastTime: _u, timesFrom: _s, verifiedTime: _v, commits: _c, ...key } = use
  return key
}

/** The run, by its certificate: repository and owner by id, ref, workflow, event. */
function signerDifferences(signed: Signed, expected: EarlierExpected): readonly Finding[] {
  const { signer } = signed
  if (signer.kind !== 'certificate') return [refusal('signer', 'a certificate of a run', 'a key')]
  const { ci, san, issuer } = signer
  const { serverUrl, repository, ref } = expected
  const config = ci.buildConfigUri ?? ''
  // A called workflow has one identity for every caller, so the calling one must be ours as well, at the branch itself.
  const urlOf = (path: string) => `${serverUrl}/${repository}/${path}@${ref}`
  const named = expected.workflows.map(urlOf)
  const allowed = [urlOf(pathOf(expected.workflowRef)), ...named]
  // And what a caller signs by itself must not pass through a called one into what that one signs: a gate may pin it.
  const called = expected.jobWorkflowRef !== expected.workflowRef
  const identities = called
    ? [`${serverUrl}/${expected.jobWorkflowRef}`, ...named.filter(url => url === config)]
    : [config]
  const wrong = firstDifference([
    ['issuer', expected.issuer, issuer],
    ['repository', `${serverUrl}/${repository}`, ci.sourceRepositoryUri],
    ['repository id', expected.repositoryId, ci.sourceRepositoryIdentifier],
    ['owner id', expected.ownerId, ci.sourceRepositoryOwnerIdentifier],
    ['ref', ref, ci.sourceRepositoryRef],
    ['workflow', allowed.includes(config) ? config : allowed.join(' or '), config],
    ['identity', identities.includes(san.value) ? san.value : identities.join(' or '), san.value],
    ['event', EVENTS.find(event => event === ci.buildTrigger) ?? EVENTS.join(', '), ci.buildTrigger],
  ])
  return [...(wrong === undefined ? [] : [wrong]), ...revokedFinding(signed, expected.revoked, { name: WHAT })]
}

/** `.github/workflows/release.yml` */
function pathOf(workflowRef: string): string {
  return /^[^/]+\/[^/]+\/(\.github\/workflows\/[^/@]+)@/.exec(workflowRef)?.[1] ?? workflowRef
}

function summaryDifferences({ statement, signer }: Signed, expected: EarlierExpected): readonly Finding[] {
  if (!isSourceSummary(statement)) return [refusal('statement', 'a source summary', statement.predicateType)]
  try {
    const { commit, verifierId, result, resourceUri, sourceRefs, policy } = readSourceSummary(statement)
    const own = signer.kind === 'certificate' ? signer.ci.sourceRepositoryDigest : undefined
    const wrong = firstDifference([
      ['commit', own ?? 'the run’s own', commit],
      ['verifier', SOURCE_VERIFIER_ID, verifierId],
      ['result', 'PASSED', result],
      ['repository', `git+${expected.serverUrl}/${expected.repository}`, resourceUri],
      ['ref', expected.ref, sourceRefs.find(ref => ref === expected.ref) ?? sourceRefs.join(', ')],
      ['policy', expected.policyUri, policy.uri],
    ])
    return wrong === undefined ? [] : [wrong]
  } catch (error) {
    return [unreadable(error)]
  }
}

type Compared = readonly [what: string, expected: string, found: string | undefined]

function firstDifference(compared: readonly Compared[]): Finding | undefined {
  const wrong = compared.find(([, expected, found]) => expected !== found)
  return wrong === undefined ? undefined : refusal(...wrong)
}

const WHAT = 'source summary of an earlier run'

function refusal(what: string, expected: string, found: string | undefined): Finding {
  const code = 'source/earlier-refused'
  return {
    code,
    severity: 'note',
    subject: WHAT,
    message: `A ${WHAT} is not used: it has another ${what}`,
    expected: printable(expected, 600),
    found: printable(found ?? 'nothing', 600),
    remedy: CATALOGUE[code].remedy,
  }
}

function unreadable(error: unknown): Finding {
  if (!(error instanceof WaybillError)) throw error
  return refusal('form', error.expected ?? 'the documented one', error.found)
}
