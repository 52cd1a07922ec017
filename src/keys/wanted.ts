// Which signing keys a configuration needs, and how long what they sign may live: a key is published until the last of it has expired. Owns
// the translation of the configuration's durations into the schedule.

import type { Config } from '../config/schema.ts'
import type { SigningAlgorithm, WantedKey } from './key-ring.ts'
import type { KeyTimes } from './schedule.ts'

/** The schedule of a configuration. */
export function keyTimes({ keys }: Pick<Config, 'keys'>): KeyTimes {
  return {
    intervalSeconds: keys.rotationIntervalSeconds,
    aheadSeconds: keys.publishAheadSeconds,
    cacheSeconds: keys.cacheLifetimeSeconds
  }
}

/** Signs status lists: small and fast to verify, whatever the resource's access tokens are signed with. */
export const statusListAlgorithm: SigningAlgorithm = 'ES256'

/** Seconds that a request object may live (protocol/request-objects.ts). */
const longestRequestSeconds = 3600

/** The keys that sign access tokens, ID tokens and status lists, and the one that requests are encrypted to. */
export function wantedKeys(
  config: Pick<
    Config,
    'accessTokens' | 'idTokens' | 'keys' | 'sessions' | 'resources' | 'statusLists'
  >,
  identityAlgorithms: readonly SigningAlgorithm[]
): WantedKey[] {
  const { accessTokens, idTokens, sessions, resources } = config
  const issuing = [accessTokens, ...resources.map(resource => resource.accessTokens)]
  return [
    ...issuing.map(({ algorithm, lifetimeSeconds }) => ({
      purpose: 'access_token' as const,
      alg: algorithm,
      longestSeconds: lifetimeSeconds
    })),
    ...identityAlgorithms.map(alg => ({
      purpose: 'identity' as const,
      alg,
      // RP-Initiated Logout 1.0 §2: the server "SHOULD accept ID Tokens when the RP identified by the ID Token's aud claim and/or sid claim
      // has a current session or had a recent session at the OP, even when the exp time has passed"; the engine does
      longestSeconds: Math.max(idTokens.lifetimeSeconds, sessions.absoluteSeconds)
    })),
    {
      purpose: 'encryption',
      alg: 'ECDH-ES',
      // a client takes it from a set that it may keep for a while, and its request then lives
      longestSeconds: longestRequestSeconds + config.keys.cacheLifetimeSeconds
    },
    ...(resources.some(resource => resource.statusList)
      ? [
          {
            purpose: 'status_list' as const,
            alg: statusListAlgorithm,
            longestSeconds: config.statusLists.lifetimeSeconds
          }
        ]
      : [])
  ]
}
