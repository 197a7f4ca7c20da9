import { delimiter, dirname, join, resolve } from 'node:path'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { Environment } from '../io/environment.ts'
import { exists, readFileBounded } from '../io/files.ts'
import { isLoopbackHost } from '../io/http.ts'
import type { KubeConfig } from './client.ts'

/** Which cluster, and as whom. Paths are absolute. */
export interface KubeconfigChoice {
  /** Instead of KUBECONFIG, `~/.kube/config` and the service account of a pod. */
  readonly file?: string
  /** Instead of the file's own current context. */
  readonly context?: string
  readonly env: Environment
  /** Below which folder the service account of a pod is mounted; default: the root of the file system. */
  readonly podRoot?: string
}

/** One context of a kubeconfig, read and found usable. */
export interface ChosenContext {
  readonly config: KubeConfig
  /** Of the API server, without a slash at its end. */
  readonly server: URL
  /** The namespace of the context. */
  readonly namespace?: string
  /** Where relative paths of the file lead from; absent inside a pod. */
  readonly folder?: string
}

/** Where Kubernetes puts the service account of a pod. */
const IN_A_POD = '/var/run/secrets/kubernetes.io/serviceaccount/token'
/** Login that is done here or by the library without a shell. The others of it are gone from Kubernetes since 1.26. */
const PROVIDERS = ['oidc', 'tokenFile']
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Reads the kubeconfig as kubectl chooses it: FILE, KUBECONFIG (several), `~/.kube/config`, the service account of a pod.
 * @throws `verify/kubeconfig-unusable` for what cannot be read, and for what is not done: a server without TLS or without a
 * certificate that is checked, and login by a shell.
 */
export async function chooseContext(choice: KubeconfigChoice): Promise<ChosenContext> {
  const { config, folder } = await load(choice)
  const name = choice.context ?? config.getCurrentContext()
  const context = config.getContexts().find(item => item.name === name)
  if (context === undefined) throw noContext(name, config)
  config.setCurrentContext(name)
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()]
  if (cluster === null || (user === null && (context.user ?? '') !== ''))
    throw unusable(`The context ${name} names a cluster or user that is not there`, 'both of them in the file')
  if (cluster.skipTLSVerify) throw unusable(`The certificate of ${cluster.server} is not to be checked`, CHECKED)
  const provider: unknown = user?.authProvider?.name
  if (user?.authProvider && !PROVIDERS.includes(String(provider)))
    throw unusable(`Login by the provider ${printable(String(provider), 80)} runs a shell`, 'oidc, or exec: …')
  const given: unknown = context.namespace ?? undefined
  const namespace = typeof given === 'string' ? given.trim() : undefined
  if (given !== undefined && (namespace === undefined || !NAMESPACE.test(namespace)))
    throw unusable('The namespace of the context is not a name', 'a name of at most 63 letters, digits and dashes')
  return {
    config,
    server: serverUrl(cluster.server),
    ...(namespace === undefined ? {} : { namespace }),
    ...(folder === undefined ? {} : { folder }),
  }
}

export function isNamespace(text: string): boolean {
  return NAMESPACE.test(text)
}

async function load({ file, env, podRoot = '' }: KubeconfigChoice): Promise<{ config: KubeConfig; folder?: string }> {
  const { KubeConfig } = await import('./client.ts')
  const listed = file === undefined ? (env.KUBECONFIG ?? '').split(delimiter).filter(name => name !== '') : [file]
  const home = env.HOME === undefined ? undefined : join(env.HOME, '.kube', 'config')
  const named = listed.length > 0 || home === undefined || !(await exists(home)) ? listed : [home]
  const [first, ...more] = named.map(name => resolve(name))
  const config = new KubeConfig()
  if (first === undefined) {
    const inPod = env.KUBERNETES_SERVICE_HOST !== undefined && (await exists(`${podRoot}${IN_A_POD}`))
    if (!inPod) throw nothingThere()
    config.loadFromCluster(podRoot)
    return { config }
  }
  await read(config, first)
  for (const name of more) {
    const next = new KubeConfig()
    await read(next, name)
    merge(config, next)
  }
  return { config, folder: dirname(first) }
}

async function read(config: KubeConfig, file: string): Promise<void> {
  const bytes = await readFileBounded(file, LIMITS.kubeconfigBytes).catch(cause => {
    throw unusable(`The kubeconfig ${printable(file)} cannot be read`, 'a file', asWaybillError(cause).message)
  })
  try {
    config.loadFromString(Buffer.from(bytes).toString('utf8'))
    config.makePathsAbsolute(dirname(file))
  } catch (cause) {
    // The library's own sentence may quote the line, and what stands there may be a key.
    throw fail('verify/kubeconfig-unusable', `The kubeconfig ${printable(file)} is not of the documented form`, {
      expected: 'YAML with clusters, contexts and users',
      cause,
    })
  }
}

function merge(config: KubeConfig, next: KubeConfig): void {
  try {
    config.mergeConfig(next, config.getCurrentContext() !== undefined)
  } catch (cause) {
    throw fail('verify/kubeconfig-unusable', 'Two files of KUBECONFIG say different things under one name', { cause })
  }
}

/** @throws unless it is https, or plain http on this machine, as `kubectl proxy` serves it. */
function serverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.search !== '' || url.hash !== '' || url.username !== '')
    throw unusable('The address of the API server is none', 'https://HOST[:PORT]', printable(text, 200))
  const local = url.protocol === 'http:' && isLoopbackHost(url.hostname)
  if (url.protocol !== 'https:' && !local)
    throw unusable('The API server is to be asked without TLS', CHECKED, `${url.protocol}//${url.host}`)
  return url
}

const CHECKED = 'https, with certificate-authority-data'

function noContext(name: string | undefined, config: KubeConfig): WaybillError {
  const known = config.getContexts().map(item => printable(String(item.name), 80))
  const shown = [...known.slice(0, 20), ...(known.length > 20 ? ['…'] : [])].join(', ')
  return unusable('The kubeconfig has no such context', `one of: ${shown === '' ? 'none' : shown}`, name ?? 'none')
}

function nothingThere(): WaybillError {
  return unusable('There is no kubeconfig', '--kubeconfig FILE, KUBECONFIG or ~/.kube/config', 'none of them')
}

export function unusable(sentence: string, expected: string, found?: string): WaybillError {
  return fail('verify/kubeconfig-unusable', sentence, { expected, ...(found === undefined ? {} : { found }) })
}
