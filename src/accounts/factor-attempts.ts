// How often a second factor of an account may be tried. Owns the counters: one for each kind and account, claimed before a code is looked at,
// the same for every browser, session and process, so that beginning anew guesses no more (RFC 6238 §5.2, ASVS v5.0.0 §6.5.5). A factor
// is locked, and for a while: never the account, which has other factors.

import { hmac } from '../lib/secret.ts'
import type { AttemptLimit, AttemptStore, Claim } from '../store/attempts.ts'

/** Kinds that consist of a code, which can be guessed. */
export type CodeKind = 'totp' | 'recovery_code'

/**
 * Five codes in half an hour: more than who mistypes needs, and with three of a million right at any time, whoever knows the password
 * guesses one in a day with a chance of 1 in 1,400.
 */
export const factorLimit: AttemptLimit = { limit: 5, windowSeconds: 1_800 }

export interface FactorAttempts {
  claim(kind: CodeKind, accountId: string): Promise<Claim>
  /** A code was right: the wrong ones before it count no more. */
  release(kind: CodeKind, accountId: string): Promise<void>
}

export function createFactorAttempts(deps: {
  attempts: Pick<AttemptStore, 'claim' | 'release'>
  /** 32 bytes, the same in every process */
  counterKey: Buffer
  limit?: AttemptLimit
}): FactorAttempts {
  const { attempts, counterKey, limit = factorLimit } = deps
  const name = (kind: CodeKind) => `second_factor.${kind}`
  const key = (kind: CodeKind, accountId: string) => hmac(counterKey, name(kind), accountId)
  return {
    claim: (kind, accountId) => attempts.claim(name(kind), key(kind, accountId), limit),
    release: (kind, accountId) => attempts.release(name(kind), key(kind, accountId))
  }
}
