import { signerText } from '../policy/changes.ts'
import type { BaseImageRule, MaterialRule } from '../policy/material-rules.ts'

/** A rule in words: what it matches, and what it asks for. */
export function baseRuleText(rule: BaseImageRule): string {
  return `${rule.match.map(({ text }) => text).join(', ')}: ${asked(rule)}`
}

function asked(rule: BaseImageRule): string {
  if (rule.kind === 'deny') return 'denied'
  if (rule.kind === 'digest-lock') return 'a reviewed digest (digest-lock)'
  if (rule.kind === 'docker') return 'signed by Docker'
  if (rule.kind === 'waybill') return `made by Waybill: ${rule.chain.require.join(', ')}`
  const what = rule.predicate === undefined ? 'signed' : `a statement of ${rule.predicate} signed`
  return `${what} by ${rule.signers.map(signerText).join(' or ')}`
}

export function materialRuleText({ match, keys, deny }: MaterialRule): string {
  const by = keys.length === 0 ? 'a digest is enough' : `signed by ${keys.join(' or ')}`
  return `${match.map(({ text }) => text).join(', ')}: ${deny ? 'denied' : by}`
}
