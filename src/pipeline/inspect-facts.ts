import type { Fact } from '../report/inspection.ts'
import type { DeploySummary } from '../statements/deploy-vsa.ts'
import type { QuarantineRecord } from '../statements/quarantine.ts'
import type { ProvenanceClaims } from '../statements/read-provenance.ts'
import type { ScaiClaim } from '../statements/scai.ts'
import type { SourceDetail } from '../statements/source-detail.ts'
import type { SourceSummary } from '../statements/source-vsa.ts'

/** A fact that is there; several values of one name stand in one line. */
function fact(name: string, value: string | number | readonly string[] | undefined): readonly Fact[] {
  if (value === undefined) return []
  const text = typeof value === 'object' ? value.join(', ') : String(value)
  return text === '' ? [] : [{ name, value: text }]
}

export function provenanceFacts(claims: ProvenanceClaims): readonly Fact[] {
  const { builderId, buildType, workflow, github, waybill, invocationId, startedOn, finishedOn } = claims
  const stage = (of: { readonly mode: string; readonly verdict: string } | undefined) =>
    of && `${of.verdict} (mode ${of.mode})`
  return [
    ...fact('builder', builderId),
    ...fact('made by', waybill?.builder),
    ...fact('build type', buildType),
    ...fact('workflow', workflow && `${workflow.repository}/${workflow.path}@${workflow.ref}`),
    ...fact('event', github?.event_name),
    ...fact('runner', github?.runner_environment),
    ...fact(
      'built on',
      Object.entries(waybill?.buildRunners ?? {}).map(([platform, label]) => `${platform}: ${label} (not GitHub’s)`),
    ),
    ...fact('command isolation', waybill?.commandIsolation),
    ...fact('run', invocationId),
    ...fact('started', startedOn),
    ...fact('finished', finishedOn),
    ...fact('claimed of its commits', stage(waybill?.source)),
    ...fact('claimed of its materials', stage(waybill?.materials)),
  ]
}

export function summaryFacts({
  result,
  levels,
  resourceUri,
  sourceRefs,
  policy,
  verifierId,
}: SourceSummary): readonly Fact[] {
  return [
    ...fact('result claimed', result),
    ...fact('levels', levels),
    ...fact('repository', resourceUri),
    ...fact('found on', sourceRefs),
    ...fact('policy', policy.uri),
    ...fact('policy digest', policy.digest),
    ...fact('verifier', verifierId),
  ]
}

export function detailFacts({ range, law, mode, engines, keys, exceptions }: SourceDetail): readonly Fact[] {
  return [
    ...fact('anchor', range.anchor),
    ...fact('commits judged', range.count),
    ...fact('rules accepted at', law.at),
    ...fact('policy', law.policy.uri),
    ...fact('policy digest', law.policy.digest),
    ...fact('mode', mode),
    ...fact('signers', [...new Set(keys.map(({ principal }) => principal))]),
    ...fact('keys', keys.length),
    ...fact('exceptions', exceptions.length),
    ...fact(
      'checked with',
      Object.entries(engines).map(([name, version]) => `${name} ${version}`),
    ),
  ]
}

export function deployFacts(summary: DeploySummary): readonly Fact[] {
  const { resourceUri, result, levels, policy, verifierId, verifiedAt, inputs } = summary
  return [
    ...fact('result claimed', result),
    ...fact('resource', resourceUri),
    ...fact('levels', levels),
    ...fact('policy', policy.uri),
    ...fact('policy digest', policy.digest),
    ...fact('verifier', verifierId),
    ...fact('verified at', verifiedAt?.toISOString()),
    ...fact('rests on', `${inputs.length} statements`),
  ]
}

export function recordFacts({
  decision,
  reason,
  codes,
  releases,
  policy,
  environment,
}: QuarantineRecord): readonly Fact[] {
  return [
    ...fact('decision', decision),
    ...fact('reason', reason),
    ...fact('codes', codes),
    ...fact('releases', releases),
    ...fact('policy', policy),
    ...fact('environment', environment),
  ]
}

/** An attribute with what it is about. */
export function claimFacts(claims: readonly ScaiClaim[]): readonly Fact[] {
  return claims.flatMap(claim => {
    const name = claim.attribute === 'other' ? claim.name : claim.attribute
    const target = 'target' in claim ? claim.target : undefined
    const conditions =
      claim.attribute === 'BUILD_SOURCES_CLOSED_WORLD' ? Object.values(claim.conditions).join(', ') : ''
    return fact(
      name,
      [target?.name ?? target?.uri ?? '', conditions].filter(text => text !== '').join(' ') || 'claimed',
    )
  })
}
