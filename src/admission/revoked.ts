import type { ExpectedSigner } from '../policy/expected.ts'
import type { AllowRule, Revocation, RevokedIdentity } from '../policy/policy.ts'
import { revokedText } from '../policy/revocation.ts'
import { notExpressible } from './refused.ts'
import { identityPattern } from './signer-conditions.ts'

/**
 * A gate refuses what a revoked signer signed after the revocation took effect; engines read neither the time of a signature nor
 * the number of a certificate.
 * @throws `policy/not-expressible` when an entry could be about statements that the rule accepts.
 */
export function refuseRevoked({ build, deployer }: AllowRule, revoked: readonly Revocation[]): void {
  const signers = [build, ...(deployer === undefined ? [] : [deployer.signer])]
  const entry = revoked.find(item => signers.some(signer => concerns(item, signer)))
  if (entry === undefined) return
  throw notExpressible(
    'No engine refuses what a revoked signer signed after a certain day',
    'signers of which nothing is revoked',
    revokedText(entry),
    'Name the images that were signed so under quarantined, and keep the entry in the policy that judges commits alone.',
  )
}

function concerns(entry: Revocation, signer: ExpectedSigner): boolean {
  switch (entry.kind) {
    // 64 digits may be those of a certificate as well as of a key; 40 and SHA256:… are keys of persons.
    case 'key':
      return signer.kind === 'key'
        ? entry.fingerprint === signer.fingerprint?.toUpperCase()
        : /^[0-9A-F]{64}$/.test(entry.fingerprint)
    case 'serial':
      return signer.kind !== 'key'
    case 'identity':
      return signer.kind !== 'key' && signer.issuer === entry.issuer && mayBe(signer, entry)
    case 'ssh-serial':
      return false
  }
}

/** A workflow's file is enough: which of its refs is meant is not told apart here. */
function mayBe(signer: Exclude<ExpectedSigner, { readonly kind: 'key' }>, { identity }: RevokedIdentity): boolean {
  if (signer.kind === 'github')
    return identity.startsWith(identityPattern(signer.signer, signer.server).replace(/@.*$/, '@'))
  return 'exact' in signer.identity ? signer.identity.exact === identity : identity.startsWith(signer.identity.prefix)
}
