import { fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { printable } from '../../core/text.ts'
import type { AddressGuard } from '../../io/address.ts'
import { type HttpClient, type HttpStream, isLoopbackHost } from '../../io/http.ts'
import type { FetchBudget } from './budget.ts'
import type { FetchTiming } from './timing.ts'

/** All that a download asks of the world. */
export interface DownloadPorts {
  readonly http: Pick<HttpClient, 'stream'>
  readonly timing: FetchTiming
  readonly budget: FetchBudget
  /** Ends what is under way. */
  readonly signal?: AbortSignal
}

/** Where to ask, and what its host has to be. */
export interface Address {
  readonly url: string
  readonly guard: AddressGuard
  /** For this very address: no redirect gets them. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Followed {
  readonly answer: HttpStream
  /** Every host that answered, the last of them with the bytes. */
  readonly hosts: readonly string[]
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * Asks without any login but what the address itself has, and follows redirects: wherever they lead, only the digest decides.
 * Each host on the way is checked and pinned before it is asked (13-adversary 32, 39); https only, but for servers of this
 * machine that begin so.
 * @throws `materials/redirect-refused`, `core/address-refused`, `core/unreachable`
 */
export async function follow(
  { url: first, guard, headers: own = {} }: Address,
  headers: Readonly<Record<string, string>>,
  { http, timing, signal }: Pick<DownloadPorts, 'http' | 'timing' | 'signal'>,
): Promise<Followed> {
  const hosts: string[] = []
  let url = new URL(first)
  for (let hops = 0; hops <= LIMITS.redirects; hops++) {
    requirePlace(url, first)
    const pin = await guard(url)
    hosts.push(url.host)
    const request = {
      method: 'GET',
      url: url.href,
      // Another encoding would be other bytes than those that were signed, and could grow without end.
      headers: { accept: '*/*', ...(hops === 0 ? own : {}), 'accept-encoding': 'identity', ...headers },
      timeoutMs: timing.idleMs,
      pin,
    } as const
    const answer = await http.stream(request, signal)
    if (!REDIRECTS.has(answer.status)) return { answer, hosts }
    answer.body.destroy()
    url = targetOf(answer.headers.location, url)
  }
  throw refused(first, `more than ${LIMITS.redirects} redirects`)
}

function targetOf(location: string | undefined, from: URL): URL {
  if (location !== undefined && URL.canParse(location, from.href)) return new URL(location, from.href)
  throw refused(from.href, 'a redirect to nowhere')
}

function requirePlace(url: URL, first: string): void {
  const plain = url.protocol === 'http:' && isLoopbackHost(url.hostname) && first.startsWith('http:')
  if (url.protocol !== 'https:' && !plain) throw refused(first, `a redirect to ${printable(url.protocol, 40)}`)
  if (url.username !== '' || url.password !== '') throw refused(first, 'a redirect with a login in it')
}

/** Only host and path: queries of storage addresses are secrets while they live. */
export function placeText(url: string): string {
  const { host, pathname } = new URL(url)
  return printable(`${host}${pathname}`, 200)
}

function refused(url: string, found: string): Error {
  return fail('materials/redirect-refused', `${placeText(url)} leads where a material is not fetched from`, {
    expected: `at most ${LIMITS.redirects} redirects, to https addresses without a login`,
    found,
  })
}
