import type { CiExtensions } from '../core/signer.ts'
import type { Finding } from '../core/verdict.ts'
import { type ProvenanceClaims, readProvenance } from '../statements/read-provenance.ts'
import { readScai, type ScaiClaim } from '../statements/scai.ts'
import type { Signed } from './gate-case.ts'
import { judgeClosedWorld, judgeMaterials } from './materials.ts'
import type { ClaimRequirement } from './policy.ts'
import { isRecorded } from './provenance.ts'
import { about, readable } from './source-question.ts'

/** What is asked of the build that a provenance, judged before, speaks of. */
export interface ClaimQuestion {
  readonly requirement: ClaimRequirement
  readonly provenance: Signed
  /** What the findings are about. */
  readonly subject: string
}

/** What the parts of the judgement look at. */
export interface ClaimCase extends ClaimQuestion {
  readonly build: ProvenanceClaims
  readonly claims: readonly ScaiClaim[]
}

/** The statement that answers it, or why none does. */
export type ClaimLink =
  | { readonly statements: readonly [Signed] }
  | { readonly findings: readonly [Finding, ...Finding[]] }

/**
 * The link from a provenance to what its run claims about the build (4-materials § 6). Claims count only beside a provenance that
 * holds, of the same run: another run that made the same bytes may have taken in other things on the way.
 * @param candidates SCAI statements about the digest whose signer was matched, and what was held against each.
 */
export function judgeClaimLink(
  question: ClaimQuestion,
  candidates: readonly { readonly scai: Signed; readonly against: readonly Finding[] }[],
): ClaimLink {
  const say = about(question)
  const build = readProvenance(question.provenance.statement.predicate)
  // 13-adversary 15: who did not drive the build does not know what went in.
  if (isRecorded(build))
    return { findings: [say('verify/recorded-build', RECORDED, 'a build that Waybill drove', build.buildType)] }
  const failed: (readonly Finding[])[] = []
  for (const { scai, against } of candidates) {
    const findings = against.length > 0 ? against : judgeClaims(question, build, scai)
    if (findings.length === 0) return { statements: [scai] }
    failed.push(findings)
  }
  // The one that came closest explains most.
  const [first, ...more] = failed.sort((a, b) => a.length - b.length).flat()
  if (first !== undefined) return { findings: [first, ...more] }
  const message = `No claims about the build are attached to the image, and ${question.requirement} rests on them`
  return { findings: [say('verify/no-scai', message, 'a SCAI statement of the run', undefined)] }
}

const RECORDED = 'The image was recorded, not built'

function judgeClaims(question: ClaimQuestion, build: ProvenanceClaims, scai: Signed): readonly Finding[] {
  const other = otherRun(question, scai)
  if (other.length > 0) return other
  const read = readable(() => readScai(scai.statement), question, 'verify/scai-unusable')
  if ('unusable' in read) return [read.unusable]
  const the: ClaimCase = { ...question, build, claims: read.value }
  if (question.requirement === 'reproducible') return judgeReproducible(the)
  return question.requirement === 'closed-world' ? judgeClosedWorld(the) : judgeMaterials(the)
}

/** What two certificates of one run share. Attempts of a run differ, and a later one may sign what an earlier one left. */
const SHARED = [
  'sourceRepositoryUri',
  'sourceRepositoryIdentifier',
  'sourceRepositoryDigest',
  'sourceRepositoryRef',
  'buildConfigUri',
  'buildSignerDigest',
  'runInvocationUri',
] as const satisfies readonly (keyof CiExtensions)[]

function otherRun(question: ClaimQuestion, { signer }: Signed): readonly Finding[] {
  const { signer: builder } = question.provenance
  const say = about(question)
  const differs = (what: string, expected: string | undefined, found: string | undefined) =>
    expected === found
      ? []
      : [say('verify/scai-other-run', `The claims and the provenance differ in ${what}`, expected ?? 'nothing', found)]
  if (signer.kind === 'key' || builder.kind === 'key')
    return [
      ...differs('kind of signer', builder.kind, signer.kind),
      ...differs('key', builder.fingerprint, signer.fingerprint),
    ]
  return [
    ...differs('identity', builder.san.value, signer.san.value),
    ...SHARED.flatMap(name => differs(name, part(builder.ci, name), part(signer.ci, name))),
  ]
}

function part(ci: CiExtensions, name: (typeof SHARED)[number]): string | undefined {
  const value = ci[name]
  return name === 'runInvocationUri' ? value?.replace(/\/attempts\/[0-9]+$/, '') : value
}

function judgeReproducible({ claims, subject }: ClaimCase): readonly Finding[] {
  if (claims.some(({ attribute }) => attribute === 'REPRODUCIBLE')) return []
  const result = claims.find(({ attribute }) => attribute === 'NOT_REPRODUCIBLE')
  const message = 'The run does not claim that a second build gave the same bytes'
  return [about({ subject })('verify/not-reproducible', message, 'REPRODUCIBLE', result?.attribute)]
}
