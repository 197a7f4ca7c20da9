/**
 * Who signed a bundle, read from the verified certificate or key: plain values, nothing matched yet.
 * What a policy expects is another type (`ExpectedSigner`); the two meet in `policy/signer.ts` only.
 */
export type ObservedSigner = CertificateSigner | KeySigner

export interface KeySigner {
  readonly kind: 'key'
  /** SHA-256 over the DER SubjectPublicKeyInfo, lower-case hex. */
  readonly fingerprint: string
}

export interface CertificateSigner {
  readonly kind: 'certificate'
  readonly san: { readonly type: 'uri' | 'email' | 'other'; readonly value: string }
  /** Extension 1.3.6.1.4.1.57264.1.8, else .1.1. */
  readonly issuer: string
  /** Lower-case hex. */
  readonly serial: string
  /** SHA-256 over the DER certificate, lower-case hex. */
  readonly fingerprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly ci: CiExtensions
}

/** Fulcio's CI extensions 1.3.6.1.4.1.57264.1.9–.22, decoded; absent when the certificate has none. Fulcio docs/oid-info.md. */
export interface CiExtensions {
  /** .9 */ readonly buildSignerUri?: string
  /** .10 */ readonly buildSignerDigest?: string
  /** .11 */ readonly runnerEnvironment?: string
  /** .12 */ readonly sourceRepositoryUri?: string
  /** .13 */ readonly sourceRepositoryDigest?: string
  /** .14 */ readonly sourceRepositoryRef?: string
  /** .15 */ readonly sourceRepositoryIdentifier?: string
  /** .16 */ readonly sourceRepositoryOwnerUri?: string
  /** .17 */ readonly sourceRepositoryOwnerIdentifier?: string
  /** .18 */ readonly buildConfigUri?: string
  /** .19 */ readonly buildConfigDigest?: string
  /** .20 */ readonly buildTrigger?: string
  /** .21 */ readonly runInvocationUri?: string
  /** .22 */ readonly sourceRepositoryVisibility?: string
  /** .23, the deployment environment, where the certificate authority writes one. */ readonly environment?: string
}
