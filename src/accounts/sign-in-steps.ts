// What somebody has proved so far who signs in in more than one step, and what is still missing. A step is named by the browser's own secret
// (an interaction, or the sign-in page's cookie): two sign-ins never share one. Refuses to call a sign-in complete that lacks a factor which
// the account, the client or the request demands.

import { digest } from '../lib/secret.ts'
import type { PendingSignInStore, ProvedSoFar } from '../store/pending-sign-ins.ts'

export type { ProvedSoFar } from '../store/pending-sign-ins.ts'

/** Ways to prove a second time who is there. */
export type FactorKind = 'passkey' | 'totp' | 'recovery_code'

/** One way, as an account has it or not. */
export interface SecondFactor {
  kind: FactorKind
  /** whether the account can use it now */
  enrolled(accountId: string): Promise<boolean>
}

/** What the sign-in is for, as far as it demands more than the account does. */
export interface SignInDemand {
  clientId?: string | undefined
}

/** `nothing`: signed in. Otherwise one of these must be shown next. */
export type Missing = 'nothing' | { kinds: FactorKind[] }

export interface SignInSteps {
  /** What was proved so far in this flow; undefined: nothing, too long ago, or overtaken by a changed password. */
  find(flow: string): Promise<ProvedSoFar | undefined>
  save(flow: string, proved: ProvedSoFar): Promise<void>
  drop(flow: string): Promise<void>
  missing(proved: ProvedSoFar, demand: SignInDemand): Promise<Missing>
}

/** As long as a person may take from the first proof to the last. */
export const stepsSeconds = 600

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createSignInSteps(deps: {
  pending: PendingSignInStore
  factors: readonly SecondFactor[]
}): SignInSteps {
  const { pending, factors } = deps
  const idOf = (flow: string) => digest('pending sign-in', flow)

  return {
    find: flow => pending.find(idOf(flow)),
    save: (flow, proved) => pending.save(idOf(flow), proved, stepsSeconds),
    drop: flow => pending.drop(idOf(flow)),

    async missing({ accountId, amr }) {
      // `mfa` (RFC 8176 §2): more than one factor was used
      if (amr.includes('mfa')) return 'nothing'
      const kinds: FactorKind[] = []
      for (const factor of factors) {
        if (await factor.enrolled(accountId)) kinds.push(factor.kind)
      }
      return kinds.length === 0 ? 'nothing' : { kinds }
    }
  }
}
