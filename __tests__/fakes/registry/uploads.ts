import { randomBytes } from 'node:crypto'
import { problem, type Reply } from './reply.ts'
import type { RouteRequest, World } from './routes.ts'
import { digestOf, type RepositoryStore } from './storage.ts'

/** Starts, continues, ends, shows or cancels an upload; mounts. distribution-spec v1.1.1 § Pushing blobs */
export function uploadRoute(world: World, request: RouteRequest, session: string): Reply {
  const store = world.storage.open(request.repository)
  if (session === '') return startUpload(world, store, request)
  const parts = store.uploads.get(session)
  if (parts === undefined) return problem(404, 'BLOB_UPLOAD_UNKNOWN')
  const location = locationOf(world, request, session)
  switch (request.method) {
    case 'GET':
      if (world.quirks.uploadStatus === false) return problem(405, 'UNSUPPORTED')
      return { status: 204, headers: { location, range: rangeOf(world, parts) } }
    case 'DELETE':
      store.uploads.delete(session)
      return { status: 204 }
    case 'PATCH':
      return takeChunk(world, store, request, { session, parts, location })
    case 'PUT':
      if (world.quirks.chunkedOnly && request.body.byteLength > 0)
        return problem(400, 'BLOB_UPLOAD_INVALID', 'chunked only')
      store.uploads.delete(session)
      return storeBlob(world, store, request, Buffer.concat([...parts, request.body]))
    default:
      return problem(405, 'UNSUPPORTED')
  }
}

interface Session {
  readonly session: string
  readonly parts: Buffer[]
  readonly location: string
}

function takeChunk(
  world: World,
  store: RepositoryStore,
  request: RouteRequest,
  { session, parts, location }: Session,
): Reply {
  const { chunks, chunkLimit = Infinity, chunkMinimum = 0, chunkTaken = Infinity, lostSessions = 0 } = world.quirks
  if (chunks === false) return problem(405, 'UNSUPPORTED')
  if (parts.length > 0 && world.storage.lostSessions < lostSessions) {
    world.storage.lostSessions++
    store.uploads.delete(session)
    return problem(404, 'BLOB_UPLOAD_UNKNOWN')
  }
  const { body } = request
  if (body.byteLength > chunkLimit) return problem(416, 'REQUESTED_RANGE_NOT_SATISFIABLE', 'the body is too large')
  const range = /^(\d+)-(\d+)$/.exec(String(request.headers['content-range'] ?? ''))
  const misplaced = range !== null && Number(range[1]) !== sizeOf(parts)
  // A piece after one that was too short: that one was not the last.
  const last = parts.at(-1)
  const tooShort = last !== undefined && last.byteLength < chunkMinimum
  if (misplaced || tooShort)
    return { ...problem(416, 'RANGE_INVALID'), headers: { location, range: rangeOf(world, parts) } }
  parts.push(body.subarray(0, chunkTaken))
  return { status: 202, headers: { location, range: rangeOf(world, parts) } }
}

function startUpload(world: World, store: RepositoryStore, request: RouteRequest): Reply {
  if (request.method !== 'POST') return problem(405, 'UNSUPPORTED')
  const mount = request.query.get('mount')
  const from = request.query.get('from')
  if (mount !== null && from !== null && world.quirks.mount === 'forbidden') return problem(403, 'DENIED')
  const source = mount === null || from === null || world.quirks.mount === false ? undefined : world.storage.open(from)
  const mounted = source?.blobs.get(mount ?? '')
  if (mount !== null && mounted !== undefined) {
    store.blobs.set(mount, mounted)
    return created(request.repository, mount)
  }
  const single = (world.quirks.singlePost ?? true) && !world.quirks.chunkedOnly
  if (request.query.has('digest') && single) return storeBlob(world, store, request, request.body)
  const session = randomBytes(12).toString('hex')
  store.uploads.set(session, [])
  const { chunkMinimum } = world.quirks
  const minimum = chunkMinimum === undefined ? {} : { 'oci-chunk-min-length': String(chunkMinimum) }
  const location = locationOf(world, request, session)
  return { status: 202, headers: { location, range: '0-0', 'docker-upload-uuid': session, ...minimum } }
}

function storeBlob(world: World, store: RepositoryStore, request: RouteRequest, bytes: Buffer): Reply {
  const digest = request.query.get('digest') ?? ''
  if (digest !== digestOf(bytes)) return problem(400, 'DIGEST_INVALID')
  const { forgets } = world.quirks
  const isForgotten = forgets !== undefined && forgets !== 'manifests' && forgets.has(digest)
  if (isForgotten && !world.storage.forgotten.has(digest)) world.storage.forgotten.add(digest)
  else store.blobs.set(digest, bytes)
  return created(request.repository, digest)
}

function created(repository: string, digest: string): Reply {
  return { status: 201, headers: { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest } }
}

function locationOf({ quirks }: World, { repository }: RouteRequest, session: string): string {
  return `${quirks.uploadOrigin ?? ''}/v2/${repository}/blobs/uploads/${session}`
}

function rangeOf({ quirks }: World, parts: readonly Buffer[]): string {
  const size = sizeOf(quirks.staleRange ? parts.slice(0, 1) : parts)
  return `0-${Math.max(0, size - 1)}`
}

function sizeOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0)
}
