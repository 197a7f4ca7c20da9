import type { ExpectedGithub, ExpectedSigner, ExpectedSigstore } from './expected.ts'
import type { Pattern } from './match.ts'
import type { AllowRule, SubjectPattern, TrustName } from './policy.ts'

/** `base-images`, read top down; the first match decides and no match denies (4-materials § 3, 12-policy § 2). */
export type BaseImageRule = DeniedBase | SignedBase | DockerBase | WaybillBase | LockedBase

interface BaseMatch {
  readonly match: readonly [SubjectPattern, ...SubjectPattern[]]
}

interface BaseTerms extends BaseMatch {
  /** Registries of the rule may have private addresses (13-adversary 39). */
  readonly private: boolean
}

export interface DeniedBase extends BaseMatch {
  readonly kind: 'deny'
}

/** Any one of these signed it, as a statement of `predicate` if that is given. */
export interface SignedBase extends BaseTerms {
  readonly kind: 'signers'
  readonly trust: TrustName
  readonly signers: readonly [ExpectedSigner, ...ExpectedSigner[]]
  readonly predicate?: string
  readonly maxAgeSeconds?: number
}

/** Docker's own signature, on the attestation manifest of each platform (13-adversary 21). */
export interface DockerBase extends BaseTerms {
  readonly kind: 'docker'
}

/** An image made by Waybill: its own chain, as a deploy rule would ask for it. */
export interface WaybillBase extends BaseTerms {
  readonly kind: 'waybill'
  readonly chain: AllowRule
}

/** A digest that was reviewed: in the FROM itself or in the materials manifest. Pinned, never verified. */
export interface LockedBase extends BaseTerms {
  readonly kind: 'digest-lock'
}

/** Everything that is no image; default deny once the block exists (13-adversary 20). */
export interface MaterialRule {
  /** Patterns of canonical URIs: `https://…`, `git+https://…`, `artifact://…`. */
  readonly match: readonly [UriPattern, ...UriPattern[]]
  /** Names in `material-keys`, any one of which must have signed; empty: a digest is enough. */
  readonly keys: readonly string[]
  readonly deny: boolean
  readonly private: boolean
}

/** `*` stays within a segment, `**` does not, neither leaves the path; scheme and host are literal. See `uri-pattern.ts`. */
export interface UriPattern {
  readonly text: string
  /** Of everything before the first "?". */
  readonly path: Pattern
  /** Of what stands behind it; absent: the URI has no query. */
  readonly query?: Pattern
}

/** Who may sign materials: keys that the policy brings, so that a judged commit cannot bring its own. */
export type MaterialKey =
  | { readonly kind: 'openpgp'; readonly fingerprint: string; readonly file: string }
  /** `key`: one line as in a .pub file, without its comment. */
  | { readonly kind: 'ssh'; readonly fingerprint: string; readonly key: string }
  | { readonly kind: 'minisign'; readonly file: string }
  | { readonly kind: 'signer'; readonly signer: ExpectedGithub | ExpectedSigstore; readonly trust: TrustName }
