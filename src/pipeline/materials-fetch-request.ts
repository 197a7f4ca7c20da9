import type { CommitId, Digest } from '../core/digest.ts'
import type { AddressGuard } from '../io/address.ts'
import type { Environment } from '../io/environment.ts'
import type { HttpClient } from '../io/http.ts'
import type { FetchTiming } from '../materials/fetch/timing.ts'
import type { GithubProof, MaterialItem, MaterialUri } from '../materials/manifest/item.ts'
import type { Policy } from '../policy/policy.ts'
import type { FetchedBundles } from '../registry/fetched.ts'
import type { TrustRoot } from '../sigstore/trust/root.ts'
import type { TufInstance } from '../sigstore/trust/tuf.ts'
import type { History } from '../source/git.ts'

/** What is to be fetched and verified, and under which law. */
export interface FetchRequest {
  /** Of the judged commit's manifest. */
  readonly items: readonly MaterialItem[]
  /** Path of the manifest, for places: `.github/waybill.materials.yml`. */
  readonly manifest: string
  /** The accepted law, never that of the judged commit. */
  readonly policy: Policy
  /** Files that this law names, by path. */
  readonly policyFiles: ReadonlyMap<string, Uint8Array>
  /** A file of the judged commit; undefined when it has none. Throws when it cannot be read. */
  commitFile(path: string): Promise<Uint8Array | undefined>
  /** Absolute path of a private folder of this run alone. */
  readonly folder: string
  /** The judged commit, whose submodules are materials; absent: they are not asked for. */
  readonly tree?: JudgedTree
}

/** The tree of the judged commit, every id recomputed. */
export interface JudgedTree {
  readonly history: Pick<History, 'tree' | 'blob'>
  readonly tree: CommitId
  /** `https://host/owner/name`, beside which relative addresses are. */
  readonly remote: string
}

/** All that fetching may ask of the world. Safe to call concurrently. */
export interface FetchPorts {
  readonly http: Pick<HttpClient, 'stream'>
  /** @param inside the rule says `private: true`. */
  guard(inside: boolean): AddressGuard
  /** Absent: repositories are unknown, since nobody can fetch them. `program` is the absolute path of git. */
  readonly git?: { readonly program: string; readonly env: Environment }
  /** The run's own, for submodules on it; its token goes to the repository that is asked for alone (13-adversary 17). */
  readonly server?: { readonly url: string; readonly token?: string }
  /** Absent: there is no token, and artifacts of workflows are given to nobody without one. */
  readonly artifacts?: ArtifactSource
  /** What GitHub keeps about a digest beside a repository, unverified. Absent: nobody can be asked. */
  attestations?(repository: string, subject: Digest): Promise<FetchedBundles>
  /** Each is loaded once. Throws `sigstore/trust-unavailable`. */
  trustRoot(instance: TufInstance): Promise<TrustRoot>
  /** Verified bytes by digest, of this and earlier runs; read again each time, never trusted. */
  readonly cacheFolder?: string
  /** Bounds in time; default: those of `LIMITS`. */
  readonly timing?: Partial<FetchTiming>
  /** Ends everything that is under way; what is not verified by then is unknown. */
  readonly signal?: AbortSignal
  /** The instant at which keys are judged. */
  readonly now: Date
}

/** Artifacts of other workflows, as the platform keeps them. */
export interface ArtifactSource {
  /**
   * The archive of the newest successful run of exactly this workflow, on one of these refs and for one of these events, in
   * this very repository.
   * @throws `materials/artifact-unavailable`, `materials/artifact-ambiguous`, `github/…`
   */
  newest(uri: Extract<MaterialUri, { kind: 'artifact' }>, proof: GithubProof): Promise<ArtifactPlace>
}

export interface ArtifactPlace {
  /** `https://github.com/owner/repository/actions/runs/7` */
  readonly run: string
  /** Where the zip can be had without a login for a minute; its query is a secret and is never shown. */
  readonly url: string
  /** The platform is on this machine, as in tests, and so is its storage. */
  readonly inside?: boolean
  /** Of the zip, as the platform says. */
  readonly digest?: Digest
}
