// The accounts that are signed in at one browser: sessions with the same `browser` (migrations/0034). Owns the one statement that puts all of
// them aside but the one that is in use from now on, under a new secret of the browser. It changes nothing for whoever read what another
// tab has changed since.

import type { Queries, Statement } from './database.ts'

/** One live session of a browser, and what it has to do with the client that asks. */
export interface AccountHere {
  uid: string
  accountId: string
  /** under whose secret it was read; undefined: never put aside */
  browser: Buffer | undefined
  /** folded */
  login: string
  email: string | undefined
  /** seconds since epoch */
  signedInAt: number
  /** the session's `sid` at the client, if it has signed in there */
  sid: string | undefined
  /** when it last got something, seconds since epoch */
  lastUsedAt: number | undefined
  /** whether the person has allowed the client anything, ever */
  allowed: boolean
}

export interface BrowserAccountStore {
  /** Newest sign-in first; `active` is the session that is in use, wherever it belongs. */
  find(of: {
    browser: Buffer | undefined
    active: string | undefined
    clientId: string | undefined
  }): Promise<AccountHere[]>
  /**
   * Raises `browser_accounts` where another tab was first: when `next.uid` is not as it was read, or, without it, none of them is.
   * `next.id`: its own from now on; undefined: it keeps the one it has.
   */
  putAsideStatement(change: {
    accounts: readonly AccountHere[]
    browser: Buffer
    next: { uid: string; id: Buffer | undefined } | undefined
  }): Statement
  /** For a session that this transaction has inserted. */
  joinStatement(uid: string, browser: Buffer): Statement
}

interface Row {
  uid: string
  account_id: string
  browser: Buffer | null
  login: string
  email: string | null
  signed_in_at: number | null
  sid: string | null
  last_used_at: number | null
  allowed: boolean
}

export function createBrowserAccountStore({ sql }: { sql: Queries }): BrowserAccountStore {
  return {
    async find({ browser, active, clientId }) {
      const { rows } = await sql.run<Row>(
        'browser_accounts.find',
        `SELECT s.uid, s.account_id, s.browser_id AS browser, a.login, a.email,
           (s.payload->>'loginTs')::float8 AS signed_in_at,
           (SELECT c.sid FROM session_clients c
            WHERE c.session_uid = s.uid AND c.client_id = $3) AS sid,
           (SELECT extract(epoch FROM max(g.created_at))::float8 FROM grants g
            WHERE g.session_uid = s.uid AND g.client_id = $3) AS last_used_at,
           EXISTS (SELECT FROM consents c
            WHERE c.account_id = s.account_id AND c.client_id = $3) AS allowed
         FROM sessions s JOIN accounts a ON a.id = s.account_id
         WHERE (s.browser_id = $1 OR s.uid = $2)
           AND s.expires_at > clock_time() AND a.disabled_at IS NULL
           AND (a.valid_after IS NULL OR s.created_at > a.valid_after)
         ORDER BY signed_in_at DESC NULLS LAST, s.uid`,
        [browser ?? null, active ?? null, clientId ?? null]
      )
      return rows.map(row => ({
        uid: row.uid,
        accountId: row.account_id,
        browser: row.browser ?? undefined,
        login: row.login,
        email: row.email ?? undefined,
        signedInAt: row.signed_in_at ?? 0,
        sid: row.sid ?? undefined,
        lastUsedAt: row.last_used_at ?? undefined,
        allowed: row.allowed
      }))
    },

    // Locked in one order, or two tabs that choose at once wait for each other. What a page has sealed in a session goes with the id that it was
    // sealed under.
    putAsideStatement: ({ accounts, browser, next }) => ({
      name: 'browser_accounts.put_aside',
      text: `WITH known AS (SELECT * FROM unnest($1::text[], $2::bytea[]) AS k (uid, browser)),
        locked AS (
          SELECT s.uid FROM sessions s JOIN known k ON k.uid = s.uid
          WHERE s.browser_id IS NOT DISTINCT FROM k.browser AND s.expires_at > clock_time()
          ORDER BY s.uid COLLATE "C" FOR NO KEY UPDATE OF s),
        moved AS (
          UPDATE sessions s SET browser_id = $3,
            id = CASE WHEN s.uid = $4::text THEN coalesce($5::bytea, s.id) ELSE
              sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')) END,
            sealed = CASE WHEN s.uid = $4::text THEN s.sealed END
          FROM locked l WHERE s.uid = l.uid RETURNING s.uid)
        SELECT require_match(
          (SELECT count(*) FROM moved WHERE $4::text IS NULL OR uid = $4::text), 'browser_accounts')`,
      values: [
        accounts.map(({ uid }) => uid),
        accounts.map(account => account.browser ?? null),
        browser,
        next?.uid ?? null,
        next?.id ?? null
      ]
    }),

    joinStatement: (uid, browser) => ({
      name: 'browser_accounts.join',
      text: 'UPDATE sessions SET browser_id = $2 WHERE uid = $1',
      values: [uid, browser]
    })
  }
}
