import type { OwnSigner } from '../policy/same-attestation.ts'
import { certifiedBy } from '../sigstore/sign/claims.ts'
import { withoutAttempt } from '../statements/same.ts'
import type { AttestRequest } from './attest-request.ts'
import type { Ready } from './preflight.ts'

/** Who will sign in this run, before anybody is asked for a certificate; undefined when nothing is signed. */
export function ownSigner({ serverUrl }: AttestRequest, { identity, imageKey }: Ready): OwnSigner | undefined {
  if (imageKey !== undefined) return { kind: 'key', fingerprint: imageKey.signer.fingerprint }
  if (identity === undefined) return undefined
  const { certified, claims } = identity
  const { san, ci } = certifiedBy(certified, serverUrl)
  // Of a run that is not known nothing can be its own.
  if (san === undefined || ci.runInvocationUri === undefined) return undefined
  const run = withoutAttempt(ci.runInvocationUri)
  return { kind: 'run', san, issuer: certified.issuer, ci, run, attempt: BigInt(claims.run_attempt) }
}
