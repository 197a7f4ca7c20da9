import { asWaybillError, fail } from '../core/error.ts'
import { type Json, parseJsonObject } from '../core/json.ts'
import { LIMITS } from '../core/limits.ts'
import { arrayAt, integerAt, objectAt, optional, stringAt } from '../core/shape.ts'
import { type OwnServer, ownServer, type ServerAccess } from '../io/agent-get.ts'
import type { HttpAnswer } from '../io/http.ts'
import { type RetryClock, withRetry } from '../io/retry.ts'
import type { ClusterPort } from '../subjects/cluster.ts'
import { type ChosenContext, chooseContext, type KubeconfigChoice, unusable } from './kubeconfig.ts'
import { annotationsIn } from './namespace.ts'
import { type PluginCredential, runPlugin } from './plugin.ts'
import { refusedAnswer } from './refused.ts'

export interface ClusterOptions extends KubeconfigChoice {
  /** False: a kubeconfig that logs in by a program of its own is refused. */
  readonly plugins: boolean
  /** Variables such a program may see, beside those of every child. */
  readonly pass: readonly string[]
  readonly workingFolder: string
  readonly clock?: RetryClock
}

/** An API server that can be asked for pods. */
export interface Cluster extends ClusterPort {
  /** `https://host:port`, for people. */
  readonly server: string
  /** The namespace of the context. */
  readonly namespace?: string
  /** Annotations of a namespace. @throws `serve/cluster-unreadable`, `verify/cluster-unreachable` */
  annotations(namespace: string, signal?: AbortSignal): Promise<Readonly<Record<string, string>>>
  close(): void
}

/** Pods of one answer; kubectl asks for as many. */
const PAGE = 500
/** Characters of a token to go on with: etcd's keys are at most some hundred. */
const CONTINUE_LENGTH = 8192
/** A page is asked for a few times: what is cut again and again is not a list. */
const ATTEMPTS = 4

/**
 * Opens the cluster that a kubeconfig names: configuration, TLS and login by the official client library, the list by a request
 * of our own, bounded and strictly read (decision 19).
 * @throws `verify/kubeconfig-unusable`, `verify/credential-plugin-failed`
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const context = await chooseContext(options)
  const http = ownServer(await accessOf(context, options))
  const { server, namespace } = context
  return {
    server: server.origin,
    ...(namespace === undefined ? {} : { namespace }),
    pods: (of, signal) => pages(http, server, of, { ...options, ...(signal === undefined ? {} : { signal }) }),
    annotations: async (of, signal) => {
      const url = `${baseOf(server)}/namespaces/${encodeURIComponent(of)}`
      return annotationsIn(await page(http, url, { ...options, ...(signal === undefined ? {} : { signal }) }), of)
    },
    close: () => http.close(),
  }
}

function baseOf(server: URL): string {
  return `${server.href.replace(/\/+$/, '')}/api/v1`
}

/** What the library makes of the chosen context, with the credential of a plugin that was run here and not by it. */
async function accessOf({ config, server, folder }: ChosenContext, options: ClusterOptions): Promise<ServerAccess> {
  // A proxy on this machine (`kubectl proxy`) logs in itself: nothing secret goes over plain http.
  if (server.protocol === 'http:') return {}
  const user = config.getCurrentUser()
  const exec: unknown = user?.exec ?? user?.authProvider?.config?.exec
  if (user !== null && exec !== undefined && exec !== null) {
    if (!options.plugins) throw unusable('The kubeconfig logs in by a program of its own', 'a token or certificate')
    const credential = await runPlugin(exec, { ...options, folder: folder ?? options.workingFolder })
    Object.assign(user, { exec: null, authProvider: null }, asUser(credential))
  }
  const access: Parameters<typeof config.applyToHTTPSOptions>[0] = { headers: {}, rejectUnauthorized: true }
  await config.applyToHTTPSOptions(access).catch(cause => {
    throw fail('verify/kubeconfig-unusable', 'What the kubeconfig says of TLS or login cannot be used', { cause })
  })
  const { ca, cert, key, passphrase, servername, auth, headers = {}, agent } = access
  const proxied = (config.getCurrentCluster()?.proxyUrl ?? '') !== ''
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(servername === undefined ? {} : { servername }),
    ...(typeof auth === 'string' ? { auth } : {}),
    ...(proxied && agent !== undefined ? { agent } : {}),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value).trim()])),
  }
}

function asUser({ token, certificate, key }: PluginCredential): object {
  const base64 = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem).toString('base64'))
  return {
    token,
    ...(certificate === undefined
      ? {}
      : { certFile: null, keyFile: null, certData: base64(certificate), keyData: base64(key) }),
  }
}

interface Asking {
  readonly signal?: AbortSignal
  readonly clock?: RetryClock
}

async function* pages(
  http: OwnServer,
  server: URL,
  namespace: string | undefined,
  asking: Asking,
): AsyncGenerator<readonly Json[], void> {
  const path = namespace === undefined ? 'pods' : `namespaces/${encodeURIComponent(namespace)}/pods`
  const base = `${baseOf(server)}/${path}?limit=${PAGE}`
  const asked = new Set<string>()
  let [bytes, next] = [0, '']
  do {
    const url = next === '' ? base : `${base}&continue=${encodeURIComponent(next)}`
    const answer = await page(http, url, asking)
    if (answer.status !== 200) throw refusedAnswer(answer, { server, namespace, begun: asked.size > 0 })
    bytes += answer.body.byteLength
    if (bytes > LIMITS.clusterBytes) throw incomplete('more bytes than are read', `at most ${LIMITS.clusterBytes}`)
    const list = readList(answer.body)
    yield list.items
    next = list.next
    if (asked.has(next)) throw incomplete('the same place in the list twice', 'another token on every page')
    asked.add(next)
  } while (next !== '')
}

async function page(http: OwnServer, url: string, { signal, clock }: Asking): Promise<HttpAnswer> {
  const ask = () => {
    const own = AbortSignal.timeout(LIMITS.requestMs)
    const limits = {
      maxBytes: LIMITS.clusterPageBytes,
      signal: signal === undefined ? own : AbortSignal.any([own, signal]),
    }
    return http.get(url, limits)
  }
  try {
    return await withRetry(ask, { attempts: ATTEMPTS, ...(clock === undefined ? {} : { clock }) })
  } catch (cause) {
    const known = asWaybillError(cause)
    throw fail('verify/cluster-unreachable', known.message, {
      ...(known.expected === undefined ? {} : { expected: known.expected }),
      ...(known.found === undefined ? {} : { found: known.found }),
      cause,
    })
  }
}

/** Kubernetes API reference v1.36, PodList v1. @throws `verify/cluster-incomplete` */
function readList(body: Uint8Array): { readonly items: readonly Json[]; readonly next: string } {
  try {
    const list = parseJsonObject(body, 'list of pods')
    if (list.kind !== 'PodList' || list.apiVersion !== 'v1')
      throw fail('core/shape', 'The answer is no PodList of v1', {
        found: JSON.stringify([list.kind, list.apiVersion]),
      })
    const metadata = objectAt(list.metadata, 'metadata')
    const next = optional(metadata.continue, stringAt, 'metadata.continue') ?? ''
    const left = optional(metadata.remainingItemCount, integerAt, 'metadata.remainingItemCount') ?? 0
    if (next.length > CONTINUE_LENGTH) throw fail('core/shape', 'metadata.continue is too long')
    if (next === '' && left > 0) throw fail('core/shape', `The list ends although ${left} pods are left`)
    return { items: arrayAt(list.items ?? [], 'items'), next }
  } catch (cause) {
    const known = asWaybillError(cause)
    throw incomplete(known.found === undefined ? known.message : `${known.message} (${known.found})`, 'a PodList of v1')
  }
}

function incomplete(found: string, expected: string): Error {
  return fail('verify/cluster-incomplete', 'The list of pods breaks off', { expected, found })
}
