// Sign-ins that have begun and are not over. Owns its SQL. Refuses what an account proved before its password was changed, or before it was
// disabled: then the sign-in begins anew.

import type { Queries } from './database.ts'

/** What somebody has proved so far. */
export interface ProvedSoFar {
  accountId: string
  /** RFC 8176 */
  amr: string[]
  /** id of the provider that somebody came from */
  upstream?: string | undefined
}

export interface PendingSignInStore {
  find(id: Buffer): Promise<ProvedSoFar | undefined>
  /** Adds to what the same account has proved; of another account, it begins anew. */
  save(id: Buffer, proved: ProvedSoFar, lifetimeSeconds: number): Promise<void>
  drop(id: Buffer): Promise<void>
}

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createPendingSignInStore({ sql }: { sql: Queries }): PendingSignInStore {
  return {
    async find(id) {
      const { rows } = await sql.run<{
        account_id: string
        amr: string[]
        upstream: string | null
      }>(
        'pending_sign_ins.find',
        `SELECT p.account_id, p.amr, p.upstream FROM pending_sign_ins p JOIN accounts a ON a.id = p.account_id
         WHERE p.id = $1 AND p.expires_at > clock_time() AND a.disabled_at IS NULL
           AND (a.valid_after IS NULL OR p.started_at > a.valid_after)`,
        [id]
      )
      const row = rows[0]
      if (row === undefined) return undefined
      return { accountId: row.account_id, amr: row.amr, upstream: row.upstream ?? undefined }
    },

    async save(id, { accountId, amr, upstream }, lifetimeSeconds) {
      // the time to finish does not begin again with each proof
      await sql.run(
        'pending_sign_ins.save',
        `INSERT INTO pending_sign_ins AS p (id, account_id, amr, expires_at, upstream)
         VALUES ($1, $2, $3, clock_time() + make_interval(secs => $4), $5)
         ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, amr = excluded.amr,
           upstream = excluded.upstream,
           started_at = CASE WHEN p.account_id = excluded.account_id AND p.expires_at > clock_time()
             THEN p.started_at ELSE clock_time() END,
           expires_at = CASE WHEN p.account_id = excluded.account_id AND p.expires_at > clock_time()
             THEN p.expires_at ELSE excluded.expires_at END`,
        [id, accountId, amr, lifetimeSeconds, upstream ?? null]
      )
    },

    async drop(id) {
      await sql.run('pending_sign_ins.drop', 'DELETE FROM pending_sign_ins WHERE id = $1', [id])
    }
  }
}
