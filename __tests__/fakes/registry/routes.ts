import type { Faults } from './faults.ts'
import { immutableTag } from './immutable.ts'
import { type Paging, pageLink } from './paging.ts'
import type { Quirks } from './quirks.ts'
import { problem, type Reply } from './reply.ts'
import { digestOf, fieldsOf, missingParts, type RepositoryStore, referrersOf, type Storage } from './storage.ts'

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
    headers: {
      'content-type': world.quirks.contentType ?? found.mediaType,
      'docker-content-digest': found.digest,
      ...etag,
    },
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
    return immutableTag(world.quirks.immutableTags, reference, request.repository)
  const mediaType = String(request.headers['content-type'] ?? 'application/vnd.oci.image.manifest.v1+json')
  if (world.quirks.forgets !== 'manifests') {
    store.manifests.set(digest, { mediaType, bytes, digest })
    if (!byDigest) store.tags.set(reference, digest)
  }
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

export function referrersRoute(world: World, request: RouteRequest, subject: string): Reply {
  if (world.quirks.referrers === false || world.quirks.ecr) return problem(404, 'NOT_FOUND')
  const filter = world.quirks.filterReferrers === false ? undefined : (request.query.get('artifactType') ?? undefined)
  const all = referrersOf(world.storage.open(request.repository), subject, filter)
  const [page, next] = paged(all, request, world.quirks.pageSize, world.quirks.paging)
  return {
    status: 200,
    headers: {
      'content-type': world.quirks.contentType ?? 'application/vnd.oci.image.index.v1+json',
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
  paging: Paging = 'absolute',
): [readonly T[], Record<string, string>] {
  if (size === undefined) return [all, {}]
  const start = Number(request.query.get('page') ?? 0)
  const next = pageLink(paging, request, start + size, start + size >= all.length)
  return [all.slice(start, start + size), next === undefined ? {} : { link: next }]
}
