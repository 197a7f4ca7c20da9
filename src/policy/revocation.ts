import { hexOf, sha256 } from '../core/digest.ts'
import type { TrustedTime, ValidSignature } from '../core/facts.ts'
import type { Revocation } from './policy.ts'

/** Everything by which a signature can be revoked. Records of key uses have the same fields, as far as they go. */
export interface Revocable {
  readonly fingerprint: string
  /** Of an OpenPGP subkey. */
  readonly primary?: string
  /** Of an SSH certificate the authority's key; of an X.509 one the root certificate. */
  readonly authority?: string
  /** SHA-256 of the other certificates in an X.509 chain. */
  readonly chain?: readonly string[]
  /** Of the certificates in an X.509 chain, hex. */
  readonly serials?: readonly string[]
  readonly sshSerial?: bigint
  /** Of a certificate of Fulcio, together with its issuer. */
  readonly identity?: string
  readonly issuer?: string
}

export function revocableOf(fact: ValidSignature): Revocable {
  const { fingerprint } = fact
  if (fact.kind === 'openpgp') return { fingerprint, primary: fact.primary }
  if (fact.kind === 'x509') {
    const chain = fact.chain.map(certificate => certificate.fingerprint)
    return { fingerprint, authority: fact.root, chain, serials: fact.chain.map(({ serial }) => serial) }
  }
  if (fact.kind === 'gitsign')
    return { fingerprint, serials: [fact.serial], identity: fact.identity, issuer: fact.issuer }
  if (fact.certificate === undefined) return { fingerprint }
  return { fingerprint, authority: fact.certificate.authority, sshSerial: fact.certificate.serial }
}

/** Whether the entry names what signed: its key, an authority above it, a certificate or a person. */
export function revokes(entry: Revocation, signed: ValidSignature | Revocable): boolean {
  // A fact would pass for a `Revocable` that knows neither authority nor serial.
  const key = 'bits' in signed ? revocableOf(signed) : signed
  switch (entry.kind) {
    case 'key':
      return [key.fingerprint, key.primary, key.authority, ...(key.chain ?? [])].includes(entry.fingerprint)
    case 'ssh-serial':
      return key.sshSerial === entry.serial && key.authority === entry.authority
    case 'serial':
      return (key.serials ?? []).some(serial => serialKey(serial) === entry.serial)
    case 'identity':
      return (
        (key.identity === entry.identity && key.issuer === entry.issuer) ||
        key.fingerprint === identityDigest(entry.identity, entry.issuer)
      )
  }
}

/**
 * Whether the entry counts against something signed at this time. A compromise has no beginning that the signer could not
 * have dated himself around, so it counts unless a time that he could not choose lies before it; a retirement begins on
 * its date.
 * @param covering a trusted time of the signature, never one from an earlier source VSA, which tells of expiry only
 * (13-adversary 12).
 */
export function inForce({ mode, effective }: Revocation, covering: TrustedTime | undefined, now: Date): boolean {
  if (covering !== undefined) return effective.getTime() <= covering.time.getTime()
  return mode === 'compromised' || effective.getTime() <= now.getTime()
}

/** One spelling of a serial number: openssl prints leading zeros and lower or upper case as it likes. */
export function serialKey(serial: string): string {
  return serial.toUpperCase().replace(/^0+(?=.)/, '')
}

/**
 * How a person at Fulcio is named where a key would have its fingerprint: upper-case hex of the SHA-256 over
 * `identity (issuer)`. Such records become public, and the identity is an e-mail address (13-adversary 23).
 */
export function identityDigest(identity: string, issuer: string): string {
  return hexOf(sha256(identityText(identity, issuer))).toUpperCase()
}

function identityText(identity: string, issuer: string): string {
  return `${identity} (${issuer})`
}

/** What is revoked, in words. */
export function revokedText(entry: Revocation): string {
  if (entry.kind === 'key') return entry.fingerprint
  if (entry.kind === 'serial') return `certificate ${entry.serial}`
  if (entry.kind === 'ssh-serial') return `certificate ${entry.serial} of ${entry.authority}`
  return identityText(entry.identity, entry.issuer)
}
