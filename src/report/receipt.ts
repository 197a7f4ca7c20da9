import type { Digest } from '../core/digest.ts'
import type { TrustedTime } from '../core/facts.ts'
import type { StageMode, StageName, StageState } from '../core/stage.ts'
import type { Basis, Finding, Outcome } from '../core/verdict.ts'
import type { ChainLink } from '../policy/chain.ts'
import type { LawPart } from '../policy/changes.ts'
import type { ReviewJudgement } from '../policy/judgement.ts'
import type { ComparedPlatform } from '../reproducible/difference.ts'
import type { Place } from '../subjects/place.ts'
import type { ExplainedStep } from './explain-case.ts'

export interface StageReceipt {
  readonly name: StageName | 'resolve' | 'collect' | 'judge'
  readonly state: StageState
  readonly mode?: StageMode
  readonly ms: number
}

/** What was judged: an image, a commit, a tag, a file. `kind`, `principal`, `key` are filled for commits and tags. */
export interface SubjectReceipt {
  readonly name: string
  readonly digest: string
  readonly verdict: Outcome | 'not-asked'
  readonly basis?: Basis
  /** Who signed, in words: of an image that passed. */
  readonly by?: string
  /** The certificate's own words of who signed an image that passed, as other verifiers are told to expect them. */
  readonly identity?: { readonly san: string; readonly issuer: string; readonly repository?: string }
  readonly findings: readonly Finding[]
  /** Of an image or file: its chain, one root a requirement. */
  readonly links?: readonly ChainLink[]
  /** Where the image was named: manifests, compose files. */
  readonly places?: readonly Place[]
  /** Absent: nothing holds it back, or nobody looked. */
  readonly quarantine?: QuarantineReceipt
  readonly kind?: 'openpgp' | 'ssh' | 'x509' | 'gitsign' | 'none' | 'malformed'
  readonly principal?: string
  readonly key?: string
  /** First line of the commit message. */
  readonly title?: string
  readonly author?: string
  /** Of a signed tag: its full name. A commit has none. */
  readonly ref?: string
  /** Platform account of the principal, by its number. */
  readonly githubId?: number
  /** Of a `derived` commit: the pull request and the commits it was proved to be made of. */
  readonly derivedFrom?: { readonly pull?: number; readonly head: string; readonly commits: readonly string[] }
  /** Absent: no rule asks for a review of this commit. */
  readonly review?: ReviewReceipt
  /** Before which the commit existed, by a word other than its own; `time` in ISO 8601. */
  readonly trustedTime?: { readonly time: string; readonly from: TrustedTime['from'] }
}

/** What holds a subject back, or held it back (7-verify-deploy § 2). */
export interface QuarantineReceipt {
  readonly state: 'quarantined' | 'released'
  /** Named in the policy, told by a record that the rule believes, or done by this run. */
  readonly from: 'policy' | 'record' | 'run'
  /** SHA-256 of the signed bytes of the record. */
  readonly record?: Digest
  /** Of what this run did: the path a file was moved to, or the tag an image was moved to. */
  readonly moved?: string
}

/** `head`: the commit that was reviewed; `statements`: digests of the review statements that counted. */
export type ReviewReceipt = Pick<ReviewJudgement, 'enough' | 'label' | 'by' | 'pull' | 'earlier'> & {
  readonly head?: string
  readonly statements: readonly string[]
}

/** A change of the law, for a reviewer's eyes (13-adversary 3). */
export interface RuleChange {
  /** That brings it; of a pull request its head. */
  readonly commit: string
  /** First line of the commit message. */
  readonly title?: string
  /** False: the rules accepted before go on. */
  readonly accepted: boolean
  /** A pull request would bring it; nobody has to have accepted it yet. */
  readonly proposed?: true
  /** Principal who signed the commit. */
  readonly by?: string
  /** `workflows`: nothing but workflows and actions differs. */
  readonly kind: 'policy' | 'workflows'
  /** Files that differ. */
  readonly paths: readonly string[]
  readonly lines: readonly RuleLine[]
}

export interface RuleLine {
  readonly how: 'added' | 'removed'
  readonly what: LawPart
  readonly text: string
  /** With it something counts that did not count before. */
  readonly loosens: boolean
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
  /** Repositories where it should be and is not, each with the code of the error. */
  readonly notStored?: readonly string[]
}

/** What became of one place that what was signed was to be brought to. */
export interface SinkReceipt {
  readonly name: 'registry' | 'legacy-signatures' | 'github-attestations' | 'github-artifacts'
  /** A repository of a registry, `owner/name` of the platform, a file. */
  readonly place: string
  /** `not-available`: the place keeps nothing for repositories like this one, which ends no run. */
  readonly state: 'passed' | 'failed' | 'not-available'
  /** How much was not there before, where that is known: 0 for a repeat. */
  readonly added?: number
  readonly error?: NonNullable<Receipt['error']>
}

export interface PlatformReceipt {
  readonly platform: string
  readonly digest: Digest
  /** Bytes of config and layers as the registry serves them. */
  readonly size: number
  /** The same of the last attested image of this branch, where it has this platform. */
  readonly previousSize?: number
}

/** The last attested image of the branch, by provenance that verified: what a run is compared with, for people alone. */
export interface SinceReceipt {
  /** `none`: there is none yet. `unknown`: something is there that could not be read or proves nothing. */
  readonly state: 'found' | 'none' | 'unknown'
  readonly image?: Digest
  readonly commit?: string
  /** ISO 8601, by a trusted service. */
  readonly signedAt?: string
  /** Commits of this run that it does not have; absent: this run does not know what lies between. */
  readonly commits?: number
  /** How many base images and other things its provenance names. */
  readonly materials?: number
  /** The code of what went wrong. */
  readonly why?: string
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

/** One base image or other material of a build. */
export interface MaterialReceipt {
  /** Canonical: `docker.io/library/node:24`, `https://…`, `git+https://…@v1`. */
  readonly name: string
  readonly kind: 'image' | 'url' | 'git' | 'artifact' | 'lfs'
  /** Where it is named: `Dockerfile:3`, `.github/waybill.materials.yml:7`, `build-contexts`. */
  readonly places: readonly string[]
  /** `sha256:…`, or a commit id; empty: nobody found out. */
  readonly digest: string
  /** That of the last attested image of this branch, where it is known and another one. */
  readonly previous?: string
  readonly verdict: Outcome
  /** `signed`: by somebody the policy names. `declared`: by a key that the judged commit brought. `pinned`: its bytes only. */
  readonly proof: 'signed' | 'declared' | 'pinned' | 'none'
  /** Who signed, in words. */
  readonly by?: string
  /** Hosts that answered when it was fetched, redirects too, where they are others than the one of its name. */
  readonly hosts?: readonly string[]
  readonly findings: readonly Finding[]
}

/** What came of building a second time (5-build § 4). Absent: nobody asked. */
export interface ReproducibleReceipt {
  /** `rejected`: the second build is another image. `unknown`: there was none, or nothing to compare it with. */
  readonly state: Outcome
  /** Empty where there was no second build. */
  readonly platforms: readonly ComparedPlatform[]
  /** An earlier attempt of the run built twice and signed what came of it. */
  readonly earlier?: true
  readonly findings: readonly Finding[]
}

/** What was found out about what goes in. Absent: nobody asked. */
export interface MaterialsReceipt {
  readonly items: readonly MaterialReceipt[]
  /** The materials manifest of the judged commit. */
  readonly manifest?: { readonly path: string; readonly digest: Digest }
  /** `waybill-materials.json` on the runner. */
  readonly resolved?: { readonly path: string; readonly digest: Digest }
  /** How the rest was kept out, once something was built. */
  readonly closed?: {
    readonly by: 'builder' | 'parser'
    readonly builder: 'fresh' | 'shared'
    readonly cache: 'none' | 'declared' | 'shared'
    readonly network: 'none' | 'default'
  }
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
  /** In the order in which they are told; absent: nothing was published. */
  readonly sinks?: readonly SinkReceipt[]
  readonly image?: ImageReceipt
  readonly materials?: MaterialsReceipt
  readonly reproducible?: ReproducibleReceipt
  readonly policy?: { readonly uri: string; readonly ref?: string; readonly digest?: Digest; readonly anchor?: string }
  readonly source?: {
    readonly repository: string
    readonly ref?: string
    readonly commit: string
    /** What was proved of every commit since the anchor, `ORG_SOURCE_…`; absent: nothing. */
    readonly levels?: readonly string[]
  }
  /** Absent: nobody looked. */
  readonly since?: SinceReceipt
  /** Oldest first; what a pull request would change comes first of all. */
  readonly ruleChanges?: readonly RuleChange[]
  /** Who the image's signature can be checked against: the exact identity to expect. */
  readonly identity?: { readonly san: string; readonly issuer: string }
  /** The key that signed in its place: `sha256:` over the DER SubjectPublicKeyInfo, and the PEM file that the run left. */
  readonly signingKey?: { readonly fingerprint: Digest; readonly file: string }
  /** What was not checked and why, one sentence each. Always present, even if empty. */
  readonly notChecked: readonly string[]
  /** What the first line of the summary says before anything else, e.g. an unsigned draft or "no policy". */
  readonly notices: readonly string[]
  /** What the folder's own root and policy said, when they were all there was: never more than a word (13-adversary 29). */
  readonly recorded?: Outcome
  /** Manifests that were rewritten with digests, as the caller named them. */
  readonly pinned?: readonly string[]
  /** Where the evidence was kept for a replay; `digest` is that of its `manifest.json`. */
  readonly evidence?: { readonly folder: string; readonly digest: Digest }
  /** URL of the workflow run. */
  readonly run?: string
  /** Requests each stage made, for the summary and the benchmark. */
  readonly requests?: Readonly<Record<string, number>>
  /** The artifact that holds what was signed, for an attempt on another machine; absent: there is none. */
  readonly stateArtifact?: string
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
