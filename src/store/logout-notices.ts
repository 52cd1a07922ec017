// The queue of logout tokens that relying parties are owed (OpenID Connect Back-Channel Logout 1.0 §2.5). What ends a session takes its clients
// with it and queues a notice for each that asked for one, in one statement, so that parallel sign-outs queue it once.

import type { Queries, Statement } from './database.ts'
import {
  type ClientColumns,
  type ClientNotice,
  clientOf,
  createNoticeQueue,
  type NoticeQueue
} from './notice-queue.ts'

export interface LogoutNotice extends ClientNotice {
  sid: string
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

const ofSessions = queue(`DELETE FROM session_clients c USING sessions s
  WHERE s.uid = ANY ($1::text[]) AND s.account_id = $2 AND c.session_uid = s.uid
  RETURNING c.client_id, c.sid, s.account_id`)

/** Before the session's own rows go. */
export function endSessionClients(uid: string): Statement {
  return { name: 'session_clients.end', text: ofSession, values: [uid] }
}

/** The same for every session of an account. */
export async function endAccountClients(accountId: string, sql: Queries): Promise<void> {
  await sql.run('ending.account_session_clients', ofAccount, [accountId])
}

/** The same for some sessions of an account. */
export async function endClientsOfSessions(
  accountId: string,
  uids: readonly string[],
  sql: Queries
): Promise<void> {
  await sql.run('ending.clients_of_sessions', ofSessions, [uids, accountId])
}

export function createLogoutNoticeStore({ sql }: { sql: Queries }): NoticeQueue<LogoutNotice> {
  return createNoticeQueue<Omit<LogoutNotice, 'id' | 'attempts'>, ClientColumns & { sid: string }>({
    sql,
    table: 'logout_notices',
    columns: ['client_id', 'account_id', 'sid'],
    more: row => ({ ...clientOf(row), sid: row.sid })
  })
}
