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
  /** Predicate type → what must hold besides where the statement is of that type. */
  readonly perType?: ReadonlyMap<string, readonly AdmissionCondition[]>
}

/** Where a condition looks: keys from the top of the predicate, or of the list's item inside `some` and `each-target`. */
export type AdmissionPath = readonly [string, ...string[]]

/** What the predicate must say at `path`, which starts below `predicate`. A missing value never holds, except for `absent`. */
export type AdmissionCondition =
  | { readonly path: AdmissionPath; readonly is: 'equal'; readonly value: Json }
  | { readonly path: AdmissionPath; readonly is: 'one-of'; readonly values: readonly [Json, ...Json[]] }
  /** The list at `path` has this text as an item. */
  | { readonly path: AdmissionPath; readonly is: 'containing'; readonly value: string }
  /** The text at `path` matches one of these patterns of refs (`*` within a segment, `**` across), whole. */
  | { readonly path: AdmissionPath; readonly is: 'matching'; readonly patterns: readonly [string, ...string[]] }
  /** There is a text at `path`, and it matches none of these patterns. */
  | { readonly path: AdmissionPath; readonly is: 'not-matching'; readonly patterns: readonly [string, ...string[]] }
  /** There is nothing at `path`. */
  | { readonly path: AdmissionPath; readonly is: 'absent' }
  /** There is a list at `path`, be it empty. */
  | { readonly path: AdmissionPath; readonly is: 'list' }
  /** The list at `path` has an object for which all of these hold. */
  | { readonly path: AdmissionPath; readonly is: 'some'; readonly where: readonly AdmissionCondition[] }
  /**
   * For every object of the list at `path` that has a `target`, one of the list has the same `target.uri` (or, like it, none) and the
   * same `target.digest`, and all of these hold for that one. A list without targets holds.
   */
  | { readonly path: AdmissionPath; readonly is: 'each-target'; readonly where: readonly AdmissionCondition[] }
  /**
   * The text at `path` is what `deployResource(repository, environment)` gives for the repository of the very image that is
   * admitted. Only of patterns that match several repositories; of one it is an `equal`.
   */
  | { readonly path: AdmissionPath; readonly is: 'resource'; readonly environment: string }
  /** All conditions of one of these hold. */
  | { readonly is: 'any-of'; readonly of: readonly [AdmissionAll, AdmissionAll, ...AdmissionAll[]] }

/** Conditions that hold together. */
export type AdmissionAll = readonly AdmissionCondition[]

/** What must hold in a statement of this type, everything together. */
export function conditionsOf({ conditions, perType }: AdmissionLink, predicateType: string): AdmissionAll {
  return [...conditions, ...(perType?.get(predicateType) ?? [])]
}

/** What a deploy rule asks of images where they run: `require` and `admit` together. */
export interface AdmissionRule {
  /**
   * Patterns of images in canonical form. Those of rules with links are disjoint, else `policy/not-expressible`. A rule without links
   * may lie across them: whatever else an image needs, it is refused, and engines and all policies that match.
   */
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
  /** What the policy says and a cluster is not told, a sentence each; every file says so above. */
  readonly notes: readonly string[]
}

/** One generated file: its name in the folder and its bytes, which the same policy gives again. */
export interface AdmissionFile {
  readonly name: string
  readonly text: string
}
