import type { CommitId, Digest } from '../core/digest.ts'
import type { WaybillError } from '../core/error.ts'
import type { Person, TrustedTime, ValidSignature } from '../core/facts.ts'
import type { Basis, Finding, Outcome } from '../core/verdict.ts'
import type { LawChange } from './changes.ts'
import type { Law } from './law.ts'

/** One commit, judged under the law of its moment. */
export interface CommitJudgement {
  readonly id: CommitId
  /** First line of the message, printable; empty for a malformed commit. */
  readonly subject: string
  /** As claimed; absent for a malformed commit. */
  readonly author?: Person
  readonly committer?: Person
  readonly kind: 'openpgp' | 'ssh' | 'x509' | 'gitsign' | 'none' | 'malformed'
  /** Name of the principal whose key signed; present even when the commit is rejected for another reason. */
  readonly principal?: string
  /** Fingerprint of the key that signed; for a rejected signature as it claims, unproven. */
  readonly key?: string
  /** Of an OpenPGP subkey's primary key. */
  readonly primary?: string
  /** The first-parent commit that brought this one in. */
  readonly via?: CommitId
  /** The commit whose law was the accepted one when this commit was judged. */
  readonly lawAt: CommitId
  /** Platform account of the principal, by its number. */
  readonly githubId?: number
  /** For `derived`: the commits it was proved to be made of, and the pull request. */
  readonly derivedFrom?: { readonly pull?: number; readonly head: CommitId; readonly commits: readonly CommitId[] }
  /** Of a first-parent commit under a rule that asks for review. */
  readonly review?: ReviewJudgement
  readonly trustedTime?: TrustedTime
  /** When an earlier run verified it; of expiry only. */
  readonly earlierTime?: TrustedTime
  /** The signature as checked, so that the law accepted last can still revoke its key; absent when none was valid. */
  readonly signature?: ValidSignature
  readonly outcome: Outcome
  /** Present when `outcome` is passed. */
  readonly basis?: Basis
  /** `reject` findings for a rejected commit; what stands in the way of an unknown or excepted one are notes. */
  readonly findings: readonly Finding[]
}

/** Strongest first: `signed-by-reviewer`, `platform-recorded`, `none`. */
export interface ReviewJudgement {
  /** Whether it is what every rule for the ref asks for. */
  readonly enough: boolean
  readonly label: 'signed-by-reviewer' | 'platform-recorded' | 'none'
  /** Names of the principals whose approvals counted. */
  readonly by: readonly string[]
  /** The head that was reviewed. */
  readonly head?: CommitId
  readonly pull?: number
  /** Digests of the review statements that counted. */
  readonly statements: readonly Digest[]
  /** Fingerprints of the keys with which counted approvals are signed, as `KeyUse` spells them. */
  readonly keys: readonly string[]
  /** An earlier run of the branch judged it, and it meets the present rules (13-adversary 2). */
  readonly earlier?: true
}

/** A trusted time that counts against a compromise too (13-adversary 2). */
export type CoveringTime = TrustedTime & { readonly from: Exclude<TrustedTime['from'], 'source-vsa'> }

/** What a signature can be revoked by, as far as a record that lasts for years can hold it. */
export interface KeyIdentity {
  /**
   * Of the key; of an X.509 certificate its SHA-256. A gitsign certificate lives for minutes, so there it is that of the
   * person (`identityDigest`): bounded by keys, not by commits.
   */
  readonly fingerprint: string
  readonly primary?: string
  /** Absent: an OpenPGP or a plain SSH key. */
  readonly kind?: 'x509' | 'gitsign' | 'ssh-certificate'
  /** Of an SSH certificate the authority's key, of an X.509 one the root certificate: both can be revoked. */
  readonly authority?: string
  /** SHA-256 of the certificates in the X.509 chain. */
  readonly chain?: readonly string[]
  /** Their serial numbers. */
  readonly serials?: readonly string[]
}

/**
 * A key that signed accepted commits since the anchor, or reviews of them that counted, so that a gate can apply revocations
 * of later days (13-adversary 12).
 */
export interface KeyUse extends KeyIdentity {
  readonly principal: string
  readonly first: CommitId
  /**
   * Trusted times before which the first and every one of its uses existed. Absent unless every use of the key is covered by
   * one: dates inside commits are the committer's own word, and an earlier source VSA tells of expiry only.
   */
  readonly firstTime?: Date
  readonly last: CommitId
  readonly lastTime?: Date
  /** Where these times come from. */
  readonly timesFrom?: readonly CoveringTime['from'][]
  /**
   * By when every use existed, as far as earlier runs tell: of expiry only, never against a compromise. Where `lastTime` does
   * not say as much.
   */
  readonly verifiedTime?: Date
  /** 0: it signed reviews or a tag alone. */
  readonly commits: number
}

/** An exception of the finally accepted law that changed a verdict. */
export interface UsedException {
  readonly kind: 'commit' | 'until'
  readonly commit: CommitId
  readonly reason: string
  readonly approvedBy?: string
  /** Commits it covers that would not have passed without it. */
  readonly covers: number
}

export type SourceLevel = 'ORG_SOURCE_COMMITS_SIGNED' | 'ORG_SOURCE_COMMITS_ACCEPTED'

export interface SourceJudgement {
  readonly outcome: Outcome
  /** Oldest first; a commit that was brought in stands before the one that brought it. */
  readonly commits: readonly CommitJudgement[]
  /** About the history as a whole. */
  readonly findings: readonly Finding[]
  /** The law accepted at the head, and the commit that brought it. */
  readonly law: Law
  readonly lawAt: CommitId
  readonly anchor: CommitId
  readonly ref: string
  /** Only when `outcome` is passed. */
  readonly level?: SourceLevel
  /** True when `outcome` is passed and every first-parent commit has the review that its rules ask for; absent: none asks. */
  readonly reviewed?: boolean
  readonly keys: readonly KeyUse[]
  readonly exceptions: readonly UsedException[]
  readonly changes: readonly LawChange[]
  /** The approved law of the head cannot be judged by this version: a configuration error, exit code 3. The outcome is rejected. */
  readonly unsupported?: WaybillError
}
