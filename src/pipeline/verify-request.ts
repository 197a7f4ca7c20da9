import type { Digest } from '../core/digest.ts'
import type { Finding } from '../core/verdict.ts'
import type { Verified } from '../core/verified.ts'
import type { Expectation } from '../policy/gate.ts'
import type { Proof } from '../policy/gate-case.ts'
import type { FetchedBundle, FetchedBundles } from '../registry/fetched.ts'
import type { LegacySignature } from '../registry/legacy.ts'
import type { Reference } from '../registry/reference.ts'
import type { RunningAs } from '../registry/running.ts'
import type { Receipt, SubjectReceipt } from '../report/receipt.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { Place } from '../subjects/place.ts'

/**
 * Who named a reference. What stands in a manifest, compose file or document is chosen by whoever wrote it: it is asked for
 * without the caller's wider logins, and never at an address inside (13-adversary 39).
 */
export type Origin = 'typed' | 'judged'

export interface ImageSubjectRequest {
  readonly kind: 'image'
  readonly reference: Reference
  readonly origin: Origin
  /**
   * False where only the name of a key says that an image stands there: without a rule for it nobody knows what it is
   * (`verify/unexamined-image`), with one it is judged (13-adversary 33).
   */
  readonly certain: boolean
  readonly places: readonly Place[]
  /** Of an image that runs, where what the node tells and what the specification names are not the same. */
  readonly running?: RunningAs
}

export interface FileSubjectRequest {
  readonly kind: 'file'
  /** As the caller named it; for people. */
  readonly name: string
  readonly path: string
}

export type SubjectRequest = ImageSubjectRequest | FileSubjectRequest

/**
 * What was named and cannot be judged: an image that a manifest hides, a template that was not filled in. With nothing but notes
 * it only tells something and does not count.
 */
export interface Unreadable {
  /** As people know it: the file, or the text that stands there. */
  readonly name: string
  readonly findings: readonly [Finding, ...Finding[]]
  readonly places: readonly Place[]
}

/** What the gate is asked. At least one of `subjects` and `unreadable`, else the verdict is unknown: `verify/no-subjects`. */
export interface VerifyRequest {
  /** As the result names it: `verify image`. */
  readonly command: string
  /** May name one thing several times; it is judged once. */
  readonly subjects: readonly SubjectRequest[]
  readonly unreadable: readonly Unreadable[]
  /**
   * Who is expected: the first rule that matches, or the flags. Asked before anything is asked of a server.
   * Throws `policy/no-rule`, `policy/denied`.
   */
  expectation(subject: SubjectRequest): Expectation
  readonly policy?: Receipt['policy']
  /** Said before everything else. */
  readonly notices?: readonly string[]
}

/** What a reference means now. */
export interface Resolved {
  readonly digest: Digest
  /** What else may prove the image; asked for only when it is not proved by its own statements. */
  relatives(): Promise<Relatives>
}

/** Manifests whose statements count for an image too (13-adversary 21). */
export interface Relatives {
  /** Of an index: the manifests of its platforms, every one of which must be proved. */
  readonly platforms: readonly Digest[]
  /** Of a platform manifest: indexes whose own bytes list it. */
  readonly parents: readonly Digest[]
  /** False when one could not be read: it may have been what proves the image. */
  readonly complete: boolean
  readonly skipped: readonly Finding[]
}

/** Whose evidence is looked for: a digest, and where the caller says it may lie. */
export type EvidenceSubject =
  | { readonly kind: 'image'; readonly reference: Reference; readonly origin: Origin; readonly digest: Digest }
  | { readonly kind: 'file'; readonly name: string; readonly path: string; readonly digest: Digest }

/**
 * One place, or several asked together, where evidence may lie. Unverified bytes, bounded. Throws when nothing at all could
 * be asked there; what is merely cut says so in `complete`.
 */
export interface EvidenceSource {
  (): Promise<FetchedBundles>
  /** False: nobody attaches quarantine records there, so that it is not asked for any once everything is proved. */
  readonly holdsRecords?: false
}

/** All that the gate may ask of the world. Safe to call concurrently. */
export interface VerifyPorts {
  /** Resolves the tag once; everything later is by digest. */
  resolve(reference: Reference, origin: Origin, expectation: Expectation, running?: RunningAs): Promise<Resolved>
  /** Throws when it is no file of its own, or changes meanwhile. */
  hashFile(path: string): Promise<HashedFile>
  /**
   * Where evidence of this digest may lie, in the order to ask. The first is always asked; each other only while what is
   * required is not proved yet. Nothing is asked before the source is called.
   */
  evidence(subject: EvidenceSubject, expectation: Expectation): readonly [EvidenceSource, ...EvidenceSource[]]
  /**
   * Loads the one trust root that the expectation names and gives the checks against it; each root is parsed once.
   * Throws `sigstore/trust-unavailable`: without a root nothing is known about any bundle. For a file of which the caller names
   * a key and no root, it is loaded when a bundle names services: others are verified by the key alone.
   */
  verifier(expectation: Expectation, kind: EvidenceSubject['kind']): Promise<Verifier>
  /** Told once for each subject, when it is judged and before its bundles are let go. */
  judged?(subject: JudgedSubject): Promise<void>
  /** Resolves when the time of the run is over; what is not judged by then is unknown. */
  readonly expired?: Promise<void>
  /** The instant this run judges by. */
  readonly now: Date
  /** Milliseconds, monotonic. */
  readonly clock: () => number
}

export interface HashedFile {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Reads it again from its first byte. */
  content(): AsyncIterable<Uint8Array>
}

/** Checks against one trust root. Each throws a `sigstore/…` or `statements/…` error when nothing is proved. */
export interface Verifier {
  /** @param artifact what a signature without a statement must be over (13-adversary 22). */
  bundle(bytes: Uint8Array, artifact: Artifact): Verified<SignedStatement> | Promise<Verified<SignedStatement>>
  /** Absent: signatures of cosign ≤ 2 are not read. */
  legacy?(signature: LegacySignature): Verified<SignedStatement>
}

/** What is judged, as far as it is at hand. */
export interface Artifact {
  readonly digest: Digest
  readonly content?: () => AsyncIterable<Uint8Array>
}

/** Throws a `sigstore/…` or `statements/…` error when the bundle proves nothing. */
export type VerifyBundle = (bundle: Uint8Array) => Verified<SignedStatement>

export interface JudgedSubject {
  readonly subject: EvidenceSubject
  readonly expectation: Expectation
  readonly receipt: SubjectReceipt
  /** What the verdict rests on; empty of one that did not pass. */
  readonly matched: readonly Proof[]
  /** Everything that verified, of anybody. */
  readonly statements: readonly Verified<SignedStatement>[]
  /** Everything that was read, also what did not verify. */
  readonly bundles: readonly FetchedBundle[]
  readonly legacy: readonly LegacySignature[]
}
