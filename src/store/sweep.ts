// Rows whose time is over, in tables that are not cut into partitions: deleted in small batches, so that no statement holds many locks or
// runs for long. One process sweeps at a time: a lease row, taken over when its holder dies.

import type { Queries } from './database.ts'

/** Tables, and how long a row stays after it expired. */
export const sweptTables = [
  // rows without an expiry stay
  { table: 'artifacts_lasting', key: 'ctid', column: 'expires_at', keep: '1 hour' },
  { table: 'registration_tokens', key: 'id', column: 'expires_at', keep: '1 day' },
  { table: 'user_codes', key: 'user_code', column: 'expires_at', keep: '1 hour' },
  { table: 'replay_records', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'denied_tokens', key: 'jti', column: 'expires_at', keep: '1 minute' },
  { table: 'sessions', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'pending_sign_ins', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'upstream_requests', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'upstream_offers', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'sign_in_devices', key: 'ctid', column: 'expires_at', keep: '1 minute' },
  { table: 'session_clients', key: 'ctid', column: 'expires_at', keep: '1 minute' },
  // rows without an expiry stay
  { table: 'consents', key: 'ctid', column: 'expires_at', keep: '1 hour' },
  { table: 'grants', key: 'id', column: 'expires_at', keep: '1 day' },
  { table: 'managed_grants', key: 'id', column: 'expires_at', keep: '1 hour' },
  // an hour more: nobody's copy of a list may show the bit of whom an index belonged to before
  { table: 'status_entries', key: 'ctid', column: 'free_at', keep: '1 hour' },
  { table: 'attempts', key: 'ctid', column: 'window_end', keep: '1 minute' },
  { table: 'document_fetches', key: 'client_id', column: 'expires_at', keep: '1 minute' },
  { table: 'backchannel_requests', key: 'id', column: 'kept_until', keep: '1 minute' },
  // delivered, or given up, long before
  { table: 'logout_notices', key: 'id', column: 'created_at', keep: '1 day' },
  { table: 'ping_notices', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'mails', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'mail_links', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'outbox_mails', key: 'id', column: 'expires_at', keep: '1 minute' },
  { table: 'changes', key: 'id', column: 'at', keep: '10 minutes' }
] as const

const batch = 1_000

export interface Sweeper {
  /** Takes or renews the lease for `seconds`; false while another process holds it. */
  lead(holder: string, seconds: number): Promise<boolean>
  /** Gives the lease back, so that another process need not wait for its end. */
  resign(holder: string): Promise<void>
  /** Deletes at most one batch a table; answers how many rows went. */
  sweep(): Promise<number>
}

export function createSweeper({ sql }: { sql: Queries }): Sweeper {
  return {
    async lead(holder, seconds) {
      const { rowCount } = await sql.run(
        'leases.take',
        `INSERT INTO leases (name, holder, expires_at)
         VALUES ('sweep', $1, clock_time() + make_interval(secs => $2))
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE leases.holder = excluded.holder OR leases.expires_at < clock_time()`,
        [holder, seconds]
      )
      return rowCount === 1
    },

    async resign(holder) {
      await sql.run('leases.resign', `DELETE FROM leases WHERE name = 'sweep' AND holder = $1`, [
        holder
      ])
    },

    async sweep() {
      let gone = 0
      for (const { table, key, column, keep } of sweptTables) {
        const { rowCount } = await sql.run(
          `sweep.${table}`,
          `DELETE FROM ${table} WHERE ${key} = ANY (ARRAY(
             SELECT ${key} FROM ${table} WHERE ${column} < clock_time() - interval '${keep}'
             LIMIT ${batch} FOR UPDATE SKIP LOCKED))`
        )
        gone += rowCount
      }
      return gone
    }
  }
}
