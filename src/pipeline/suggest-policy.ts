import { encodeBase64 } from '../core/bytes.ts'
import type { SignatureFact } from '../core/facts.ts'
import { isPrintable } from '../core/text.ts'
import { isPlatformKey } from '../policy/platform.ts'
import { decodeSshArmor } from '../source/armor.ts'
import type { ParsedCommit } from '../source/commit.ts'
import { parseSshsig } from '../source/sshsig.ts'

export interface SeenCommit {
  readonly commit: ParsedCommit
  readonly fact: SignatureFact
}

/** Only plain addresses are suggested: what a commit claims goes into a file that somebody may commit unread. */
const EMAIL = /^[A-Za-z0-9.!#%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,200}$/

/**
 * A policy file to review, made from the keys that were seen. It is a proposal: that a key signed commits with an address
 * does not prove whose it is. OpenPGP keys are named by fingerprint, their files have to be exported by hand.
 * @returns undefined when no commit carries a signature that could be named.
 */
export function suggestPolicy(seen: readonly SeenCommit[], ref: string): string | undefined {
  const signers = new Map<string, { readonly email: string; readonly line: string }>()
  for (const { commit, fact } of seen) {
    const { email } = commit.committer
    const line = signerLine(commit, fact)
    if (line !== undefined && EMAIL.test(email) && isPrintable(email)) signers.set(line, { email, line })
  }
  if (signers.size === 0) return undefined
  const names = [...signers.values()].map((_, i) => `person-${i + 1}`)
  const principals = [...signers.values()].flatMap(({ email, line }, i) => [
    `  ${names[i]}: # rename; check whose key this is`,
    `    emails: [${JSON.stringify(email)}]`,
    `    signers: [${line}]`,
  ])
  return [
    'version: 1',
    'principals:',
    ...principals,
    `roles: { maintainers: [${names[0]}], developers: [${names.join(', ')}] }`,
    'source:',
    `  - refs: [${JSON.stringify(ref)}]`,
    '    commits: { signers: ["@developers"] }',
    'policy-change: { signers: ["@maintainers"] }',
    '',
  ].join('\n')
}

function signerLine(commit: ParsedCommit, fact: SignatureFact): string | undefined {
  // An authority speaks for many persons; that one commit shows it is no reason to propose it.
  if (fact.kind === 'ssh' && fact.certificate !== undefined) return undefined
  if (fact.kind === 'ssh' && commit.signature !== undefined) {
    const { key } = parseSshsig(decodeSshArmor(commit.signature.armor))
    return `{ ssh: { key: "${key.algorithm} ${encodeBase64(key.blob)}" } }`
  }
  const claimed = fact.kind === 'rejected' && fact.scheme === 'openpgp' ? fact.claimedKey : undefined
  // The platform signs for everybody who may write; as a person's key it would let everybody commit as that person.
  if (isPlatformKey(claimed)) return undefined
  // A 16-digit key id can be made to collide; only a full fingerprint names a key.
  if (claimed === undefined || !/^[0-9A-F]{40}([0-9A-F]{24})?$/.test(claimed)) return undefined
  return `{ openpgp: { fingerprint: "${claimed}", file: keys/${claimed.slice(-16)}.asc } }`
}
