import { randomBytes } from 'node:crypto'
import type { Faults } from './faults.ts'
import { problem, type Reply } from './reply.ts'
import { digestOf, fieldsOf, missingParts, type RepositoryStore, referrersOf, type Storage } from './storage.ts'

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
  /** A tag that exists refuses another digest. */
  readonly immutableTags?: boolean
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
  /** Uploads in pieces only: a monolithic PUT or POST with a body is refused. */
  readonly chunkedOnly?: boolean
}

export interface RouteRequest {
  readonly method: string
  readonly repository: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  readonly path: string
}

export interface World {
  readonly storage: Storage
  readonly quirks: Quirks
  readonly faults: Faults
}

export function manifestRoute(world: World, request: RouteRequest, reference: string): Reply {
  const store = world.storage.open(request.repository)
  if (request.method === 'PUT') return putManifest(world, store, request, reference)
  if (request.method === 'DELETE')
    // A tag alone, or by its digest the manifest (distribution-spec v1.1.1 § Content Management).
    return store.tags.delete(reference) || store.manifests.delete(reference)
      ? { status: 202 }
      : problem(404, 'MANIFEST_UNKNOWN')
  const gitlab = world.quirks.gitlab ? /^sha256-([0-9a-f]{64})$/.exec(reference)?.[1] : undefined
  const found = store.find(reference) ?? (gitlab === undefined ? undefined : store.find(`sha256:${gitlab}`))
  if (found === undefined) return problem(404, 'MANIFEST_UNKNOWN')
  const etag = world.quirks.etags ? { etag: `"${found.digest}"` } : {}
  const bytes = world.faults.liedBytes(found.digest) ?? found.bytes
  return {
    status: 200,
    headers: { 'content-type': found.mediaType, 'docker-content-digest': found.digest, ...etag },
    body: bytes,
  }
}

function putManifest(world: World, store: RepositoryStore, request: RouteRequest, reference: string): Reply {
  const bytes = request.body
  const digest = digestOf(bytes)
  const fields = fieldsOf(bytes)
  if (fields === undefined) return problem(400, 'MANIFEST_INVALID')
  const byDigest = reference.includes(':')
  if (byDigest && reference !== digest) return problem(400, 'DIGEST_INVALID')
  if (!byDigest && !/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(reference)) return problem(400, 'TAG_INVALID')
  const missing = missingParts(store, fields)
  if (missing.length > 0) return problem(404, 'MANIFEST_BLOB_UNKNOWN', `missing ${missing.join(' ')}`)
  const present = store.find(reference)
  if (world.quirks.etags) {
    const ifMatch = request.headers['if-match']
    if (request.headers['if-none-match'] === '*' && present !== undefined) return problem(412, 'PRECONDITION')
    if (ifMatch !== undefined && ifMatch !== `"${present?.digest ?? ''}"`) return problem(412, 'PRECONDITION')
  }
  if (world.quirks.immutableTags && !byDigest && present !== undefined && present.digest !== digest)
    return problem(400, 'TAG_INVALID', 'the tag is immutable')
  const mediaType = String(request.headers['content-type'] ?? 'application/vnd.oci.image.manifest.v1+json')
  store.manifests.set(digest, { mediaType, bytes, digest })
  if (!byDigest) store.tags.set(reference, digest)
  const indexed = world.quirks.ociSubject ?? (world.quirks.ecr || (world.quirks.referrers ?? true))
  return {
    status: 201,
    headers: {
      location: `/v2/${request.repository}/manifests/${digest}`,
      'docker-content-digest': digest,
      ...(indexed && fields.subject !== undefined ? { 'oci-subject': fields.subject.digest } : {}),
      ...(world.quirks.etags ? { etag: `"${digest}"` } : {}),
    },
  }
}

export function blobRoute(world: World, request: RouteRequest, digest: string): Reply {
  const store = world.storage.open(request.repository)
  if (request.method === 'DELETE') return store.blobs.delete(digest) ? { status: 202 } : problem(404, 'BLOB_UNKNOWN')
  const stored = store.blobs.get(digest)
  if (stored === undefined) return problem(404, 'BLOB_UNKNOWN')
  if (world.quirks.blobRedirect !== undefined && request.method === 'GET')
    return { status: 307, headers: { location: `${world.quirks.blobRedirect}${digest}` } }
  const bytes = world.faults.liedBytes(digest) ?? stored
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(String(request.headers.range ?? ''))
  if (range === null) return { status: 200, headers, body: bytes }
  const start = Number(range[1])
  const end = range[2] === '' ? bytes.byteLength - 1 : Math.min(Number(range[2]), bytes.byteLength - 1)
  if (start > end) return problem(416, 'RANGE_INVALID')
  const contentRange = `bytes ${start}-${end}/${bytes.byteLength}`
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, body: bytes.subarray(start, end + 1) }
}

/** Starts, continues, ends, shows or cancels an upload; mounts. distribution-spec v1.1.1 § Pushing blobs */
export function uploadRoute(world: World, request: RouteRequest, session: string): Reply {
  const store = world.storage.open(request.repository)
  if (session === '') return startUpload(world, store, request)
  const parts = store.uploads.get(session)
  if (parts === undefined) return problem(404, 'BLOB_UPLOAD_UNKNOWN')
  const location = `/v2/${request.repository}/blobs/uploads/${session}`
  const size = parts.reduce((sum, part) => sum + part.byteLength, 0)
  if (request.method === 'GET') return { status: 204, headers: { location, range: `0-${Math.max(0, size - 1)}` } }
  if (request.method === 'DELETE') {
    store.uploads.delete(session)
    return { status: 204 }
  }
  if (request.method === 'PATCH') {
    const range = /^(\d+)-(\d+)$/.exec(String(request.headers['content-range'] ?? ''))
    if (range !== null && Number(range[1]) !== size) return { ...problem(416, 'RANGE_INVALID'), headers: { location } }
    parts.push(request.body)
    return { status: 202, headers: { location, range: `0-${Math.max(0, size + request.body.byteLength - 1)}` } }
  }
  if (request.method !== 'PUT') return problem(405, 'UNSUPPORTED')
  if (world.quirks.chunkedOnly && request.body.byteLength > 0)
    return problem(400, 'BLOB_UPLOAD_INVALID', 'chunked only')
  store.uploads.delete(session)
  return storeBlob(store, request, Buffer.concat([...parts, request.body]))
}

function startUpload(world: World, store: RepositoryStore, request: RouteRequest): Reply {
  if (request.method !== 'POST') return problem(405, 'UNSUPPORTED')
  const mount = request.query.get('mount')
  const from = request.query.get('from')
  const mounted = mount === null || from === null ? undefined : world.storage.open(from).blobs.get(mount)
  if (mount !== null && mounted !== undefined) {
    store.blobs.set(mount, mounted)
    return created(request.repository, mount)
  }
  const single = (world.quirks.singlePost ?? true) && !world.quirks.chunkedOnly
  if (request.query.has('digest') && single) return storeBlob(store, request, request.body)
  const session = randomBytes(12).toString('hex')
  store.uploads.set(session, [])
  const location = `/v2/${request.repository}/blobs/uploads/${session}`
  return { status: 202, headers: { location, range: '0-0', 'docker-upload-uuid': session } }
}

function storeBlob(store: RepositoryStore, request: RouteRequest, bytes: Buffer): Reply {
  const digest = request.query.get('digest') ?? ''
  if (digest !== digestOf(bytes)) return problem(400, 'DIGEST_INVALID')
  store.blobs.set(digest, bytes)
  return created(request.repository, digest)
}

function created(repository: string, digest: string): Reply {
  return { status: 201, headers: { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest } }
}

export function referrersRoute(world: World, request: RouteRequest, subject: string): Reply {
  if (world.quirks.referrers === false || world.quirks.ecr) return problem(404, 'NOT_FOUND')
  const filter = world.quirks.filterReferrers === false ? undefined : (request.query.get('artifactType') ?? undefined)
  const all = referrersOf(world.storage.open(request.repository), subject, filter)
  const [page, next] = paged(all, request, world.quirks.pageSize)
  return {
    status: 200,
    headers: {
      'content-type': 'application/vnd.oci.image.index.v1+json',
      ...(filter === undefined ? {} : { 'oci-filters-applied': 'artifactType' }),
      ...next,
    },
    body: JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: page }),
  }
}

export function tagsRoute(world: World, request: RouteRequest): Reply {
  const tags = [...world.storage.open(request.repository).tags.keys()].sort()
  const wanted = Number(request.query.get('n') ?? 0)
  const [page, next] = paged(tags, request, wanted > 0 ? wanted : world.quirks.pageSize)
  const headers = { 'content-type': 'application/json', ...next }
  return { status: 200, headers, body: JSON.stringify({ name: request.repository, tags: page }) }
}

/** One page, counted by an own `page` parameter, and the Link header to the next one. */
function paged<T>(
  all: readonly T[],
  request: RouteRequest,
  size: number | undefined,
): [readonly T[], Record<string, string>] {
  if (size === undefined) return [all, {}]
  const start = Number(request.query.get('page') ?? 0)
  if (start + size >= all.length) return [all.slice(start), {}]
  const query = new URLSearchParams(request.query)
  query.set('page', String(start + size))
  return [all.slice(start, start + size), { link: `<${request.path}?${query}>; rel="next"` }]
}
