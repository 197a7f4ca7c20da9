import type { Finding } from '../core/verdict.ts'
import { isDeploySummary } from '../statements/deploy-vsa.ts'
import { isScai } from '../statements/scai.ts'
import { PROVENANCE_PREDICATE, type SignedStatement } from '../statements/statement.ts'
import { judgeDeploySummary } from './deploy-link.ts'
import type { Expectation } from './expectation.ts'
import type { Case, Kind, Signed } from './gate-case.ts'
import { ageFinding, finding, revokedFinding } from './gate-findings.ts'
import { judgeProvenance } from './provenance.ts'
import { isSbom, judgeSbom } from './sbom.ts'
import { matchSigner, observedText } from './signer.ts'

/** in-toto verification summary: it may say FAILED. slsa.dev/spec/v1.1/verification_summary */
const SUMMARY_PREDICATE = /^https:\/\/slsa\.dev\/verification_summary\//
/** Waybill's own records about an image that speak against it. 13-adversary 31 */
const QUARANTINE_PREDICATE = /\/waybill\/(?:predicates\/)?quarantine/

/** A record of a verdict, which says that something was signed and not that it is good. */
export function isVerdictType(predicateType: string): boolean {
  return SUMMARY_PREDICATE.test(predicateType) || QUARANTINE_PREDICATE.test(predicateType)
}

/**
 * `signature` is any statement about the digest (12-policy § 4), except records of a verdict: a summary may say FAILED, and a
 * quarantine record speaks against the image. Everything else has one type: an SBOM is no provenance, a summary no signature.
 */
export function isOfKind({ statement, form }: SignedStatement, kind: Kind, expectation: Expectation): boolean {
  const type = statement.predicateType
  // What was signed without a statement has no content that could prove more than that it was signed.
  if (kind !== 'signature' && form !== undefined) return false
  switch (kind) {
    case 'provenance':
      return type === PROVENANCE_PREDICATE
    case 'sbom':
      return isSbom(statement)
    case 'scai':
      return isScai(statement)
    case 'deploy-verified':
      return isDeploySummary(statement)
    case 'signature':
      if (expectation.predicateType !== undefined) return form === undefined && type === expectation.predicateType
      return !isVerdictType(type)
  }
}

/** What is held against a statement of this kind, by its signer, its age and its own content; nothing means that it counts. */
export function judgeStatement(kind: Kind, signed: Signed, the: Case): readonly Finding[] {
  const known = the.judged.get(kind) ?? new WeakMap<Signed, readonly Finding[]>()
  the.judged.set(kind, known)
  const before = known.get(signed)
  if (before !== undefined) return before
  const findings = findingsOf(kind, signed, the)
  known.set(signed, findings)
  return findings
}

function findingsOf(kind: Kind, signed: Signed, the: Case): readonly Finding[] {
  const { subject, expectation, context } = the
  const { build, deployer, revoked, maxAgeSeconds } = expectation
  if (kind === 'deploy-verified' && deployer === undefined)
    throw new TypeError('judgeImage() of deploy-verified without a deployer')
  const signer = kind === 'deploy-verified' && deployer !== undefined ? deployer.signer : build
  const mismatches = matchSigner(signer, signed.signer, subject.name)
  // The content of somebody else's statement says nothing.
  if (mismatches.length > 0)
    return kind === 'deploy-verified' ? [...mismatches, otherDeployer(signed, the)] : mismatches
  return [
    ...revokedFinding(signed, revoked, subject),
    ...ageFinding(signed, maxAgeSeconds, context.now, subject),
    ...contentOf(kind, signed, the),
  ]
}

/**
 * Who deploys elsewhere has done nothing to the artefact. Without this the wrong signer would look like that of a build, for which
 * an artefact is put into quarantine (13-adversary 31).
 */
function otherDeployer({ signer }: Signed, { subject, expectation }: Case): Finding {
  const message = 'The deploy summary is not of whom the rule names as deployer'
  return finding(subject, 'verify/deploy-other-verifier', message, {
    expected: expectation.description,
    found: observedText(signer),
  })
}

function contentOf(kind: Kind, signed: Signed, { subject, expectation }: Case): readonly Finding[] {
  if (kind === 'provenance') return judgeProvenance(signed, expectation, subject.name)
  if (kind === 'sbom') return judgeSbom(signed, subject)
  return kind === 'deploy-verified' ? judgeDeploySummary(signed, expectation, subject.name) : []
}
