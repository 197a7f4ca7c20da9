import { isLoopbackHost } from '../io/http.ts'
import type { Repository } from './reference.ts'

/**
 * Credentials belong to an origin. These are the pure rules for where a registry's requests, tokens and secrets may go;
 * whoever controls a registry (or what it redirects to) would like them to go elsewhere.
 */

/** Docker Hub answers its API under another name than images carry. */
const API_HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }
/** Suffixes under which strangers get names side by side: below them only the same host is the same owner. */
const SHARED_SUFFIXES = [
  'amazonaws.com',
  'azurecr.io',
  'pkg.dev',
  'gcr.io',
  'github.io',
  'cloudfront.net',
  'googleapis.com',
  'windows.net',
  'herokuapp.com',
  'workers.dev',
  'ngrok.io',
  'ngrok.app',
]

/** The registry's API root. Plain http only for loopback or hosts listed as insecure. */
export function originOf(repository: Repository, plainHttpHosts: readonly string[]): URL {
  const host = API_HOSTS[repository.host] ?? repository.host
  const plain = isLoopbackHost(hostnameOf(host)) || plainHttpHosts.includes(repository.host)
  return new URL(`${plain ? 'http' : 'https'}://${host}/`)
}

/** Secrets travel over https, or in clear to this machine itself; never in clear to a listed insecure registry. */
export function mayCarrySecrets(url: URL): boolean {
  return url.protocol === 'https:' || isLoopbackHost(url.hostname)
}

/**
 * Whether a registry's token server may be asked: https on the registry's own host or registrable domain, or listed
 * by the user. A loopback registry may name loopback, and nobody else may: a realm is a request made from inside the
 * runner's network to a place the registry chose (13-adversary 39).
 */
export function mayAsk(realm: URL, registry: URL, listed: readonly string[]): boolean {
  if (realm.username !== '' || realm.password !== '') return false
  if (isLoopbackHost(realm.hostname)) return isLoopbackHost(registry.hostname)
  if (realm.protocol !== 'https:' && !(realm.protocol === 'http:' && realm.origin === registry.origin)) return false
  if (registry.hostname === 'registry-1.docker.io')
    return realm.hostname === 'auth.docker.io' || listed.includes(realm.host)
  return (
    realm.hostname === registry.hostname || listed.includes(realm.host) || sameDomain(realm.hostname, registry.hostname)
  )
}

/** Whether a redirect may be followed at all: never from the network to this machine, never out of https. */
export function mayRedirect(from: URL, to: URL): boolean {
  if (to.protocol !== 'https:' && to.protocol !== 'http:') return false
  if (to.username !== '' || to.password !== '') return false
  if (isLoopbackHost(to.hostname) && !isLoopbackHost(from.hostname)) return false
  return from.protocol !== 'https:' || to.protocol === 'https:'
}

/**
 * The headers of one hop of a redirect chain. Secrets go to the home origin only, and after the first foreign hop they
 * never return, even if the chain comes back: a foreign host could otherwise choose the URL they are sent to.
 */
export function headersForHop(
  hop: URL,
  home: URL,
  hasLeftHome: boolean,
  headers: Readonly<Record<string, string>>,
  authorization: string | undefined,
): Record<string, string> {
  const own = hop.origin === home.origin && !hasLeftHome && mayCarrySecrets(hop)
  return { ...headers, ...(own && authorization !== undefined ? { authorization } : {}) }
}

/** Same registrable domain, judged carefully: in doubt (addresses, shared suffixes, short country domains) it is not. */
function sameDomain(a: string, b: string): boolean {
  const domain = registrableDomain(a)
  return domain !== undefined && domain === registrableDomain(b)
}

function registrableDomain(hostname: string): string | undefined {
  if (!/[a-z]/.test(hostname) || hostname.includes(':')) return undefined
  if (SHARED_SUFFIXES.some(suffix => hostname === suffix || hostname.endsWith(`.${suffix}`))) return undefined
  const labels = hostname.split('.')
  const [second, top] = labels.slice(-2)
  if (second === undefined || top === undefined || labels.length < 2) return undefined
  // `co.uk`, `com.br`: under a two-letter top a second label of up to three letters may be a suffix, not an owner.
  const size = top.length === 2 && second.length <= 3 ? 3 : 2
  return labels.length < size ? undefined : labels.slice(-size).join('.')
}

function hostnameOf(host: string): string {
  return host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':', 1)[0] ?? host)
}
