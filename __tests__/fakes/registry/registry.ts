import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Access, type AccessOptions } from './access.ts'
import { type Fault, Faults } from './faults.ts'
import type { Quirks } from './quirks.ts'
import { problem, type Reply } from './reply.ts'
import { blobRoute, manifestRoute, referrersRoute, tagsRoute, type World } from './routes.ts'
import { Storage } from './storage.ts'
import { uploadRoute } from './uploads.ts'

export type { AccessOptions, RegistryUser } from './access.ts'
export type { Fault, FaultHook, FaultRequest, FaultRule } from './faults.ts'
export type { Quirks } from './quirks.ts'

export interface RegistryOptions extends Quirks, AccessOptions {
  /** Milliseconds every answer waits, as a far registry would; default 0. */
  readonly latencyMs?: number
  readonly port?: number
  /** Shared with another server; default: its own. */
  readonly storage?: Storage
}

/** One request as it was answered; bodies and secrets are never kept. */
export interface LogEntry {
  readonly method: string
  /** With the query, e.g. `/v2/acme/app/blobs/uploads/?mount=…`. */
  readonly path: string
  readonly status: number | 'cut'
  /** The scheme of the Authorization header. */
  readonly authorization: 'none' | 'Basic' | 'Bearer' | 'other'
  /** Number of the connection it came on: equal numbers mean that keep-alive worked. */
  readonly connection: number
}

export interface EmbeddedRegistry {
  readonly url: string
  /** `127.0.0.1:<port>`, as it stands in references. */
  readonly host: string
  readonly port: number
  readonly log: LogEntry[]
  readonly faults: Faults
  readonly access: Access
  readonly storage: Storage
  /** Log lines as `METHOD path → status`, for assertions and reports. */
  requests(): string[]
  close(): Promise<void>
}

/** A registry on loopback that speaks distribution spec 1.1 to anybody (skopeo, buildah, BuildKit) and can misbehave. */
export async function startRegistry(options: RegistryOptions = {}): Promise<EmbeddedRegistry> {
  const storage = options.storage ?? new Storage()
  const faults = new Faults()
  const access = new Access(options)
  const log: LogEntry[] = []
  const world: World = { storage, quirks: options, faults }
  const connections = new Map<Socket, number>()
  const server = createServer((message, response) => {
    serve(world, access, options, message, response, (status, authorization) => {
      const connection = connections.get(message.socket) ?? 0
      log.push({ method: message.method ?? '', path: message.url ?? '', status, authorization, connection })
    }).catch(() => message.socket.destroy())
  })
  let count = 0
  server.on('connection', socket => {
    connections.set(socket, ++count)
    socket.on('close', () => connections.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const host = `127.0.0.1:${port}`
  return {
    url: `http://${host}`,
    host,
    port,
    log,
    faults,
    access,
    storage,
    requests: () => log.map(entry => `${entry.method} ${entry.path} → ${entry.status}`),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Logger = (status: number | 'cut', authorization: LogEntry['authorization']) => void

async function serve(
  world: World,
  access: Access,
  options: RegistryOptions,
  message: IncomingMessage,
  response: ServerResponse,
  record: Logger,
): Promise<void> {
  const url = new URL(message.url ?? '/', `http://${message.headers.host ?? 'localhost'}`)
  const authorization = schemeOf(message.headers.authorization)
  const path = url.pathname
  const fault = world.faults.next({
    method: message.method ?? '',
    path,
    query: url.searchParams,
    headers: message.headers,
  })
  if (fault === 'cut') {
    record('cut', authorization)
    message.socket.destroy()
    return
  }
  // An answer that does not wait for the body: Node throws the rest away.
  const early = options.refusesEarly && !isReply(fault) ? refuseOf(access, message, url) : undefined
  if (early !== undefined) {
    record(early.status, authorization)
    return send(message, response, early, false, options)
  }
  const body = await readBody(message)
  await sleep((options.latencyMs ?? 0) + delayOf(fault))
  const limit = options.bodyLimit ?? Infinity
  const answered = isReply(fault) ? fault : body.byteLength > limit ? TOO_LARGE : undefined
  const reply = answered ?? route(world, access, message, url, body)
  if (fault === 'cut-after') {
    record('cut', authorization)
    message.socket.destroy()
    return
  }
  record(reply.status, authorization)
  send(message, response, reply, fault === 'cut-body', options)
}

const TOO_LARGE: Reply = { status: 413, headers: { 'content-type': 'text/html' }, body: '<h1>413</h1>' }

function refuseOf(access: Access, message: IncomingMessage, url: URL): Reply | undefined {
  const repository = /^\/v2\/(.+?)\/(?:manifests|blobs|referrers|tags)\//.exec(decodeURIComponent(url.pathname))?.[1]
  if (repository === undefined) return undefined
  const action = message.method === 'GET' || message.method === 'HEAD' ? 'pull' : 'push'
  return access.refuse(message.headers.authorization, url.origin, repository, action)
}

function route(world: World, access: Access, message: IncomingMessage, url: URL, body: Buffer): Reply {
  const method = message.method ?? ''
  const path = decodeURIComponent(url.pathname)
  const authorization = message.headers.authorization
  if (path === '/token') return access.token(method, url.searchParams, authorization, body.toString())
  const matched = /^\/v2\/(.+)\/(manifests|blobs|referrers|tags)\/(.*)$/.exec(path)
  const upload = /^\/v2\/(.+)\/blobs\/uploads\/?(.*)$/.exec(path)
  const repository = upload?.[1] ?? matched?.[1] ?? ''
  const action = method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
  const refused = access.refuse(authorization, url.origin, repository, action)
  if (refused !== undefined) return refused
  if (path === '/v2/' || path === '/v2')
    return { status: 200, headers: { 'docker-distribution-api-version': 'registry/2.0' } }
  const from = url.searchParams.get('from')
  // A mount reads another repository: without that right it quietly becomes an ordinary upload, as in real registries.
  if (from !== null && access.refuse(authorization, url.origin, from, 'pull') !== undefined)
    url.searchParams.delete('from')
  if (world.quirks.repositories !== undefined && action === 'push' && !world.quirks.repositories.includes(repository))
    return problem(404, 'NAME_UNKNOWN', `The repository with name '${repository}' does not exist in the registry`)
  const request = { method, repository, query: url.searchParams, headers: message.headers, body, path: url.pathname }
  if (upload !== null) return uploadRoute(world, request, upload[2] ?? '')
  const reference = matched?.[3] ?? ''
  switch (matched?.[2]) {
    case 'manifests':
      return manifestRoute(world, request, reference)
    case 'blobs':
      return blobRoute(world, request, reference)
    case 'referrers':
      return referrersRoute(world, request, reference)
    case 'tags':
      return tagsRoute(world, request)
    default:
      return problem(404, 'NOT_FOUND')
  }
}

function send(
  message: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  cutBody: boolean,
  { headerBytes }: Quirks,
): void {
  const bytes = Buffer.from((reply.body ?? '') as Uint8Array)
  response.writeHead(reply.status, {
    ...reply.headers,
    ...(headerBytes === undefined ? {} : { 'x-large': 'x'.repeat(headerBytes) }),
    ...(reply.status === 204 ? {} : { 'content-length': reply.announce ?? bytes.byteLength }),
  })
  if (reply.announce !== undefined) {
    response.write(bytes.byteLength > 0 ? bytes : '{')
    return
  }
  if (cutBody) {
    response.write(bytes.subarray(0, Math.floor(bytes.byteLength / 2)), () => message.socket.destroy())
    return
  }
  response.end(message.method === 'HEAD' ? undefined : bytes)
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function schemeOf(authorization: string | undefined): LogEntry['authorization'] {
  const scheme = authorization?.split(' ', 1)[0]?.toLowerCase()
  if (scheme === undefined) return 'none'
  return scheme === 'basic' ? 'Basic' : scheme === 'bearer' ? 'Bearer' : 'other'
}

function delayOf(fault: Fault): number {
  return typeof fault === 'object' && 'delayMs' in fault ? fault.delayMs : 0
}

function isReply(fault: Fault): fault is Reply & { status: number } {
  return typeof fault === 'object' && 'status' in fault
}

function sleep(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise(resolve => setTimeout(resolve, ms))
}
