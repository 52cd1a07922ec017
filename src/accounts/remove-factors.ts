// Taking every second factor from an account, for an operator whose user has lost them all. Owns what belongs together: no factor is left, no
// session or grant from before counts, and the audit trail says both. The password and identities elsewhere stay: the next sign-in asks for one.

import { appendAuditEvent } from '../audit/record.ts'
import type { Account, AccountStore } from '../store/accounts.ts'
import type { Queries } from '../store/database.ts'
import { removePasskeys } from '../store/passkeys.ts'
import { createSecondFactorStore } from '../store/second-factors.ts'

/** In a transaction. Undefined: the account has none, and nothing is done. */
export async function removeFactors(
  store: Pick<AccountStore, 'refuseEarlier'>,
  tx: Queries,
  accountId: string,
  endAccount: (accountId: string, sql: Queries) => Promise<void>
): Promise<Account | undefined> {
  const factors = createSecondFactorStore({ sql: tx })
  const passkeys = await removePasskeys(tx, accountId)
  const totp = await factors.removeTotp(accountId)
  const codes = await factors.removeCodes(accountId)
  if (passkeys.length === 0 && !totp && !codes) return undefined
  const account = await store.refuseEarlier(accountId)
  await endAccount(accountId, tx)
  for (const name of passkeys) {
    await appendAuditEvent(tx, { type: 'passkey.removed', accountId, data: { name } })
  }
  if (totp) await appendAuditEvent(tx, { type: 'totp.removed', accountId, data: {} })
  await appendAuditEvent(tx, { type: 'sign_out', accountId, data: { by: 'operator' } })
  return account
}
