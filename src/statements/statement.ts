import type { Digest } from '../core/digest.ts'
import type { JsonObject } from '../core/json.ts'
import type { ObservedSigner } from '../core/signer.ts'

/** in-toto attestation framework v1 § Statement. */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
/** The version before it, of the same shape; `cosign attest` writes it. Read in what others signed, never written by us. */
export const STATEMENT_TYPE_V01 = 'https://in-toto.io/Statement/v0.1'
/** DSSE payload type of an in-toto statement. in-toto attestation spec v1 § Envelope. */
export const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json'
/** What cosign ≥ 3 writes as an image signature: predicate `{}`. */
export const COSIGN_SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1'
/** slsa.dev/spec/v1.1/provenance */
export const PROVENANCE_PREDICATE = 'https://slsa.dev/provenance/v1'
/** slsa.dev/spec/v1.2/verification_summary; about a commit when its subject is a `gitCommit`, about an image otherwise. */
export const VERIFICATION_SUMMARY_PREDICATE = 'https://slsa.dev/verification_summary/v1'

/**
 * Not URIs, so no statement can have them as its type: names for what was signed without a statement, a file's own bytes
 * (`messageSignature`) and cosign's payload about an image digest (`critical.type` of simple signing).
 */
export const MESSAGE_SIGNATURE = 'message signature'
export const SIMPLE_SIGNING = 'cosign container image signature'

/** in-toto ResourceDescriptor as a subject: `digest` maps an algorithm (`sha256`, `gitCommit`) to lower-case hex. */
export interface Subject {
  readonly name?: string
  readonly uri?: string
  readonly digest: Readonly<Record<string, string>>
  /** As signed; what may stand in it is for the reader of the predicate. */
  readonly annotations?: JsonObject
}

export interface Statement {
  /** Absent: v1. A format that asks for v1, as SLSA provenance v1 and every summary do, cannot be proved by the older one. */
  readonly type?: typeof STATEMENT_TYPE_V01
  readonly subject: readonly [Subject, ...Subject[]]
  readonly predicateType: string
  readonly predicate: JsonObject
}

/** One statement with everything its bundle proved. Only `sigstore/verify/verify.ts` makes `Verified<SignedStatement>`. */
export interface SignedStatement {
  readonly statement: Statement
  /**
   * Absent: an in-toto statement in a DSSE envelope. Otherwise `statement` was made by us from what was signed, with exactly
   * the digest that the signature covers, no predicate, and `MESSAGE_SIGNATURE` or `SIMPLE_SIGNING` as its type.
   */
  readonly form?: 'message' | 'simple-signing'
  readonly signer: ObservedSigner
  /**
   * The earliest time a trusted service gave for the signature. Absent only for a signature with a key that the caller named
   * and that no service has seen: then no time is known, and what asks for one does not hold.
   */
  readonly signedAt?: Date
  /** Which services gave a time: none exactly when `signedAt` is absent. */
  readonly timeSources: readonly ('rekor-v1' | 'rekor-v2' | 'rfc3161')[]
  readonly log?: { readonly url: string; readonly index: string }
  /** SHA-256 of the bundle's bytes: its name in findings. */
  readonly bundle: Digest
  /**
   * SHA-256 of the signed bytes, the payload of the envelope: its name in `inputAttestations`. Other than the bundle's it is
   * known before anybody has signed, and stays the same in every envelope and bundle that carries the statement.
   */
  readonly payload: Digest
}
