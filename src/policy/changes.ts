import type { CommitId } from '../core/digest.ts'
import type { ExpectedSigner, ExpectedWorkflow } from './expected.ts'
import type { Pattern } from './match.ts'
import type {
  AllowRule,
  Deployer,
  DeployRule,
  DeploySource,
  PrincipalSigner,
  Quarantined,
  Revocation,
  TrustName,
} from './policy.ts'
import { revokedText } from './revocation.ts'

/** A commit that changes the law, for the reviewer's eyes: what it adds and removes, in words (13-adversary 3). */
export interface LawChange {
  readonly commit: CommitId
  /** First line of the commit message. */
  readonly subject: string
  readonly by?: string
  readonly kind: 'workflows' | 'policy'
  /** False: the law accepted before goes on. */
  readonly accepted: boolean
  /** Law paths that differ, sorted, printable. */
  readonly paths: readonly string[]
  /** Differences of the policy, when it can be parsed, and of what workflows say about mode, anchor and policy. */
  readonly lines: readonly LawLine[]
}

export interface LawLine {
  readonly what: LawPart
  readonly how: 'added' | 'removed'
  readonly text: string
  /** With it something counts that did not count before: what a reviewer has to look at first. */
  readonly loosens?: true
}

export type LawPart =
  | 'principal'
  | 'role'
  | 'snapshot'
  | 'platform-key'
  | 'source-rule'
  | 'tag-rule'
  | 'policy-change'
  | 'exception'
  | 'revocation'
  | 'source-workflows'
  | 'gate-refs'
  | 'base-images'
  | 'materials'
  | 'material-key'
  | 'deploy-rule'
  | 'quarantine'
  | 'workflow'

export function principalSignerText(signer: PrincipalSigner): string {
  if (signer.kind === 'sigstore') return `${signer.identity}, issuer ${signer.issuer}`
  if (signer.kind === 'x509')
    return `certificate for ${signer.san} below ${signer.file} ${(signer.roots ?? []).join(' ')}`
  if (signer.kind === 'ssh-ca')
    return `ssh authority ${signer.fingerprint} for ${signer.principals.join(', ')}, at most ${signer.maxValiditySeconds} seconds`
  const asked = signer.kind === 'ssh' && signer.require.length > 0 ? ` with ${signer.require.join(' and ')}` : ''
  const begin = signer.notBefore === undefined ? '' : ` from ${signer.notBefore.toISOString()}`
  const end = signer.notAfter === undefined ? '' : ` until ${signer.notAfter.toISOString()}`
  return `${signer.kind} key ${signer.fingerprint}${asked}${begin}${end}`
}

export function people(names: ReadonlySet<string>): string {
  return names.size === 0 ? 'nobody' : [...names].join(', ')
}

export function revocationLine(revocation: Revocation): string {
  return `${revokedText(revocation)} ${revocation.mode} from ${revocation.effective.toISOString()}`
}

/** A deploy rule in words, every part that is judged named. */
export function deployLine(rule: DeployRule): string {
  return `${patternList(rule.match)}: ${rule.kind === 'deny' ? 'denied' : allowText(rule)}`
}

/** What a rule that allows asks for, without what it matches. */
export function allowText(rule: AllowRule): string {
  const { require, admit, build, builders, source, deployer, quarantineBy } = rule
  const parts = [
    `${require.join(', ')} by ${signerText(build)}`,
    `builders ${builders.join(', ')}`,
    `trust ${trustText(rule.trust)}`,
    ...(rule.maxAgeSeconds === undefined ? [] : [`at most ${rule.maxAgeSeconds} seconds old`]),
    ...(rule.maxAgeAtRunSeconds === undefined ? [] : [`where it runs at most ${rule.maxAgeAtRunSeconds} seconds old`]),
    ...(rule.allowAudit ? ['audited sources allowed'] : []),
    ...(source === undefined ? [] : [sourceText(source)]),
    ...(admit.length === 0 ? [] : [`where it runs also ${admit.join(', ')}`]),
    ...(deployer === undefined ? [] : [deployerText(deployer)]),
    ...(quarantineBy === undefined ? [] : [`quarantine by ${signerText(quarantineBy)}`]),
    ...(rule.private ? ['private addresses allowed'] : []),
  ]
  return parts.join(', ')
}

export function trustText(trust: TrustName): string {
  return typeof trust === 'string' ? trust : trust.file
}

function deployerText({ signer, environment, policy }: Deployer): string {
  return `deployed to ${environment} by ${signerText(signer)}${policy === undefined ? '' : ` under ${policy}`}`
}

export function quarantineLine({ digest, reason, since }: Quarantined): string {
  return `${digest} since ${since.toISOString()}: ${reason}`
}

export function sourceText({ policy, anchor, digest, exceptions, signer }: DeploySource): string {
  const file = digest === undefined ? '' : ` (${digest})`
  return `source by ${policy}${file} from ${anchor}, exceptions ${exceptions}, verified by ${signerText(signer)}`
}

export function patternList(patterns: readonly Pattern[]): string {
  return patterns.map(({ text }) => text).join(', ')
}

/** An expected signer in words, every part that is judged named. */
export function signerText(signer: ExpectedSigner): string {
  if (signer.kind === 'key')
    return `the key ${signer.file}${signer.fingerprint === undefined ? '' : ` (${signer.fingerprint})`}`
  if (signer.kind === 'sigstore') {
    const { identity, issuer } = signer
    return `${'exact' in identity ? identity.exact : `${identity.prefix}…`}, issuer ${issuer}`
  }
  const parts = [
    `${signer.server}/${signer.repository} (id ${signer.repositoryId})`,
    `workflow ${signer.signer.text}`,
    ...(signer.caller === undefined ? [] : [`called by ${workflowText(signer.caller)}`]),
    `from ${signer.sourceRef === 'any' ? 'any ref' : patternList(signer.sourceRef)}`,
    ...(signer.trigger === undefined ? [] : [`on ${signer.trigger.join(' or ')}`]),
    ...(signer.runner === undefined ? [] : [`on ${signer.runner} runners`]),
    ...(signer.environment === undefined ? [] : [`in environment ${signer.environment}`]),
    `issuer ${signer.issuer}`,
  ]
  return parts.join(', ')
}

function workflowText(workflow: ExpectedWorkflow | 'any'): string {
  return workflow === 'any' ? 'anybody' : workflow.text
}
