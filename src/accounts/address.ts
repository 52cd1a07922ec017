// What counts as one address for attempt counters. A provider gives each home a /64 of IPv6 at least (RFC 6177), so whole addresses
// would give one attacker 2^64 counters; IPv4-mapped addresses (RFC 4291 §2.5.5.2) are the IPv4 address. Owns only this folding:
// whether a forwarded address is believed was decided before (security: X-Forwarded-For is the proxy's word, not the peer's).

import { isIPv4, isIPv6 } from 'node:net'

/** The eight groups of an IPv6 address, or undefined. */
function groupsOf(address: string): string[] | undefined {
  if (!isIPv6(address)) return undefined
  // the URL parser writes the one canonical form (RFC 5952), also of `::ffff:1.2.3.4`
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  return [...before, ...new Array<string>(8 - before.length - after.length).fill('0'), ...after]
}

function ipv4Of(groups: readonly string[]): string | undefined {
  const [high = '0', low = '0'] = groups.slice(6)
  if (groups.slice(0, 5).some(group => group !== '0') || groups[5] !== 'ffff') return undefined
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map(shift => Math.floor(bits / 2 ** shift) % 256).join('.')
}

/** The network that an address is counted with: the IPv4 address, or the /64 of IPv6. What is no address shares one counter. */
export function countedAddress(address: string): string {
  if (isIPv4(address)) return address
  const groups = groupsOf(address.split('%', 1)[0] ?? '')
  if (groups === undefined) return 'unknown'
  return ipv4Of(groups) ?? `${groups.slice(0, 4).join(':')}::/64`
}
