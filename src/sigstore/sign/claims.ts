import { fail } from '../../core/error.ts'
import type { CertificateSigner, CiExtensions } from '../../core/signer.ts'

/** Claims of a verified GitHub token that Fulcio writes into the certificate; each one given is compared. */
export interface CertifiedClaims {
  readonly iss: string
  readonly job_workflow_ref?: string | undefined
  readonly job_workflow_sha?: string | undefined
  readonly runner_environment?: string | undefined
  readonly repository?: string | undefined
  readonly sha?: string | undefined
  readonly ref?: string | undefined
  readonly repository_id?: string | undefined
  readonly repository_owner?: string | undefined
  readonly repository_owner_id?: string | undefined
  readonly workflow_ref?: string | undefined
  readonly workflow_sha?: string | undefined
  readonly event_name?: string | undefined
  readonly run_id?: string | undefined
  readonly run_attempt?: string | undefined
  readonly repository_visibility?: string | undefined
  readonly environment?: string | undefined
}

/**
 * The certificate must say of the run what the token says: what is signed with it will be judged by these fields.
 * @param server base of the platform's web addresses, without a slash at the end.
 * @throws `sigstore/certificate-mismatch` naming the first field that differs; a missing field differs too.
 * @see Fulcio docs/oid-info.md, config/identity/config.yaml
 */
export function assertCertificateMatchesClaims(
  certificate: CertificateSigner,
  claims: CertifiedClaims,
  server = 'https://github.com',
): void {
  const below = (path: string | undefined) => (path === undefined ? undefined : `${server}/${path}`)
  compare('issuer', claims.iss, certificate.issuer)
  compare('subject alternative name', below(claims.job_workflow_ref), certificate.san.value)
  const expected: CiExtensions = definedOnly({
    buildSignerUri: below(claims.job_workflow_ref),
    buildSignerDigest: claims.job_workflow_sha,
    runnerEnvironment: claims.runner_environment,
    sourceRepositoryUri: below(claims.repository),
    sourceRepositoryDigest: claims.sha,
    sourceRepositoryRef: claims.ref,
    sourceRepositoryIdentifier: claims.repository_id,
    sourceRepositoryOwnerUri: below(claims.repository_owner),
    sourceRepositoryOwnerIdentifier: claims.repository_owner_id,
    buildConfigUri: below(claims.workflow_ref),
    buildConfigDigest: claims.workflow_sha,
    buildTrigger: claims.event_name,
    runInvocationUri: below(invocation(claims)),
    sourceRepositoryVisibility: claims.repository_visibility,
    // Older authorities do not write it; a rule that asks for it then finds nothing.
    environment: certificate.ci.environment === undefined ? undefined : claims.environment,
  })
  for (const [field, value] of Object.entries(expected))
    compare(field, value, certificate.ci[field as keyof CiExtensions])
}

function invocation({ repository, run_id: run, run_attempt: attempt }: CertifiedClaims): string | undefined {
  return repository && run && attempt ? `${repository}/actions/runs/${run}/attempts/${attempt}` : undefined
}

function definedOnly(fields: Readonly<Record<keyof CiExtensions, string | undefined>>): CiExtensions {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function compare(field: string, expected: string | undefined, found: string | undefined): void {
  if (expected === undefined || expected === found) return
  throw fail('sigstore/certificate-mismatch', `The certificate’s ${field} is not what the identity token says`, {
    expected,
    found: found ?? 'nothing',
  })
}
