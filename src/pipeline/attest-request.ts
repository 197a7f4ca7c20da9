import type { BakeQuestion } from '../build/bake.ts'
import type { BakeTarget } from '../build/bake-print.ts'
import type { Builder } from '../build/builder.ts'
import type { BuildPlan } from '../build/plan.ts'
import type { BuildRequest } from '../build/request.ts'
import type { CommitId, Digest } from '../core/digest.ts'
import type { KeySigner } from '../core/signer.ts'
import type { StageMode } from '../core/stage.ts'
import type { Verified } from '../core/verified.ts'
import type { StateFolder } from '../io/state-folder.ts'
import type { EarlierEvidence } from '../policy/earlier-vsa.ts'
import type { Answer, PlatformCommit } from '../policy/evidence.ts'
import type { OutsidePolicy } from '../policy/policy-source.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { LegacySignature } from '../registry/legacy.ts'
import type { Repository } from '../registry/reference.ts'
import type { CertifiedClaims } from '../sigstore/sign/claims.ts'
import type { SignedBundle, SigningSession } from '../sigstore/sign/session.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import type { LfsContent } from '../source/export-large.ts'
import type { History, ServedRef } from '../source/git.ts'
import type { StoredReview } from '../source/review-refs.ts'
import type { RunClaims } from '../statements/claims.ts'
import type { DispatchInput } from '../statements/provenance.ts'
import type { SignedStatement } from '../statements/statement.ts'
import type { AttestFilesPorts, FileSigner } from './attest-file.ts'
import type { EarlierQuestion } from './earlier.ts'
import type { MaterialsPorts } from './materials-ports.ts'
import type { PolicyRepository } from './outside-policy.ts'
import type { Progress } from './progress.ts'
import type { SavedState } from './saved-state.ts'
import type { VerifyBundle } from './verify-request.ts'

/** What the event, the inputs and nobody else decided (1-product § 5). */
export interface AttestRequest {
  /** Key of this step in a monorepo; names its folder and comment. */
  readonly name: string
  readonly waybillVersion: string
  /** A release build signs only with names that have a home (13-adversary 44). */
  readonly release: boolean
  readonly source: SourceRequest
  readonly materials: MaterialsRequest
  readonly build: Omit<BuildRequest, 'commitFolder' | 'sourceDateEpoch'>
  /** A file of the commit and one target of it, which say what `build` leaves open; told by the commit, once it is verified. */
  readonly bake?: { readonly file: string; readonly target: string }
  /** Names of build arguments whose values may be recorded. */
  readonly recordBuildArgs: readonly string[]
  /** Inputs of `workflow_dispatch`; every value among them may be recorded and was held against what looks like a secret. */
  readonly dispatchInputs?: readonly DispatchInput[]
  /** For `layout`, `none` and `command`: what the inputs named. `command` stands for any, which is never told. */
  readonly given: { readonly layout?: string; readonly digest?: Digest; readonly command?: true }
  readonly repositories: readonly [Repository, ...Repository[]]
  readonly tags: readonly TagTarget[]
  /** Lets a tag move back to an older commit. */
  readonly allowRollback: boolean
  /** Deployables that are no images (1-product § 4); absent: none. */
  readonly files?: FilesRequest
  /** Nothing is built: the run is for the files alone, and `build`, `given`, `repositories` and `tags` say nothing. */
  readonly imageless: boolean
  /** This run and its repository by their ids, where there is a run. */
  readonly run?: { readonly id: string; readonly repositoryId: string }
  readonly push: boolean
  /** Builds a second time and compares (5-build § 4); never where nothing is built. */
  readonly reproducible?: true
  readonly sign: boolean
  /** What an earlier job of the run found and decided; this one must find the same (5-build § 5). */
  readonly planned?: BuildPlan
  /** Tags as cosign 2 reads them, besides. */
  readonly legacySignatures?: boolean
  /** Copies in the platform's attestation store, besides. */
  readonly githubAttestations?: boolean
  /** A bill of materials as a further statement: that of a file of the workspace, or the builder's. */
  readonly sbom?: { readonly kind: 'file' | 'auto' }
  /**
   * A key signs what is stated of the image, in place of the run's identity; never in a run without an image. `runner`: the run
   * as the runner's variables tell it, for a job that may have no token.
   */
  readonly keyed?: { readonly runner?: RunClaims }
  /** Why nothing is signed, for the first line of the summary; absent when `sign`. */
  readonly unsignedBecause?: string
  /** For a proposal: the run as the runner's variables tell it. For the unsigned draft alone, never for a signature. */
  readonly draftClaims?: RunClaims
  /** `https://github.com`, without a slash at the end. */
  readonly serverUrl: string
  /** `owner/name` */
  readonly repository: string
  /** True on the default branch, the only place where a ready policy is printed (13-adversary 35). */
  readonly onDefaultBranch: boolean
}

export interface FilesRequest {
  /** As written, relative to the workspace. */
  readonly patterns: readonly string[]
  /** Where bundles are kept besides, for whoever has a file's digest. */
  readonly repository?: Repository
  /** Signed with a key in place of the run's identity: then nothing is stated about the run. */
  readonly keyed: boolean
}

export interface TagTarget {
  readonly repository: Repository
  readonly tag: string
}

export interface SourceRequest {
  /** The commit to build. */
  readonly head: CommitId
  /** Full name of the ref the run stands on. */
  readonly ref: string
  /**
   * `sign`: the head must be on `ref` as the server serves it now, and the law is the one accepted at its tip.
   * `propose`: a pull request or merge group; the law is the one accepted at the tip of `base`.
   */
  readonly purpose: 'sign' | 'propose'
  /** Its tip as the server serves it now, unless the event fixes one (merge group). */
  readonly base?: { readonly ref: string; readonly tip?: CommitId }
  /** `since`: the commit that is the root of trust. */
  readonly anchor?: CommitId
  /** A policy of another repository, which judges instead of the repository's own. */
  readonly policy?: OutsidePolicy
  readonly mode: StageMode | 'auto'
}

export interface MaterialsRequest {
  readonly mode: StageMode | 'auto'
  /** Path of the manifest from the root of the commit, where the usual one is not meant. */
  readonly manifest?: string
}

/** The verified identity token's claims, in the spelling of those who need them. */
export interface RunIdentity {
  readonly claims: RunClaims
  readonly certified: CertifiedClaims
}

/** A key that signs in place of the run's identity, and what its owner says of the run. */
export interface ImageKey {
  readonly signer: KeySigner
  /** PEM of the public half, for whoever verifies. */
  readonly publicKey: string
  readonly claims: RunClaims
  /** `runner`: there is no token, so any step of the job may have set what the claims say. */
  readonly claimsBy: 'token' | 'runner'
  /** @throws as `SigningSession.sign` */
  sign(statement: Uint8Array): Promise<SignedBundle>
  /** @throws as `SigningSession.signImage` */
  signImage(repository: string, digest: Digest): Promise<SignedBundle>
}

/** Judges a signature in the form of cosign ≤ 2, as the gate does. */
export type LegacyVerifier = (signature: LegacySignature) => Verified<SignedStatement>

/** Where the platform keeps attestations beside a repository. */
export interface AttestationStore {
  /** `owner/name` */
  readonly repository: string
  /**
   * Stores bundles about an image, but none that is there already.
   * @returns how many were not there. @throws `github/attestations-unavailable`, `github/attestation-refused`, `github/api-…`
   */
  add(subject: Digest, bundles: readonly Uint8Array[]): Promise<number>
}

/** All that `attest` may ask of the world. */
export interface AttestPorts {
  readonly git: SourcePort
  /** Another repository of the same server, for a policy from outside. */
  policyRepository(repository: string): PolicyRepository
  readonly registry: RegistryClient
  /** What the platform says about commits; absent where there is no API to ask. */
  readonly platform?: PlatformPort
  /**
   * What earlier runs of the branch stated: times for keys that expired since, and reviews collected already (13-adversary 2).
   * Ask only when a key has expired or a review is needed; it costs requests. Never throws. Absent where nobody could say
   * whose runs would count.
   */
  earlier?(question: EarlierQuestion): Promise<EarlierEvidence>
  readonly materials: MaterialsPorts
  /** Content of the run's repository that its trees only point to. @param folder private, of this purpose alone. */
  lfs?(folder: string): LfsContent
  /** Evaluates a bake file of the commit; asked only where `request.bake` names one. */
  bake?(question: BakeQuestion): Promise<BakeTarget>
  /** Finds the program that builds; a builder that is missing fails in preflight. */
  builder(): Promise<Builder>
  /** The same program once more, with a folder of its own: what the first build wrote stays as it is. */
  secondBuilder(): Promise<Builder>
  /** The workspace's files, and the key that signs them where one is given. */
  readonly files: WorkspaceFiles
  /** Path of a folder below the run's own that does not exist yet. */
  folder(name: string): Promise<string>
  /** The verified token's claims; refused where the job may not have one. */
  identity(): Promise<RunIdentity>
  /** Stops before any certificate is asked for when private names would become public (13-adversary 23). */
  guardTransparency(identity: RunIdentity): Promise<void>
  session(): Promise<SigningSession>
  /**
   * The key of `request.keyed`, opened and allowed to be seen where its signatures will be (13-adversary 23).
   * @throws `sigstore/signing-key-…`, `sigstore/private-repository`, and what `identity` throws where the job may have a token
   */
  imageKey?(): Promise<ImageKey>
  /** Present where `request.githubAttestations`. */
  readonly attestationStore?: AttestationStore
  /** The runner's list of what a job made; absent where it keeps none. @returns how many were not in it */
  readonly artifacts?: { readonly file: string; add(references: readonly string[]): Promise<number> }
  /** Bytes of the input `sbom`'s file, bounded; present where `request.sbom` is one. @throws `core/file-unreadable` */
  sbom?(): Promise<Uint8Array>
  /** The gate's own check of signatures in tags; present where `request.legacySignatures`. */
  legacyVerifier?(): Promise<LegacyVerifier>
  /** The gate's own check against the trust root of the signing services. */
  verifier(): Promise<VerifyBundle>
  /** Name → version of what checks commits; the OpenPGP library only when it was used. */
  engines(openpgp: boolean): Promise<Readonly<Record<string, string>>>
  /** The trust root of the signing services, for gitsign's certificates and timestamps in commits; loaded when first asked for. */
  sigstoreTrust?(): Promise<TrustRoot>
  /** Keeps a document of this run on disk, by a path below the run's own folder, and returns the whole path. */
  keep(name: string, bytes: Uint8Array): Promise<string>
  /**
   * Bundles that an earlier attempt left where this run keeps its own, or had saved: those for tags by names that begin with
   * `legacy/`. Never throws.
   */
  state(): Promise<StateFolder>
  /** Saves what lies there for an attempt on another machine; absent: nobody keeps anything. Never throws. */
  saveState?(): Promise<SavedState>
  now(): Date
  /** Milliseconds, monotonic. */
  clock(): number
  /** Requests made so far, for the counts of the summary. */
  requests(): number
  /** Told of each stage, and of what is counted within one. */
  readonly progress: Progress
}

/** The platform's API, as far as judging commits needs it. Safe to call concurrently; never throws for one bad answer. */
export interface PlatformPort {
  /** One answer for each commit, in the order asked. Paged, batched and rate limited inside. */
  commits(ids: readonly CommitId[]): Promise<readonly Answer<PlatformCommit>[]>
  /** ASCII armor of the OpenPGP keys with which the platform itself signs; their fingerprints are pinned by the policy. */
  signingKeys(): Promise<Answer<Uint8Array>>
}

/** Files that earlier steps of the job left in the workspace. */
export interface WorkspaceFiles extends Pick<AttestFilesPorts, 'hash' | 'present' | 'write'> {
  /** Regular files below the workspace, each once. @throws `core/file-unreadable` for a pattern without a file. */
  find(patterns: readonly string[]): Promise<readonly { readonly path: string; readonly name: string }[]>
  /** The signer of the input `key`; asked only where there is one. */
  keySigner(): Promise<FileSigner>
}

export interface SourcePort {
  openHistory(head: CommitId, also: readonly CommitId[]): Promise<History>
  /** What the server serves under a full ref name now, peeled; undefined when it says there is none. */
  resolveRef(ref: string): Promise<CommitId | undefined>
  /** The same, with the tag object that an annotated tag is. */
  resolveTag(ref: string): Promise<ServedRef | undefined>
  /** Statements that reviewers signed about these heads; the same names are seen as often as it is asked. */
  reviews(heads: ReadonlySet<CommitId>): AsyncIterable<StoredReview>
  /** The source stage, which has one deadline for all of this, is over; what is asked later has a time of its own. */
  endStage(): void
  /** Ends whatever is still being fetched. */
  stop(): void
}
