import type { Digest } from '../core/digest.ts'
import type { AllowRule, DeployRule, Policy, Requirement, SubjectPattern } from '../policy/policy.ts'
import { everyItem, isClaimRequirement, isSourceRequirement } from '../policy/requirements.ts'
import { COSIGN_SIGN_PREDICATE } from '../statements/statement.ts'
import { provenanceLink } from './build-links.ts'
import { claimLink } from './claim-links.ts'
import { deployLink } from './deploy-links.ts'
import { disjointRules } from './disjoint.ts'
import type { Admission, AdmissionLink, AdmissionRule } from './link.ts'
import { notExpressible } from './refused.ts'
import { refuseRevoked } from './revoked.ts'
import { sbomLink } from './sbom-link.ts'

export type Patterns = readonly [SubjectPattern, ...SubjectPattern[]]

/** The policy that is generated from, as deploy summaries name it. */
export interface PolicyName {
  readonly uri: string
  readonly digest: Digest
}

/**
 * What a cluster has to enforce where images run (`require` and `admit`), before any engine's spelling (13-adversary 30).
 * @param policy bound to its files. @param name of it; where a rule names none, deploy summaries are compared with this one.
 * @throws `policy/not-expressible` for what no engine can check. Nothing is left out silently: see `notes`.
 */
export function admissionOf(policy: Policy, name: PolicyName): Admission {
  const { rules, notes } = disjointRules(policy.deploy)
  return {
    rules: rules.flatMap(rule => admissionRules(rule, policy, name)),
    quarantined: policy.quarantined.map(({ digest }) => digest),
    notes: [...notes, ...rules.flatMap(rule => ruleNotes(rule))],
  }
}

function admissionRules(
  rule: DeployRule & { match: Patterns },
  policy: Policy,
  name: PolicyName,
): readonly AdmissionRule[] {
  if (rule.kind === 'deny') return [{ match: rule.match, trust: 'public-good', links: [] }]
  refuseRevoked(rule, policy.revoked)
  refuseAge(rule)
  const rest = restLinks(rule)
  const { deployer, match, trust } = rule
  if (deployer === undefined) return [{ match, trust, links: rest }]
  const source = everyItem(rule).filter(isSourceRequirement)
  // A deploy summary names one repository: each has its own, and what a pattern matches is told by the image itself.
  return byRepository(match).map(({ match: part, repository }) => ({
    match: part,
    trust,
    links: [
      ...rest,
      deployLink({ deployer, source, policy: name, ...(repository === undefined ? {} : { repository }) }),
    ],
  }))
}

function byRepository(match: Patterns): readonly { readonly match: Patterns; readonly repository?: string }[] {
  const single = match.filter(isOneRepository).map(pattern => ({ match: [pattern] as const, repository: pattern.text }))
  const [first, ...more] = match.filter(pattern => !isOneRepository(pattern))
  return first === undefined ? single : [...single, { match: [first, ...more] }]
}

function isOneRepository({ text }: SubjectPattern): boolean {
  return !text.includes('*')
}

/** Every link but the deployer's. A provenance is a statement about the digest by the same signer, so it is a signature as well. */
function restLinks(rule: AllowRule): readonly AdmissionLink[] {
  const items = everyItem(rule)
  const proved = items.includes('provenance')
  return items.flatMap(item => {
    if (item === 'deploy-verified') return []
    if (item === 'provenance') return [provenanceLink(rule, items)]
    if (item === 'signature') return proved ? [] : [signatureLink(rule)]
    if (item === 'sbom') return [sbomLink(withIds(rule, item, proved))]
    if (isClaimRequirement(item)) return [claimLink(rule, item)]
    if (isSourceRequirement(item)) requireDeployer(rule, item)
    return []
  })
}

function signatureLink(rule: AllowRule): AdmissionLink {
  const { build } = withIds(rule, 'signature', false)
  return { item: 'signature', signer: build, predicateTypes: [COSIGN_SIGN_PREDICATE], conditions: [] }
}

/** Statements without a run's facts say nothing of the repository; then provenance of the same image has to (13-adversary 28). */
function withIds(rule: AllowRule, item: Requirement, proved: boolean): AllowRule {
  if (proved || rule.build.kind !== 'github') return rule
  throw notExpressible(
    `No engine reads the repository of a run, which ${item} alone does not tell`,
    'provenance beside it, which names the run',
    `${item} by ${rule.build.signer.text} for ${rule.match.map(({ text }) => text).join(', ')}`,
    `Also require provenance: require: [${item}, provenance].`,
  )
}

function requireDeployer(rule: AllowRule, item: Requirement): void {
  if (rule.deployer !== undefined) return
  throw notExpressible(
    `No engine follows an image to the commit that ${item} is about`,
    'deploy-verified, whose summary says what was proved of the source',
    `${item} for ${rule.match.map(({ text }) => text).join(', ')} without deploy-verified`,
    'Let a deployer vouch for it: admit: [deploy-verified] and deployer: {github: {…, environment: production}}.',
  )
}

/** A condition has no clock that it could compare a signature's time with. */
function refuseAge({ maxAgeAtRunSeconds }: AllowRule): void {
  if (maxAgeAtRunSeconds === undefined) return
  throw notExpressible(
    'No engine compares the age of a signature',
    'a rule without max-age-at-run',
    `max-age-at-run of ${maxAgeAtRunSeconds} seconds`,
    'Take max-age-at-run out of the rule: max-age is judged at the deploy, by the gate.',
  )
}

function ruleNotes(rule: DeployRule): readonly string[] {
  if (rule.kind === 'deny' || rule.quarantineBy === undefined) return []
  const images = rule.match.map(({ text }) => text).join(', ')
  return [
    `Quarantine records about ${images} are not read: a digest is refused when the policy names it in quarantined.`,
  ]
}
