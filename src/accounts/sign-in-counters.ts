// How often a password may be tried, whatever form it is typed into: per account, per address, and per browser that the account knows. Each
// is claimed in the database before the hash that it guards, so that it is exact over all processes. A known browser counts
// by itself alone: strangers who use up the account's attempts, or its neighbours' address, do not keep its owner out (CWE-645).

import { hmac } from '../lib/secret.ts'
import type { AttemptLimit, AttemptStore } from '../store/attempts.ts'
import { countedAddress } from './address.ts'
import type { Lane } from './hash-queue.ts'
import { deviceId, type KnownDevices } from './known-devices.ts'

export type CounterName = 'account' | 'address' | 'device'

export interface SignInLimits {
  /** per account, or folded name where there is none */
  account: AttemptLimit
  /** per IPv4 address or IPv6 /64 */
  address: AttemptLimit
  /** per browser that an account has been signed in at; as for the account when left out */
  device?: AttemptLimit
}

/**
 * Ten tries in a quarter of an hour are more than a person needs who mistypes, and 960 guesses a day at most: nothing against a
 * password that the blocklist lets pass. An address has ten times that, because households and offices share one, and gets back what
 * succeeds.
 */
export const defaultLimits: SignInLimits = {
  account: { limit: 10, windowSeconds: 900 },
  address: { limit: 100, windowSeconds: 900 }
}

/** An attempt that may be made; exactly one of the two follows, or neither when it was made and failed. */
export interface ClaimedAttempt {
  ok: true
  /** of the hash queue: a known browser's goes first */
  lane: Lane
  /** It was not made after all. */
  giveBack(): Promise<void>
  /** It proved honest. */
  succeeded(): Promise<void>
}

export interface RefusedAttempt {
  ok: false
  counter: CounterName
  retryAfterSeconds: number
  /** once per window: a flood must not fill the audit trail */
  crossed: boolean
}

export interface SignInCounters {
  /**
   * One attempt at a password. `find` looks for the account when its turn has come: behind the address's counter, except for
   * browsers that keep a device's value.
   */
  claim<Found extends { account: { id: string } }>(attempt: {
    /** counted where there is no account */
    name: string
    find(): Promise<Found | undefined>
    address: string
    device: string | undefined
    /** asked of strangers before anything is counted or looked for */
    isFull(): boolean
  }): Promise<{ claimed: ClaimedAttempt; found: Found | undefined } | RefusedAttempt | 'busy'>
}

export function createSignInCounters(options: {
  attempts: Pick<AttemptStore, 'claim' | 'giveBack' | 'release'>
  devices: Pick<KnownDevices, 'isKnown'>
  /**
   * Keys the counters' digests, 32 bytes, the same in every process: what is typed as a login may be guessed, and now and then is a
   * password, so its plain hash would give it away in a copy of the database.
   */
  counterKey: Buffer
  limits?: SignInLimits
}): SignInCounters {
  const { attempts, devices, counterKey, limits = defaultLimits } = options

  function counter(kind: CounterName, ...parts: (string | Buffer)[]) {
    const name = `sign_in.${kind}`
    const key = hmac(counterKey, name, ...parts)
    const limit = limits[kind] ?? limits.account
    return {
      kind,
      claim: () => attempts.claim(name, key, limit),
      giveBack: () => attempts.giveBack(name, key, limit),
      release: () => attempts.release(name, key)
    }
  }
  type Counter = ReturnType<typeof counter>

  /** One counter, and what was taken before it: that stays taken when this one is used up. */
  async function take(own: Counter, before?: Counter): Promise<ClaimedAttempt | RefusedAttempt> {
    const claim = await own.claim()
    if (!claim.ok) return { ...claim, counter: own.kind }
    return {
      ok: true,
      lane: own.kind === 'device' ? 'first' : 'usual',
      async giveBack() {
        await own.giveBack()
        await before?.giveBack()
      },
      async succeeded() {
        await own.release()
        // not released: whoever has one password must not reset the counter of the address that tries others
        await before?.giveBack()
      }
    }
  }

  return {
    async claim({ name, find, address, device, isFull }) {
      const asked = device === undefined ? undefined : { found: await find() }
      if (device !== undefined && (await devices.isKnown(device, asked?.found?.account.id))) {
        const claimed = await take(
          counter('device', asked?.found?.account.id ?? '', deviceId(device))
        )
        return claimed.ok ? { claimed, found: asked?.found } : claimed
      }
      if (isFull()) return 'busy'
      const byAddress = counter('address', countedAddress(address))
      const first = await byAddress.claim()
      if (!first.ok) return { ...first, counter: 'address' }
      const { found } = asked ?? { found: await find() }
      // one counter per account, by whichever of its names it is tried; a name of nobody has its own, at the same cost
      const subject = found === undefined ? ['name', name] : ['id', found.account.id]
      const claimed = await take(counter('account', ...subject), byAddress)
      return claimed.ok ? { claimed, found } : claimed
    }
  }
}
