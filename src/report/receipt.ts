import type { Digest } from '../core/digest.ts'
import type { StageMode, StageName, StageState } from '../core/stage.ts'
import type { Basis, Finding, Outcome } from '../core/verdict.ts'
import type { ExplainedStep } from './explain-case.ts'

export interface StageReceipt {
  readonly name: StageName | 'resolve' | 'collect' | 'judge'
  readonly state: StageState
  readonly mode?: StageMode
  readonly ms: number
}

/** What was judged: an image, a commit, a file. `kind`, `principal`, `key` are filled for commits. */
export interface SubjectReceipt {
  readonly name: string
  readonly digest: string
  readonly verdict: Outcome | 'not-asked'
  readonly basis?: Basis
  /** Who signed, in words: of an image that passed. */
  readonly by?: string
  readonly findings: readonly Finding[]
  readonly kind?: 'openpgp' | 'ssh' | 'x509' | 'gitsign' | 'none' | 'malformed'
  readonly principal?: string
  readonly key?: string
  /** First line of the commit message. */
  readonly title?: string
  readonly author?: string
}

export interface AttestationReceipt {
  readonly predicateType: string
  readonly subject: Digest
  /** Digest of the referrer manifest; absent until published. */
  readonly manifest?: Digest
  /** Path of the bundle on disk. */
  readonly bundle?: string
  readonly log?: { readonly url: string; readonly index: string }
  /** Where it is stored: `referrers` (API), `fallback` (tag), with the repository. */
  readonly stored?: readonly string[]
}

export interface PlatformReceipt {
  readonly platform: string
  readonly digest: Digest
  /** Bytes of config and layers as the registry serves them. */
  readonly size: number
}

export interface ImageReceipt {
  /** Canonical repository, `ghcr.io/acme/app`. */
  readonly repository: string
  readonly digest: Digest
  readonly mediaType: string
  readonly platforms: readonly PlatformReceipt[]
  readonly tags: readonly string[]
  readonly builder: string
  readonly pushed: boolean
}

export interface EngineReceipt {
  readonly asked: 'native' | 'both'
  /** By kind of signature: the other program has an answer, too. */
  readonly compared: Readonly<Record<'openpgp' | 'ssh' | 'x509', number>>
  /** It has none: certificates, and keys that it does not take. */
  readonly notCompared: Readonly<Record<'openpgp' | 'ssh' | 'x509', number>>
  /** Refused before any mathematics. */
  readonly refusedBefore: number
  readonly disagreements: number
}

/**
 * What a run did: the result object of `schemas/result.json` and the report's only input.
 * Facts in a result file are never evidence; the gate reads bundles.
 */
export interface Receipt {
  readonly schemaVersion: 1
  readonly command: string
  readonly verdict: Outcome
  readonly subjects: readonly SubjectReceipt[]
  readonly stages: readonly StageReceipt[]
  readonly attestations: readonly AttestationReceipt[]
  readonly image?: ImageReceipt
  readonly policy?: { readonly uri: string; readonly ref?: string; readonly digest?: Digest; readonly anchor?: string }
  readonly source?: { readonly repository: string; readonly ref?: string; readonly commit: string }
  /** Who the image's signature can be checked against: the exact identity to expect. */
  readonly identity?: { readonly san: string; readonly issuer: string }
  /** What was not checked and why, one sentence each. Always present, even if empty. */
  readonly notChecked: readonly string[]
  /** What the first line of the summary says before anything else, e.g. an unsigned draft or "no policy". */
  readonly notices: readonly string[]
  /** Requests each stage made, for the summary and the benchmark. */
  readonly requests?: Readonly<Record<string, number>>
  /** A ready policy made from what was seen; printed on the default branch only. */
  readonly suggestedPolicy?: string
  /** How the verdict about one commit came about, in the order in which it was decided (`source check --explain`). */
  readonly explanation?: readonly ExplainedStep[]
  /** What came of asking other programs about signatures (`source check --engine`), one signature each. */
  readonly engines?: EngineReceipt
  readonly error?: {
    readonly code: string
    readonly message: string
    readonly expected?: string
    readonly found?: string
    readonly remedy: string
  }
}
