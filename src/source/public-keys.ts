import type { Key, User } from 'openpgp'
import { readKeys } from './keyring.ts'
import { type SigningKey, signingKeysOf } from './openpgp-key.ts'

/** One OpenPGP public key of a key file, ready to stand in a policy of its own. */
export interface PublicKey {
  /** Upper-case hex of the primary key. */
  readonly fingerprint: string
  /** ASCII armor of this key alone: without photographs and without what other people certified about it. */
  readonly armor: string
  /** From the user ids that the key itself certifies. Anybody can write any address into his own key. */
  readonly emails: readonly string[]
  /** The primary key first. */
  readonly keys: readonly SigningKey[]
}

type Library = typeof import('openpgp')

/**
 * Reads every key of a file, armored (one or more blocks) or binary.
 * @param what stands in errors: a path.
 * @throws `source/key-unreadable`
 */
export async function readPublicKeys(bytes: Uint8Array, what: string): Promise<readonly PublicKey[]> {
  const openpgp = await import('openpgp')
  const keys: PublicKey[] = []
  for (const key of await readKeys(bytes, what, openpgp)) keys.push(await publicKeyOf(key, openpgp))
  return keys
}

async function publicKeyOf(key: Key, openpgp: Library): Promise<PublicKey> {
  const emails: string[] = []
  for (const user of key.users) if (await certifiedByItself(user, key, openpgp)) emails.push(user.userID?.email ?? '')
  const keys = await signingKeysOf(key, openpgp)
  key.users = key.users.filter(user => user.userID !== null)
  for (const user of key.users) user.otherCertifications = []
  const fingerprint = key.getFingerprint().toUpperCase()
  return { fingerprint, armor: key.armor(), emails: [...new Set(emails.filter(email => email !== ''))], keys }
}

/** The library compares times unless the date is null, which its types do not say. */
const NO_DATE = null as unknown as Date

async function certifiedByItself(user: User, key: Key, openpgp: Library): Promise<boolean> {
  if (user.userID === null) return false
  const data = { userID: user.userID, userAttribute: null, key: key.keyPacket }
  const holds = async (signature: User['selfCertifications'][number], type: number) =>
    signature.signatureType === type &&
    (await signature.verify(key.keyPacket, type, data, NO_DATE).then(
      () => true,
      () => false,
    ))
  for (const revocation of user.revocationSignatures)
    if (await holds(revocation, openpgp.enums.signature.certRevocation)) return false
  for (const certification of user.selfCertifications)
    if (await holds(certification, certification.signatureType ?? -1)) return true
  return false
}
