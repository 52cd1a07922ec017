// Deleting one's own account. Asked for, it ends everything at once: sessions, grants, refresh tokens, and relying parties are told. The row stays
// for a grace, in which whoever signs in may keep the account and can do nothing else; then the background job deletes it. Its id, the
// `sub`, is random and is nobody's again (OpenID Connect Core §2); its login is free for somebody new. The audit trail keeps its rows until their
// retention is over: they say that an account was there and what was done with it, by that id alone.

import { appendAuditEvent } from '../audit/record.ts'
import { createAccountDeletionStore } from '../store/account-deletion.ts'
import type { Database } from '../store/database.ts'
import type { Asked, EndAccount } from './account.ts'

export interface AccountDeletion {
  /** Until when it may be kept; undefined: it is not being deleted. */
  dueAt(accountId: string): Promise<Date | undefined>
  /** Answers when it will be gone; undefined: it is being deleted already, or is not there. */
  request(accountId: string, asked: Asked): Promise<Date | undefined>
  /** False: there is nothing to take back, or it is too late. */
  cancel(accountId: string, asked: Asked): Promise<boolean>
  /** Deletes accounts whose grace is over, some at a time; answers how many. */
  deleteDue(): Promise<number>
}

const batch = 100

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createAccountDeletion(deps: {
  database: Database
  endAccount: EndAccount
  graceSeconds: number
}): AccountDeletion {
  const { database, endAccount, graceSeconds } = deps
  const deletions = createAccountDeletionStore({ sql: database })

  return {
    dueAt: accountId => deletions.dueAt(accountId),

    request: (accountId, asked) =>
      database.transaction(async tx => {
        const dueAt = await createAccountDeletionStore({ sql: tx }).request(accountId, graceSeconds)
        if (dueAt === undefined) return undefined
        await endAccount(accountId, tx)
        const event = { type: 'account.deletion_requested', accountId, data: {} } as const
        await appendAuditEvent(tx, { ...event, ...asked })
        return dueAt
      }),

    cancel: (accountId, asked) =>
      database.transaction(async tx => {
        if (!(await createAccountDeletionStore({ sql: tx }).cancel(accountId))) return false
        const event = { type: 'account.deletion_cancelled', accountId, data: {} } as const
        await appendAuditEvent(tx, { ...event, ...asked })
        return true
      }),

    async deleteDue() {
      let deleted = 0
      for (const accountId of await deletions.due(batch)) {
        const gone = await database.transaction(async tx => {
          const store = createAccountDeletionStore({ sql: tx })
          // kept at this moment, or deleted by whoever led before
          if (!(await store.lock(accountId))) return false
          await endAccount(accountId, tx)
          // while there is an address to tell it to
          await appendAuditEvent(tx, { type: 'account.deleted', accountId, data: {} })
          await store.remove(accountId)
          return true
        })
        if (gone) deleted += 1
      }
      return deleted
    }
  }
}
