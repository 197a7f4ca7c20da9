import type { CommitId, Digest } from '../core/digest.ts'
import type { ExpectedSigner } from './expected.ts'
import type { Pattern } from './match.ts'
import type { BaseImageRule, MaterialKey, MaterialRule } from './material-rules.ts'

/** The policy file after the strict parser: every name resolved, every pattern compiled, nothing optional left to guess. */
export interface Policy {
  readonly version: 1
  /** In the order of the file. */
  readonly principals: ReadonlyMap<string, Principal>
  /** Role → names of its principals, nested roles already unfolded. */
  readonly roles: ReadonlyMap<string, readonly string[]>
  /** All rules whose `refs` match hold together. */
  readonly source: readonly SourceRule[]
  /** Rules of `source` that have `tag`. */
  readonly tags: readonly TagRule[]
  /** Keys with which the platform signs, beside those that are built in: of an own server. */
  readonly platformKeys: readonly { readonly fingerprint: string; readonly file: string }[]
  /** Workflows whose source VSAs count besides the run's own (13-adversary 2). */
  readonly sourceWorkflows: readonly string[]
  readonly snapshots: readonly Snapshot[]
  readonly policyChange: PolicyChange
  readonly exceptions: readonly Exception[]
  readonly revoked: readonly Revocation[]
  /** Images and files that are refused whatever speaks for them (13-adversary 31). */
  readonly quarantined: readonly Quarantined[]
  /** Refs whose own policy file a gate may use; absent: the default branch. */
  readonly gateRefs?: readonly Pattern[]
  /** Read top down, the first match decides; empty: no match for anything. */
  readonly deploy: readonly DeployRule[]
  /** Absent: nothing is said of base images, and nothing is judged of them. Empty: all are denied. */
  readonly baseImages?: readonly BaseImageRule[]
  /** Absent: other materials need a digest or a signature, whatever they are. */
  readonly materials?: readonly MaterialRule[]
  readonly materialKeys?: ReadonlyMap<string, MaterialKey>
  /** Files it names, relative to the root of the tree, each with what it is for. In the order of the file, each once. */
  readonly files: readonly NamedFile[]
}

/** Principals that were imported from elsewhere and came into the repository by a reviewed commit (12-policy § 5). */
export interface Snapshot {
  readonly file: string
  readonly role: string
  readonly warnAfterDays: number
  /** When and from where it was taken, as the file says. */
  readonly taken: { readonly at: Date; readonly source: string }
  /** Names of its principals, which are in `principals` and in the role. */
  readonly principals: readonly string[]
  /** OpenPGP keys that stand in it, under names that are no paths: `.github/keys/team.json#3D5E…`. */
  readonly keys: readonly { readonly path: string; readonly bytes: Uint8Array }[]
}

export interface NamedFile {
  readonly path: string
  readonly use: 'openpgp' | 'key' | 'trust' | 'x509' | 'snapshot' | 'minisign'
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

/** One way in which a principal signs. `notBefore` and `notAfter` are judged at the commit's trusted time, else now. */
export type PrincipalSigner = OpenpgpSigner | SshSigner | SshAuthority | X509Signer | SigstoreSigner

interface Window {
  readonly notBefore?: Date
  readonly notAfter?: Date
}

export interface OpenpgpSigner extends Window {
  readonly kind: 'openpgp'
  readonly fingerprint: string
  readonly file: string
}

export interface SshSigner extends Window {
  readonly kind: 'ssh'
  readonly fingerprint: string
  readonly algorithm: string
  /** What a security key must say; user presence is asked of every one. */
  readonly require: readonly ('user-presence' | 'user-verification')[]
}

export interface SshAuthority {
  readonly kind: 'ssh-ca'
  /** Of the authority's key. */
  readonly fingerprint: string
  readonly algorithm: string
  /** RSA modulus or curve size. */
  readonly bits: number
  /** Names of which a certificate must have at least one. */
  readonly principals: readonly [string, ...string[]]
  readonly maxValiditySeconds: number
}

export interface X509Signer {
  readonly kind: 'x509'
  /** rfc822Name in the certificate. */
  readonly san: string
  /** PEM file with the roots. */
  readonly file: string
  /** SHA-256 of the root certificates in it, upper-case hex; absent only until the policy is bound to its files. */
  readonly roots?: readonly string[]
}

export interface SigstoreSigner {
  readonly kind: 'sigstore'
  readonly identity: string
  readonly issuer: string
}

export interface SourceRule {
  readonly refs: readonly [Pattern, ...Pattern[]]
  /** Names of principals. */
  readonly signers: ReadonlySet<string>
  /** RSA keys below this many bits are refused. */
  readonly minRsa: number
  /** 13-adversary 7: whether a commit other than the token's own may be built and signed. */
  readonly allowOtherCommit: boolean
  readonly platform: PlatformRule
  /** Absent: reviews are not asked for. */
  readonly review?: ReviewRule
  /** `refs` as written, for findings. */
  readonly text: string
}

/** What commits signed by the platform may be (3-source § 5). Everything is denied unless a rule says otherwise. */
export interface PlatformRule {
  readonly merge: 'deny' | 'clean'
  readonly squash: 'deny' | 'evidence'
  readonly rebase: 'deny' | 'evidence'
  /** Principals whose edits through the web interface or API count. */
  readonly content: ReadonlySet<string>
}

/** 3-source § 6, 13-adversary 10. */
export interface ReviewRule {
  /** 1 or more. */
  readonly approvals: number
  readonly by: ReadonlySet<string>
  readonly distinctFrom: ReadonlySet<'author' | 'committers' | 'last-pusher'>
  /** The weakest kind of evidence that counts. */
  readonly strength: 'platform-recorded' | 'signed-by-reviewer'
}

/** Who may tag, and along which branches a tagged commit must lie (13-adversary 6). */
export interface TagRule {
  readonly refs: readonly [Pattern, ...Pattern[]]
  readonly signers: ReadonlySet<string>
  /** Full names of branches, `refs/heads/main`. */
  readonly on: readonly [string, ...string[]]
  readonly minRsa: number
  readonly text: string
}

/** Who may change the law. */
export interface PolicyChange extends ChangeRule {
  /** When nothing but `workflows/**` and `actions/**` differs. */
  readonly workflows: ChangeRule
}

export interface ChangeRule {
  /** Empty: nobody, every change is refused. */
  readonly signers: ReadonlySet<string>
  /** Approvals by other principals of `signers`, beside the signature; 0: none. */
  readonly approvals: number
}

export type Exception =
  | { readonly kind: 'commit'; readonly commit: CommitId; readonly reason: string; readonly approvedBy: string }
  | { readonly kind: 'until'; readonly commit: CommitId; readonly reason: string; readonly approvedBy?: string }

/** What is revoked: a key or authority, a certificate, or a person's identity at Fulcio (13-adversary 12). */
export type Revocation = RevocationTerms & (RevokedKey | RevokedSshSerial | RevokedSerial | RevokedIdentity)

export interface RevocationTerms {
  readonly effective: Date
  readonly mode: 'compromised' | 'retired'
}

export interface RevokedKey {
  readonly kind: 'key'
  /** Upper-case hex (OpenPGP, certificate or key digest), or `SHA256:…` as ssh-keygen prints it. */
  readonly fingerprint: string
}

/** An SSH certificate. Its number means something only together with the authority that counts. */
export interface RevokedSshSerial {
  readonly kind: 'ssh-serial'
  readonly serial: bigint
  readonly authority: string
}

/** An X.509 certificate, of a person or of an authority. */
export interface RevokedSerial {
  readonly kind: 'serial'
  /** Upper-case hex without leading zeros. */
  readonly serial: string
}

export interface RevokedIdentity {
  readonly kind: 'identity'
  readonly identity: string
  readonly issuer: string
}

/** A digest in quarantine, by a signed commit of the policy. */
export interface Quarantined {
  readonly digest: Digest
  readonly reason: string
  readonly since: Date
}

/** One trust root, never a bag of them (13-adversary 29): Sigstore's public instance, GitHub's own, or a file. */
export type TrustName = 'public-good' | 'github' | { readonly file: string }

/** A pattern of canonical references, or of paths of files, which begin with `file:`. Neither ever matches the other. */
export interface SubjectPattern extends Pattern {
  readonly of: 'image' | 'file'
}

export type DeployRule = DenyRule | AllowRule

export interface DenyRule {
  readonly kind: 'deny'
  readonly match: readonly [SubjectPattern, ...SubjectPattern[]]
}

export interface AllowRule {
  readonly kind: 'allow'
  readonly match: readonly [SubjectPattern, ...SubjectPattern[]]
  readonly trust: TrustName
  readonly build: ExpectedSigner
  /** Names of builders whose provenance counts. */
  readonly builders: readonly string[]
  /** What must hold before a deploy, and where it runs. */
  readonly require: readonly [Requirement, ...Requirement[]]
  /** What must hold besides where it runs; none of `require`. */
  readonly admit: readonly Requirement[]
  /** Loosens `provenance`: its recorded source mode need not be `enforce`. */
  readonly allowAudit: boolean
  /** Age of signatures at a deploy, and where it runs. */
  readonly maxAgeSeconds?: number
  readonly maxAgeAtRunSeconds?: number
  /** Present exactly when a `source-…` item is asked for. */
  readonly source?: DeploySource
  /** Present exactly when `deploy-verified` is asked for. */
  readonly deployer?: Deployer
  /** Whose quarantine records count; absent: nobody's. */
  readonly quarantineBy?: ExpectedSigner
  /** Registries of the rule may have private addresses (13-adversary 39). */
  readonly private: boolean
}

export type Requirement = 'signature' | 'provenance' | SourceRequirement | ClaimRequirement | 'sbom' | 'deploy-verified'
export type SourceRequirement = 'source-signed' | 'source-accepted' | 'source-reviewed'
/** Proved by a SCAI statement of the run whose provenance holds. */
export type ClaimRequirement = 'materials-verified' | 'materials-pinned' | 'closed-world' | 'reproducible'

/** Where a gate stands: before something is deployed, or where it runs. */
export type GateStage = 'deploy' | 'run'

/** Who let an image into an environment, and by which policy. */
export interface Deployer {
  readonly signer: ExpectedSigner
  /** Of the deployment, as the platform spells it. */
  readonly environment: string
  /** URI of the policy the deployer judged by; absent: the one that the gate itself uses. */
  readonly policy?: string
}

/** What the verification of an image's commit must rest on, in the words of the gate's own rule (12-policy § 1). */
export interface DeploySource {
  /** As summaries name it, `git+https://github.com/acme/app#.github/waybill.yml`; compared to the letter. */
  readonly policy: string
  readonly anchor: CommitId
  /** SHA-256 of the one policy file that counts; absent: any accepted version of it. */
  readonly digest?: Digest
  /** Whether commits may have been accepted by name. */
  readonly exceptions: 'allow' | 'deny'
  /** Who verified; default the signer of `build`. */
  readonly signer: ExpectedSigner
}

/** RSA keys below this are refused unless a rule asks for more. NIST SP 800-131A rev. 2 disallows less than 2048. */
export const DEFAULT_MIN_RSA = 2048
/** Days after which a snapshot is called old unless the policy says otherwise: people come and go within a quarter. */
export const DEFAULT_WARN_AFTER_DAYS = 90
/** 13-adversary 15: builders that Waybill drives from the exported commit itself. */
export const DEFAULT_BUILDERS = ['buildx', 'buildah'] as const
