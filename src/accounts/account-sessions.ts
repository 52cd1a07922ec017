// Sessions and devices of an account for their owner: the list, and signing out of one or of all others. What a session's clients hold without
// `offline_access` ends with it, since a grant is judged together with its session; what they hold with it stays until it is taken away, or until
// the person signs out everywhere. Refuses handles that are of no session of this account: nothing happens then.

import { appendAuditEvent } from '../audit/record.ts'
import { digest } from '../lib/secret.ts'
import { type AccountSession, createAccountSessionStore } from '../store/account-sessions.ts'
import type { Database } from '../store/database.ts'
import type { Asked } from './account.ts'

export interface ListedSession extends Omit<AccountSession, 'uid'> {
  /** names it in a form; opens nothing */
  handle: string
  current: boolean
}

export interface AccountSessions {
  /** This device first, then the one used last. */
  list(accountId: string, currentUid: string): Promise<ListedSession[]>
  /** `unknown`: over already, or of somebody else. */
  end(accountId: string, handle: string, asked: Asked): Promise<'ended' | 'unknown'>
  endOthers(accountId: string, currentUid: string, asked: Asked): Promise<number>
}

/** Nobody reads more; ending the others ends them all. */
const mostListed = 200

const handleOf = (uid: string) => digest('session handle', uid).toString('base64url')

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createAccountSessions({ database }: { database: Database }): AccountSessions {
  const sessions = createAccountSessionStore({ sql: database })

  return {
    async list(accountId, currentUid) {
      const all = await sessions.list(accountId, mostListed)
      const listed = all.map(({ uid, ...session }) => ({
        ...session,
        handle: handleOf(uid),
        current: uid === currentUid
      }))
      return listed.sort((one, other) => Number(other.current) - Number(one.current))
    },

    async end(accountId, handle, asked) {
      const all = await sessions.list(accountId, mostListed)
      const uid = all.find(session => handleOf(session.uid) === handle)?.uid
      if (uid === undefined) return 'unknown'
      return database.transaction(async tx => {
        const ended = await createAccountSessionStore({ sql: tx }).end(accountId, [uid])
        if (ended === 0) return 'unknown'
        const data = { reason: 'account' }
        await appendAuditEvent(tx, { type: 'session.ended', accountId, ...asked, data })
        return 'ended'
      })
    },

    endOthers: (accountId, currentUid, asked) =>
      database.transaction(async tx => {
        const store = createAccountSessionStore({ sql: tx })
        const count = await store.end(accountId, await store.uidsBut(accountId, currentUid))
        if (count > 0) {
          await appendAuditEvent(tx, {
            type: 'sessions.ended',
            accountId,
            ...asked,
            data: { count }
          })
        }
        return count
      })
  }
}
