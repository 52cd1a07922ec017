// How often somebody may enter a user code that is not there (RFC 8628 §5.1, RFC 10027 §6.1): five times a minute from one address, five in one
// session, and so often from everywhere that a code is safe while it lives. Each attempt is claimed before the code is looked for, over
// all processes, and given back when there was such a code. Refuses right codes, too, once there were too many wrong ones.
//
// The arithmetic: a code is 8 characters of 20, 20^8 = 2^34.6. Ten thousand wrong ones while it lives, and twice that where two windows meet,
// find a given one with 2^14.3 / 2^34.6 = 2^-20.3; one address finds it in ten minutes with 2^5.7 / 2^34.6 = 2^-28.9.

import { errors, Provider } from 'oidc-provider'
import { countedAddress } from '../accounts/address.ts'
import { hmac } from '../lib/secret.ts'
import type { AttemptLimit, AttemptStore } from '../store/attempts.ts'
import { noteEvidence, type UnitOfWork } from './unit-of-work.ts'

const ofOne: AttemptLimit = { limit: 5, windowSeconds: 60 }
export const ofAll = 10_000

/** Shown on the page where the code is entered (engine-pages.ts, by its name). */
export class TooManyCodesError extends errors.OIDCProviderError {
  userCode: string
  constructor(userCode: string) {
    super(429, 'slow_down')
    this.userCode = userCode
  }
}

export interface UserCodeGuesses {
  /** Looks for a code by `find`, if that may be done. @throws TooManyCodesError */
  look<T>(
    unit: UnitOfWork,
    code: string,
    find: () => Promise<T | undefined>
  ): Promise<T | undefined>
}

export function createUserCodeGuesses(deps: {
  attempts: Pick<AttemptStore, 'claim' | 'giveBack'>
  /** keys the counters' digests */
  key: () => Buffer
  codeSeconds: number
}): UserCodeGuesses {
  const { attempts, key, codeSeconds } = deps
  return {
    async look(unit, code, find) {
      const session = Provider.ctx?.oidc?.session?.uid
      const address = countedAddress(unit.request.address ?? '')
      const counters = [
        { kind: 'user_code.address', of: address, limit: ofOne },
        ...(session === undefined
          ? []
          : [{ kind: 'user_code.session', of: session, limit: ofOne }]),
        { kind: 'user_code.all', of: '', limit: { limit: ofAll, windowSeconds: codeSeconds } }
      ].map(({ kind, of, limit }) => ({ kind, key: hmac(key(), kind, of), limit }))
      for (const counter of counters) {
        const claim = await attempts.claim(counter.kind, counter.key, counter.limit)
        if (claim.ok) continue
        // once per window: a flood must not fill the audit trail either
        if (claim.crossed) noteEvidence(unit, { type: 'device.throttled', data: {} })
        Provider.ctx?.set('retry-after', String(claim.retryAfterSeconds))
        throw new TooManyCodesError(code)
      }
      const found = await find()
      if (found === undefined) return undefined
      for (const counter of counters) {
        await attempts.giveBack(counter.kind, counter.key, counter.limit)
      }
      return found
    }
  }
}
