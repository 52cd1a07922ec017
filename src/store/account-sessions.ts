// The sessions of one account, as its owner sees them: where, since when, used by which clients; and ending some of them. Owns its SQL. Refuses
// sessions of other accounts, whatever it is given.

import type { Queries } from './database.ts'
import { endClientsOfSessions } from './logout-notices.ts'

export interface AccountSession {
  /** for the server alone: on no page */
  uid: string
  browser: string | undefined
  system: string | undefined
  /** of the sign-in, and of the request that used it last */
  address: string | undefined
  seenAddress: string | undefined
  signedInAt: Date
  seenAt: Date
  clientIds: string[]
}

interface Row {
  uid: string
  browser: string | null
  system: string | null
  address: string | null
  seen_address: string | null
  created_at: Date
  seen_at: Date
  client_ids: string[]
}

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createAccountSessionStore({ sql }: { sql: Queries }) {
  return {
    /** Those that live, the one used last first. */
    async list(accountId: string, limit: number): Promise<AccountSession[]> {
      const { rows } = await sql.run<Row>(
        'account_sessions.list',
        `SELECT * FROM (
           SELECT DISTINCT ON (s.uid) s.uid, s.browser, s.system, s.address, s.seen_address, s.created_at,
             coalesce(s.seen_at, s.created_at) AS seen_at, ARRAY(
               SELECT c.client_id FROM session_clients c
               WHERE c.session_uid = s.uid AND c.expires_at > clock_time() ORDER BY c.client_id) AS client_ids
           FROM sessions s JOIN accounts a ON a.id = s.account_id
           WHERE s.account_id = $1 AND s.expires_at > clock_time() AND a.disabled_at IS NULL AND a.delete_at IS NULL
             AND (a.valid_after IS NULL OR s.created_at > a.valid_after)
           ORDER BY s.uid, s.seen_at DESC NULLS LAST) AS live
         ORDER BY seen_at DESC, uid LIMIT $2`,
        [accountId, limit]
      )
      return rows.map(row => ({
        uid: row.uid,
        browser: row.browser ?? undefined,
        system: row.system ?? undefined,
        address: row.address ?? undefined,
        seenAddress: row.seen_address ?? undefined,
        signedInAt: row.created_at,
        seenAt: row.seen_at,
        clientIds: row.client_ids
      }))
    },

    /** Of all sessions but one, also those that are over already and not swept. */
    async uidsBut(accountId: string, kept: string): Promise<string[]> {
      const { rows } = await sql.run<{ uid: string }>(
        'account_sessions.uids',
        'SELECT DISTINCT uid FROM sessions WHERE account_id = $1 AND uid <> $2 ORDER BY uid',
        [accountId, kept]
      )
      return rows.map(({ uid }) => uid)
    },

    /** Ends sessions of this account, in the caller's transaction; clients that asked to be told are told. Answers how many had not ended. */
    async end(accountId: string, uids: readonly string[]): Promise<number> {
      // first in the order of locks (ending.ts): two that end several at once do not meet halfway
      await sql.run(
        'account_sessions.lock',
        'SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE',
        [accountId]
      )
      await endClientsOfSessions(accountId, uids, sql)
      const { rows } = await sql.run<{ uid: string; live: boolean }>(
        'account_sessions.end',
        `DELETE FROM sessions WHERE account_id = $1 AND uid = ANY ($2::text[])
         RETURNING uid, expires_at > clock_time() AS live`,
        [accountId, uids]
      )
      return new Set(rows.filter(({ live }) => live).map(({ uid }) => uid)).size
    }
  }
}
