import { asWaybillError, type ErrorCode } from '../core/error.ts'
import { parseAuthorizedKey, type SshPublicKey } from '../core/ssh-key.ts'
import { printable } from '../core/text.ts'
import { DEFAULT_MIN_RSA } from '../policy/policy.ts'
import { type PublicKey, readPublicKeys } from '../source/public-keys.ts'
import type { FoundSigner } from './snapshot.ts'

/** A key that can stand in a policy, or why not. */
export type Usable<T> = { readonly key: T } | { readonly leftOut: string }

const BAD_KEYS: ReadonlySet<ErrorCode> = new Set(['source/ssh-key-malformed', 'source/ssh-key-unsupported'])

/** One line of authorized_keys. Comments are dropped: they are whatever somebody wrote. */
export function usableSshKey(text: string): Usable<SshPublicKey> {
  try {
    const key = parseAuthorizedKey(text)
    if (key.algorithm === 'ssh-rsa' && key.bits < DEFAULT_MIN_RSA)
      return { leftOut: `SSH key ${key.fingerprint}: RSA of ${key.bits} bits` }
    return { key }
  } catch (thrown) {
    const error = asWaybillError(thrown)
    if (!BAD_KEYS.has(error.code)) throw error
    return { leftOut: `SSH key ${printable(text, 60)}: ${error.found ?? error.message}` }
  }
}

/** The line as a policy holds it. */
export function sshLine({ algorithm, blob }: SshPublicKey): string {
  return `${algorithm} ${Buffer.from(blob).toString('base64')}`
}

export function sshSigner(key: SshPublicKey): FoundSigner {
  return { id: key.fingerprint, shape: { ssh: { key: sshLine(key) } } }
}

/**
 * The keys of a file. @param what names it in errors.
 * @throws `source/key-unreadable`
 */
export async function usableOpenpgpKeys(bytes: Uint8Array, what: string): Promise<readonly Usable<PublicKey>[]> {
  return (await readPublicKeys(bytes, what)).map(key => {
    const problem = problemOf(key)
    return problem === undefined ? { key } : { leftOut: `OpenPGP key ${key.fingerprint}: ${problem}` }
  })
}

export function openpgpSigner({ fingerprint, armor }: PublicKey): FoundSigner {
  return { id: fingerprint, shape: { openpgp: { fingerprint, armor } } }
}

/** A weak primary key makes its strong subkeys worthless: whoever breaks it can add one of his own. */
function problemOf({ keys }: PublicKey): string | undefined {
  const [primary] = keys
  if (primary === undefined) return 'no key in it'
  if (primary.revoked) return 'its owner has revoked it'
  if (isWeak(primary)) return `${primary.algorithm} of ${primary.bits} bits`
  const signing = keys.filter(key => key.problem === undefined && !key.revoked && key.keyObject !== undefined)
  if (signing.length === 0) return 'it has no key that may sign'
  return signing.every(isWeak) ? 'its signing keys are too weak' : undefined
}

function isWeak({ keyObject, algorithm, bits }: PublicKey['keys'][number]): boolean {
  return keyObject === undefined || (algorithm === 'rsa' && bits < DEFAULT_MIN_RSA)
}
