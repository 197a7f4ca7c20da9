import type { Gathered } from './signers-import.ts'
import { type Found, isUsableEmail } from './snapshot.ts'
import { openpgpSigner, usableOpenpgpKeys } from './usable-keys.ts'

/**
 * Every key of a keyring is somebody of its own: the addresses in it are its owner's word, so a key that claims another
 * person's address must not end up under that person's name. Who has two keys puts them together by hand.
 */
export async function signersOfKeyring(bytes: Uint8Array, path: string): Promise<Gathered> {
  const found: Found[] = []
  const notes: string[] = []
  for (const item of await usableOpenpgpKeys(bytes, path)) {
    if ('leftOut' in item) {
      notes.push(`left out ${item.leftOut}`)
      continue
    }
    const emails = item.key.emails.filter(isUsableEmail)
    const [first = item.key.fingerprint] = emails
    found.push({ name: first.split('@')[0] ?? first, emails, signers: [openpgpSigner(item.key)] })
  }
  if (found.length > 0)
    notes.push('e-mail addresses are what the owner of each key wrote into it: compare fingerprints with them')
  return { found, notes }
}
