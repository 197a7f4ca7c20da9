import { KEYS } from './keys.ts'
import { countOf, mayApprove, membersWithKeys, type Names } from './members.ts'
import type { ChangeRule, PolicyChange } from './policy.ts'
import { type Field, type Fields, fieldsOf, integerOf, type Reading, required, wrong } from './read.ts'
import { MAX_APPROVALS } from './review-rule.ts'

/**
 * `policy-change:`. Without the block the role `maintainers` may change the law; without that role nobody may
 * (13-adversary 3). What the part for workflows leaves out is as for the policy itself.
 */
export function parsePolicyChange(reading: Reading, field: Field | undefined, names: Names): PolicyChange {
  const maintainers: ChangeRule = { signers: new Set(names.roles.get('maintainers') ?? []), approvals: 0 }
  if (field === undefined) return { ...maintainers, workflows: maintainers }
  const fields = fieldsOf(reading, field, KEYS.policyChange)
  const rule = parseRule(reading, fields, maintainers, names)
  const workflows = fields.get('workflows')
  if (workflows === undefined) return { ...rule, workflows: rule }
  const parts = fieldsOf(reading, workflows, KEYS.workflowsChange)
  required(reading, workflows, parts, 'signers')
  return { ...rule, workflows: parseRule(reading, parts, rule, names, workflows) }
}

/**
 * @param given what is left out is taken from it.
 * @param whole where to point when the number of approvals is inherited and cannot be reached here.
 */
function parseRule(reading: Reading, fields: Fields, given: ChangeRule, names: Names, whole?: Field): ChangeRule {
  const members = fields.get('signers')
  const signers = members === undefined ? given.signers : membersWithKeys(reading, members, names)
  const field = fields.get('approvals')
  const approvals = field === undefined ? given.approvals : approvalsOf(reading, field)
  // Whoever signs the change is one of them and cannot approve it as well.
  const able = Math.max(0, countOf(signers, names, mayApprove) - 1)
  const site = field ?? whole
  if (approvals > able && site !== undefined)
    throw wrong(
      reading,
      site,
      'asks for more approvals than there are signers beside the one who changes it',
      `approvals: ${able}${able === 0 ? '' : ' or less'}`,
      String(approvals),
    )
  return { signers, approvals }
}

/** 0 may be written: it takes back what `workflows` would inherit. */
function approvalsOf(reading: Reading, field: Field): number {
  const { node } = field
  return node.kind === 'text' && node.plain && node.text === '0' ? 0 : integerOf(reading, field, MAX_APPROVALS)
}
