import type { Policy, Principal } from './policy.ts'
import { type Field, type Reading, wrong } from './read.ts'
import { parseMembers } from './roles.ts'

/** What may be named by a rule and has to be declared beside it. */
export type Names = Pick<Policy, 'principals' | 'roles'>

/** Principals that may sign; at least one must have a key, else the rule could never be met. */
export function membersWithKeys(reading: Reading, field: Field, names: Names): ReadonlySet<string> {
  return membersOf(reading, field, names, hasKey, {
    sentence: 'names nobody who has a key, so nothing could be accepted',
    expected: 'a principal with signers',
  })
}

/** Principals of whom at least one is able to do what the rule asks. */
export function membersOf(
  reading: Reading,
  field: Field,
  names: Names,
  isAble: (principal: Principal) => boolean,
  otherwise: { readonly sentence: string; readonly expected: string },
): ReadonlySet<string> {
  const members = parseMembers(reading, field, names.roles, names.principals)
  if (countOf(members, names, isAble) === 0) throw wrong(reading, field, otherwise.sentence, otherwise.expected)
  return members
}

export function countOf(
  members: Iterable<string>,
  { principals }: Names,
  isAble: (principal: Principal) => boolean,
): number {
  return [...members].filter(name => {
    const principal = principals.get(name)
    return principal !== undefined && isAble(principal)
  }).length
}

export function hasKey({ signers }: Principal): boolean {
  return signers.length > 0
}

/** The platform knows persons by their numbers, a review statement by its key. */
export function mayApprove({ github, signers }: Principal): boolean {
  return github !== undefined || signers.length > 0
}
