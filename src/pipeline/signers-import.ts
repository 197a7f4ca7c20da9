import type { CommitId } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { signersOfAllowedFile } from './signers-allowed.ts'
import { signersOfCommand } from './signers-command.ts'
import { type AccountsPort, signersOfAccounts } from './signers-github.ts'
import { type HistoryPort, signersOfHistory } from './signers-history.ts'
import { signersOfKeyring } from './signers-keyring.ts'
import { type Found, makeSnapshot, type Snapshot } from './snapshot.ts'

/** Where signers are imported from: one place a snapshot. */
export type SignersSource =
  | { readonly kind: 'users'; readonly logins: readonly string[] }
  | { readonly kind: 'team'; readonly org: string; readonly team: string }
  | { readonly kind: 'org'; readonly org: string }
  | { readonly kind: 'allowed-signers'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: 'keyring'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: 'history'; readonly range: string; readonly head: CommitId; readonly base?: CommitId }
  | { readonly kind: 'command'; readonly command: string; readonly output: Uint8Array }

/** All that an import may ask of the world; each source needs at most one of them. */
export interface ImportPorts {
  readonly accounts: AccountsPort
  readonly history: HistoryPort
  /** Stands in the snapshot. */
  readonly now: Date
}

/** What a source told: persons, and what a reviewer must know besides. */
export interface Gathered {
  readonly found: readonly Found[]
  readonly notes: readonly string[]
}

/**
 * Takes a snapshot of signers that are kept elsewhere (12-policy § 5). It judges nothing and changes no policy: the file
 * reaches one by an ordinary, reviewed commit.
 * @returns `notes` name everything that was left out or needs a decision.
 * @throws `pipeline/no-signers` when nobody was found; what reading the source throws
 */
export async function importSigners(
  source: SignersSource,
  ports: ImportPorts,
): Promise<{ readonly snapshot: Snapshot; readonly notes: readonly string[] }> {
  const gathered = await gather(source, ports)
  const { snapshot, notes } = makeSnapshot(gathered.found, ports.now, sourceText(source))
  if (gathered.found.length > 0) return { snapshot, notes: [...gathered.notes, ...notes] }
  throw fail('pipeline/no-signers', `Nobody was found in ${sourceText(source)}`, {
    expected: 'at least one person or machine',
    found: gathered.notes[0] ?? 'none',
  })
}

function gather(source: SignersSource, { accounts, history }: ImportPorts): Promise<Gathered> {
  switch (source.kind) {
    case 'users':
      return signersOfAccounts(accounts, source.logins)
    case 'team':
    case 'org':
      return membersOf(source, accounts)
    case 'allowed-signers':
      return Promise.resolve(signersOfAllowedFile(source.bytes, source.path))
    case 'keyring':
      return signersOfKeyring(source.bytes, source.path)
    case 'history':
      return signersOfHistory(source, history)
    case 'command':
      return signersOfCommand(source.output)
  }
}

async function membersOf(source: { org: string; team?: string }, accounts: AccountsPort): Promise<Gathered> {
  const { found, notes } = await signersOfAccounts(accounts, await accounts.members(source.org, source.team))
  if (source.team !== undefined) return { found, notes }
  // The API does not say that it left somebody out.
  const concealed = `members of ${source.org} who conceal that are listed only for the token of another member`
  return { found, notes: [...notes, concealed] }
}

function sourceText(source: SignersSource): string {
  switch (source.kind) {
    case 'users':
      return `GitHub users ${source.logins.join(', ')}`
    case 'team':
      return `GitHub team ${source.org}/${source.team}`
    case 'org':
      return `GitHub organisation ${source.org}`
    case 'allowed-signers':
      return `allowed signers ${source.path}`
    case 'keyring':
      return `keyring ${source.path}`
    case 'history':
      return `history ${source.range} (${source.base === undefined ? '' : `${source.base}..`}${source.head})`
    case 'command':
      return `command ${source.command}`
  }
}
