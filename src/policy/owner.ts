import type { ValidSignature } from '../core/facts.ts'
import { sameEmail } from './email.ts'
import type { Law } from './law.ts'
import type { Principal, PrincipalSigner } from './policy.ts'

/** A principal and the entry of its `signers` under which a signature is its own. */
export interface Owner {
  readonly principal: Principal
  readonly signer: PrincipalSigner
}

/** Principals whose signature this is. User ids inside keys and certificates that no policy names are never looked at. */
export function ownersOf(fact: ValidSignature, law: Law): readonly Owner[] {
  const owners = new Map<string, Owner>()
  for (const principal of law.policy.principals.values()) {
    const signer = principal.signers.find(entry => isMadeBy(fact, entry))
    if (signer !== undefined) owners.set(principal.name, { principal, signer })
  }
  return [...owners.values()]
}

function isMadeBy(fact: ValidSignature, signer: PrincipalSigner): boolean {
  if (fact.kind === 'openpgp')
    return signer.kind === 'openpgp' && (signer.fingerprint === fact.fingerprint || signer.fingerprint === fact.primary)
  if (fact.kind === 'x509')
    return (
      signer.kind === 'x509' &&
      fact.emails.some(email => sameEmail(email, signer.san)) &&
      (signer.roots ?? []).includes(fact.root)
    )
  if (fact.kind === 'gitsign')
    return signer.kind === 'sigstore' && signer.identity === fact.identity && signer.issuer === fact.issuer
  // A certified key is known through its authority alone: its own fingerprint is whatever the authority was given.
  if (fact.certificate !== undefined)
    return (
      signer.kind === 'ssh-ca' &&
      signer.fingerprint === fact.certificate.authority &&
      sharesName(fact.certificate.principals, signer.principals)
    )
  return signer.kind === 'ssh' && signer.fingerprint === fact.fingerprint
}

function sharesName(certified: readonly string[], accepted: readonly string[]): boolean {
  return certified.some(name => accepted.includes(name))
}
