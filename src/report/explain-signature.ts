import { type CommitFacts, isRefused, type SignatureFact, type ValidSignature } from '../core/facts.ts'
import type { CommitJudgement } from '../policy/fold.ts'

/** That the mathematics holds, and of which kind it is. */
export function signatureText(fact: SignatureFact): string | undefined {
  if (fact.kind === 'none' || isRefused(fact)) return undefined
  const kind = { openpgp: 'OpenPGP', ssh: 'SSH', x509: 'X.509', gitsign: 'gitsign (Fulcio)' }[fact.kind]
  return `${kind}, valid over the bytes of the commit`
}

/** The key that signed: its fingerprint, algorithm and what else of it was proved. */
export function keyText(fact: SignatureFact): string | undefined {
  if (fact.kind === 'none' || isRefused(fact)) return undefined
  return [`${fact.fingerprint}, ${fact.algorithm}, ${fact.bits} bits`, ...more(fact)].join(', ')
}

function more(fact: ValidSignature): readonly string[] {
  if (fact.kind === 'openpgp') {
    const expires = fact.keyExpires === undefined ? [] : [`ends ${fact.keyExpires.toISOString()}`]
    return [...(fact.primary === fact.fingerprint ? [] : [`subkey of ${fact.primary}`]), ...expires]
  }
  if (fact.kind === 'x509') return [`certificate for ${fact.emails.join(', ')}`, `root ${fact.root}`]
  if (fact.kind === 'gitsign') return [`identity ${fact.identity}`, `issuer ${fact.issuer}`]
  const device = fact.securityKey === undefined ? [] : [`security key, ${touched(fact.securityKey.userPresence)}`]
  if (fact.certificate === undefined) return device
  const { keyId, authority, principals } = fact.certificate
  return [...device, `certificate ${keyId} of ${authority} for ${principals.join(', ')}`]
}

function touched(present: boolean): string {
  return present ? 'touched' : 'not touched'
}

/** The times that the signer claims, and those that he could not choose. */
export function timeText({ signature, committer }: CommitFacts, { trustedTime }: CommitJudgement): string {
  const dated = signature.kind === 'openpgp' ? signature.claimedTime : new Date(committer.time * 1000)
  const claimed = Number.isNaN(dated.getTime()) ? 'no date' : dated.toISOString()
  const known = trustedTime === undefined ? 'none: dates are judged now' : words(trustedTime)
  return `claimed ${claimed}; trusted time: ${known}`
}

function words({ time, from }: NonNullable<CommitJudgement['trustedTime']>): string {
  const source = {
    log: 'a log',
    timestamp: 'a timestamp',
    platform: 'the platform',
    'source-vsa': 'an earlier source VSA',
  }
  return `${time.toISOString()}, by ${source[from]}`
}
