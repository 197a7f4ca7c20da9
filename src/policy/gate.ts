import { type Digest, hexOf } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Finding, Verdict } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import { PROVENANCE_PREDICATE, type SignedStatement } from '../statements/statement.ts'
import { isSourceRequirement } from './deploy-source.ts'
import type { Expectation } from './expectation.ts'
import { ageFinding, distinct, finding, revokedFinding } from './gate-findings.ts'
import type { Requirement, SourceRequirement } from './policy.ts'
import { builtFrom, judgeProvenance, unbackedNote } from './provenance.ts'
import { matchSigner, observedText } from './signer.ts'
import { judgeSourceLink, type SourceLink } from './source-link.ts'

export { type Expectation, type ExpectationFlags, expectationFor, expectationFromFlags } from './expectation.ts'

/** What is judged. Every digest was resolved and its bytes hashed before. */
export interface ImageSubject {
  /** As the user knows it; for findings. */
  readonly name: string
  readonly digest: Digest
  /** For an index: its platform manifests that are deployed, all of them (attestation manifests are none). */
  readonly platforms?: readonly Digest[]
  /** For a platform manifest: indexes whose own bytes list it. */
  readonly parents?: readonly Digest[]
}

export interface GateContext {
  /** Why bundles could not be verified, one finding each. Named, never evidence (13-adversary 26). */
  readonly rejectedBundles: readonly Finding[]
  /** The list of bundles was capped, broken or partly unreachable. */
  readonly incomplete: boolean
  readonly now: Date
}

export interface ImageJudgement {
  readonly verdict: Verdict
  /** Everything worth showing, notes too; for a rejected verdict its findings first. */
  readonly findings: readonly Finding[]
  /** What proves each requirement that holds. */
  readonly matched: readonly Proof[]
}

export interface Proof {
  readonly requirement: Requirement
  /** By a statement about the digest itself, about an index that lists it, or about every platform. */
  readonly via: 'own' | 'index' | 'platforms'
  readonly statements: readonly [Verified<SignedStatement>, ...Verified<SignedStatement>[]]
}

type Signed = Verified<SignedStatement>

/** in-toto verification summary: it may say FAILED. slsa.dev/spec/v1.1/verification_summary */
const SUMMARY_PREDICATE = /^https:\/\/slsa\.dev\/verification_summary\//
/** Waybill's own records about an image that speak against it. 13-adversary 31 */
const QUARANTINE_PREDICATE = /\/waybill\/(?:predicates\/)?quarantine/

/** Findings shown of statements that did not count; a flood of planted ones must not drown the rest. */
const MAX_FINDINGS = 20

/**
 * Judges one image by statements whose cryptography was verified (7-verify-deploy § 1, steps 4 to 6).
 * Each requirement is proved by one statement about exactly this digest; an index also by its every platform, a platform
 * manifest also by an index that lists it (13-adversary 21). A statement that does not count is named, never fatal.
 */
export function judgeImage(
  subject: ImageSubject,
  signed: readonly Signed[],
  expectation: Expectation,
  context: GateContext,
): ImageJudgement {
  const attempts = expectation.require.map(requirement => prove(requirement, { subject, signed, expectation, context }))
  const matched = attempts.flatMap(attempt => ('proof' in attempt ? [attempt.proof] : []))
  const refused = attempts.flatMap(attempt => ('proof' in attempt ? [] : attempt.findings))
  // The same wrong signer refuses every requirement with the same sentence; once is enough to read.
  const against = [...new Map(refused.map(item => [`${item.code} ${item.message}`, item])).values()]
  const notes = [
    ...matched.flatMap(proof => proofNotes(proof, subject, expectation)),
    ...contextNotes(subject, context),
  ]
  const [first, ...more] = against
  if (first === undefined) return { verdict: passed(matched, notes), findings: notes, matched }
  // What is missing may stand in the part that could not be read.
  if (context.incomplete) {
    const shown = against.map(finding => ({ ...finding, severity: 'note' as const }))
    return {
      verdict: { kind: 'unknown', cause: incomplete(subject, expectation, context.rejectedBundles) },
      findings: [...shown, ...notes],
      matched,
    }
  }
  return { verdict: { kind: 'rejected', findings: [first, ...more] }, findings: [...against, ...notes], matched }
}

interface Case {
  readonly subject: ImageSubject
  readonly signed: readonly Signed[]
  readonly expectation: Expectation
  readonly context: GateContext
}

type Attempt = { readonly proof: Proof } | { readonly findings: readonly [Finding, ...Finding[]] }

function prove(requirement: Requirement, the: Case): Attempt {
  const { digest, parents = [], platforms = [] } = the.subject
  const own = proofOf(requirement, digest, the)
  if ('statements' in own) return { proof: { requirement, via: 'own', ...own } }
  for (const parent of parents) {
    const above = proofOf(requirement, parent, the)
    if ('statements' in above) return { proof: { requirement, via: 'index', ...above } }
  }
  const below = platforms.map(platform => ({ platform, ...proofOf(requirement, platform, the) }))
  const [first, ...more] = below.flatMap(item => ('statements' in item ? item.statements : []))
  if (first === undefined) return { findings: failure(requirement, own.findings, the) }
  const lacking = below.filter(item => !('statements' in item)).map(item => item.platform)
  if (lacking.length === 0) return { proof: { requirement, via: 'platforms', statements: [first, ...more] } }
  return { findings: [unprovenPlatforms(requirement, lacking, the), ...own.findings.slice(0, MAX_FINDINGS)] }
}

type OneProof = Pick<Proof, 'statements'> | { readonly findings: readonly Finding[] }

/**
 * The first statement about exactly this digest that meets the requirement, else why each candidate does not. What is asked
 * of the source is asked of the commit that a provenance names, once that provenance counts itself.
 */
function proofOf(requirement: Requirement, digest: Digest, the: Case): OneProof {
  const about = isSourceRequirement(requirement) ? 'provenance' : requirement
  const candidates = the.signed.filter(item => isAbout(item, digest) && hasType(item, about, the.expectation))
  const failed: (readonly Finding[])[] = []
  for (const candidate of candidates) {
    const findings = judgeStatement(about, candidate, the)
    if (findings.length > 0) failed.push(findings)
    else if (!isSourceRequirement(requirement)) return { statements: [candidate] }
    else {
      const linked = sourceOf(requirement, candidate, the)
      if ('statements' in linked) return { statements: [candidate, ...linked.statements] }
      failed.push(linked.findings)
    }
  }
  // The one that came closest explains most.
  return { findings: failed.sort((a, b) => a.length - b.length).flat() }
}

/** Step 5: from the provenance's commit to its verification. */
function sourceOf(
  requirement: SourceRequirement,
  provenance: Signed,
  { subject, signed, expectation }: Case,
): SourceLink {
  const built = builtFrom(provenance.statement)
  const { source: rule, revoked } = expectation
  if (rule === undefined) throw new TypeError(`judgeImage() of ${requirement} without a rule for the source`)
  if (built !== undefined) return judgeSourceLink({ requirement, built, rule, revoked, subject: subject.name }, signed)
  const facts = { expected: 'a build from a commit', found: 'a provenance without one' }
  return { findings: [finding(subject, 'verify/builder-not-allowed', 'The provenance names no commit', facts)] }
}

/** Step 4: the subject's own digest, the same algorithm, whole. Names of subjects are the signer's choice and ignored. */
function isAbout({ statement }: SignedStatement, digest: Digest): boolean {
  const hex = hexOf(digest)
  return statement.subject.some(item => Object.hasOwn(item.digest, 'sha256') && item.digest.sha256 === hex)
}

/**
 * `signature` is any statement about the digest (12-policy § 4), except records of a verdict: a summary may say FAILED, and a
 * quarantine record speaks against the image. `provenance` is SLSA provenance v1 alone: an SBOM is not one.
 */
function hasType({ statement }: SignedStatement, requirement: Requirement, { predicateType }: Expectation): boolean {
  const type = statement.predicateType
  if (requirement === 'provenance') return type === PROVENANCE_PREDICATE
  if (predicateType !== undefined) return type === predicateType
  return !SUMMARY_PREDICATE.test(type) && !QUARANTINE_PREDICATE.test(type)
}

function judgeStatement(
  requirement: Requirement,
  signed: Signed,
  { subject, expectation, context }: Case,
): readonly Finding[] {
  const { build, revoked, maxAgeSeconds } = expectation
  const mismatches = matchSigner(build, signed.signer, subject.name)
  // The content of somebody else's statement says nothing.
  if (mismatches.length > 0) return mismatches
  return [
    ...revokedFinding(signed, revoked, subject),
    ...ageFinding(signed, maxAgeSeconds, context.now, subject),
    ...(requirement === 'provenance' ? judgeProvenance(signed, expectation, subject.name) : []),
  ]
}

/** Why a requirement does not hold: what came close, or that there is nothing at all. */
function failure(requirement: Requirement, findings: readonly Finding[], the: Case): readonly [Finding, ...Finding[]] {
  const [first, ...more] = distinct(findings)
  if (first !== undefined) return [first, ...more.slice(0, MAX_FINDINGS - 1)]
  const { subject, signed, expectation, context } = the
  const others = signed.length === 0 ? '' : `; ${signed.length} verified about other digests or of other kinds`
  const ignored = context.rejectedBundles.length === 0 ? '' : `; ${context.rejectedBundles.length} not verifiable`
  const message = `No ${requirement === 'signature' ? 'signature' : 'provenance'} of ${subject.digest} was found${others}${ignored}`
  return [
    finding(subject, 'verify/no-attestation', message, {
      expected: expectation.description,
      found: `nothing${others}${ignored}`,
    }),
  ]
}

function unprovenPlatforms(
  requirement: Requirement,
  lacking: readonly Digest[],
  { subject, expectation }: Case,
): Finding {
  const shown = `${lacking.slice(0, 5).join(', ')}${lacking.length > 5 ? ` and ${lacking.length - 5} more` : ''}`
  return finding(
    subject,
    'verify/platform-unproven',
    `The ${requirement} of ${lacking.length} platforms is not proved: ${shown}`,
    {
      expected: expectation.description,
      found: shown,
    },
  )
}

function incomplete({ name }: ImageSubject, { description }: Expectation, [first]: readonly Finding[]) {
  const why = first === undefined ? '' : `: ${first.message} (${first.code})`
  return fail(
    'verify/incomplete',
    `Not every bundle attached to ${name} could be read, and the rest does not prove what is required`,
    {
      expected: description,
      found: `an incomplete list of bundles${why}`,
    },
  )
}

function passed([proof]: readonly Proof[], notes: readonly Finding[]): Verdict {
  if (proof === undefined) throw new TypeError('judgeImage() without a requirement')
  return { kind: 'passed', by: observedText(proof.statements[0].signer), basis: 'signed', notes }
}

function proofNotes(
  { requirement, statements }: Proof,
  subject: ImageSubject,
  { build }: Expectation,
): readonly Finding[] {
  return distinct(
    statements.flatMap(signed => [
      ...(build.kind === 'sigstore' ? sharedIdentityNote(signed, subject) : []),
      ...(requirement === 'provenance' ? unbackedNote(signed, subject.name) : []),
    ]),
  )
}

/** 13-adversary 28: an exact identity of a called workflow is the identity of everybody who calls it. */
function sharedIdentityNote({ signer }: SignedStatement, subject: ImageSubject): readonly Finding[] {
  if (signer.kind !== 'certificate') return []
  const { buildConfigUri } = signer.ci
  if (buildConfigUri === undefined || buildConfigUri === signer.san.value) return []
  const message = `The signing workflow was called by ${printable(buildConfigUri, 200)}`
  return [{ ...finding(subject, 'verify/identity-shared', message, { found: signer.san.value }), severity: 'note' }]
}

function contextNotes(
  subject: ImageSubject,
  { rejectedBundles, incomplete: partial }: GateContext,
): readonly Finding[] {
  const named = rejectedBundles.map(item => ({ ...item, severity: 'note' as const }))
  const count = rejectedBundles.length
  const ignored =
    count === 0
      ? []
      : [finding(subject, 'verify/bundles-ignored', `${count} attached bundles could not be verified`, {})]
  const capped = partial ? [finding(subject, 'verify/incomplete', 'Not every attached bundle could be read', {})] : []
  return [...capped, ...ignored, ...named].map(item => ({ ...item, severity: 'note' as const }))
}
