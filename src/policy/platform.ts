import type { SignatureFact, ValidOpenpgp } from '../core/facts.ts'
import type { Law } from './law.ts'
import type { SourceRule } from './policy.ts'

/**
 * Keys with which GitHub itself signs merges, squashes and edits made in the web interface or by API (3-source § 5).
 * They say "the platform did this", not who wanted it: anybody with write access gets such a signature (13-adversary 8).
 */
export const PLATFORM_KEYS: readonly string[] = [
  '968479A1AFF927E37D1A566BB5690EEEBB952194',
  /** The one before, expired 2024-01-16. */
  '5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23',
]

/** Whether a fingerprint or key id (its last 16 digits) is that of a built-in key. For remedies and refusals, never for trust. */
export function isPlatformKey(claimed: string | undefined): boolean {
  return PLATFORM_KEYS.some(key => named(claimed) === key || named(claimed) === key.slice(-16))
}

function named(claimed: string | undefined): string {
  return (claimed ?? '').replace(/^0x/i, '').replaceAll(' ', '').toUpperCase()
}

/** The built-in keys and those that the policy names for an own server, upper-case hex. */
export function platformKeysOf(law: Law): readonly string[] {
  return [...PLATFORM_KEYS, ...law.policy.platformKeys.map(({ fingerprint }) => fingerprint.toUpperCase())]
}

/** Whether a signature claims one of them, by fingerprint or by key id (its last 16 digits). Only used to give a better remedy. */
export function claimsPlatformKey(claimed: string | undefined, law: Law): boolean {
  return claimedPlatformKey(claimed, law) !== undefined
}

/** Whole fingerprint of the platform key that a signature claims. */
export function claimedPlatformKey(claimed: string | undefined, law: Law): string | undefined {
  const hex = named(claimed)
  return platformKeysOf(law).find(key => hex === key || hex === key.slice(-16))
}

/** A valid signature by a platform key, by whole fingerprints only. Asked before any principal: nobody may own such a key. */
export function isPlatformSigned(fact: SignatureFact, law: Law): fact is ValidOpenpgp {
  if (fact.kind !== 'openpgp') return false
  const keys = platformKeysOf(law)
  return keys.includes(fact.fingerprint) || keys.includes(fact.primary)
}

/** Whether a rule lets anything pass that the platform made. */
export function hasSwitch({ platform: { merge, squash, rebase, content } }: SourceRule): boolean {
  return merge !== 'deny' || squash !== 'deny' || rebase !== 'deny' || content.size > 0
}

export type Switch = 'merge' | 'squash' | 'rebase'

/** All rules hold together, so a switch counts when every one of them has it; without a rule nothing is allowed. */
export function isAllowed(rules: readonly SourceRule[], which: Switch): boolean {
  return rules.length > 0 && rules.every(rule => rule.platform[which] !== 'deny')
}

/** Principals whose content every rule takes from the platform, and who may commit at all. */
export function contentPrincipals(rules: readonly SourceRule[]): ReadonlySet<string> {
  const [first, ...others] = rules
  if (first === undefined) return new Set()
  const all = [...first.platform.content].filter(name => first.signers.has(name))
  return new Set(all.filter(name => others.every(rule => rule.platform.content.has(name) && rule.signers.has(name))))
}
