import { fail } from '../../core/error.ts'
import type { CertificateSigner, CiExtensions } from '../../core/signer.ts'

/**
 * Claims of a verified GitHub token that Fulcio writes into the certificate; each one given is compared.
 * Named as `github/` names them, so that its `TokenClaims` fit without this room knowing it.
 */
export interface CertifiedClaims {
  readonly issuer: string
  readonly jobWorkflowRef?: string
  readonly jobWorkflowSha?: string
  readonly runnerEnvironment?: string
  readonly repository?: string
  readonly sha?: string
  readonly ref?: string
  readonly repositoryId?: string
  readonly repositoryOwner?: string
  readonly repositoryOwnerId?: string
  readonly workflowRef?: string
  readonly workflowSha?: string
  readonly eventName?: string
  readonly runId?: string
  readonly runAttempt?: string
  readonly repositoryVisibility?: string
  readonly environment?: string
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
  compare('issuer', claims.issuer, certificate.issuer)
  const { san, ci } = certifiedBy(claims, server)
  compare('subject alternative name', san, certificate.san.value)
  // Older authorities do not write it; a rule that asks for it then finds nothing.
  const { environment, ...expected } = ci
  if (certificate.ci.environment !== undefined) compare('environment', environment, certificate.ci.environment)
  for (const [field, value] of Object.entries(expected))
    compare(field, value, certificate.ci[field as keyof CiExtensions])
}

/** What the certificate authority writes for these claims; absent where a claim is. @param server as above */
export function certifiedBy(
  claims: CertifiedClaims,
  server: string,
): { readonly san: string | undefined; readonly ci: CiExtensions } {
  const below = (path: string | undefined) => (path === undefined ? undefined : `${server}/${path}`)
  const ci: CiExtensions = definedOnly({
    buildSignerUri: below(claims.jobWorkflowRef),
    buildSignerDigest: claims.jobWorkflowSha,
    runnerEnvironment: claims.runnerEnvironment,
    sourceRepositoryUri: below(claims.repository),
    sourceRepositoryDigest: claims.sha,
    sourceRepositoryRef: claims.ref,
    sourceRepositoryIdentifier: claims.repositoryId,
    sourceRepositoryOwnerUri: below(claims.repositoryOwner),
    sourceRepositoryOwnerIdentifier: claims.repositoryOwnerId,
    buildConfigUri: below(claims.workflowRef),
    buildConfigDigest: claims.workflowSha,
    buildTrigger: claims.eventName,
    runInvocationUri: below(invocation(claims)),
    sourceRepositoryVisibility: claims.repositoryVisibility,
    environment: claims.environment,
  })
  return { san: below(claims.jobWorkflowRef), ci }
}

/**
 * A certificate that was renewed in the middle of a run must name the same signer in every field.
 * @throws `sigstore/certificate-mismatch`
 */
export function assertSameIdentity(first: CertificateSigner, renewed: CertificateSigner): void {
  const fields = ({ issuer, san, ci }: CertificateSigner) => ({ ...ci, issuer, san: `${san.type} ${san.value}` })
  const [before, after] = [fields(first), fields(renewed)]
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof typeof before>
  for (const name of names) {
    if (before[name] === after[name]) continue
    throw fail('sigstore/certificate-mismatch', `The renewed certificate has another ${name} than the first one`, {
      expected: before[name] ?? 'nothing',
      found: after[name] ?? 'nothing',
    })
  }
}

function invocation({ repository, runId: run, runAttempt: attempt }: CertifiedClaims): string | undefined {
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
