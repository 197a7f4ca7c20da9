import type { Json } from '../core/json.ts'
import type { ExpectedSigner } from '../policy/expected.ts'
import type { Requirement, SubjectPattern, TrustName } from '../policy/policy.ts'

/**
 * One hop of the chain, as a cluster has to check it: this signer made a statement of one of these types about the image,
 * and its content is so. Engines AND policies and OR the signers inside one, so every link becomes a policy of its own
 * (13-adversary 30).
 */
export interface AdmissionLink {
  /** The item of `require` or `admit` it stands for. */
  readonly item: Requirement
  readonly signer: ExpectedSigner
  /** Any of them; what is said about the content holds for whichever is found. */
  readonly predicateTypes: readonly [string, ...string[]]
  /** All must hold, in one and the same statement. */
  readonly conditions: readonly AdmissionCondition[]
}

/** What the predicate must say at `path`, which starts below `predicate`. A missing value never holds. */
export type AdmissionCondition =
  | { readonly path: readonly string[]; readonly is: 'equal'; readonly value: Json }
  | { readonly path: readonly string[]; readonly is: 'one-of'; readonly values: readonly [Json, ...Json[]] }
  /** The list at `path` has this text as an item. */
  | { readonly path: readonly string[]; readonly is: 'containing'; readonly value: string }
  /** The text at `path` matches one of these patterns of refs (`*` within a segment, `**` across), whole. */
  | { readonly path: readonly string[]; readonly is: 'matching'; readonly patterns: readonly [string, ...string[]] }

/** What a deploy rule asks of images where they run: `require` and `admit` together. */
export interface AdmissionRule {
  /** Patterns of images in canonical form; disjoint from those of every other rule, else `policy/not-expressible`. */
  readonly match: readonly [SubjectPattern, ...SubjectPattern[]]
  readonly trust: TrustName
  /** Empty: everything that matches is denied. */
  readonly links: readonly AdmissionLink[]
}

/** Everything a cluster has to enforce, before any engine's spelling. */
export interface Admission {
  readonly rules: readonly AdmissionRule[]
  /** `sha256:…` of images in quarantine: refused under every rule. */
  readonly quarantined: readonly string[]
}

/** One generated file: its name in the folder and its bytes, which the same policy gives again. */
export interface AdmissionFile {
  readonly name: string
  readonly text: string
}
