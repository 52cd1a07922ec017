// Addresses and CIDR ranges, and whether one of them is a peer's. An IPv4 address that a socket spells as IPv6 (`::ffff:10.0.0.5`) is the
// IPv4 address.

import { BlockList, isIP, isIPv6 } from 'node:net'

export interface AddressList {
  has(address: string): boolean
}

/** `ranges` are sound: configuration judges them. */
export function createAddressList(ranges: readonly string[]): AddressList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return {
    has(address) {
      const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
      return isIP(plain) !== 0 && list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
    }
  }
}
