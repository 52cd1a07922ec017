// Nonces of an API for proofs (RFC 9449 §9): a MAC over the time, so that nothing is kept, and processes that share the key know each other's.
// With them a proof cannot be made ahead of its use.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const slotMilliseconds = 120_000
const leastKeyBytes = 32

export interface NonceSource {
  /** the one to use from now on */
  current(): string
  /** `previous` still counts, and its holder is told the current one */
  judge(nonce: unknown): 'current' | 'previous' | 'unknown'
}

/**
 * A nonce is good for two to four minutes. `key`: 32 bytes that all processes of the API share; default: of this process alone, so that
 * with several a client is now and then asked twice.
 * @throws TypeError for a short key
 */
export function createNonceSource({
  key = randomBytes(leastKeyBytes),
  now = Date.now
}: {
  key?: Uint8Array
  now?: () => number
} = {}): NonceSource {
  if (key.length < leastKeyBytes) {
    throw new TypeError(`the key of nonces needs ${leastKeyBytes} random bytes`)
  }

  function nonceOf(slot: number): string {
    const mac = createHmac('sha256', key).update(`dpop nonce v1 ${slot}`).digest()
    return mac.subarray(0, 16).toString('base64url')
  }
  const slot = () => Math.floor(now() / slotMilliseconds)

  return {
    current: () => nonceOf(slot()),
    judge(nonce) {
      if (typeof nonce !== 'string') return 'unknown'
      if (isSame(nonce, nonceOf(slot()))) return 'current'
      return isSame(nonce, nonceOf(slot() - 1)) ? 'previous' : 'unknown'
    }
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
