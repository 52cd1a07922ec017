// Client secrets (RFC 6749 §2.3.1): made, recognised, and judged when somebody else made them.
// Only the SHA-256 is kept, which is enough for 256 random bits; so a configured secret that is less random is refused.

import { digest, equalConstantTime, randomSecret } from '../lib/secret.ts'
import type { RegisteredClient } from './client.ts'

/** How long an old secret stays valid beside its successor, in seconds: unless told, and at most. */
export const secretOverlapSeconds = { usual: 86_400, most: 7 * 86_400 } as const
/** Secrets of one client that are valid at a time. */
export const liveSecrets = 2

const longestSecret = 512

/** A new secret of 256 random bits: `secret` is shown once, `digest` is what is stored. */
export function issueClientSecret(): { secret: string; digest: Buffer } {
  const secret = randomSecret()
  return { secret, digest: digest(secret) }
}

/**
 * Which of the client's live secrets was presented, as its digest; undefined for none. Takes the same time whichever it is, and never
 * throws, whatever is presented.
 * @param now milliseconds: a cached client may hold a secret that has expired since it was read
 */
export function matchClientSecret(
  client: Pick<RegisteredClient, 'secrets'>,
  presented: unknown,
  now: number
): Buffer | undefined {
  const usable =
    typeof presented === 'string' && presented !== '' && presented.length <= longestSecret
  const hashed = digest(usable ? presented : '')
  let matched: Buffer | undefined
  // no early exit: the loop is the same for the first and the second secret
  for (const secret of client.secrets) {
    const live = secret.expiresAt === undefined || secret.expiresAt.getTime() > now
    if (equalConstantTime(secret.digest, hashed) && live && usable) matched = secret.digest
  }
  return matched
}

/**
 * Why a secret that was not made here is refused, as a sentence; undefined when it may be used. It cannot be known whether a value is
 * random; a short, repeating or few-lettered one is certainly not.
 */
export function secretProblem(secret: unknown): string | undefined {
  const remedy = 'make one with `openssl rand -hex 32`, or leave it out and let the server make it'
  if (typeof secret !== 'string') return 'must be a string'
  // RFC 6749 Appendix A.2: client-secret = *VSCHAR
  if (!/^[\x21-\x7e]*$/.test(secret)) return 'may have visible ASCII characters only'
  if (secret.length > longestSecret) return `must not be longer than ${longestSecret} characters`
  if (secret.length * bitsPerCharacter(secret) < 256) return `is not 256 bits long: ${remedy}`
  if (new Set(secret).size < 10 || repeats(secret)) return `is not random: ${remedy}`
  return undefined
}

/** What one character can carry at most, judged by the narrowest alphabet that the value fits. */
function bitsPerCharacter(value: string): number {
  if (/^[0-9]*$/.test(value)) return Math.log2(10)
  if (/^[0-9a-f]*$|^[0-9A-F]*$/.test(value)) return 4
  if (/^[a-z2-7]*$|^[A-Z2-7]*$/.test(value)) return 5
  if (/^[A-Za-z0-9]*$/.test(value)) return Math.log2(62)
  return 6
}

/** A value that is some shorter one again and again. */
function repeats(value: string): boolean {
  return `${value}${value}`.indexOf(value, 1) < value.length
}
