import type { CommitId } from '../core/digest.ts'
import { isMalformed } from '../core/facts.ts'
import { PLATFORM_KEYS } from '../policy/platform.ts'
import { decodeSshArmor } from '../source/armor.ts'
import { type ParsedCommit, parentsOf, parseCommit } from '../source/commit.ts'
import { Keyring } from '../source/keyring.ts'
import { parseSshsig } from '../source/sshsig.ts'
import { checkSignature } from '../source/verify.ts'
import type { Gathered } from './signers-import.ts'
import { compare, type Found, isUsableEmail } from './snapshot.ts'
import { sshLine, sshSigner, usableSshKey } from './usable-keys.ts'

/** Commits of a repository, their ids recomputed. */
export interface HistoryPort {
  /** @throws `source/object-missing`, `source/object-forged` */
  commit(id: CommitId): Promise<Uint8Array>
}

/** A key that made good signatures, and whom its commits name. */
interface Seen {
  readonly line: string
  readonly emails: Map<string, number>
}

/**
 * Keys that signed the commits of a range. An SSH signature holds its key, so the signature is checked and the key taken; of
 * an OpenPGP signature only the fingerprint is known. The committer's address is his own word, so each key is somebody of
 * its own, and whose it is must be asked of a person.
 * @throws whatever the port throws
 */
export async function signersOfHistory(
  range: { readonly head: CommitId; readonly base?: CommitId },
  port: HistoryPort,
): Promise<Gathered> {
  const keys = new Map<string, Seen>()
  const others = new Map<string, number>()
  const keyring = new Keyring([])
  for await (const commit of commitsOf(range, port)) {
    const missed = await take(commit, keyring, keys)
    if (missed !== undefined) others.set(missed, (others.get(missed) ?? 0) + 1)
  }
  const found = [...keys.values()].map(foundOf)
  const notes = [...others].sort(([a], [b]) => compare(a, b)).map(([what, count]) => `${count} × ${what}`)
  if (found.length > 0)
    notes.push('addresses are those of the commits, as their makers wrote them: ask each person for the fingerprint')
  return { found, notes }
}

function foundOf({ line, emails }: Seen): Found {
  const key = usableSshKey(line)
  const known = [...emails].sort(([a, x], [b, y]) => y - x || compare(a, b)).map(([email]) => email)
  return {
    name: known[0]?.split('@')[0] ?? 'signer',
    emails: known,
    signers: 'key' in key ? [sshSigner(key.key)] : [],
  }
}

/** @returns why nothing was taken from this commit. */
async function take(commit: ParsedCommit, keyring: Keyring, keys: Map<string, Seen>): Promise<string | undefined> {
  const { signature } = commit
  if (signature === undefined) return 'no signature'
  if (signature.scheme === 'x509') return 'X.509 or gitsign signature: name its identity in the policy by hand'
  const fact = await checkSignature(commit, keyring)
  if (signature.scheme === 'openpgp') {
    const claimed = 'claimedKey' in fact ? fact.claimedKey : undefined
    // A signature may name its key by the last 16 digits alone.
    if (PLATFORM_KEYS.some(key => claimed === key || claimed === key.slice(-16)))
      return 'signature of the platform itself'
    return `signature by OpenPGP key ${claimed ?? 'unknown'}: gpg --armor --export ${claimed ?? 'KEY'}, then import with --keyring`
  }
  if (fact.kind !== 'ssh') return 'signature that is not good'
  // A certified key is somebody's for a day; what belongs into a policy is the authority that says so.
  if (fact.certificate !== undefined)
    return `certificate of authority ${fact.certificate.authority}: import the authority with --allowed-signers`
  const { key } = parseSshsig(decodeSshArmor(signature.armor))
  const usable = usableSshKey(sshLine(key))
  if ('leftOut' in usable) return usable.leftOut
  const seen = keys.get(fact.fingerprint) ?? { line: sshLine(key), emails: new Map() }
  const { email } = commit.committer
  if (isUsableEmail(email)) seen.emails.set(email, (seen.emails.get(email) ?? 0) + 1)
  keys.set(fact.fingerprint, seen)
  return undefined
}

/** Everything reachable from the head and not from the base, each once, by the parents in the bytes. */
async function* commitsOf(
  { head, base }: { readonly head: CommitId; readonly base?: CommitId },
  port: HistoryPort,
): AsyncGenerator<ParsedCommit> {
  const seen = new Set<CommitId>()
  for await (const _ of reachable(base, seen, port));
  for await (const [id, bytes] of reachable(head, seen, port)) {
    const commit = parseCommit(id, bytes)
    if (!isMalformed(commit)) yield commit
  }
}

async function* reachable(
  tip: CommitId | undefined,
  seen: Set<CommitId>,
  port: HistoryPort,
): AsyncGenerator<readonly [CommitId, Uint8Array]> {
  const open = tip === undefined ? [] : [tip]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    const bytes = await port.commit(id)
    yield [id, bytes]
    open.push(...parentsOf(bytes))
  }
}
