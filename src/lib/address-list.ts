// Addresses and CIDR ranges, and whether one of them is a peer's. An IPv4 address that a socket spells as IPv6 (`::ffff:10.0.0.5`) is the
// IPv4 address.

import { isIP, isIPv6 } from 'node:net'
import { listOfRanges } from './special-addresses.ts'

export interface AddressList {
  has(address: string): boolean
}

/** `ranges` are sound: configuration judges them. */
export function createAddressList(ranges: readonly string[]): AddressList {
  const list = listOfRanges(ranges)
  return {
    has(address) {
      const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
      return isIP(plain) !== 0 && list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
    }
  }
}
