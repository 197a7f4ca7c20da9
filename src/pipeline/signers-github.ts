import { utf8 } from '../core/bytes.ts'
import { asWaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import type { Gathered } from './signers-import.ts'
import { type Found, type FoundSigner, isUsableEmail } from './snapshot.ts'
import { openpgpSigner, sshSigner, usableOpenpgpKeys, usableSshKey } from './usable-keys.ts'

/** What the platform says about an account and the keys it signs with. */
export interface AccountRecord {
  readonly id: number
  readonly login: string
  /** Addresses that the platform has made sure of, or shows as theirs. */
  readonly emails: readonly string[]
  readonly openpgp: readonly {
    /** As its owner uploaded it; absent: the platform does not have that any more. */
    readonly armor?: string
    readonly keyId: string
    readonly revoked: boolean
  }[]
  /** Lines of authorized_keys, for signing only. */
  readonly ssh: readonly string[]
}

/** A platform's accounts. */
export interface AccountsPort {
  /** @throws what the API throws; an account that does not exist is not told from one that may not be seen. */
  account(login: string): Promise<AccountRecord>
  /** Logins of an organisation's or a team's members. @throws what the API throws */
  members(org: string, team?: string): Promise<readonly string[]>
}

/** One after the other: an import of hundreds must not look like an attack to the platform. */
export async function signersOfAccounts(accounts: AccountsPort, logins: readonly string[]): Promise<Gathered> {
  const found: Found[] = []
  const notes: string[] = []
  for (const login of new Set(logins)) {
    const record = await accounts.account(login)
    if (found.some(({ github }) => github?.id === record.id)) continue
    const { signers, leftOut } = await signersOf(record)
    found.push({
      name: record.login,
      github: { login: record.login, id: record.id },
      emails: record.emails.filter(isUsableEmail),
      signers,
    })
    notes.push(...leftOut.map(what => `${record.login}: left out ${what}`))
  }
  return { found, notes }
}

async function signersOf({
  openpgp,
  ssh,
  login,
}: AccountRecord): Promise<{ readonly signers: readonly FoundSigner[]; readonly leftOut: readonly string[] }> {
  const signers: FoundSigner[] = []
  const leftOut: string[] = []
  for (const { armor, keyId, revoked } of openpgp) {
    const name = `OpenPGP key ${printable(keyId, 40)}`
    if (revoked) leftOut.push(`${name}: its owner has revoked it`)
    else if (armor === undefined) leftOut.push(`${name}: the platform does not show it whole`)
    else
      for (const key of await readUploaded(armor, `${login}’s ${name}`)) {
        if ('leftOut' in key) leftOut.push(key.leftOut)
        else signers.push(openpgpSigner(key.key))
      }
  }
  for (const line of ssh) {
    const key = usableSshKey(line)
    if ('leftOut' in key) leftOut.push(key.leftOut)
    else signers.push(sshSigner(key.key))
  }
  return { signers, leftOut }
}

/** One account's broken upload must not keep a whole team out. */
async function readUploaded(armor: string, what: string): ReturnType<typeof usableOpenpgpKeys> {
  try {
    return await usableOpenpgpKeys(utf8(armor), what)
  } catch (thrown) {
    const error = asWaybillError(thrown)
    if (error.code !== 'source/key-unreadable') throw error
    return [{ leftOut: `${what}: ${error.found ?? error.message}` }]
  }
}
