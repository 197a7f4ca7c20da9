/** Docker Hub under another name; the canonical form has `docker.io`. 13-adversary 34 */
export const HUB_ALIASES = ['index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com', 'hub.docker.com']

const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const DNS_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
const HOST = /^([a-z0-9.-]+|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?$/
// distribution-spec v1.1.1 § Pulling manifests.
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const MAX_LENGTH = 700

/**
 * `host/repository` of a canonical reference, without tag and digest: what rules match (12-policy § 2).
 * @param canonical `host/repository[:tag][@sha256:…]`
 * @returns undefined for every other spelling of a place (13-adversary 34): a rule that denies one spelling must not be
 * walked around with another.
 */
export function imageName(canonical: string): string | undefined {
  if (canonical.length > MAX_LENGTH) return undefined
  const [named = '', digest, more] = canonical.split('@')
  if (more !== undefined || (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest))) return undefined
  const colon = named.lastIndexOf(':')
  const tagged = colon > named.lastIndexOf('/')
  if (tagged && !TAG.test(named.slice(colon + 1))) return undefined
  const name = tagged ? named.slice(0, colon) : named
  return isName(name) ? name : undefined
}

/** A name of hosts in lower case, or an IPv6 address in brackets; nothing that only some resolvers take. */
export function isHostName(name: string): boolean {
  return DNS_NAME.test(name) || /^\[[0-9a-f:]+\]$/.test(name)
}

function isName(name: string): boolean {
  const [host = '', ...path] = name.split('/')
  if (!HOST.test(host) || !isHost(host) || path.length === 0) return false
  if (host === 'docker.io' && path.length < 2) return false
  return path.every(part => COMPONENT.test(part))
}

/** One spelling only: no default port, no alias, no number that a socket reads as another address. */
function isHost(host: string): boolean {
  if (host !== 'localhost' && !/[.:[]/.test(host)) return false
  const plain = host.replace(/:[0-9]+$/, '')
  if (!isHostName(plain)) return false
  if (HUB_ALIASES.includes(host) || host.startsWith('[::ffff:')) return false
  const url = `https://${host}/`
  if (!URL.canParse(url)) return false
  // Without its port a single label would be read as the first part of a repository.
  const portNeeded = /^[a-z0-9-]+:443$/.test(host) && !host.startsWith('localhost:')
  const { host: read, hostname } = new URL(url)
  return hostname === plain && (read === host || portNeeded)
}
