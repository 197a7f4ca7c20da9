import { fail, type WaybillError } from '../core/error.ts'
import { isObject, parseJson } from '../core/json.ts'
import { printable } from '../core/text.ts'
import type { HttpAnswer } from '../io/http.ts'
import { loginRemedy, scopeOf } from './auth.ts'
import type { Repository } from './reference.ts'
import type { RegistryRequest } from './transport.ts'

/** True when the answer to a manifest says that the registry has not got a part of it. distribution-spec v1.1.1 § Error Codes */
export function saysPartMissing(answer: HttpAnswer): boolean {
  return (answer.status === 400 || answer.status === 404) && /\((?:MANIFEST_)?BLOB_UNKNOWN/.test(saidBy(answer))
}

/**
 * True when the answer to a manifest says that a digest is none, though ours is right. distribution 2.8 writes the files by which
 * it finds the parts of a manifest in place: while another writer stores the same part, they are empty for a moment.
 */
export function saysDigestInvalid(answer: HttpAnswer): boolean {
  return answer.status === 400 && /\(DIGEST_INVALID/.test(saidBy(answer))
}

/** Turns an answer nobody wanted into the error that says what to do. */
export function refusal(request: RegistryRequest, answer: HttpAnswer, hasLogin: boolean): WaybillError {
  const { host, repository } = request.repository
  const what = `${request.method} ${host}/${repository} (${shortPath(request)})`
  const found = `status ${answer.status}${saidBy(answer)}`
  const scope = scopeOf(request)
  switch (answer.status) {
    case 401:
      if (!hasLogin || request.action === 'pull') return unauthorized(host, scope, found)
      return forbidden(host, what, scope, found)
    case 403:
      return hasLogin ? forbidden(host, what, scope, found) : unauthorized(host, scope, found)
    case 404:
      if (request.action === 'push' && /\(NAME_UNKNOWN/.test(found)) return noSuchRepository(request.repository, found)
      return fail('registry/not-found', `${what}: the registry has no such thing`, { found })
    case 413:
      return fail('registry/body-too-large', `${host} takes no request as large as this one`, { found })
    case 429:
      return fail('registry/rate-limited', `${host} refuses for now`, {
        found: `${found}${answer.headers['retry-after'] ? `, Retry-After ${answer.headers['retry-after']}` : ''}`,
      })
    case 409:
    case 412:
      return fail('registry/precondition-failed', `${what}: changed by somebody else meanwhile`, { found })
    default:
      if (answer.status >= 500 || answer.status === 408)
        return fail('registry/unavailable', `${what}: the registry failed`, { found })
      return fail('registry/unexpected-answer', `${what}: refused by the registry`, { found })
  }
}

/** ` (CODE: message)` from the answer's first error. distribution-spec v1.1.1 § Error Codes */
function saidBy(answer: HttpAnswer): string {
  try {
    const value = parseJson(answer.body, 'error')
    const first = isObject(value) && Array.isArray(value.errors) ? value.errors[0] : undefined
    if (!isObject(first)) return ''
    const parts = [first.code, first.message].filter(part => typeof part === 'string')
    return parts.length === 0 ? '' : ` (${printable(parts.join(': '), 200)})`
  } catch {
    return ''
  }
}

/** Upload and storage URLs carry secrets in their query: only the path's kind is shown. */
function shortPath(request: RegistryRequest): string {
  return request.path instanceof URL ? 'upload' : printable((request.path.split('?', 1)[0] ?? '').slice(0, 90))
}

function unauthorized(host: string, scope: string, found: string): WaybillError {
  return fail('registry/unauthorized', `${host} wants a login for ${scope}`, {
    expected: `a login with the right ${scope}`,
    found,
    remedy: loginRemedy(host),
  })
}

function forbidden(host: string, what: string, scope: string, found: string): WaybillError {
  return fail('registry/forbidden', `${what}: the login may not do this`, {
    expected: `the right ${scope}`,
    found,
    remedy:
      host === 'ghcr.io'
        ? 'Add to the job: permissions: packages: write'
        : `Give the account at ${host} write access to this repository`,
  })
}

/** Some registries make a repository at its first push, some do not. */
function noSuchRepository({ host, repository }: Repository, found: string): WaybillError {
  const ecr = /^\d{12}\.dkr[.-]ecr[.-].*\.amazonaws\.com/.test(host)
  const remedy = ecr
    ? `Create it before the first push: aws ecr create-repository --repository-name ${repository}`
    : `Create the repository ${repository} at ${host}, and check its name`
  return fail('registry/not-found', `${host} has no repository ${repository}, and makes none by itself`, {
    found,
    remedy,
  })
}
