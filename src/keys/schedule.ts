// When a key takes which step of its life. Pure: ages by the database's clock in, the next step out; whether a step may really be taken
// is asked again by the statement that takes it (store/signing-key-steps.ts, store/server-secret-steps.ts).

export interface KeyTimes {
  /** how long a key is active before another one follows */
  intervalSeconds: number
  /** how long a key is known everywhere before it is used: published, and in the memory of every process */
  aheadSeconds: number
  /** how long verifiers keep the published set */
  cacheSeconds: number
}

export interface KeyAges {
  state: 'pending' | 'active' | 'retiring'
  sinceCreated: number
  sinceActivated: number | undefined
  sinceRetiring: number | undefined
  /** the longest life of what it signed or made, in seconds */
  valueSeconds: number
}

export type KeyStep =
  /** a successor is made, and published or told */
  | 'prepare'
  /** it is used from now on, and the one before it no longer */
  | 'activate'
  /** its successor is there and takes over */
  | 'be_followed'
  /** no configuration signs with it any more */
  | 'fall_idle'
  /** all that it made has expired: its private part is deleted */
  | 'retire'
  /** it changes for no schedule */
  | 'none'

export interface NextStep {
  step: KeyStep
  /** until it is due; 0 or less: it is */
  inSeconds: number
}

/** A key that no process wanted for this long is used by nobody: a process that does says so every hour. */
export const idleSeconds = 86_400

/**
 * What comes on top of the longest life of a token: the tolerance of whoever verifies, and the moment in which another process still used
 * the key because it had not heard of its successor.
 */
const toleranceSeconds = 60

/** How long a key is kept when another one has followed: until its last token, and a set that holds that key, are out of the world. */
export function graceSeconds({ cacheSeconds }: Pick<KeyTimes, 'cacheSeconds'>): number {
  return toleranceSeconds + cacheSeconds
}

/** The next step of a key. `pending` is its successor, if one is made; `idleFor` how long nobody has wanted it. */
export function nextStep(
  key: KeyAges,
  times: KeyTimes,
  about: { pending: Pick<KeyAges, 'sinceCreated'> | undefined; idleFor: number }
): NextStep {
  switch (key.state) {
    case 'pending':
      return { step: 'activate', inSeconds: times.aheadSeconds - key.sinceCreated }
    case 'retiring': {
      const kept = key.valueSeconds + graceSeconds(times)
      return { step: 'retire', inSeconds: kept - (key.sinceRetiring ?? 0) }
    }
    case 'active': {
      // two hours without a word are no accident: it is not renewed
      if (about.idleFor > 7_200) {
        return { step: 'fall_idle', inSeconds: idleSeconds - about.idleFor }
      }
      if (about.pending !== undefined) {
        return {
          step: 'be_followed',
          inSeconds: times.aheadSeconds - about.pending.sinceCreated
        }
      }
      const active = key.sinceActivated ?? key.sinceCreated
      return { step: 'prepare', inSeconds: times.intervalSeconds - times.aheadSeconds - active }
    }
  }
}
