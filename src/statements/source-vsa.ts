import type { CommitId, Digest } from '../core/digest.ts'
import { hexOf, parseCommitId, parseDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt, stringMapAt } from '../core/shape.ts'
import { printable } from '../core/text.ts'
import { buildStatement } from './build.ts'
import { reading } from './parse.ts'
import { type Statement, type Subject, VERIFICATION_SUMMARY_PREDICATE } from './statement.ts'
import { SOURCE_VERIFICATION_PREDICATE, SOURCE_VERIFIER_ID } from './uris.ts'

/** What a source summary may say of a commit (3-source § 8). Own values never begin with `SLSA_`. */
export const SOURCE_LEVELS = [
  'SLSA_SOURCE_LEVEL_UNEVALUATED',
  'ORG_SOURCE_COMMITS_SIGNED',
  'ORG_SOURCE_COMMITS_ACCEPTED',
  'ORG_SOURCE_REVIEWED',
] as const
export type SourceSummaryLevel = (typeof SOURCE_LEVELS)[number]

/** The commit as the only subject of source statements: one for each commit, shared by every image of it. */
export interface SourceSubject {
  /** `https://github.com`, without a slash at the end. */
  readonly serverUrl: string
  /** `owner/name` */
  readonly repository: string
  readonly commit: CommitId
}

export interface SourceSummaryFacts extends SourceSubject {
  /** Full names of refs on which the commit was found in this run. */
  readonly refs: readonly [string, ...string[]]
  readonly waybillVersion: string
  readonly verifiedAt: Date
  readonly policy: { readonly uri: string; readonly digest: Digest }
  /** SHA-256 of the detail statement's bytes. */
  readonly detail: Digest
  readonly reviews: readonly { readonly uri: string; readonly digest: Digest }[]
  readonly level: 'ORG_SOURCE_COMMITS_SIGNED' | 'ORG_SOURCE_COMMITS_ACCEPTED'
  readonly reviewed: boolean
}

/** What a source summary claims, as plain values: every one was chosen by its signer, none is judged yet. */
export interface SourceSummary {
  readonly commit: CommitId
  readonly sourceRefs: readonly string[]
  readonly verifierId: string
  readonly resourceUri: string
  readonly policy: { readonly uri: string; readonly digest?: Digest }
  readonly result: 'PASSED' | 'FAILED'
  /** Empty when `result` is FAILED. */
  readonly levels: readonly SourceSummaryLevel[]
  /** SHA-256 of the detail statement's bytes; absent when none is named. */
  readonly detail?: Digest
}

/** `git+https://github.com/acme/app`: the repository as `resourceUri` and in provenance, there with `@ref` behind it. */
export function repositoryUri({ serverUrl, repository }: Omit<SourceSubject, 'commit'>): string {
  return `git+${serverUrl}/${repository}`
}

export function commitSubject({ serverUrl, repository, commit }: SourceSubject): Subject {
  return { uri: `${serverUrl}/${repository}/commit/${commit}`, digest: { gitCommit: commit } }
}

/**
 * The verification summary of a commit that passed; of one that did not, nothing is ever signed.
 * slsa.dev/spec/v1.2/source-requirements § Source verification summary attestation
 * @throws `statements/summary-malformed` when the facts make no summary that the gate reads.
 */
export function sourceSummaryStatement(facts: SourceSummaryFacts): Uint8Array {
  const subject = { ...commitSubject(facts), annotations: { sourceRefs: facts.refs } }
  const predicate = predicateOf(facts)
  readSourceSummary({ subject: [subject], predicateType: VERIFICATION_SUMMARY_PREDICATE, predicate })
  return buildStatement({ subjects: [subject], predicateType: VERIFICATION_SUMMARY_PREDICATE, predicate })
}

function predicateOf(facts: SourceSummaryFacts): JsonObject {
  return {
    verifier: { id: SOURCE_VERIFIER_ID, version: { waybill: facts.waybillVersion } },
    timeVerified: facts.verifiedAt.toISOString(),
    resourceUri: repositoryUri(facts),
    policy: { uri: facts.policy.uri, digest: { sha256: hexOf(facts.policy.digest) } },
    inputAttestations: [
      { uri: SOURCE_VERIFICATION_PREDICATE, digest: { sha256: hexOf(facts.detail) } },
      ...facts.reviews.map(({ uri, digest }) => ({ uri, digest: { sha256: hexOf(digest) } })),
    ],
    verificationResult: 'PASSED',
    verifiedLevels: [
      'SLSA_SOURCE_LEVEL_UNEVALUATED',
      facts.level,
      ...(facts.reviewed ? ['ORG_SOURCE_REVIEWED' as const] : []),
    ],
    slsaVersion: '1.2',
  }
}

/** Whether a summary is about a commit; one about an image is another statement under the same type. */
export function isSourceSummary({ predicateType, subject }: Statement): boolean {
  return (
    predicateType === VERIFICATION_SUMMARY_PREDICATE && subject.some(({ digest }) => Object.hasOwn(digest, 'gitCommit'))
  )
}

/**
 * Reads a verification summary about a commit. Fields that the predicate's reader must ignore are ignored (unknown fields
 * of the predicate, its verifier, its policy); what decides is closed: one subject with nothing but a `gitCommit`, so that
 * no summary is about a commit and an image at once, and only known levels, so that none is taken for another.
 * @throws `statements/summary-malformed`
 */
export function readSourceSummary({ subject, predicate }: Statement): SourceSummary {
  return reading('statements/summary-malformed', () => {
    const [only, ...more] = subject
    if (more.length > 0) throw refused('one subject', String(subject.length))
    const result = resultAt(predicate.verificationResult)
    const policy = objectAt(predicate.policy, 'policy')
    const digest = sha256At(policy.digest, 'policy.digest')
    const detail = detailAt(predicate.inputAttestations)
    return {
      commit: commitAt(only),
      sourceRefs: refsAt(only.annotations ?? {}),
      verifierId: stringAt(objectAt(predicate.verifier, 'verifier').id, 'verifier.id'),
      resourceUri: stringAt(predicate.resourceUri, 'resourceUri'),
      policy: { uri: stringAt(policy.uri, 'policy.uri'), ...(digest === undefined ? {} : { digest }) },
      result,
      levels: result === 'FAILED' ? [] : levelsAt(predicate.verifiedLevels),
      ...(detail === undefined ? {} : { detail }),
    }
  })
}

export function commitAt({ digest }: Subject): CommitId {
  const algorithms = Object.keys(digest)
  if (algorithms.length !== 1 || digest.gitCommit === undefined)
    throw refused('a subject with a gitCommit and no other digest', algorithms.join(', '))
  return parseCommitId(digest.gitCommit)
}

/** `source_refs` is how some producers spell it. Both with different content would mean two things. */
function refsAt({ sourceRefs, source_refs: older }: JsonObject): readonly string[] {
  if (sourceRefs !== undefined && older !== undefined && JSON.stringify(sourceRefs) !== JSON.stringify(older))
    throw refused('sourceRefs or source_refs', 'both, and different')
  const refs = arrayAt(sourceRefs ?? older ?? [], 'sourceRefs').map((ref, at) => stringAt(ref, `sourceRefs[${at}]`))
  const short = refs.find(ref => !ref.startsWith('refs/'))
  if (short !== undefined) throw refused('full ref names', short)
  return refs
}

function resultAt(value: Json | undefined): SourceSummary['result'] {
  const result = stringAt(value, 'verificationResult')
  if (result === 'PASSED' || result === 'FAILED') return result
  throw refused('PASSED or FAILED', result)
}

function levelsAt(value: Json | undefined): readonly SourceSummaryLevel[] {
  const levels = arrayAt(value, 'verifiedLevels').map((item, at) => {
    const text = stringAt(item, `verifiedLevels[${at}]`)
    const level = SOURCE_LEVELS.find(known => known === text)
    if (level === undefined) throw refused(SOURCE_LEVELS.join(', '), text)
    return level
  })
  if (new Set(levels).size !== levels.length) throw refused('each level once', levels.join(', '))
  if (levels.filter(level => level.startsWith('ORG_SOURCE_COMMITS_')).length !== 1)
    throw refused('exactly one of ORG_SOURCE_COMMITS_SIGNED and ORG_SOURCE_COMMITS_ACCEPTED', levels.join(', '))
  if (!levels.includes('SLSA_SOURCE_LEVEL_UNEVALUATED')) throw refused('one level of SLSA itself', levels.join(', '))
  return levels
}

/** The one input that is the detail; review statements may stand beside it. */
function detailAt(value: Json | undefined): Digest | undefined {
  const inputs = arrayAt(value ?? [], 'inputAttestations').map((item, at) => {
    const input = objectAt(item, `inputAttestations[${at}]`)
    const digest = sha256At(input.digest, `inputAttestations[${at}].digest`)
    return { uri: optional(input.uri, stringAt, `inputAttestations[${at}].uri`), digest }
  })
  const details = inputs.filter(({ uri }) => uri === SOURCE_VERIFICATION_PREDICATE)
  if (details.length > 1) throw refused('one detail statement', String(details.length))
  return details[0]?.digest
}

export function sha256At(value: Json | undefined, path: string): Digest | undefined {
  const hex = stringMapAt(value, path).sha256
  return hex === undefined ? undefined : parseDigest(`sha256:${hex}`)
}

function refused(expected: string, found: string): Error {
  return fail('statements/summary-malformed', 'The source summary is malformed', {
    expected,
    found: printable(found, 200) || 'nothing',
  })
}
