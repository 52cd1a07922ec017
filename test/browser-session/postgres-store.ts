// Sessions in PostgreSQL, for an app of several processes: what the port asks for, as SQL. A test's own, and short enough to copy.

import { Pool } from 'pg'
import type { SessionRow, SessionStore } from '../../src/browser-session/session-store.ts'

export async function createPostgresStore(
  url: string
): Promise<SessionStore & { end: () => Promise<void> }> {
  const pool = new Pool({ connectionString: url, max: 4 })
  await pool
    .query(
      `CREATE TABLE IF NOT EXISTS browser_sessions (
         key text PRIMARY KEY, version integer NOT NULL, expires_at bigint NOT NULL,
         created_at bigint NOT NULL, subject text NOT NULL, sid text, row jsonb NOT NULL)`
    )
    .catch(error => {
      // two processes that begin at once: one of them made it
      if (error.code !== '23505') throw error
    })

  const columns = (row: SessionRow) => [
    ...[row.version, row.expiresAt, row.createdAt, row.subject, row.sid ?? null],
    JSON.stringify(row)
  ]

  return {
    end: () => pool.end(),
    async create(key, row) {
      await pool.query('INSERT INTO browser_sessions VALUES ($1, $2, $3, $4, $5, $6, $7)', [
        key,
        ...columns(row)
      ])
    },
    async read(key) {
      const found = await pool.query<{ row: SessionRow }>(
        'SELECT row FROM browser_sessions WHERE key = $1',
        [key]
      )
      return found.rows[0]?.row
    },
    async replace(key, version, row) {
      const changed = await pool.query(
        `UPDATE browser_sessions
            SET version = $3, expires_at = $4, created_at = $5, subject = $6, sid = $7, row = $8
          WHERE key = $1 AND version = $2`,
        [key, version, ...columns(row)]
      )
      return changed.rowCount === 1
    },
    async delete(key) {
      await pool.query('DELETE FROM browser_sessions WHERE key = $1', [key])
    },
    async deleteEnded({ subject, sid, createdUntil }) {
      await pool.query(
        `DELETE FROM browser_sessions
          WHERE created_at <= $1 AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR sid = $3)`,
        [createdUntil, subject ?? null, sid ?? null]
      )
    }
  }
}
