// How long rows of artifacts are needed: what decides which partition a row is in, and how far ahead partitions are made. Numbers only;
// what is done with them is in artifacts.ts, partitions.ts and protocol/artifact-buckets.ts.

/** Rows that are not short-lived: they have a partition that stays. */
export const lastingBucket = 0

/** Seconds that a row stays after its expiry: what is spent or too late must be told from what never was (RFC 6749 §4.1.2). */
export const recognisedSeconds = 3_600

/** The clocks of two processes may differ by this much. */
export const skewSeconds = 60

/** Seconds that a pushed request lives (RFC 9126 §2.2); the engine's own. */
export const pushedRequestSeconds = 60

/** An artifact's bucket is an hour: a partition each. */
export const artifactBucketSeconds = 3_600

export interface ArtifactLifetimes {
  codeSeconds: number
  deviceCodeSeconds: number
  backchannelSeconds: number
  interactionSeconds: number
}

/** The longest time, from now, for which a row may be needed. */
export function longestArtifactSeconds(lifetimes: ArtifactLifetimes): number {
  const { codeSeconds, deviceCodeSeconds, backchannelSeconds, interactionSeconds } = lifetimes
  const recognised = Math.max(
    codeSeconds,
    deviceCodeSeconds,
    backchannelSeconds,
    pushedRequestSeconds
  )
  return Math.max(recognised + recognisedSeconds, interactionSeconds) + skewSeconds
}
