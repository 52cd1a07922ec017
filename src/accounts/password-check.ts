// One password against one account, through the queue: always one hash, against the account's or against one that nobody has, and nothing of
// that shows outside (CWE-204). Owns the upgrade of old and imported hashes, which takes place when their password is known: now.

import type { Account, AccountStore, AccountWithPassword } from '../store/accounts.ts'
import type { Decoys } from './decoys.ts'
import type { HashQueue, Lane } from './hash-queue.ts'
import type { PasswordHasher } from './password-hash.ts'
import type { PreparedPassword } from './prepared-password.ts'

export type PasswordCheckOutcome =
  | { reason: 'busy' }
  | { reason: 'unknown_account' }
  | { reason: 'password_mismatch' | 'disabled' | 'no_password'; accountId: string }
  | { reason: 'matched'; account: Account }

export interface PasswordCheck {
  /** there is no place for a stranger's now */
  isFull(): boolean
  /** @param name what the decoy of an account goes by that is not there */
  verify(
    name: string,
    found: AccountWithPassword | undefined,
    password: PreparedPassword,
    signal: AbortSignal | undefined,
    lane: Lane
  ): Promise<PasswordCheckOutcome>
}

export function createPasswordCheck(options: {
  accounts: Pick<AccountStore, 'findUnchanged' | 'replaceHash'>
  hasher: PasswordHasher
  queue: Pick<HashQueue, 'run' | 'isFull'>
  decoys: Decoys
}): PasswordCheck {
  const { accounts, hasher, queue, decoys } = options

  /** Not worth a refusal, so a full queue leaves it for next time. */
  async function upgrade(accountId: string, phc: string, password: PreparedPassword) {
    if (!hasher.needsRehash(phc)) return
    const hashed = await queue.run(() => hasher.hash(password))
    if (hashed.ok) await accounts.replaceHash(accountId, phc, hashed.value)
  }

  return {
    isFull: queue.isFull,

    async verify(name, found, password, signal, lane) {
      const phc = found?.password
      const usable = phc !== undefined && hasher.readable(phc)
      const enabled = found !== undefined && found.account.disabledAt === undefined
      const decoy = await decoys.of(name)
      const against = enabled && usable ? phc : decoy
      const hashed = await queue.run(() => hasher.verify(against, password), signal, lane)
      if (!hashed.ok) return { reason: 'busy' }
      if (found === undefined) return { reason: 'unknown_account' }
      const accountId = found.account.id
      if (!enabled) return { reason: 'disabled', accountId }
      if (!usable) return { reason: 'no_password', accountId }
      if (!hashed.value) return { reason: 'password_mismatch', accountId }
      // The wait may have been long: a password that was changed meanwhile, or an account disabled, does not sign in.
      const account = await accounts.findUnchanged(found.account)
      if (account === undefined) return { reason: 'password_mismatch', accountId }
      await upgrade(accountId, phc, password)
      return { reason: 'matched', account }
    }
  }
}
