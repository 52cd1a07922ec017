// What must happen to a database that was restored from a backup: it does not know what was spent, revoked or signed out since, so nothing
// that it would accept may be taken at its word. The epoch tells a restored database from one that is up to date: it is raised outside of
// it, and written down here.

import type { Queries } from './database.ts'
import { statusListSize } from './status-lists.ts'

export interface RestoreState {
  epoch: number
  /** whole seconds, rounded up; undefined where no backup was ever restored */
  restoredAt: Date | undefined
}

/** How many of each were ended. */
export interface EndedByRestore {
  families: number
  grants: number
  sessions: number
}

export interface RestoreStore {
  /** Undefined for a database that no server has used yet. */
  read(): Promise<RestoreState | undefined>
  /** Writes down the epoch of a new database; one that is there stays. */
  begin(epoch: number): Promise<void>
  /** Servers that use the database now, by the connection that each listens on. */
  countServers(): Promise<number>
  /**
   * Ends, within the caller's transaction, what the database cannot vouch for: codes, device codes, pushed and backchannel requests,
   * interactions, sign-ins that have begun, links that were sent by mail and mails that were owed then, sessions, access tokens, and
   * refresh token families unless they are kept.
   */
  endWhatIsDoubtful(
    tx: Queries,
    epoch: number,
    families: 'end families' | 'keep families'
  ): Promise<EndedByRestore>
}

interface Row {
  epoch: number
  restored_at: Date | null
}

const usedOnce = [
  'backchannel_requests',
  'pending_sign_ins',
  'mail_links',
  'mails',
  'upstream_requests',
  'upstream_offers'
]

export function createRestoreStore({ sql }: { sql: Queries }): RestoreStore {
  return {
    async read() {
      const { rows } = await sql.run<Row>(
        'restore.read',
        `SELECT (value ->> 'epoch')::integer AS epoch, (value ->> 'restored_at')::timestamptz AS restored_at
         FROM settings WHERE name = 'restore'`
      )
      const [row] = rows
      return row && { epoch: row.epoch, restoredAt: row.restored_at ?? undefined }
    },

    async begin(epoch) {
      await sql.run(
        'restore.begin',
        `INSERT INTO settings (name, value) VALUES ('restore', jsonb_build_object('epoch', $1::integer))
         ON CONFLICT (name) DO NOTHING`,
        [epoch]
      )
    },

    async countServers() {
      const { rows } = await sql.run<{ servers: number }>(
        'restore.count_servers',
        `SELECT count(*)::integer AS servers FROM pg_stat_activity
         WHERE application_name = 'mintmark-feed' AND datname = current_database()`
      )
      return rows[0]?.servers ?? 0
    },

    async endWhatIsDoubtful(tx, epoch, families) {
      await tx.run(
        'restore.artifacts',
        `DELETE FROM artifacts WHERE kind IN
           ('AuthorizationCode', 'DeviceCode', 'PushedAuthorizationRequest', 'Interaction')`
      )
      // each is good once, and may have been used
      for (const table of usedOnce) await tx.run(`restore.${table}`, `DELETE FROM ${table}`)
      // every status list ends below: nothing is to be worked out for each session (migrations/0014_status_lists.sql)
      await tx.run('restore.mark', "SELECT set_config('mintmark.restoring', 'on', true)")
      await tx.run('restore.user_codes', 'DELETE FROM user_codes')
      const sessions = await tx.run('restore.sessions', 'DELETE FROM sessions')
      await tx.run('restore.session_clients', 'DELETE FROM session_clients')
      let [ended, grants] = [0, 0]
      if (families === 'end families') {
        const over = await tx.run(
          'restore.grants',
          'UPDATE grants SET revoked_at = clock_time() WHERE revoked_at IS NULL'
        )
        const revoked = await tx.run(
          'restore.families',
          'UPDATE refresh_families SET revoked_at = clock_time() WHERE revoked_at IS NULL'
        )
        ;[ended, grants] = [revoked.rowCount, over.rowCount]
      }
      // What was listed since the backup is not known: whatever names a list of before has ended, and what is kept gets another place, in a
      // list whose number nobody has had.
      await tx.run('restore.status_entries', 'DELETE FROM status_entries')
      await tx.run(
        'restore.status_grants',
        'UPDATE grants SET status_list = NULL, status_idx = NULL WHERE status_list IS NOT NULL'
      )
      await tx.run(
        'restore.status_lists',
        'UPDATE status_lists SET dead_until = clock_time() + status_keep()'
      )
      await tx.run(
        'restore.status_list',
        `INSERT INTO status_lists (id, size, opened_at) SELECT $1::integer * 1000000 + 1, $2,
           greatest(clock_time(), max(opened_at) + interval '1 microsecond') FROM status_lists`,
        [epoch, statusListSize]
      )
      await tx.run(
        'restore.epoch',
        // `iat` has whole seconds, rounded down: of the second that is running, none is believed
        `INSERT INTO settings (name, value) VALUES ('restore',
           jsonb_build_object('epoch', $1::integer, 'restored_at', date_trunc('second', clock_time() + interval '1 second')))
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = clock_time()`,
        [epoch]
      )
      return { families: ended, grants, sessions: sessions.rowCount }
    }
  }
}
