import { type CommitId, type Digest, hexOf } from '../core/digest.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import type { StageMode } from '../core/stage.ts'
import type { Basis } from '../core/verdict.ts'
import { buildStatement } from './build.ts'
import { readSourceDetail } from './read-source-detail.ts'
import { commitSubject, type SourceSubject } from './source-vsa.ts'
import { SOURCE_VERIFICATION_PREDICATE } from './uris.ts'

/**
 * What stands behind a source summary: own predicate `source-verification/v0.1`, docs/predicates/source-verification.md.
 * It holds no e-mail address, nobody's free text and no commit message: it lies in public logs for ever (13-adversary 23).
 */
export interface SourceDetail {
  /** From the root of trust, which is not judged itself, to the subject. */
  readonly range: { readonly anchor: CommitId; readonly to: CommitId /** Commits judged. */; readonly count: number }
  /** The law accepted at the end, and the commit that brought it. */
  readonly law: {
    readonly at: CommitId
    /** Of `.github`; absent for a policy from outside. */
    readonly gitTree?: CommitId
    readonly policy: { readonly uri: string; readonly digest: Digest }
  }
  /** Oldest first; of more than `LIMITS.listedCommits` the first and last tenth of that number. */
  readonly commits: readonly DetailCommit[]
  /** Of listed commits. */
  readonly reviews: readonly DetailReview[]
  readonly mode: StageMode
  /** What the workflow gave (13-adversary 3). */
  readonly inputs: { readonly sourceMode: StageMode | 'auto'; readonly since?: CommitId }
  /** Name → version of what checked. */
  readonly engines: Readonly<Record<string, string>>
  /** Every key that signed commits, counted reviews or the tag since the anchor, so that a later revocation can be applied (13-adversary 12). */
  readonly keys: readonly DetailKey[]
  readonly exceptions: readonly DetailException[]
}

export interface DetailCommit {
  readonly gitCommit: CommitId
  readonly kind: 'openpgp' | 'ssh' | 'x509' | 'gitsign' | 'none' | 'malformed'
  /** Fingerprint of the key that signed; absent when nothing proved it. */
  readonly key?: string
  readonly principal?: string
  readonly githubId?: number
  readonly basis: Basis
  /** The first-parent commit that brought it in. */
  readonly via?: CommitId
}

export interface DetailReview {
  readonly commit: CommitId
  readonly label: 'signed-by-reviewer' | 'platform-recorded' | 'none'
  /** Names of principals. */
  readonly by: readonly string[]
  readonly head?: CommitId
  readonly pull?: number
  readonly statements: readonly Digest[]
  /** Fingerprints in `keys` with which counted approvals are signed. */
  readonly keys: readonly string[]
}

export interface DetailKey {
  /** As a policy spells it. Of a person at Fulcio the SHA-256 over `identity (issuer)`, which is the e-mail address otherwise. */
  readonly fingerprint: string
  readonly primary?: string
  /** Absent: an OpenPGP or a plain SSH key. */
  readonly kind?: 'x509' | 'gitsign' | 'ssh-certificate'
  /** Key of the SSH authority, or X.509 root certificate. */
  readonly authority?: string
  /** SHA-256 and serial numbers, upper-case hex, of the certificates in an X.509 chain; serials of Fulcio's where all are known. */
  readonly chain?: readonly string[]
  readonly serials?: readonly string[]
  readonly principal: string
  readonly first: CommitId
  /** Trusted time of `first`. Only when every use of the key has a trusted time. */
  readonly firstTime?: Date
  readonly last: CommitId
  /** The latest trusted time of all uses of the key: every one is older. Only when every one has a trusted time. */
  readonly lastTime?: Date
  /** Where these times come from. */
  readonly timesFrom?: readonly ('log' | 'timestamp' | 'platform')[]
  /** By when every use existed as earlier runs tell, for the expiry of the key alone. */
  readonly verifiedTime?: Date
  /** 0: the key signed reviews or a tag. */
  readonly commits: number
}

export interface DetailException {
  readonly kind: 'commit' | 'until'
  readonly commit: CommitId
  readonly approvedBy?: string
  /** Commits that would not have passed without it. */
  readonly covers: number
}

/**
 * Encodes the detail; the commit is its only subject.
 * @throws `statements/detail-malformed` when the gate's own reader would refuse it.
 */
export function sourceDetailStatement(subject: SourceSubject, detail: SourceDetail): Uint8Array {
  const subjects = [commitSubject(subject)] as const
  const predicate = predicateOf(shortened(detail))
  readSourceDetail({ subject: subjects, predicateType: SOURCE_VERIFICATION_PREDICATE, predicate })
  return buildStatement({ subjects, predicateType: SOURCE_VERIFICATION_PREDICATE, predicate })
}

/** The statement grows with the keys, not with the history; `count` tells how many there are. */
function shortened(detail: SourceDetail): SourceDetail {
  const { commits } = detail
  if (commits.length <= LIMITS.listedCommits) return detail
  const shown = LIMITS.listedCommits / 10
  const listed = [...commits.slice(0, shown), ...commits.slice(-shown)]
  const ids = new Set(listed.map(({ gitCommit }) => gitCommit))
  return { ...detail, commits: listed, reviews: detail.reviews.filter(({ commit }) => ids.has(commit)) }
}

/** Names every field by hand: a field somebody adds to a type must not reach a public log unseen. */
function predicateOf(detail: SourceDetail): JsonObject {
  const { range, law, inputs } = detail
  return {
    range: { anchor: range.anchor, to: range.to, count: range.count },
    law: compact({
      at: law.at,
      gitTree: law.gitTree,
      policy: { uri: law.policy.uri, digest: digestSet(law.policy.digest) },
    }),
    mode: detail.mode,
    inputs: compact({ sourceMode: inputs.sourceMode, since: inputs.since }),
    engines: detail.engines,
    keys: detail.keys.map(keyObject),
    exceptions: detail.exceptions.map(({ kind, commit, approvedBy, covers }) =>
      compact({ kind, commit, approvedBy, covers }),
    ),
    commits: detail.commits.map(({ gitCommit, kind, key, principal, githubId, basis, via }) =>
      compact({ gitCommit, kind, key, principal, githubId, basis, via }),
    ),
    reviews: detail.reviews.map(({ commit, label, by, head, pull, statements, keys }) =>
      compact({ commit, label, by, head, pull, statements: statements.map(digestSet), keys }),
    ),
  }
}

function keyObject(use: DetailKey): JsonObject {
  const { fingerprint, primary, kind, authority, chain, serials, principal, first, last, timesFrom, commits } = use
  return compact({
    fingerprint,
    primary,
    kind,
    authority,
    chain,
    serials,
    principal,
    first,
    firstTime: use.firstTime?.toISOString(),
    last,
    lastTime: use.lastTime?.toISOString(),
    timesFrom,
    verifiedTime: use.verifiedTime?.toISOString(),
    commits,
  })
}

function digestSet(digest: Digest): JsonObject {
  return { sha256: hexOf(digest) }
}

function compact(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const present = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  return Object.fromEntries(present)
}
