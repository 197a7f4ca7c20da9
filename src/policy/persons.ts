import { emailKey } from './email.ts'
import type { Account } from './evidence.ts'
import type { Law } from './law.ts'
import type { Policy, Principal } from './policy.ts'

/**
 * Somebody who took part in a change, as far as the policy can tell who that is: principals and the platform's numbers,
 * never logins or names (13-adversary 10). No name and no number: nobody knows.
 */
export interface Person {
  /** More than one: the traces contradict each other. */
  readonly names: ReadonlySet<string>
  readonly ids: ReadonlySet<number>
  /** In words, for findings. */
  readonly text: string
}

export type Distinctness = 'same' | 'different' | 'unknown'

interface Index {
  readonly byEmail: ReadonlyMap<string, string>
  readonly byId: ReadonlyMap<number, string>
}

const INDEXES = new WeakMap<Policy, Index>()

/** The strict parser gives no two principals one e-mail or one number, so each leads to one of them at most. */
function indexOf({ policy }: Law): Index {
  const known = INDEXES.get(policy)
  if (known !== undefined) return known
  const principals = [...policy.principals.values()]
  const index = {
    byEmail: new Map(principals.flatMap(({ name, emails }) => emails.map(email => [emailKey(email), name] as const))),
    byId: new Map(principals.flatMap(({ name, github }) => (github === undefined ? [] : [[github.id, name] as const]))),
  }
  INDEXES.set(policy, index)
  return index
}

/** The principal with this number on the platform. */
export function principalOf(account: Account | undefined, law: Law): Principal | undefined {
  const name = account === undefined ? undefined : indexOf(law).byId.get(account.id)
  return name === undefined ? undefined : law.policy.principals.get(name)
}

export function principalOfEmail(email: string, law: Law): string | undefined {
  return indexOf(law).byEmail.get(emailKey(email))
}

/** One person told by an e-mail, an account, the principal whose key signed, or several of these. */
export function personOf(
  traces: { readonly email?: string; readonly account?: Account | undefined; readonly signer?: string | undefined },
  text: string,
  law: Law,
): Person {
  const { email, account, signer } = traces
  const names = [
    signer,
    email === undefined ? undefined : principalOfEmail(email, law),
    principalOf(account, law)?.name,
  ].filter(name => name !== undefined)
  return { names: new Set(names), ids: new Set(account === undefined ? [] : [account.id]), text }
}

/** Whether a reviewer is somebody else than this person. Who maps to nobody, or to several, might be the reviewer. */
export function distinctness({ name, github }: Principal, person: Person): Distinctness {
  if (person.names.has(name)) return 'same'
  if (github !== undefined && person.ids.has(github.id)) return 'same'
  if (person.names.size > 1) return 'unknown'
  if (person.names.size === 1) return 'different'
  return person.ids.size > 0 && github !== undefined ? 'different' : 'unknown'
}
