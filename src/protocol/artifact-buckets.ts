// In which partition an artifact is: the hour after which nobody needs its row. Codes, device codes, requests for an approval and PAR ids carry it in their last four
// characters, so that a lookup names its partition; an interaction's id is the engine's own, and it is looked for where its lifetime allows.
// Nobody vouches for a bucket: the key is the hash of the whole value, so another one finds nothing.

import type { Provider } from 'oidc-provider'
import {
  type ArtifactLifetimes,
  artifactBucketSeconds as bucketSeconds,
  lastingBucket,
  pushedRequestSeconds,
  recognisedSeconds,
  skewSeconds
} from '../store/artifact-lifetimes.ts'

const digits = 4

export interface ArtifactBuckets {
  /** The bucket that a value tells, or the first and the last that it may be in. */
  of(kind: string, value: string): number | readonly [first: number, last: number]
  /** The bucket of a row that is made now and lives for `seconds`. */
  ending(kind: string, seconds: number): number
  /** Makes the engine's ids carry their bucket. */
  install(provider: Provider): void
}

/** The longest time, from now, for which a row may be needed. */
export function longestArtifactSeconds(lifetimes: ArtifactLifetimes): number {
  const { codeSeconds, deviceCodeSeconds, interactionSeconds } = lifetimes
  const recognised = Math.max(codeSeconds, deviceCodeSeconds, pushedRequestSeconds)
  return Math.max(recognised + recognisedSeconds, interactionSeconds) + skewSeconds
}

export function createArtifactBuckets(deps: {
  lifetimes: ArtifactLifetimes
  now: () => Date
}): ArtifactBuckets {
  const { lifetimes, now } = deps
  const seconds: ReadonlyMap<string, number> = new Map([
    ['AuthorizationCode', lifetimes.codeSeconds + recognisedSeconds],
    ['DeviceCode', lifetimes.deviceCodeSeconds + recognisedSeconds],
    ['BackchannelAuthenticationRequest', lifetimes.backchannelSeconds + recognisedSeconds],
    ['PushedAuthorizationRequest', pushedRequestSeconds + recognisedSeconds]
  ])
  const bucketAt = (ahead: number) => Math.floor((now().getTime() / 1_000 + ahead) / bucketSeconds)

  return {
    of(kind, value) {
      if (seconds.has(kind)) {
        const text = /[0-9a-z]{4}$/.exec(value)?.[0]
        return text === undefined ? -1 : Number.parseInt(text, 36)
      }
      if (kind !== 'Interaction') return lastingBucket
      return [bucketAt(-skewSeconds), bucketAt(lifetimes.interactionSeconds + 2 * skewSeconds)]
    },

    ending: (kind, lived) =>
      kind === 'Interaction' ? bucketAt(lived + skewSeconds) : lastingBucket,

    install(provider) {
      const models = [
        provider.AuthorizationCode,
        provider.DeviceCode,
        provider.BackchannelAuthenticationRequest,
        provider.PushedAuthorizationRequest
      ]
      for (const model of models) {
        const own = model.prototype as unknown as { generateTokenId(): string }
        const generate = own.generateTokenId
        const ahead = (seconds.get(model.name) ?? 0) + skewSeconds
        own.generateTokenId = function withBucket() {
          return generate.call(this) + bucketAt(ahead).toString(36).padStart(digits, '0')
        }
      }
    }
  }
}
