import { printable } from '../core/text.ts'
import { deployLine, patternList, people, principalSignerText, quarantineLine, revocationLine } from './changes.ts'
import { explainMaterials } from './material-lines.ts'
import type { ChangeRule, Policy, Principal, SourceRule } from './policy.ts'

/** A part of a policy in plain words. */
export interface Section {
  readonly title: string
  /** Printable, one sentence each. */
  readonly lines: readonly string[]
}

/** Names shown of one list; a policy of a thousand people should still fit on a screen. */
const NAMES = 40

/** What a policy means: who may sign what, who may change it, what is excepted, revoked and deployed. */
export function explainPolicy(policy: Policy): readonly Section[] {
  const { principals, snapshots, source, tags, policyChange, exceptions, revoked, platformKeys, deploy } = policy
  const sections: readonly Section[] = [
    { title: 'People', lines: [...principals.values()].map(principalLine) },
    {
      title: 'Imported',
      lines: snapshots.map(
        ({ file, role, taken, principals: names }) =>
          `${names.length} principals of ${file} are @${role}; taken ${taken.at.toISOString()} from ${taken.source}`,
      ),
    },
    {
      title: 'Commits',
      lines: source.length === 0 ? ['No ref is accepted: there is no rule.'] : source.flatMap(ruleLines),
    },
    {
      title: 'Tags',
      lines: tags.map(
        ({ text, signers, on, minRsa }) =>
          `${text}: signed by ${names(signers)} (RSA from ${minRsa} bits), on a commit of ${on.join(' or ')}`,
      ),
    },
    {
      title: 'Changes of the policy and of what it names',
      lines: [
        changeLine('The policy', policyChange),
        changeLine('Workflows and actions alone', policyChange.workflows),
      ],
    },
    {
      title: 'Accepted by name',
      lines: exceptions.map(({ kind, commit, reason }) =>
        kind === 'until' ? `everything up to ${commit}: ${reason}` : `${commit}: ${reason}`,
      ),
    },
    { title: 'Revoked', lines: revoked.map(revocationLine) },
    { title: 'In quarantine', lines: policy.quarantined.map(quarantineLine) },
    {
      title: 'Signed by the platform',
      lines: platformKeys.map(({ fingerprint, file }) => `also the key ${fingerprint} of ${file}`),
    },
    { title: 'Statements about commits', lines: policy.sourceWorkflows.map(path => `also those of ${path}`) },
    ...explainMaterials(policy),
    {
      title: 'Deployments',
      lines:
        deploy.length === 0
          ? []
          : [
              `A gate may use this file on ${policy.gateRefs === undefined ? 'the default branch' : patternList(policy.gateRefs)}`,
              ...deploy.map(deployLine),
            ],
    },
  ]
  return sections
    .filter(({ lines }) => lines.length > 0)
    .map(({ title, lines }) => ({ title, lines: lines.map(line => printable(line, 2_000)) }))
}

function principalLine({ name, github, emails, signers }: Principal): string {
  const parts = [
    ...(github === undefined ? [] : [`GitHub ${github.login} (${github.id})`]),
    ...emails,
    ...signers.map(principalSignerText),
  ]
  return `${name}: ${parts.length === 0 ? 'nothing known' : parts.join(', ')}`
}

function ruleLines({ text, signers, minRsa, platform, review, allowOtherCommit }: SourceRule): readonly string[] {
  const proved = [
    ...(platform.merge === 'clean' ? ['merges without any edit'] : []),
    ...(platform.squash === 'evidence' ? ['squashes of accepted commits'] : []),
    ...(platform.rebase === 'evidence' ? ['rebases of accepted commits'] : []),
    ...(platform.content.size === 0 ? [] : [`edits by ${names(platform.content)}`]),
  ]
  const distinct = [...(review?.distinctFrom ?? [])].join(', ')
  const besides = distinct === '' ? '' : `, who are none of ${distinct}`
  return [
    `${text}: every commit signed by ${names(signers)} (RSA from ${minRsa} bits)`,
    `${text}: signed by the platform: ${proved.length === 0 ? 'nothing' : proved.join(', ')}`,
    review === undefined
      ? `${text}: reviews are not asked for`
      : `${text}: ${review.approvals} approvals of ${names(review.by)}${besides}; ${review.strength} or stronger`,
    ...(allowOtherCommit ? [`${text}: a run may build another commit than its own`] : []),
  ]
}

function changeLine(what: string, { signers, approvals }: ChangeRule): string {
  if (signers.size === 0) return `${what}: nobody, every change is refused`
  return `${what}: signed by ${names(signers)}${approvals === 0 ? '' : ` and approved by ${approvals} others of them`}`
}

function names(all: ReadonlySet<string>): string {
  const shown = people(new Set([...all].slice(0, NAMES)))
  return all.size > NAMES ? `${shown} and ${all.size - NAMES} more` : shown
}
