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
  /** what the account's own adds to the methods of a sign-in, each; left out: all that this kind can */
  methods?(accountId: string): Promise<readonly (readonly string[])[]>
}

/** What the sign-in is for, as far as it demands more than the account does. */
export interface SignInDemand {
  clientId?: string | undefined
  /** methods (RFC 8176) of each level (`acr`) that was asked for: all of one of them; empty or left out: no level */
  levels?: readonly (readonly string[])[] | undefined
  /** `required`: more than one factor, whatever the account has. Left out: as the server demands of everybody */
  secondFactor?: 'required' | undefined
}

/**
 * `nothing`: signed in. Otherwise one of `kinds` must be proved next; where that is empty the account has none that would do, and one of
 * `enrol` must be added.
 */
export type Missing = 'nothing' | { kinds: FactorKind[]; enrol: FactorKind[] }

export interface SignInSteps {
  /** What was proved so far in this flow; undefined: nothing, too long ago, or overtaken by a changed password. */
  find(flow: string): Promise<ProvedSoFar | undefined>
  save(flow: string, proved: ProvedSoFar): Promise<void>
  drop(flow: string): Promise<void>
  missing(proved: ProvedSoFar, demand: SignInDemand): Promise<Missing>
}

/** As long as a person may take from the first proof to the last. */
export const stepsSeconds = 600

/** What each kind can add to the methods of a sign-in (RFC 8176 §2), by its forms. */
const methodsOf: Readonly<Record<FactorKind, readonly (readonly string[])[]>> = {
  passkey: [
    ['hwk', 'user', 'mfa'],
    ['swk', 'user', 'mfa']
  ],
  totp: [['otp', 'mfa']],
  recovery_code: [['otp', 'mfa']]
}

/** The kinds of which `enrolled` says that the account has them. */
export async function usableKinds(
  factors: readonly SecondFactor[],
  accountId: string
): Promise<FactorKind[]> {
  const kinds: FactorKind[] = []
  for (const factor of factors) {
    if (await factor.enrolled(accountId)) kinds.push(factor.kind)
  }
  // recovery codes stand in for another factor, and are none by themselves
  return kinds.every(kind => kind === 'recovery_code') ? [] : kinds
}

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createSignInSteps(deps: {
  pending: PendingSignInStore
  /** in the order in which they are offered */
  factors: readonly SecondFactor[]
  /** kinds that can be added in the middle of a sign-in, the one that is offered first in front */
  enrollable: readonly FactorKind[]
  /** what the operator demands of everybody */
  secondFactor: 'optional' | 'required'
}): SignInSteps {
  const { pending, factors, enrollable } = deps
  const idOf = (flow: string) => digest('pending sign-in', flow)

  return {
    find: flow => pending.find(idOf(flow)),
    save: (flow, proved) => pending.save(idOf(flow), proved, stepsSeconds),
    drop: flow => pending.drop(idOf(flow)),

    async missing({ accountId, amr }, { levels = [], secondFactor }) {
      const reached = (methods: readonly string[]) =>
        levels.length === 0 || levels.some(level => level.every(method => methods.includes(method)))
      const leads = (forms: readonly (readonly string[])[]) =>
        forms.some(more => reached([...amr, ...more]))
      // `mfa` (RFC 8176 §2): more than one factor was used
      const multiple = amr.includes('mfa')
      if (multiple && reached(amr)) return 'nothing'
      const kinds = await usableKinds(factors, accountId)
      const required = secondFactor === 'required' || deps.secondFactor === 'required'
      const wanted = !multiple && (kinds.length > 0 || required)
      if (!wanted && reached(amr)) return 'nothing'
      const fitting: FactorKind[] = []
      for (const kind of kinds) {
        const own = factors.find(factor => factor.kind === kind)?.methods
        // a synced passkey is asked for in vain where a level wants a device-bound one
        if (leads((await own?.(accountId)) ?? methodsOf[kind])) fitting.push(kind)
      }
      if (fitting.length > 0) return { kinds: fitting, enrol: [] }
      // who has a factor proves it before another one is added: a password alone must not be enough for that
      if (wanted && kinds.length > 0) return { kinds, enrol: [] }
      const others = enrollable.filter(kind => !kinds.includes(kind))
      const enrol = others.filter(kind => leads(methodsOf[kind]))
      if (enrol.length > 0) return { kinds: [], enrol }
      // a level that nothing here leads to: the protocol says so (authentication-context.ts)
      return wanted ? { kinds: [], enrol: others } : 'nothing'
    }
  }
}
