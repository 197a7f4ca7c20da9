import type { Pattern } from './match.ts'

/**
 * Who is expected to have signed, from a policy or from flags; may hold patterns.
 * What a certificate says is another type (`ObservedSigner`); `matchSigner` is the only place where the two meet.
 */
export type ExpectedSigner = ExpectedSigstore | ExpectedGithub | ExpectedKey

/** A certificate by its subject alternative name and issuer. */
export interface ExpectedSigstore {
  readonly kind: 'sigstore'
  readonly identity: { readonly exact: string } | { /** Ends in `/`. */ readonly prefix: string }
  readonly issuer: string
}

/** A GitHub workflow run by everything its certificate says about it. 12-policy § 2, 13-adversary 28. */
export interface ExpectedGithub {
  readonly kind: 'github'
  /** `owner/repo`, .12 */
  readonly repository: string
  /** .15; a repository that is deleted and created again has another one. */
  readonly repositoryId: string | 'any'
  /** The workflow in the SAN, .9 and .10. */
  readonly signer: ExpectedWorkflow
  /** Build Config URI, .18; absent: the same as the SAN, so that nobody else's call of a shared workflow counts. */
  readonly caller?: ExpectedWorkflow | 'any'
  /** Source Repository Ref, .14 */
  readonly sourceRef: readonly [Pattern, ...Pattern[]] | 'any'
  /** .20 */
  readonly trigger?: readonly string[]
  /** .11, and what the provenance says about the build's own runners (13-adversary 40). */
  readonly runner?: 'github-hosted' | 'self-hosted'
  /** .23 */
  readonly environment?: string
  readonly issuer: string
  /** Origin of the URIs in the certificate, `https://github.com`. */
  readonly server: string
}

/** `owner/repo/.github/workflows/f.yml` at a ref that matches, or at exactly one commit. */
export interface ExpectedWorkflow {
  readonly path: string
  /** `any`: at whatever its caller names, who is then pinned by everything else; no policy can say so. */
  readonly at: { readonly ref: Pattern } | { readonly commit: string } | { readonly any: true }
  /** As written. */
  readonly text: string
}

/** A key by SHA-256 over its DER SubjectPublicKeyInfo, lower-case hex. */
export interface ExpectedKey {
  readonly kind: 'key'
  /** Path of the PEM file; for flags the name shown. */
  readonly file: string
  /** Absent only between parsing a policy and binding it to its files (`parseLaw`, `lawFromFile`). */
  readonly fingerprint?: string
}

export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'
export const GITHUB_SERVER = 'https://github.com'
