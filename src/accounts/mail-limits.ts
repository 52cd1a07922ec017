// How many mails somebody may cause: per network address, in all, and per mailbox, each claimed in the database before anything is looked up or
// queued, exactly, over all processes. Whoever is over a limit is told the same as everybody else, so a limit tells nothing of an account.

import { hmac } from '../lib/secret.ts'
import type { AttemptLimit, AttemptStore } from '../store/attempts.ts'
import { countedAddress } from './address.ts'

/** A household shares an address; all strangers together cannot make this server one that others block. */
export const mailLimits = {
  peer: { limit: 50, windowSeconds: 3_600 },
  all: { limit: 5_000, windowSeconds: 3_600 },
  mailbox: { limit: 5, windowSeconds: 3_600 }
} as const satisfies Record<string, AttemptLimit>

export interface MailLimits {
  /** Takes one mail to `mailbox`, asked for from a network address; false: none may be sent. @throws Fault `store_unavailable` */
  claim(address: string, mailbox: () => Promise<string>): Promise<boolean>
}

export function createMailLimits(deps: {
  attempts: Pick<AttemptStore, 'claim'>
  /** as for the counters of sign-in */
  counterKey: Buffer
}): MailLimits {
  const claim = async (name: keyof typeof mailLimits, value: string) => {
    const kind = `mail.${name}`
    const claimed = await deps.attempts.claim(
      kind,
      hmac(deps.counterKey, kind, value),
      mailLimits[name]
    )
    return claimed.ok
  }
  return {
    async claim(address, mailbox) {
      // the cheapest to exhaust first: one address makes no rows for others
      if (!(await claim('peer', countedAddress(address)))) return false
      return (await claim('all', '')) && (await claim('mailbox', await mailbox()))
    }
  }
}
