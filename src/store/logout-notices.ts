// The queue of logout tokens that relying parties are owed (OpenID Connect Back-Channel Logout 1.0 §2.5). What ends a session takes its clients
// with it and queues a notice for each that asked for one, in one statement, so that parallel sign-outs queue it once. Claiming moves a
// notice's next attempt ahead: a process that dies with one loses only time.

import type { Queries, Statement } from './database.ts'

export interface LogoutNotice {
  id: string
  clientId: string
  accountId: string
  sid: string
  /** this attempt included */
  attempts: number
}

/** Seconds from each attempt to the next. Longer than a batch takes; the last attempt is made some 36 minutes after the first. */
export const retrySeconds = [10, 60, 300, 1_800] as const
export const mostAttempts = retrySeconds.length + 1

const batch = 20

export interface LogoutNoticeStore {
  /** Notices whose time has come, at most a batch; they are the caller's until their next attempt. */
  claim(): Promise<LogoutNotice[]>
  /** The notice was delivered, or is given up. */
  remove(id: string): Promise<void>
}

const queue = (ended: string) => `WITH ended AS (${ended})
  INSERT INTO logout_notices (client_id, account_id, sid)
  SELECT e.client_id, e.account_id, e.sid FROM ended e JOIN clients c ON c.client_id = e.client_id
  WHERE e.account_id IS NOT NULL AND c.disabled_at IS NULL AND c.metadata ? 'backchannel_logout_uri'`

const ofSession =
  queue(`DELETE FROM session_clients WHERE session_uid = $1 RETURNING client_id, sid,
  (SELECT account_id FROM sessions WHERE uid = $1 AND account_id IS NOT NULL LIMIT 1) AS account_id`)

const ofAccount = queue(`DELETE FROM session_clients
  WHERE session_uid IN (SELECT uid FROM sessions WHERE account_id = $1)
  RETURNING client_id, sid, $1::uuid AS account_id`)

/** Before the session's own rows go. */
export function endSessionClients(uid: string): Statement {
  return { name: 'session_clients.end', text: ofSession, values: [uid] }
}

/** The same for every session of an account. */
export async function endAccountClients(accountId: string, sql: Queries): Promise<void> {
  await sql.run('ending.account_session_clients', ofAccount, [accountId])
}

export function createLogoutNoticeStore({ sql }: { sql: Queries }): LogoutNoticeStore {
  const pauses = retrySeconds.map((seconds, at) => `WHEN ${at} THEN ${seconds}`).join(' ')
  return {
    async claim() {
      const { rows } = await sql.run<{
        id: string
        client_id: string
        account_id: string
        sid: string
        attempts: number
      }>(
        'logout_notices.claim',
        `UPDATE logout_notices SET attempts = attempts + 1, due_at = clock_time()
           + make_interval(secs => CASE attempts ${pauses} ELSE 3600 END)
         WHERE id = ANY (ARRAY(SELECT id FROM logout_notices WHERE due_at <= clock_time()
           ORDER BY due_at LIMIT ${batch} FOR UPDATE SKIP LOCKED))
         RETURNING id, client_id, account_id, sid, attempts`,
        []
      )
      return rows.map(row => ({
        id: row.id,
        clientId: row.client_id,
        accountId: row.account_id,
        sid: row.sid,
        attempts: row.attempts
      }))
    },

    async remove(id) {
      await sql.run('logout_notices.remove', 'DELETE FROM logout_notices WHERE id = $1', [id])
    }
  }
}
