// Another password, by who is signed in and knows the one of now. Guesses of it are counted before a hash, as at a sign-in: an open browser must
// not become a place to guess at. Links by mail of before end, and sign-ins that have begun; sessions and grants, if the person wants that.

import { appendAuditEvent } from '../audit/record.ts'
import { createAccountStore } from '../store/accounts.ts'
import type { Database } from '../store/database.ts'
import { createMailLinkStore } from '../store/mail-links.ts'
import type { EndAccount } from './account.ts'
import type { Authenticator } from './authenticate.ts'
import type { HashQueue } from './hash-queue.ts'
import type { CheckNewPassword, NewPasswordProblem } from './new-password.ts'
import type { PasswordHasher } from './password-hash.ts'

export type PasswordChangeOutcome =
  | { ok: true }
  | { ok: false; reason: NewPasswordProblem | 'password_mismatch' | 'busy' | 'not_found' }
  | { ok: false; reason: 'throttled'; retryAfterSeconds: number }

export interface PasswordChange {
  /** whether there is one to be asked for */
  hasPassword(accountId: string): Promise<boolean>
  change(
    accountId: string,
    given: { current: string; password: string; elsewhere: 'sign out' | 'stay signed in' },
    asked: PasswordChangeAsked
  ): Promise<PasswordChangeOutcome>
}

export interface PasswordChangeAsked {
  address: string
  requestId: string
  /** what the browser keeps of known-devices.ts, or anything */
  device: string | undefined
}

export function createPasswordChange(deps: {
  database: Database
  /** by the counters of sign-ins: an account has no guesses more for being open somewhere */
  confirm: Authenticator['confirm']
  hasher: Pick<PasswordHasher, 'hash'>
  queue: Pick<HashQueue, 'run'>
  endAccount: EndAccount
  checkNewPassword: CheckNewPassword
}): PasswordChange {
  const { database, hasher, queue } = deps
  const accounts = createAccountStore({ sql: database })

  /** Undefined: it is the password. */
  async function refusal(
    accountId: string,
    password: string,
    asked: PasswordChangeAsked
  ): Promise<Extract<PasswordChangeOutcome, { ok: false }> | undefined> {
    const confirmed = await deps.confirm({ accountId, password, ...asked })
    if (confirmed.ok) return undefined
    const { reason, retryAfterSeconds = 1 } = confirmed
    if (reason === 'throttled') return { ok: false, reason, retryAfterSeconds }
    return { ok: false, reason: reason === 'busy' ? 'busy' : 'password_mismatch' }
  }

  return {
    hasPassword: async accountId =>
      (await accounts.findWithPasswordById(accountId))?.password !== undefined,

    async change(accountId, given, asked) {
      const { address, requestId } = asked
      const found = await accounts.findWithPasswordById(accountId)
      if (found === undefined) return { ok: false, reason: 'not_found' }
      const { account, password: phc } = found
      const checked = await deps.checkNewPassword(given.password, account)
      if (!checked.ok) return checked
      // whoever signs in without a password proved themselves a moment ago (the page's guard)
      if (phc !== undefined) {
        const refused = await refusal(accountId, given.current, asked)
        if (refused !== undefined) return refused
      }
      const hashed = await queue.run(() => hasher.hash(checked.password))
      if (!hashed.ok) return { ok: false, reason: 'busy' }
      await database.transaction(async tx => {
        const store = createAccountStore({ sql: tx })
        if (given.elsewhere === 'sign out') {
          await store.setPassword(accountId, hashed.value)
          await deps.endAccount(accountId, tx)
        } else {
          await store.changePassword(accountId, hashed.value)
        }
        await createMailLinkStore({ sql: tx }).endOf(accountId)
        await appendAuditEvent(tx, {
          type: 'account.password_changed',
          ...{ accountId, address, requestId },
          data: { via: 'self' }
        })
      })
      return { ok: true }
    }
  }
}
