import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { AddressGuard, Pin } from './address.ts'
import type { HttpAnswer, HttpClient } from './http.ts'

export interface PinnedGet {
  readonly url: URL
  readonly guard: AddressGuard
  /** Largest answer, in bytes. */
  readonly maxBytes: number
  /** Milliseconds for everything: names, connections, redirects, the last byte. */
  readonly timeoutMs: number
}

/**
 * Asks a host that somebody else may control, anonymously, at the addresses that were checked. A redirect is followed to the
 * same origin only: another host would answer for this one, and is named by it (13-adversary 32).
 * @returns the answer whatever its status.
 * @throws `core/address-refused`, `core/unreachable`, `core/answer-too-large`, `core/certificate-refused`, `verify/document-redirect`
 */
export async function getPinned(http: HttpClient, get: PinnedGet): Promise<HttpAnswer> {
  const end = performance.now() + get.timeoutMs
  let { url } = get
  for (let hop = 0; hop <= LIMITS.redirects; hop++) {
    const pin = await inTime(get.guard(url), url, end)
    const timeoutMs = Math.max(1, Math.round(end - performance.now()))
    const { maxBytes } = get
    const answer = await http.send({ method: 'GET', url: url.href, pin, maxBytes, timeoutMs })
    const { location } = answer.headers
    if (location === undefined || ![301, 302, 303, 307, 308].includes(answer.status)) return answer
    url = sameOrigin(url, location)
  }
  throw redirected(url, `more than ${LIMITS.redirects} redirects`)
}

/** Whoever answers for a name may take his time. */
async function inTime(pin: Promise<Pin>, url: URL, end: number): Promise<Pin> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = fail('core/unreachable', `Where ${printable(url.host)} is was not found out in time`)
    timer = setTimeout(() => reject(error), Math.max(1, end - performance.now()))
  })
  return Promise.race([pin, late]).finally(() => clearTimeout(timer))
}

function sameOrigin(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (to !== undefined && to.origin === from.origin && to.username === '' && to.password === '') return to
  throw redirected(from, to === undefined ? 'something that is no URL' : to.origin)
}

function redirected(from: URL, found: string): Error {
  return fail('verify/document-redirect', `${printable(from.host)} sends whoever asks to another place`, {
    expected: `an answer of ${from.origin}`,
    found: printable(found, 200),
  })
}
