// Another password, by who is signed in and knows the one of now. Guesses of it are counted before a hash, as at a sign-in: an open browser must
// not become a place to guess at. Links by mail of before end, and sign-ins that have begun; sessions and grants, if the person wants that.

import { appendAuditEvent } from '../audit/record.ts'
import { hmac } from '../lib/secret.ts'
import { createAccountStore } from '../store/accounts.ts'
import type { AttemptLimit, AttemptStore } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { createMailLinkStore } from '../store/mail-links.ts'
import type { EndAccount } from './account.ts'
import type { HashQueue } from './hash-queue.ts'
import type { CheckNewPassword, NewPasswordProblem } from './new-password.ts'
import type { PasswordHasher } from './password-hash.ts'
import { preparePassword } from './prepared-password.ts'

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
    asked: { address: string; requestId: string }
  ): Promise<PasswordChangeOutcome>
}

const guesses: AttemptLimit = { limit: 10, windowSeconds: 900 }
const kind = 'password_change'

export function createPasswordChange(deps: {
  database: Database
  attempts: Pick<AttemptStore, 'claim' | 'release' | 'giveBack'>
  counterKey: Buffer
  hasher: Pick<PasswordHasher, 'hash' | 'verify' | 'readable'>
  queue: Pick<HashQueue, 'run'>
  endAccount: EndAccount
  checkNewPassword: CheckNewPassword
}): PasswordChange {
  const { database, attempts, hasher, queue } = deps
  const accounts = createAccountStore({ sql: database })

  /** Undefined: it is the password. */
  async function refusal(
    accountId: string,
    phc: string,
    current: string
  ): Promise<Extract<PasswordChangeOutcome, { ok: false }> | undefined> {
    const prepared = preparePassword(current)
    if (!prepared.ok) return { ok: false, reason: 'password_mismatch' }
    const key = hmac(deps.counterKey, kind, accountId)
    const claimed = await attempts.claim(kind, key, guesses)
    if (!claimed.ok) {
      return { ok: false, reason: 'throttled', retryAfterSeconds: claimed.retryAfterSeconds }
    }
    const verified = await queue.run(() => hasher.verify(phc, prepared.password))
    if (!verified.ok) {
      await attempts.giveBack(kind, key, guesses)
      return { ok: false, reason: 'busy' }
    }
    if (!verified.value) return { ok: false, reason: 'password_mismatch' }
    await attempts.release(kind, key)
    return undefined
  }

  return {
    hasPassword: async accountId =>
      (await accounts.findWithPasswordById(accountId))?.password !== undefined,

    async change(accountId, given, { address, requestId }) {
      const found = await accounts.findWithPasswordById(accountId)
      if (found === undefined) return { ok: false, reason: 'not_found' }
      const { account, password: phc } = found
      const checked = await deps.checkNewPassword(given.password, account)
      if (!checked.ok) return checked
      // whoever signs in without a password proved themselves a moment ago (the page's guard)
      if (phc !== undefined) {
        const refused = hasher.readable(phc)
          ? await refusal(accountId, phc, given.current)
          : ({ ok: false, reason: 'password_mismatch' } as const)
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
