// Challenges of Web Authentication (Level 3 §13.4.3): 128 random bits, a time, and a MAC that ties both to one purpose, one browser's flow and,
// where it is known, one account. Nothing is stored when a page is shown, so showing pages fills no table; the first use is a row, so
// there is one use. Refuses a challenge of another browser, another purpose or another account, and one that is too old.

import { randomBytes } from 'node:crypto'
import { Fault } from '../lib/fault.ts'
import { equalConstantTime, hmac } from '../lib/secret.ts'
import type { ReplayStore } from '../store/replay.ts'

export type PasskeyPurpose = 'sign in' | 'second factor' | 'registration'

/** What a challenge was given out for. */
export interface PasskeyBinding {
  purpose: PasskeyPurpose
  /** the browser's own secret name of what it does: a sign-in, or a session */
  flow: string
  /** undefined: whoever it turns out to be */
  accountId: string | undefined
}

/** As long as a browser is told to wait for its person; a page that is open longer asks for a new one (views/passkeys.js). */
export const challengeSeconds = 300

const randomLength = 16
const timeLength = 4
const macLength = 32

export interface PasskeyChallenges {
  issue(binding: PasskeyBinding): string
  /**
   * Judges and spends: `good` to exactly one caller, over all processes; `expired`: honest, and too late.
   * @throws Fault `store_unavailable`
   */
  spend(
    challenge: string,
    binding: PasskeyBinding
  ): Promise<'good' | 'expired' | 'foreign' | 'spent'>
}

export function createPasskeyChallenges(deps: {
  /** the current one first */
  keys: () => readonly Buffer[]
  replay: Pick<ReplayStore, 'claim'>
  now: () => Date
}): PasskeyChallenges {
  const seconds = () => Math.floor(deps.now().getTime() / 1_000)

  function macOf(key: Buffer, head: Buffer, { purpose, flow, accountId = '' }: PasskeyBinding) {
    return hmac(key, 'passkey challenge', purpose, flow, accountId, head)
  }

  return {
    issue(binding) {
      const key = deps.keys()[0]
      if (key === undefined) throw new Fault('key_unavailable', 'No key for challenges is in use.')
      const head = Buffer.concat([randomBytes(randomLength), Buffer.alloc(timeLength)])
      head.writeUInt32BE(seconds() + challengeSeconds, randomLength)
      return Buffer.concat([head, macOf(key, head, binding)]).toString('base64url')
    },

    async spend(challenge, binding) {
      const bytes = Buffer.from(challenge, 'base64url')
      // one spelling: bits that encode nothing would make a second challenge of a spent one
      if (bytes.toString('base64url') !== challenge) return 'foreign'
      if (bytes.length !== randomLength + timeLength + macLength) return 'foreign'
      const head = bytes.subarray(0, randomLength + timeLength)
      const mac = bytes.subarray(randomLength + timeLength)
      const ours = deps.keys().some(key => equalConstantTime(macOf(key, head, binding), mac))
      if (!ours) return 'foreign'
      if (head.readUInt32BE(randomLength) < seconds()) return 'expired'
      // remembered for twice its life: clocks of processes differ
      const { purpose } = binding
      const claim = await deps.replay.claim(
        'passkey challenge',
        purpose,
        challenge,
        2 * challengeSeconds
      )
      return claim === 'first' ? 'good' : 'spent'
    }
  }
}
