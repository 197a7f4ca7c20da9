import { printable } from '../core/text.ts'
import { emailKey } from '../policy/email.ts'

/** A signer as the policy writes it, with everything inside that the policy would take from a file. */
export type SnapshotSigner =
  | { readonly openpgp: { readonly fingerprint: string; readonly armor: string } & Window }
  | { readonly ssh: { readonly key: string; readonly require?: readonly string[] } & Window }
  | {
      readonly 'ssh-ca': {
        readonly key: string
        readonly principals: readonly string[]
        readonly 'max-validity': string
      }
    }
  | { readonly sigstore: { readonly identity: string; readonly issuer: string } }

interface Window {
  readonly 'not-before'?: string
  readonly 'not-after'?: string
}

/** One person or machine as a source tells it. */
export interface Found {
  /** What it would be called; made unique later. */
  readonly name: string
  readonly github?: { readonly login: string; readonly id: number }
  readonly emails: readonly string[]
  readonly signers: readonly FoundSigner[]
}

export interface FoundSigner {
  /** Tells signers apart: a fingerprint, or an identity with its issuer. */
  readonly id: string
  readonly shape: SnapshotSigner
}

export interface Snapshot {
  readonly schemaVersion: 1
  readonly taken: string
  readonly source: string
  readonly principals: Readonly<Record<string, SnapshotPrincipal>>
}

export interface SnapshotPrincipal {
  readonly github?: { readonly login: string; readonly id: number }
  readonly emails?: readonly string[]
  readonly signers?: readonly SnapshotSigner[]
}

const EMAIL = /^[!-;=?A-~]+@[!-;=?A-~]+$/

/** Whether a policy could name it: one address, printable ASCII. */
export function isUsableEmail(email: string): boolean {
  return email.length <= 254 && EMAIL.test(email) && email.split('@').length === 2
}

/**
 * The file that a person reviews and a policy names. The same findings give the same file, whatever order they came in.
 * @returns also what the reviewer must look at: nothing is resolved in silence, and what two persons claim stands with both,
 *   where the policy's reader refuses it.
 */
export function makeSnapshot(
  found: readonly Found[],
  taken: Date,
  source: string,
): { readonly snapshot: Snapshot; readonly notes: readonly string[] } {
  const sorted = [...found].sort((a, b) => compare(sortKey(a), sortKey(b)))
  const principals: Record<string, SnapshotPrincipal> = {}
  const named: (readonly [string, Found])[] = []
  for (const one of sorted) {
    const name = freeName(one.name, principals)
    principals[name] = principalOf(one)
    named.push([name, one])
  }
  const snapshot = { schemaVersion: 1, taken: taken.toISOString(), source: printable(source), principals } as const
  return { snapshot, notes: [...shared(named), ...mute(named)] }
}

/** Two spaces, one newline at the end: what a review tool shows line by line. */
export function renderSnapshot(snapshot: Snapshot): string {
  return `${JSON.stringify(snapshot, null, 2)}\n`
}

function principalOf({ github, emails, signers }: Found): SnapshotPrincipal {
  const addresses = [...new Map(emails.map(email => [emailKey(email), email])).values()].sort(compare)
  const unique = [...new Map(signers.map(signer => [signer.id, signer])).values()]
  const ordered = unique.sort((a, b) => compare(orderOf(a), orderOf(b)))
  return {
    ...(github === undefined ? {} : { github }),
    ...(addresses.length === 0 ? {} : { emails: addresses }),
    ...(ordered.length === 0 ? {} : { signers: ordered.map(({ shape }) => shape) }),
  }
}

const KINDS = ['openpgp', 'ssh', 'ssh-ca', 'sigstore']

function orderOf({ id, shape }: FoundSigner): string {
  return `${KINDS.indexOf(Object.keys(shape)[0] ?? '')} ${id}`
}

function sortKey({ name, github, signers, emails }: Found): string {
  const ids = signers.map(orderOf).sort(compare)
  return JSON.stringify([usableName(name).toLowerCase(), github?.id ?? 0, ids, [...emails].sort(compare)])
}

/** By code unit: the same on every machine, whatever its language. */
export function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** A name that the policy's grammar allows. */
function usableName(text: string): string {
  const plain = text
    .replace(/\[bot\]$/, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 56)
    .replace(/[-.]+$/, '')
  return plain === '' ? 'signer' : plain
}

function freeName(text: string, taken: Readonly<Record<string, unknown>>): string {
  const base = usableName(text)
  let name = base
  for (let n = 2; Object.hasOwn(taken, name); n++) name = `${base}-${n}`
  return name
}

/** What identifies more than one of them; persons who cannot be told apart approve each other. */
function shared(named: readonly (readonly [string, Found])[]): readonly string[] {
  const owners = new Map<string, string[]>()
  for (const [name, { emails, signers }] of named) {
    const own = [
      ...emails.map(email => `the e-mail ${emailKey(email)}`),
      // An authority makes keys for many; whose, its certificates say.
      ...signers.filter(({ shape }) => !('ssh-ca' in shape)).map(({ id }) => `the signer ${id}`),
    ]
    for (const what of new Set(own)) owners.set(what, [...(owners.get(what) ?? []), name])
  }
  return [...owners]
    .filter(([, names]) => names.length > 1)
    .map(
      ([what, names]) =>
        `${printable(what)} belongs to ${names.join(' and ')}: the policy will refuse this until you have made sure whose it is, and left it with one (or put their signers under one name)`,
    )
    .sort(compare)
}

function mute(named: readonly (readonly [string, Found])[]): readonly string[] {
  return named.flatMap(([name, { emails, signers }]) => {
    if (signers.length === 0) return [`${name} has no usable key: only commits that the platform signed can be theirs`]
    return emails.length === 0
      ? [`${name} has signers but no e-mail: the policy will refuse this until you add one`]
      : []
  })
}
