import { type CommitId, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { CommitJudgement, SourceJudgement, UsedException } from '../policy/judgement.ts'
import { DEFAULT_BUILDERS } from '../policy/policy.ts'
import {
  type DetailCommit,
  type DetailException,
  type DetailReview,
  type SourceDetail,
  sourceDetailStatement,
} from '../statements/source-detail.ts'
import { repositoryUri, type SourceSubject, sourceSummaryStatement } from '../statements/source-vsa.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { Built } from './build-stage.ts'
import { claimsOf, type Ready } from './preflight.ts'
import type { RunRecord } from './run.ts'
import type { SourceOutcome } from './source-stage.ts'

/** What a run states about its source: a summary, and the detail that the summary names by digest. */
export interface SourceDocuments {
  readonly summary: Uint8Array
  readonly detail: Uint8Array
  readonly reviewed: boolean
}

/**
 * The judgement that this run may state, if any. Only of commits that passed under enforce, found on the ref itself, for an
 * image that Waybill built from the very commit: under audit and for a digest from elsewhere the summary would say more than
 * was insisted on (13-adversary 15, 41).
 */
export function statedJudgement(
  request: AttestRequest,
  source: SourceOutcome,
  built: Built,
): SourceJudgement | undefined {
  const { claim, judgement, foundOnRef } = source
  const enforced = claim.mode === 'enforce' && claim.verdict === 'passed' && judgement?.outcome === 'passed'
  const drove = built.exported !== undefined && DEFAULT_BUILDERS.some(name => name === built.result.builder)
  return enforced && drove && foundOnRef && request.source.purpose === 'sign' ? judgement : undefined
}

/** Both statements, encoded once. @returns undefined when this run states nothing about its source. */
export async function sourceStatements(
  request: AttestRequest,
  ports: AttestPorts,
  { ready, source, built }: { readonly ready: Ready; readonly source: SourceOutcome; readonly built: Built },
  policy: RunRecord['policy'],
): Promise<SourceDocuments | undefined> {
  const judgement = statedJudgement(request, source, built)
  // Of another commit than the run's own the certificate would prove nothing, and no gate would take it (13-adversary 28).
  if (judgement === undefined || source.commit.id !== claimsOf(ready)?.sha) return undefined
  const { serverUrl, repository } = request
  const commit = source.commit.id
  const subject: SourceSubject = { serverUrl, repository, commit }
  const law = { uri: policy?.uri ?? '', digest: judgement.law.policyDigest }
  if (law.uri === '') throw fail('core/internal', 'A judgement without a policy')
  const engines = await ports.engines(judgement.commits.some(({ kind }) => kind === 'openpgp'))
  const detail = sourceDetailStatement(subject, {
    ...detailOf(judgement, commit, law),
    mode: 'enforce',
    inputs: { sourceMode: request.source.mode, ...sinceOf(request) },
    engines: { waybill: request.waybillVersion, ...engines },
  })
  const reviewed = judgement.reviewed === true
  const summary = sourceSummaryStatement({
    ...subject,
    refs: [request.source.ref],
    waybillVersion: request.waybillVersion,
    verifiedAt: ports.now(),
    policy: law,
    detail: sha256(detail),
    reviews: reviewInputs(judgement, repositoryUri(subject)),
    level: levelOf(judgement.commits),
    reviewed,
  })
  return { summary, detail, reviewed }
}

function sinceOf({ source: { anchor } }: AttestRequest): { since?: CommitId } {
  return anchor === undefined ? {} : { since: anchor }
}

function detailOf(
  { commits, keys, exceptions, law, lawAt, anchor }: SourceJudgement,
  to: CommitId,
  policy: SourceDetail['law']['policy'],
): Pick<SourceDetail, 'range' | 'law' | 'commits' | 'reviews' | 'keys' | 'exceptions'> {
  return {
    range: { anchor, to, count: commits.length },
    law: { at: lawAt, ...(law.tree === undefined ? {} : { gitTree: law.tree }), policy },
    commits: commits.map(detailCommit),
    reviews: commits.flatMap(detailReview),
    keys,
    exceptions: exceptionsOf(exceptions, commits),
  }
}

/**
 * The key only where the commit rests on it. Of an excepted or derived one it may be what the signature merely claims, and
 * hold more than a fingerprint.
 */
function detailCommit({ id, kind, key, principal, githubId, basis, via }: CommitJudgement): DetailCommit {
  if (basis === undefined) throw fail('core/internal', `Commit ${id} passed without a basis`)
  return {
    gitCommit: id,
    kind,
    ...(key !== undefined && (basis === 'signed' || basis === 'platform') ? { key } : {}),
    ...(principal === undefined ? {} : { principal }),
    ...(githubId === undefined ? {} : { githubId }),
    basis,
    ...(via === undefined ? {} : { via }),
  }
}

function detailReview({ id, review }: CommitJudgement): readonly DetailReview[] {
  if (review === undefined) return []
  const { label, by, head, pull, statements, keys } = review
  return [
    {
      commit: id,
      label,
      by,
      ...(head === undefined ? {} : { head }),
      ...(pull === undefined ? {} : { pull }),
      statements,
      keys,
    },
  ]
}

/** Without the reason: it is free text, and stands in the policy whose digest is stated. */
function exceptionsOf(used: readonly UsedException[], commits: readonly CommitJudgement[]): readonly DetailException[] {
  const excepted = new Set(commits.filter(({ basis }) => basis === 'excepted').map(({ id }) => id))
  if (excepted.size === 0) return []
  return used
    .filter(({ kind, commit }) => kind === 'until' || excepted.has(commit))
    .map(({ kind, commit, approvedBy, covers }) => ({
      kind,
      commit,
      ...(approvedBy === undefined ? {} : { approvedBy }),
      covers,
    }))
}

/** Of the commits up to the head alone: the judgement of the whole line also holds what came later. */
function levelOf(commits: readonly CommitJudgement[]): 'ORG_SOURCE_COMMITS_SIGNED' | 'ORG_SOURCE_COMMITS_ACCEPTED' {
  const signed = commits.length > 0 && commits.every(({ basis }) => basis === 'signed' || basis === 'derived')
  return signed ? 'ORG_SOURCE_COMMITS_SIGNED' : 'ORG_SOURCE_COMMITS_ACCEPTED'
}

/** Each by the place where reviewers put their statements (3-source § 6). */
function reviewInputs({ commits }: SourceJudgement, repository: string) {
  const inputs = commits.flatMap(({ id, review }) =>
    (review?.statements ?? []).map(digest => ({
      uri: `${repository}@refs/waybill/reviews/${review?.head ?? id}`,
      digest,
    })),
  )
  return [...new Map(inputs.map(input => [input.digest, input])).values()]
}
