import { printable } from '../core/text.ts'
import { emailKey } from '../policy/email.ts'
import { type AllowedSigner, parseAllowedSigners, type SignersTime } from '../source/allowed-signers.ts'
import type { Gathered } from './signers-import.ts'
import { type Found, type FoundSigner, isUsableEmail } from './snapshot.ts'
import { sshLine, usableSshKey } from './usable-keys.ts'

/** allowed_signers has none, a policy needs one; short, so that whoever wants more says so. */
const AUTHORITY_VALIDITY = '1d'

/**
 * The lines of an allowed_signers file, grouped into persons: its owner vouches for the addresses, so lines that share an
 * address or a key are one person's.
 * @throws `source/allowed-signers-malformed`
 */
export function signersOfAllowedFile(bytes: Uint8Array, path: string): Gathered {
  const notes: string[] = []
  const found: Found[] = []
  for (const entry of parseAllowedSigners(bytes, path)) {
    const note = (text: string) => notes.push(`${path}:${entry.line}: ${text}`)
    const read = readEntry(entry, note)
    found.push(...read)
  }
  return { found: personsOf(found), notes }
}

type Note = (text: string) => void

function readEntry(entry: AllowedSigner, note: Note): readonly Found[] {
  const { principals, authority } = entry
  const emails = principals.filter(isLiteralEmail)
  const others = principals.filter(name => !isLiteralEmail(name))
  if (others.length > 0)
    note(
      `left out ${others.map(name => printable(name, 80)).join(', ')}: a policy names persons by e-mail, not by pattern`,
    )
  if (!isForGit(entry)) {
    note('left out the key: it is not for the namespace git')
    return []
  }
  const key = usableSshKey(entry.key)
  if ('leftOut' in key) {
    note(`left out ${key.leftOut}`)
    return []
  }
  if (!authority) {
    const window = windowOf(entry, note)
    const signer = { id: key.key.fingerprint, shape: { ssh: { key: sshLine(key.key), ...window } } }
    return emails.length === 0 ? [] : [personOf(emails, signer)]
  }
  if (entry.validAfter !== undefined || entry.validBefore !== undefined) {
    note('left out the authority: a policy has no dates for one, and without them it would be good for ever')
    return []
  }
  if (emails.length > 0)
    note(`max-validity ${AUTHORITY_VALIDITY} was chosen: allowed_signers has none, set what your authority issues`)
  // Each address stands for one person whose certificates name it.
  return emails.map(email =>
    personOf([email], {
      id: `${key.key.fingerprint} for ${email}`,
      shape: {
        'ssh-ca': { key: sshLine(key.key), principals: [email], 'max-validity': AUTHORITY_VALIDITY },
      },
    }),
  )
}

function personOf(emails: readonly string[], signer: FoundSigner): Found {
  return { name: emails[0]?.split('@')[0] ?? '', emails, signers: [signer] }
}

/** ssh_config(5) § PATTERNS: `*` and `?` are wildcards, `!` negates. */
function isLiteralEmail(name: string): boolean {
  return isUsableEmail(name) && !/[*?!]/.test(name)
}

function isForGit({ namespaces }: AllowedSigner): boolean {
  if (namespaces === undefined) return true
  return !namespaces.some(name => name.startsWith('!')) && namespaces.some(name => name === 'git' || name === '*')
}

function windowOf(
  { validAfter, validBefore }: AllowedSigner,
  note: Note,
): { readonly 'not-before'?: string; readonly 'not-after'?: string } {
  const text = ({ at, zoned }: SignersTime) => {
    const iso = `${at.toISOString().slice(0, 19)}Z`
    if (!zoned) note(`a time without Z means another instant on every machine; ${iso} was taken`)
    return iso
  }
  return {
    ...(validAfter === undefined ? {} : { 'not-before': text(validAfter) }),
    ...(validBefore === undefined ? {} : { 'not-after': text(validBefore) }),
  }
}

/** Joins what shares an address or a key, in the order of the file. */
function personsOf(entries: readonly Found[]): readonly Found[] {
  const persons = new Map<number, Found>()
  const owner = new Map<string, number>()
  for (const [at, entry] of entries.entries()) {
    const marks = marksOf(entry)
    const same = [...new Set(marks.flatMap(mark => owner.get(mark) ?? []))].sort((a, b) => a - b)
    const all = [...same.flatMap(number => persons.get(number) ?? []), entry]
    for (const number of same) persons.delete(number)
    const joined: Found = {
      name: all[0]?.name ?? entry.name,
      emails: all.flatMap(({ emails }) => emails),
      signers: all.flatMap(({ signers }) => signers),
    }
    persons.set(at, joined)
    for (const mark of marksOf(joined)) owner.set(mark, at)
  }
  return [...persons.values()]
}

function marksOf({ emails, signers }: Found): readonly string[] {
  return [...emails.map(emailKey), ...signers.map(({ id }) => id)]
}
