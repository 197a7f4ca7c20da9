import { posix } from 'node:path'
import { formatReference, type Reference } from '../registry/reference.ts'

/**
 * How BuildKit spells a source before its policy sees it: a policy that spells it in any other way does not match. The
 * closed world then refuses it, so a mistake here costs a build and never lets anything in.
 * Source: distribution/reference v0.6 `splitDockerDomain`, `TagNameOnly`; BuildKit 0.26.3 `client/llb/source.go`; each form run.
 */

/** `docker-image://` and the name as the builder completes it: Docker Hub's host, `library/`, `:latest`; the host keeps its case. */
export function imageIdentifier(name: string): string {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
  const host = isHost && first !== 'index.docker.io' ? first : 'docker.io'
  const path = isHost ? name.slice(slash + 1) : name
  const full = host === 'docker.io' && !path.includes('/') ? `library/${path}` : path
  return `docker-image://${host}/${hasTagOrDigest(full) ? full : `${full}:latest`}`
}

/** The identifier of what was verified, in its one spelling, bound to its bytes. */
export function pinnedIdentifier(reference: Reference): string {
  return `docker-image://${formatReference(reference)}`
}

/** `host/path` of a remote, which is all that the identifier of a repository holds; `undefined` for what is no remote. */
export function gitLocation(remote: string): string | undefined {
  const scp = /^[A-Za-z0-9_-]+@([A-Za-z0-9.-]+):(.*)$/.exec(remote)
  if (scp !== null && !remote.includes('://')) return `${scp[1]}${posix.join('/', scp[2] ?? '')}`
  if (!URL.canParse(remote)) return undefined
  // Go keeps a default port that is spelled out, and the case of the host; WHATWG does neither.
  const host = /^[a-z]+:\/\/(?:[^/@?#]*@)?([^/?#]*)/.exec(remote)?.[1]
  const path = decoded(new URL(remote).pathname)
  return host === undefined || host === '' || path === undefined ? undefined : `${host}${posix.join('/', path)}`
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function hasTagOrDigest(path: string): boolean {
  return path.includes('@') || path.includes(':')
}
