import type { CommitId } from './digest.ts'
import type { ErrorCode } from './error.ts'

/** `author` or `committer` of a git commit. Every field is chosen by whoever made the commit. */
export interface Person {
  readonly name: string
  readonly email: string
  /** Seconds since the epoch, as claimed. */
  readonly time: number
  /** `+0200` as written. */
  readonly offset: string
}

/**
 * What cryptography says about the signature of one commit or tag. Facts only: whether the key is allowed is for the policy.
 * Every field of a `valid` fact was checked; a `rejected` fact carries the code of what was wrong.
 */
export type SignatureFact = { readonly kind: 'none' } | ValidSignature | RefusedSignature

export type ValidSignature = ValidOpenpgp | ValidSsh | ValidX509 | ValidGitsign

export interface RefusedSignature {
  /** `rejected`: checked and bad. `unjudged`: it could not be checked, for instance because what it needs lies elsewhere. */
  readonly kind: 'rejected' | 'unjudged'
  readonly scheme: SignatureScheme
  readonly code: ErrorCode
  readonly message: string
  readonly expected?: string
  readonly found?: string
  readonly remedy?: string
  /** As the signature names it; unproven. */
  readonly claimedKey?: string
}

/** By the armor: `x509` is `SIGNED MESSAGE`, a certificate of a company's authority or of Fulcio. */
export type SignatureScheme = 'openpgp' | 'ssh' | 'x509'

/**
 * A time that whoever made the commit could not choose (13-adversary 12): from a timestamp or log entry inside the
 * signature, from the platform's record of the push, or from a source VSA of an earlier run.
 */
export interface TrustedTime {
  readonly time: Date
  readonly from: 'log' | 'timestamp' | 'platform' | 'source-vsa'
}

export interface ValidOpenpgp {
  readonly kind: 'openpgp'
  /** Upper-case hex of the (sub)key that signed. */
  readonly fingerprint: string
  /** Upper-case hex of its primary key; principals are matched by either. */
  readonly primary: string
  /** `rsa`, `ed25519`, `ecdsa-p256` … */
  readonly algorithm: string
  /** RSA modulus or curve size. */
  readonly bits: number
  /** When the signer says it signed; not trusted. */
  readonly claimedTime: Date
  /** When the primary or signing key ends, whichever is first; absent: never. */
  readonly keyExpires?: Date
  /** A revocation self-signature stands on the primary or signing key. */
  readonly keyRevoked: boolean
}

export interface ValidSsh {
  readonly kind: 'ssh'
  /** `SHA256:<base64 without padding>`, as ssh-keygen prints it. */
  readonly fingerprint: string
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly algorithm: string
  /** RSA modulus or curve size. */
  readonly bits: number
  /** Of a key held in a security key (`sk-…`): what the device says about its user. */
  readonly securityKey?: {
    /** `ssh:` or `ssh:…`, signed. */
    readonly application: string
    /** Somebody touched the device. */
    readonly userPresence: boolean
    /** A PIN or a finger was checked. */
    readonly userVerification: boolean
  }
  /** Of an SSH certificate; its own signature by the authority's key was checked, its dates and names were not. */
  readonly certificate?: SshCertificateFact
}

/** OpenSSH PROTOCOL.certkeys. `fingerprint` of the signature is then that of the certified key. */
export interface SshCertificateFact {
  /** `SHA256:…` of the authority's key. */
  readonly authority: string
  readonly keyId: string
  readonly serial: bigint
  /** Empty: valid for every name, which a policy never accepts. */
  readonly principals: readonly string[]
  readonly validAfter: Date
  /** Absent: for ever. */
  readonly validBefore?: Date
  /** Names of critical options, none of which is understood for commits. */
  readonly criticalOptions: readonly string[]
}

/** CMS signature whose certificate chain ends at a root that the policy names. */
export interface ValidX509 {
  readonly kind: 'x509'
  /** SHA-256 over the signer's DER certificate, upper-case hex. */
  readonly fingerprint: string
  /** SHA-256 of the root certificate at which the chain ends, upper-case hex. */
  readonly root: string
  /** Serial numbers of every certificate of the chain, upper-case hex, and their SHA-256, for revocations. */
  readonly chain: readonly { readonly serial: string; readonly fingerprint: string }[]
  /** rfc822Name entries of the subject alternative name. */
  readonly emails: readonly string[]
  readonly algorithm: string
  readonly bits: number
  /** The time span in which the whole chain is valid. */
  readonly notBefore: Date
  readonly notAfter: Date
  /** Of the RFC 3161 timestamp in the signature, where there is one that a trusted authority made. */
  readonly trustedTime?: TrustedTime
}

/** CMS signature by a certificate of Fulcio: certificate, log entry or timestamp were all checked against the trust root. */
export interface ValidGitsign {
  readonly kind: 'gitsign'
  /** SHA-256 over the DER certificate, upper-case hex. */
  readonly fingerprint: string
  /** Upper-case hex. */
  readonly serial: string
  readonly identity: string
  readonly issuer: string
  readonly algorithm: string
  readonly bits: number
  /** Inside the certificate's few minutes. */
  readonly trustedTime: TrustedTime
}

/** A tag object inside a commit (`mergetag`) or behind a ref, its signature checked. git Documentation/gitformat-signature. */
export interface TagFacts {
  /** Id of the tag object, recomputed. */
  readonly id: CommitId
  /** The tagged object, a commit. */
  readonly object: CommitId
  /** Name inside the object, `v1.2.3`. */
  readonly name: string
  readonly tagger: Person
  readonly signature: SignatureFact
}

/** One commit after the strict parser, its id recomputed from its bytes. */
export interface CommitFacts {
  readonly id: CommitId
  readonly tree: CommitId
  readonly parents: readonly CommitId[]
  readonly author: Person
  readonly committer: Person
  /** First line of the message, printable. */
  readonly subject: string
  readonly signature: SignatureFact
  /** Signed tags that this merge brought in and names in its `mergetag` headers. */
  readonly mergetags?: readonly TagFacts[]
  /** The earliest trusted time known, whatever its source; the certificate's own stands in the signature as well. */
  readonly trustedTime?: TrustedTime
  /**
   * When a source VSA of an earlier run proves it to have existed. Apart from the others, so that it can hide none of them: it
   * tells of expiry only, never against a compromise (13-adversary 2).
   */
  readonly earlierTime?: TrustedTime
}

/** A commit that the strict parser refused. Its parents are those of the well-formed head of the object. */
export interface MalformedCommit {
  readonly id: CommitId
  readonly parents: readonly CommitId[]
  readonly malformed: { readonly code: ErrorCode; readonly message: string; readonly found: string }
}

export type JudgedCommit = CommitFacts | MalformedCommit

export function isRefused(fact: SignatureFact): fact is RefusedSignature {
  return fact.kind === 'rejected' || fact.kind === 'unjudged'
}

export function isMalformed(commit: object): commit is MalformedCommit {
  return 'malformed' in commit
}

/** One regular file below `.github`, its blob id recomputed. `path` is relative to the root of the tree (`.github/waybill.yml`). */
export interface LawFile {
  readonly path: string
  readonly id: CommitId
  readonly bytes: Uint8Array
}

/** The files of one commit's `.github` tree that can be law (3-source § 4). */
export interface LawFiles {
  /** Id of the `.github` tree; absent when the commit has none. */
  readonly tree?: CommitId
  readonly files: readonly LawFile[]
  /** What is no file: it can be no policy and no key, but an action that is a submodule runs like any other. Absent: none. */
  readonly links?: readonly LawLink[]
}

/** A symbolic link or submodule below `.github`; `id` of what it holds, a text or a commit. */
export interface LawLink extends Pick<LawFile, 'path' | 'id'> {
  readonly kind: 'link' | 'submodule'
}
