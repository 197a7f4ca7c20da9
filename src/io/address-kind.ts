import { isIPv4, isIPv6 } from 'node:net'

/**
 * What an address is for. Anything that is not plainly a public unicast address is something else: a list of what is
 * forbidden would miss the next invention.
 */
export type AddressKind = 'public' | 'private' | 'loopback' | 'link-local' | 'metadata' | 'multicast' | 'reserved'

/** Networks of IPv4 that are not public. IANA IPv4 Special-Purpose Address Registry; RFC 6890. */
const V4: readonly (readonly [network: string, bits: number, kind: AddressKind])[] = [
  ['0.0.0.0', 8, 'reserved'],
  ['10.0.0.0', 8, 'private'],
  // Carrier-grade NAT (RFC 6598); one cloud keeps its metadata at 100.100.100.200.
  ['100.100.100.200', 32, 'metadata'],
  ['100.64.0.0', 10, 'private'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.169.254', 32, 'metadata'],
  ['169.254.170.2', 32, 'metadata'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  // Looks public, but inside one cloud it is the host's own service.
  ['168.63.129.16', 32, 'metadata'],
  ['192.0.0.192', 32, 'metadata'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.88.99.0', 24, 'reserved'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'reserved'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
]

/** Networks of IPv6, the narrower first. IANA IPv6 Special-Purpose Address Registry. */
const V6: readonly (readonly [network: string, bits: number, kind: AddressKind])[] = [
  ['::', 128, 'reserved'],
  ['::1', 128, 'loopback'],
  ['fd00:ec2::254', 128, 'metadata'],
  ['fd20:ce::254', 128, 'metadata'],
  // NAT64 for one network's own use (RFC 8215).
  ['64:ff9b:1::', 48, 'private'],
  ['fc00::', 7, 'private'],
  ['fe80::', 10, 'link-local'],
  ['fec0::', 10, 'private'],
  ['ff00::', 8, 'multicast'],
  // Teredo and other protocol assignments, documentation, Segment Routing.
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'reserved'],
  ['3fff::', 20, 'reserved'],
]

/** Prefixes whose address carries an IPv4 address, and at which byte: what counts is where that one leads. */
const CARRIERS: readonly (readonly [network: string, bits: number, at: number])[] = [
  // IPv4-mapped (RFC 4291 § 2.5.5.2), the form that a dual-stack socket connects to as IPv4.
  ['::ffff:0:0', 96, 12],
  // IPv4-translated (RFC 7915).
  ['::ffff:0:0:0', 96, 12],
  // NAT64 (RFC 6052) and 6to4 (RFC 3056).
  ['64:ff9b::', 96, 12],
  ['2002::', 16, 2],
]

/** @param address as a resolver or a URL gives it; whatever is no plain address (a zone, brackets) is `reserved`. */
export function addressKind(address: string): AddressKind {
  // An address with a zone (`fe80::1%eth0`) is of one link of this machine.
  if (isIPv4(address)) return kindOfV4(bytesOfV4(address))
  if (!isIPv6(address) || address.includes('%')) return 'reserved'
  return kindOfV6(bytesOfV6(address))
}

/** What a name alone says: these are never public, whatever a resolver (or a proxy) makes of them. RFC 6761, 6762, 8375. */
export function nameKind(host: string): 'public' | 'a name of this machine' | 'a name of a private network' {
  const name = host.replace(/\.$/, '').toLowerCase()
  if (/(?:^|\.)localhost$/.test(name) || /(?:^|\.)localdomain$/.test(name)) return 'a name of this machine'
  return /\.(?:local|internal|home\.arpa)$/.test(name) ? 'a name of a private network' : 'public'
}

function kindOfV4(bytes: readonly number[]): AddressKind {
  return V4.find(([network, bits]) => within(bytes, bytesOfV4(network), bits))?.[2] ?? 'public'
}

function kindOfV6(bytes: readonly number[]): AddressKind {
  const carrier = CARRIERS.find(([network, bits]) => within(bytes, bytesOfV6(network), bits))
  if (carrier !== undefined) return kindOfV4(bytes.slice(carrier[2], carrier[2] + 4))
  const known = V6.find(([network, bits]) => within(bytes, bytesOfV6(network), bits))
  if (known !== undefined) return known[2]
  // Global unicast is 2000::/3; the rest, IPv4-compatible addresses (::a.b.c.d) among it, is not assigned.
  return within(bytes, bytesOfV6('2000::'), 3) ? 'public' : 'reserved'
}

function within(address: readonly number[], network: readonly number[], bits: number): boolean {
  return network.every((byte, i) => {
    const mask = (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff
    return ((address[i] ?? 0) & mask) === (byte & mask)
  })
}

function bytesOfV4(address: string): number[] {
  return address.split('.').map(Number)
}

/** The sixteen bytes of an address that `isIPv6` accepts. RFC 4291 § 2.2 */
function bytesOfV6(address: string): number[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  const [a = 0, b = 0, c = 0, d = 0] = bytesOfV4(dotted?.[2] ?? '')
  const hex = dotted === null ? address : `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  const [head = '', tail] = hex.split('::')
  const words = (text: string): number[] => (text === '' ? [] : text.split(':').map(word => Number.parseInt(word, 16)))
  const [before, after] = [words(head), words(tail ?? '')]
  const zeros = new Array<number>(8 - before.length - after.length).fill(0)
  return [...before, ...zeros, ...after].flatMap(word => [word >> 8, word & 0xff])
}
