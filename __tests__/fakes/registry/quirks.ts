import type { ImmutableWording } from './immutable.ts'
import type { Paging } from './paging.ts'

/** Quirks of real registries, each a switch. Default: a registry that does all of distribution spec 1.1. */
export interface Quirks {
  /** Whether a blob may come with the POST that begins its upload; default true. CNCF distribution wants a PUT after it. */
  readonly singlePost?: boolean
  /** The referrers API; default true. */
  readonly referrers?: boolean
  /** Whether a manifest with a subject is answered with `OCI-Subject`; default: as `referrers`. */
  readonly ociSubject?: boolean
  /** `ETag` on manifests, and `If-Match` / `If-None-Match` obeyed; default false. */
  readonly etags?: boolean
  /** A tag that exists refuses another digest, in the words of this registry. */
  readonly immutableTags?: ImmutableWording
  /** GitLab: `sha256-<hex>` resolves to the subject itself as long as nobody pushed such a tag. */
  readonly gitlab?: boolean
  /** ECR: `OCI-Subject` is answered, but the referrers endpoint is 404. */
  readonly ecr?: boolean
  /** Entries a page of the referrers API and of the tag list; default: all at once. */
  readonly pageSize?: number
  /** Whether the referrers API applies `artifactType` itself; default true. */
  readonly filterReferrers?: boolean
  /** Blob reads are answered with a redirect to this prefix + digest (a storage host). */
  readonly blobRedirect?: string
  /** How the Link header of a page leads to the next one; default: from the root, as the specification shows. */
  readonly paging?: Paging
  /** Content-Type of every manifest and list, whatever it is. */
  readonly contentType?: string
  /** Bytes of a header that every answer carries (Google Artifact Registry). */
  readonly headerBytes?: number
  /** Accepts with 201 and keeps nothing: the blobs named by their digest, once each, or every manifest. */
  readonly forgets?: ReadonlySet<string> | 'manifests'
  /** Whether a blob of another repository is mounted; default true. `forbidden`: the question itself is refused. */
  readonly mount?: boolean | 'forbidden'
  /** A repository must exist before it is pushed to (Amazon ECR). */
  readonly repositories?: readonly string[]
  /** Uploads in pieces only: a monolithic PUT or POST with a body is refused. */
  readonly chunkedOnly?: boolean
  /** Whether uploads in pieces are taken; default true. */
  readonly chunks?: boolean
  /** The most bytes a piece may have; a larger one is answered with 416 (GitHub's registry). */
  readonly chunkLimit?: number
  /** Bytes a piece that is not the last must have (`OCI-Chunk-Min-Length`). */
  readonly chunkMinimum?: number
  /** Only so many bytes of each piece are stored, and the Range says so. */
  readonly chunkTaken?: number
  /** The Range stays at the first piece, though all are stored (Amazon ECR). */
  readonly staleRange?: boolean
  /** Whether the state of an upload can be asked for; default true. */
  readonly uploadStatus?: boolean
  /** Sessions that are forgotten when their second piece comes. */
  readonly lostSessions?: number
  /** The most bytes any request may have; more is 413 (a front end). */
  readonly bodyLimit?: number
  /** Where uploads go: the origin of another server over the same storage. */
  readonly uploadOrigin?: string
  /** Refuses without reading what was sent. */
  readonly refusesEarly?: boolean
}
