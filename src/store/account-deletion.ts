// Accounts that their owner has deleted: the date by which a row leaves, taking it back, and leaving. Owns its SQL and its order of locks
// (store/ending.ts). Refuses to delete a row whose date was taken back meanwhile.

import type { Queries } from './database.ts'

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createAccountDeletionStore({ sql }: { sql: Queries }) {
  return {
    /** Marks the account and refuses what it had; undefined when it was marked before, or is not there. */
    async request(id: string, graceSeconds: number): Promise<Date | undefined> {
      const { rows } = await sql.run<{ delete_at: Date }>(
        'account_deletion.request',
        `UPDATE accounts SET delete_at = clock_time() + make_interval(secs => $2), valid_after = clock_time(),
           updated_at = clock_time()
         WHERE id = $1 AND delete_at IS NULL RETURNING delete_at`,
        [id, graceSeconds]
      )
      return rows[0]?.delete_at
    },

    /** Undefined: not being deleted. */
    async dueAt(id: string): Promise<Date | undefined> {
      const { rows } = await sql.run<{ delete_at: Date | null }>(
        'account_deletion.due_at',
        'SELECT delete_at FROM accounts WHERE id = $1',
        [id]
      )
      return rows[0]?.delete_at ?? undefined
    },

    /** False: it was not to be deleted, or has left. */
    async cancel(id: string): Promise<boolean> {
      const { rowCount } = await sql.run(
        'account_deletion.cancel',
        `UPDATE accounts SET delete_at = NULL, updated_at = clock_time()
         WHERE id = $1 AND delete_at IS NOT NULL AND disabled_at IS NULL`,
        [id]
      )
      return rowCount === 1
    },

    /** Accounts whose date has come. */
    async due(limit: number): Promise<string[]> {
      const { rows } = await sql.run<{ id: string }>(
        'account_deletion.due',
        'SELECT id FROM accounts WHERE delete_at <= clock_time() ORDER BY delete_at LIMIT $1',
        [limit]
      )
      return rows.map(({ id }) => id)
    },

    /** Locks an account whose date has come, in the caller's transaction. */
    async lock(id: string): Promise<boolean> {
      const { rowCount } = await sql.run(
        'account_deletion.lock',
        'SELECT FROM accounts WHERE id = $1 AND delete_at <= clock_time() FOR UPDATE',
        [id]
      )
      return rowCount === 1
    },

    /** Deletes what has no reference to the account, then the account; the rest goes with it. Sessions and grants have ended. */
    async remove(id: string): Promise<void> {
      await sql.run(
        'account_deletion.managed_grants',
        `WITH locked AS (SELECT id FROM managed_grants WHERE account_id = $1 ORDER BY id COLLATE "C" FOR UPDATE)
         DELETE FROM managed_grants m USING locked WHERE m.id = locked.id`,
        [id]
      )
      await sql.run('account_deletion.grants', 'DELETE FROM grants WHERE account_id = $1', [id])
      await sql.run(
        'account_deletion.families',
        'DELETE FROM refresh_families WHERE account_id = $1',
        [id]
      )
      await sql.run(
        'account_deletion.backchannel_requests',
        'DELETE FROM backchannel_requests WHERE account_id = $1',
        [id]
      )
      await sql.run('account_deletion.account', 'DELETE FROM accounts WHERE id = $1', [id])
    }
  }
}
