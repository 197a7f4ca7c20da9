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
export type SignatureFact =
  | { readonly kind: 'none' }
  | ValidOpenpgp
  | ValidSsh
  | {
      readonly kind: 'rejected'
      readonly scheme: SignatureScheme
      readonly code: ErrorCode
      readonly message: string
      readonly expected?: string
      readonly found?: string
      readonly remedy?: string
      /** As the signature names it; unproven. */
      readonly claimedKey?: string
    }

export type SignatureScheme = 'openpgp' | 'ssh' | 'x509'

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
}

/** A commit that the strict parser refused. Its parents are those of the well-formed head of the object. */
export interface MalformedCommit {
  readonly id: CommitId
  readonly parents: readonly CommitId[]
  readonly malformed: { readonly code: ErrorCode; readonly message: string; readonly found: string }
}

export type JudgedCommit = CommitFacts | MalformedCommit

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
}
