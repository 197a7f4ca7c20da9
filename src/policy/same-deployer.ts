import type { CertificateSigner, CiExtensions, ObservedSigner } from '../core/signer.ts'

/** What differs from run to run of the same workflow on the same ref. */
const OF_A_RUN: readonly (keyof CiExtensions)[] = [
  'runInvocationUri',
  'sourceRepositoryDigest',
  'buildSignerDigest',
  'buildConfigDigest',
  'buildTrigger',
]

/**
 * Whether a found signature is by whoever deploys now, in whichever run: the same key, or the same identity in every certified
 * field but those of the run. Deploying the same again then says nothing new.
 * @param own as it will be certified, for all that is known before.
 */
export function isSameDeployer(found: ObservedSigner, own: ObservedSigner): boolean {
  if (found.kind === 'key' || own.kind === 'key')
    return found.kind === own.kind && found.fingerprint === own.fingerprint
  return found.san.type === own.san.type && found.san.value === own.san.value && sameIdentity(found, own)
}

function sameIdentity(found: CertificateSigner, own: CertificateSigner): boolean {
  if (found.issuer !== own.issuer) return false
  const { environment } = found.ci
  // Older authorities do not write it; one that is there and not ours is another job's.
  if (environment !== undefined && environment !== own.ci.environment) return false
  const fields = Object.keys({ ...found.ci, ...own.ci }) as (keyof CiExtensions)[]
  return fields.every(field => field === 'environment' || OF_A_RUN.includes(field) || found.ci[field] === own.ci[field])
}
