import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { asWaybillError, fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { addressKind, nameKind } from './address-kind.ts'

/** One address of a host, as a resolver gave it. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** All addresses of a host name. Throws when there are none. */
export type Resolver = (host: string) => Promise<readonly ResolvedAddress[]>

/** The addresses to which connections for one host go, whatever its name means a moment later. */
export interface Pin {
  /** As it stands in the URL: lower case, IPv6 without brackets. */
  readonly host: string
  readonly addresses: readonly ResolvedAddress[]
}

export interface AddressPolicy {
  /**
   * Whether addresses of this machine and of private networks are accepted (`private: true` of a rule). Link-local and
   * metadata addresses never are: no registry lives there, but the credentials of a cloud machine do.
   */
  readonly private: boolean
  /** `host[:port]` as in URLs that the caller named himself, for instance under `insecure-registries`: as if `private`. */
  readonly named?: readonly string[]
  /** What was checked is what is connected to. There is no other way. */
  readonly pin: true
}

/** Checks where a URL leads before it is asked; the answer goes with the request. Throws `core/address-refused`. */
export type AddressGuard = (url: URL) => Promise<Pin>

/** Names resolved for one guard; a flood of hosts is more than any run asks. */
const MAX_HOSTS = 10_000

/**
 * The address rule for hosts that somebody else named (13-adversary 32, 39): each host is resolved once, every address of
 * it must be a public one, and connections go to those addresses only. A name that means something public while it is
 * checked and something inside when it is connected to (DNS rebinding) gains nothing.
 *
 * Behind a proxy the proxy resolves the name again: then the check holds for what this machine sees, and the proxy's own
 * rules for the rest.
 * @throws (the guard) `core/address-refused`; `core/unreachable` when the name has no address
 */
export function addressGuard(policy: AddressPolicy, resolve: Resolver = systemResolver): AddressGuard {
  const known = new Map<string, Promise<Pin>>()
  return url => {
    const checked = known.get(url.host) ?? check(url, policy, resolve)
    if (known.size < MAX_HOSTS) known.set(url.host, checked)
    return checked
  }
}

async function check(url: URL, policy: AddressPolicy, resolve: Resolver): Promise<Pin> {
  const host = hostOf(url)
  const inside = policy.private || (policy.named?.includes(url.host) ?? false)
  const name = nameKind(host)
  if (name !== 'public' && !inside) throw refused(host, name)
  const family = isIP(host)
  const addresses =
    family === 0 ? await resolved(host, resolve) : [{ address: host, family: family === 4 ? 4 : 6 } as const]
  // One bad address among good ones is enough: which of them is taken is up to whoever answers for the name.
  for (const { address } of addresses) {
    const kind = addressKind(address)
    const accepted = kind === 'public' || (inside && (kind === 'private' || kind === 'loopback'))
    if (!accepted) throw refused(host, `${address}, which is ${kind}`)
  }
  return { host, addresses }
}

async function resolved(host: string, resolve: Resolver): Promise<readonly ResolvedAddress[]> {
  const addresses = await resolve(host).catch(error => {
    throw fail('core/unreachable', `The name ${printable(host)} has no address`, {
      found: asWaybillError(error).message,
      cause: error,
    })
  })
  if (addresses.length > 0) return addresses
  throw fail('core/unreachable', `The name ${printable(host)} has no address`, { found: 'an empty answer' })
}

/** The operating system's resolver: hosts file, search domains and all, as connections without a pin use it. */
async function systemResolver(host: string): Promise<readonly ResolvedAddress[]> {
  const found = await lookup(host, { all: true })
  return found.map(({ address, family }) => ({ address, family: family === 4 ? 4 : 6 }))
}

/** A URL's host as sockets see it. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
}

function refused(host: string, found: string): Error {
  return fail('core/address-refused', `${printable(host)} is not a place that judged content may name`, {
    expected: 'a host with public addresses only',
    found,
  })
}

/**
 * The `lookup` of a connection that answers from the pin alone (node:net § socket.connect). Another name than the pinned one
 * is the proxy's, which the operator of this machine chose.
 */
export function pinnedLookup({ host, addresses }: Pin): LookupFunction {
  return (name, options, done) => {
    const pick = (all: readonly ResolvedAddress[]): void => {
      const usable = all.filter(({ family }) => !options.family || family === familyOf(options.family))
      const [first] = usable
      if (first === undefined) done(Object.assign(new Error(`no address of ${name}`), { code: 'ENOTFOUND' }), '')
      else if (options.all === true) done(null, [...usable])
      else done(null, first.address, first.family)
    }
    if (name.toLowerCase() === host) pick(addresses)
    else systemResolver(name).then(pick, (error: Error) => done(error, ''))
  }
}

function familyOf(family: number | string): number {
  return typeof family === 'number' ? family : Number(family.replace('IPv', ''))
}
