import type { CommitId } from '../core/digest.ts'
import type { ExpectedSigner } from './expected.ts'
import type { Pattern } from './match.ts'

/** The policy file after the strict parser: every name resolved, every pattern compiled, nothing optional left to guess. */
export interface Policy {
  readonly version: 1
  /** In the order of the file. */
  readonly principals: ReadonlyMap<string, Principal>
  /** Role → names of its principals, nested roles already unfolded. */
  readonly roles: ReadonlyMap<string, readonly string[]>
  /** All rules whose `refs` match hold together. */
  readonly source: readonly SourceRule[]
  readonly policyChange: PolicyChange
  readonly exceptions: readonly Exception[]
  readonly revoked: readonly Revocation[]
  /** Refs whose own policy file a gate may use; absent: the default branch. */
  readonly gateRefs?: readonly Pattern[]
  /** Read top down, the first match decides; empty: no match for anything. */
  readonly deploy: readonly DeployRule[]
  /** Files it names, relative to the root of the tree, each with what it is for. In the order of the file, each once. */
  readonly files: readonly NamedFile[]
}

export interface NamedFile {
  readonly path: string
  readonly use: 'openpgp' | 'key' | 'trust'
  /** `line:column` of the first place that names it. */
  readonly at: string
}

export interface Principal {
  readonly name: string
  readonly github?: {
    readonly login: string /** Authoritative; a login can be given to somebody else. */
    readonly id: number
  }
  /** As written; compared by `sameEmail`. */
  readonly emails: readonly string[]
  readonly signers: readonly PrincipalSigner[]
}

export type PrincipalSigner =
  | { readonly kind: 'openpgp'; readonly fingerprint: string; readonly file: string; readonly notAfter?: Date }
  | { readonly kind: 'ssh'; readonly fingerprint: string; readonly algorithm: string; readonly notAfter?: Date }

export interface SourceRule {
  readonly refs: readonly [Pattern, ...Pattern[]]
  /** Names of principals. */
  readonly signers: ReadonlySet<string>
  /** RSA keys below this many bits are refused. */
  readonly minRsa: number
  /** 13-adversary 7: whether a commit other than the token's own may be built and signed. */
  readonly allowOtherCommit: boolean
  /** `refs` as written, for findings. */
  readonly text: string
}

/** Who may change the law. Empty: nobody, every change is refused. */
export interface PolicyChange {
  readonly signers: ReadonlySet<string>
  /** When nothing but `workflows/**` and `actions/**` differs. */
  readonly workflows: ReadonlySet<string>
}

export type Exception =
  | { readonly kind: 'commit'; readonly commit: CommitId; readonly reason: string; readonly approvedBy: string }
  | { readonly kind: 'until'; readonly commit: CommitId; readonly reason: string; readonly approvedBy?: string }

export interface Revocation {
  /** Upper-case hex (OpenPGP, certificate or key digest), or `SHA256:…` as ssh-keygen prints it. */
  readonly fingerprint: string
  readonly effective: Date
  readonly mode: 'compromised' | 'retired'
}

export type TrustName = 'public-good' | { readonly file: string }

export type DeployRule =
  | { readonly kind: 'deny'; readonly match: readonly [Pattern, ...Pattern[]] }
  | {
      readonly kind: 'allow'
      readonly match: readonly [Pattern, ...Pattern[]]
      readonly trust: TrustName
      readonly build: ExpectedSigner
      /** Names of builders whose provenance counts. */
      readonly builders: readonly string[]
      readonly require: readonly [Requirement, ...Requirement[]]
      /** Loosens `provenance`: its recorded source mode need not be `enforce`. */
      readonly allowAudit: boolean
      readonly maxAgeSeconds?: number
    }

export type Requirement = 'signature' | 'provenance'

/** RSA keys below this are refused unless a rule asks for more. NIST SP 800-131A rev. 2 disallows less than 2048. */
export const DEFAULT_MIN_RSA = 2048
/** 13-adversary 15: builders that Waybill drives from the exported commit itself. */
export const DEFAULT_BUILDERS = ['buildx', 'buildah'] as const
