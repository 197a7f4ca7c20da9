import { type PrivateAuthority, privateAuthority, tlsFront } from '../network.ts'
import { type Service, type ServiceAnswer, type ServiceRequest, startService } from '../service.ts'
import type { FakePod } from './pods.ts'

/** An API server on loopback that knows pods: TLS with an authority of its own, bearer tokens, pages with tokens to go on. */
export interface ApiServer {
  /** `https://localhost:PORT` */
  readonly url: string
  readonly authority: PrivateAuthority
  readonly token: string
  /** What it serves; may be replaced while a list is read. */
  pods: readonly FakePod[]
  /** Pods of a page at most, whatever was asked for. */
  page: number
  /** Annotations of the namespaces that the token may get. */
  namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Namespaces whose pods the token may list; undefined: all. */
  allowed: readonly string[] | undefined
  /** How many more times a token to go on is answered with 410. */
  expired: number
  /** Behind TLS: its log, its faults, its lies. */
  readonly service: Service
  /** A kubeconfig that works, with this user instead of one with the token. */
  kubeconfig(user?: object, more?: { readonly cluster?: object; readonly context?: object }): string
  close(): Promise<void>
}

const NAMESPACE = /^\/api\/v1\/namespaces\/([a-z0-9-]+)$/
const PODS = /^\/api\/v1\/(?:namespaces\/([a-z0-9-]+)\/)?pods$/

export async function startApiServer(): Promise<ApiServer> {
  const authority = await privateAuthority()
  const service = await startService('kubernetes', request => answer(server, request))
  const front = await tlsFront(authority, ['localhost'], service.port)
  const server: ApiServer = {
    url: `https://localhost:${front.port}`,
    authority,
    token: 'alice-may-list',
    pods: [],
    namespaces: {},
    page: 500,
    allowed: undefined,
    expired: 0,
    service,
    kubeconfig: (user = { token: server.token }, { cluster = {}, context = {} } = {}) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'acme',
        clusters: [
          {
            name: 'acme',
            cluster: {
              server: server.url,
              'certificate-authority-data': Buffer.from(authority.pem).toString('base64'),
              ...cluster,
            },
          },
        ],
        contexts: [{ name: 'acme', context: { cluster: 'acme', user: 'alice', ...context } }],
        users: [{ name: 'alice', user }],
      }),
    close: async () => {
      await front.close()
      await service.close()
    },
  }
  return server
}

function answer(server: ApiServer, { method, path, query, headers }: ServiceRequest): ServiceAnswer {
  const namespace = PODS.exec(path)?.[1]
  if (headers.authorization !== `Bearer ${server.token}`) return status(401, 'Unauthorized')
  const name = NAMESPACE.exec(path)?.[1]
  if (method === 'GET' && name !== undefined) {
    const annotations = server.namespaces[name]
    if (annotations === undefined) return status(403, `namespaces "${name}" is forbidden`)
    return { status: 200, body: { kind: 'Namespace', apiVersion: 'v1', metadata: { name, annotations } } }
  }
  if (method !== 'GET' || !PODS.test(path)) return status(404, 'the server could not find the requested resource')
  if (server.allowed !== undefined && (namespace === undefined || !server.allowed.includes(namespace)))
    return status(403, `pods is forbidden: User "alice" cannot list resource "pods" in API group ""`)
  const token = query.get('continue')
  if (token !== null && server.expired > 0) {
    server.expired--
    return status(410, 'The provided continue parameter is too old to display a consistent list result.')
  }
  const all = server.pods.filter(pod => namespace === undefined || pod.metadata.namespace === namespace)
  const from = token === null ? 0 : Number(Buffer.from(token, 'base64url').toString())
  const size = Math.min(server.page, Number(query.get('limit') ?? Number.POSITIVE_INFINITY))
  const left = all.length - from - size
  const go = Buffer.from(String(from + size)).toString('base64url')
  const metadata = { resourceVersion: '42', ...(left > 0 ? { continue: go, remainingItemCount: left } : {}) }
  const body = { kind: 'PodList', apiVersion: 'v1', metadata, items: all.slice(from, from + size) }
  return { status: 200, body }
}

function status(code: number, message: string): ServiceAnswer {
  return { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code } }
}
