import { type Digest, isDigest } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'

/** Where manifests live: a registry host in canonical form and the path behind it. */
export interface Repository {
  /** `ghcr.io`, `registry.example:5000`, `[::1]:5000`; Docker Hub is always `docker.io`. */
  readonly host: string
  /** `acme/app`; on Docker Hub with `library/` for official images. */
  readonly repository: string
}

/** An image name with one spelling. With tag and digest the tag is display only: the digest decides (13-adversary 34). */
export interface Reference extends Repository {
  readonly tag?: string
  readonly digest?: Digest
  /** `host/repository`: what policies match on. */
  readonly canonical: string
}

// distribution-spec v1.1.1 § Pulling manifests; each quantifier is separated by a literal, so matching is linear.
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const HOST_NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])
/** Characters of a whole name. The path may have 255 (distribution), host, tag and digest come on top. */
const MAX_LENGTH = 700

/**
 * Reads `[host[:port]/]repository[:tag][@digest]` into its one canonical form: lower-case host without trailing dot or
 * default port, Docker Hub's aliases and `library/` resolved, IPv6 in brackets. Two spellings of one place would let a
 * policy rule be walked around, so what cannot be brought to one form is refused.
 * @throws `registry/reference-malformed`
 */
export function parseReference(text: string): Reference {
  if (text.length > MAX_LENGTH) throw malformed(text, `more than ${MAX_LENGTH} characters`)
  if (text.includes('://')) throw malformed(text, 'a URL; write the name without https://')
  const { name, tag, digest } = splitSuffixes(text)
  const { host, path } = splitHost(name, text)
  const canonicalHost = host === undefined ? 'docker.io' : parseHost(host, text)
  // `b./app` would become `b/app`, which is read as a repository on Docker Hub: one text, two places.
  if (canonicalHost !== 'localhost' && !/[.:[]/.test(canonicalHost)) throw malformed(text, 'a host without a domain')
  const repository = canonicalHost === 'docker.io' && !path.includes('/') ? `library/${path}` : path
  checkPath(repository, text)
  return {
    host: canonicalHost,
    repository,
    canonical: `${canonicalHost}/${repository}`,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The canonical text: `host/repository[:tag][@digest]`. Parsing it again gives the same reference. */
export function formatReference(reference: Repository & { readonly tag?: string; readonly digest?: Digest }): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${reference.host}/${reference.repository}${tag}${digest}`
}

export function repositoryOf(reference: Repository): Repository {
  return { host: reference.host, repository: reference.repository }
}

/** The repository that a reference is in. @throws `registry/reference-malformed` */
export function repositoryIn(text: string): Repository {
  return repositoryOf(parseReference(text))
}

/** True for what a registry accepts as a tag. distribution-spec v1.1.1 § Pulling manifests */
export function isTag(text: string): boolean {
  return TAG.test(text)
}

function splitSuffixes(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !isDigest(digest)) throw malformed(text, 'a digest that is not sha256:<64 hex>')
  const rest = at < 0 ? text : text.slice(0, at)
  const colon = rest.lastIndexOf(':')
  // A colon before the last slash belongs to the host's port, or to an IPv6 address.
  const tag = colon > rest.lastIndexOf('/') && !rest.endsWith(']') ? rest.slice(colon + 1) : undefined
  if (tag !== undefined && !isTag(tag)) throw malformed(text, 'a tag that no registry accepts')
  return {
    name: tag === undefined ? rest : rest.slice(0, colon),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The first component is a host if it has a dot, a colon or brackets, or is `localhost` (as docker reads it). */
function splitHost(name: string, text: string): { host?: string; path: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  if (first.toLowerCase() === 'localhost' || /[.:[]/.test(first)) return { host: first, path: name.slice(slash + 1) }
  if (/[A-Z]/.test(first)) throw malformed(text, 'upper-case letters in the repository')
  return { path: name }
}

/**
 * The canonical form of `host[:port]`.
 * @throws `registry/reference-malformed`, also for numeric spellings that a URL parser turns into another address.
 */
export function parseHost(given: string, text = given): string {
  const matched = /^(\[[0-9A-Fa-f:.]{2,45}\]|[^:[\]]{1,254})(?::(\d{1,5}))?$/.exec(given)
  const name = matched?.[1]?.toLowerCase()
  const port = matched?.[2]
  if (name === undefined) throw malformed(text, 'a host that is not a name or address with an optional port')
  if (port !== undefined && (port.startsWith('0') || Number(port) > 65535)) throw malformed(text, 'an impossible port')
  const host = name.startsWith('[') ? ipv6(name, text) : dnsName(name, text)
  if (DOCKER_HUB.has(host) && (port === undefined || port === '443')) return 'docker.io'
  // Without its port a single label would be read as the first part of a repository.
  const plainlyHost = host === 'localhost' || /[.[]/.test(host)
  return port === undefined || (port === '443' && plainlyHost) ? host : `${host}:${port}`
}

function dnsName(name: string, text: string): string {
  const host = name.endsWith('.') ? name.slice(0, -1) : name
  if (!HOST_NAME.test(host)) throw malformed(text, 'a host with other characters than letters, digits, dots and dashes')
  // `0x7f.1` and `2130706433.` are 127.0.0.1 to a URL parser: what is compared must be what is connected to.
  if (urlHost(host) !== host) throw malformed(text, 'a host with a second spelling')
  return host
}

function ipv6(name: string, text: string): string {
  const host = urlHost(name)
  if (host === undefined) throw malformed(text, 'brackets around something that is not an IPv6 address')
  // `[::ffff:7f00:1]` is 127.0.0.1 to every socket: one place would have two names.
  if (host.startsWith('[::ffff:')) throw malformed(text, 'an IPv4 address written as IPv6; write it as IPv4')
  return host
}

function urlHost(host: string): string | undefined {
  const url = `https://${host}/`
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

function checkPath(path: string, text: string): void {
  if (path === '') throw malformed(text, 'no repository')
  if (path.length > 255) throw malformed(text, 'a repository of more than 255 characters')
  if (/[A-Z]/.test(path)) throw malformed(text, 'upper-case letters in the repository')
  if (!path.split('/').every(part => COMPONENT.test(part)))
    throw malformed(text, 'a repository that no registry accepts')
  // Docker reads 64 hex digits as an image id, not as a name.
  if (/^(?:library\/)?[0-9a-f]{64}$/.test(path)) throw malformed(text, 'an image id, not a name')
}

function malformed(text: string, found: string): Error {
  return fail('registry/reference-malformed', `Cannot read ${printable(text, 200)} as an image reference: ${found}`, {
    expected: 'host/repository[:tag][@sha256:<64 hex>]',
    found,
  })
}
