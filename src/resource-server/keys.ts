// The issuer's keys as this process holds them: asked for when first needed, kept for as long as the
// issuer lets them be kept, renewed a little ahead of that, so that hardly a request waits, and kept
// through an outage of the issuer. Refuses to be driven: a stranger's `kid` costs at most one request
// per cool-down, however many such tokens come (RFC 8725 §3.10).

import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters
} from 'jose'
import { fetchKeySet } from './metadata.ts'

const seconds = 1_000
/** where the issuer does not say how long its keys may be kept */
const usualLifetime = 600 * seconds
/** bounds of what it says: it is not asked all the time, and no withdrawn key is kept for long */
const shortestLifetime = 30 * seconds
const longestLifetime = 900 * seconds
/** in the last part of their lifetime keys are renewed while requests are still served from them */
const renewFrom = 0.8
/**
 * beyond this age keys are not used any more, issuer or no issuer: somebody may have withdrawn them
 */
const usableFor = 24 * 3600 * seconds
/** an unknown `kid` may ask for a renewal this often */
const unknownKeyCoolDown = 30 * seconds
/** after a failed request the issuer is left alone this long */
export const failureCoolDown = 5 * seconds

/**
 * The issuer's keys, its list of what was revoked, its word on a token or the API's own memory of
 * proofs is needed and not to be had. The token that was to be checked may be perfectly good.
 */
export class IssuerUnavailable extends Error {
  override name = 'IssuerUnavailable'
}

interface HeldKeys {
  find: ReturnType<typeof createLocalJWKSet>
  /** milliseconds since the epoch */
  loadedAt: number
  /** milliseconds for which the issuer lets them be kept, within our bounds */
  lifetime: number
}

function lifetimeOf(maxAgeSeconds: number | undefined): number {
  if (maxAgeSeconds === undefined) return usualLifetime
  return Math.min(longestLifetime, Math.max(shortestLifetime, maxAgeSeconds * seconds))
}

/**
 * Holds the keys of one issuer. Nothing is fetched before the first `find`, so an API starts while
 * its issuer is down. `now` is in milliseconds since the epoch.
 */
export function createKeySource(options: {
  issuer: string
  fetch: typeof globalThis.fetch
  now: () => number
}) {
  const { issuer, fetch, now } = options
  let held: HeldKeys | undefined
  let lastAttempt: { endedAt: number; failure?: unknown } | undefined
  let running: Promise<void> | undefined

  /**
   * One attempt at a time, whoever asks. Never rejects: the outcome is in `held` and `lastAttempt`.
   */
  function renew(): Promise<void> {
    const asked = now()
    running ??= fetchKeySet(issuer, fetch)
      .then(({ keySet, maxAgeSeconds }) => {
        const lifetime = lifetimeOf(maxAgeSeconds)
        // they are as old as the question, not as the answer
        held = { find: createLocalJWKSet(keySet), loadedAt: asked, lifetime }
        lastAttempt = { endedAt: now() }
      })
      .catch((failure: unknown) => {
        lastAttempt = { endedAt: now(), failure }
      })
      .finally(() => {
        running = undefined
      })
    return running
  }

  /** A clock that was set back counts as "long ago": it may not extend anything. */
  function isWithin(since: number | undefined, milliseconds: number): boolean {
    if (since === undefined) return false
    const age = now() - since
    return age >= 0 && age < milliseconds
  }

  const failed = () => lastAttempt?.failure !== undefined
  const mayAsk = (coolDown: number) =>
    running !== undefined || !isWithin(lastAttempt?.endedAt, coolDown)

  function unavailable(): IssuerUnavailable {
    const why = lastAttempt?.failure
    return new IssuerUnavailable(`the keys of ${issuer} are not available`, { cause: why })
  }

  async function current() {
    const lifetime = held?.lifetime ?? 0
    if (!isWithin(held?.loadedAt, renewFrom * lifetime) && mayAsk(failed() ? failureCoolDown : 0)) {
      const usable = isWithin(held?.loadedAt, usableFor)
      const serveMeanwhile = usable && (failed() || isWithin(held?.loadedAt, lifetime))
      const renewal = renew()
      if (!serveMeanwhile) await renewal
    }
    if (held && isWithin(held.loadedAt, usableFor)) return held
    throw unavailable()
  }

  return {
    /**
     * The key that the token's header names.
     * @throws IssuerUnavailable when the keys cannot be had
     * @throws errors.JWKSNoMatchingKey when the issuer publishes no such key
     */
    async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
      const known = await current()
      const key = await lookUp(known.find, header, token)
      if (key) return key

      // The key may be younger than our copy.
      if (mayAsk(failed() ? failureCoolDown : unknownKeyCoolDown)) await renew()
      const renewed = held === known ? undefined : held
      const younger = renewed && (await lookUp(renewed.find, header, token))
      if (younger) return younger
      if (failed()) throw unavailable()
      throw new errors.JWKSNoMatchingKey()
    }
  }
}

/**
 * undefined: no such key. A published key that cannot be used is the issuer's fault, not the
 * token's.
 */
async function lookUp(
  find: ReturnType<typeof createLocalJWKSet>,
  header: JWSHeaderParameters,
  token: FlattenedJWSInput
): Promise<CryptoKey | undefined> {
  try {
    return await find(header, token)
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined
    // a header without `kid` where several keys fit
    if (error instanceof errors.JWKSMultipleMatchingKeys) return undefined
    if (error instanceof errors.JOSENotSupported) throw error
    throw new IssuerUnavailable('the issuer publishes a key that cannot be used', { cause: error })
  }
}
