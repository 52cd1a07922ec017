// Sign-in sessions and the clients that each has signed in to. A session of a disabled account, or from before its `valid_after`, is
// not found. Writes never bring a session back that ended meanwhile: what was read is updated, only what is new is inserted.

import type { Queries, Statement } from './database.ts'
import type { Payload } from './grants.ts'
import { endSessionClients } from './logout-notices.ts'

export interface SessionRow {
  id: Buffer
  uid: string
  payload: Payload
  sealed: Buffer | undefined
  /** seconds, by the database's clock */
  remainingSeconds: number
  /** seconds since it was noted last that somebody uses it */
  unseenSeconds: number
  clients: { clientId: string; sid: string }[]
}

/** Where a session is used: names of a small table (accounts/device-label.ts), and the peer's address. */
export interface SessionPlace {
  browser: string | undefined
  system: string | undefined
  address: string | undefined
}

export interface SavedSession extends Partial<SessionPlace> {
  id: Buffer
  uid: string
  accountId: string | undefined
  payload: Payload
  sealed: Buffer | undefined
  lifetimeSeconds: number
}

export interface SessionStore {
  find(id: Buffer): Promise<SessionRow | undefined>
  findByUid(uid: string): Promise<SessionRow | undefined>
  insertStatement(session: SavedSession): Statement
  /** `previous` is the id under which it was read; it dies with this statement when the session has a new one. */
  updateStatement(session: SavedSession, previous: Buffer): Statement
  /** First writer wins: parallel tabs agree on one `sid` a client. */
  clientStatement(client: {
    uid: string
    clientId: string
    sid: string
    grantId: string | undefined
    lifetimeSeconds: number
  }): Statement
  destroyStatement(id: Buffer): Statement
  /** Notes that the session is in use. */
  noteSeen(uid: string, address: string | undefined): Promise<void>
  /** Signing out ends every row of the session, also those that parallel tabs made, and tells the clients that asked to be told. */
  endStatements(uid: string): Statement[]
}

interface Row {
  id: Buffer
  uid: string
  payload: Payload
  sealed: Buffer | null
  remaining: number
  unseen: number
  clients: { clientId: string; sid: string }[]
}

const select = `SELECT s.id, s.uid, s.payload, s.sealed,
    extract(epoch FROM s.expires_at - clock_time())::float8 AS remaining,
    extract(epoch FROM clock_time() - coalesce(s.seen_at, s.created_at))::float8 AS unseen,
    coalesce((SELECT json_agg(json_build_object('clientId', c.client_id, 'sid', c.sid))
      FROM session_clients c WHERE c.session_uid = s.uid), '[]') AS clients
  FROM sessions s LEFT JOIN accounts a ON a.id = s.account_id
  WHERE s.expires_at > clock_time()
    AND (s.account_id IS NULL OR (a.disabled_at IS NULL AND a.delete_at IS NULL))
    AND (a.valid_after IS NULL OR s.created_at > a.valid_after)`

function sessionOf(row: Row | undefined): SessionRow | undefined {
  return (
    row && {
      id: row.id,
      uid: row.uid,
      payload: row.payload,
      sealed: row.sealed ?? undefined,
      remainingSeconds: row.remaining,
      unseenSeconds: row.unseen,
      clients: row.clients
    }
  )
}

export function createSessionStore({ sql }: { sql: Queries }): SessionStore {
  return {
    async find(id) {
      const { rows } = await sql.run<Row>('sessions.find', `${select} AND s.id = $1`, [id])
      return sessionOf(rows[0])
    },

    async findByUid(uid) {
      const { rows } = await sql.run<Row>(
        'sessions.find_by_uid',
        `${select} AND s.uid = $1 ORDER BY s.created_at DESC LIMIT 1`,
        [uid]
      )
      return sessionOf(rows[0])
    },

    insertStatement: session => ({
      name: 'sessions.insert',
      text: `INSERT INTO sessions (id, uid, account_id, payload, sealed, expires_at, browser, system, address, seen_address, seen_at)
        VALUES ($1, $2, $3, $4, $5, clock_time() + make_interval(secs => $6), $7, $8, $9, $9, clock_time())
        ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, sealed = excluded.sealed,
          account_id = excluded.account_id, expires_at = excluded.expires_at`,
      values: [
        session.id,
        session.uid,
        session.accountId ?? null,
        JSON.stringify(session.payload),
        session.sealed ?? null,
        session.lifetimeSeconds,
        session.browser ?? null,
        session.system ?? null,
        session.address ?? null
      ]
    }),

    updateStatement: (session, previous) => ({
      name: 'sessions.update',
      text: `UPDATE sessions SET id = $1, account_id = $3, payload = $4, sealed = $5,
          expires_at = clock_time() + make_interval(secs => $6),
          created_at = CASE WHEN account_id IS DISTINCT FROM $3 THEN clock_time() ELSE created_at END,
          browser = CASE WHEN account_id IS DISTINCT FROM $3 THEN $8 ELSE browser END,
          system = CASE WHEN account_id IS DISTINCT FROM $3 THEN $9 ELSE system END,
          address = CASE WHEN account_id IS DISTINCT FROM $3 THEN $10 ELSE address END,
          seen_address = $10, seen_at = clock_time()
        WHERE id = $7 AND uid = $2`,
      values: [
        session.id,
        session.uid,
        session.accountId ?? null,
        JSON.stringify(session.payload),
        session.sealed ?? null,
        session.lifetimeSeconds,
        previous,
        session.browser ?? null,
        session.system ?? null,
        session.address ?? null
      ]
    }),

    clientStatement: client => ({
      name: 'session_clients.save',
      text: `INSERT INTO session_clients (session_uid, client_id, sid, grant_id, expires_at)
        VALUES ($1, $2, $3, $4, clock_time() + make_interval(secs => $5))
        ON CONFLICT (session_uid, client_id) DO UPDATE SET expires_at = excluded.expires_at`,
      values: [
        client.uid,
        client.clientId,
        client.sid,
        client.grantId ?? null,
        client.lifetimeSeconds
      ]
    }),

    destroyStatement: id => ({
      name: 'sessions.destroy',
      text: 'DELETE FROM sessions WHERE id = $1',
      values: [id]
    }),

    async noteSeen(uid, address) {
      await sql.run(
        'sessions.note_seen',
        `UPDATE sessions SET seen_at = clock_time(), seen_address = coalesce($2, seen_address)
         WHERE uid = $1 AND expires_at > clock_time()`,
        [uid, address ?? null]
      )
    },

    endStatements: uid => [
      endSessionClients(uid),
      {
        name: 'sessions.end',
        text: 'DELETE FROM sessions WHERE uid = $1',
        values: [uid]
      }
    ]
  }
}
