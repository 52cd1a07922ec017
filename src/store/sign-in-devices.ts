// Browsers at which accounts have been signed in. Owns its SQL. Refuses to know a browser from before the account's password was reset, or
// after its time, and to keep more than a bounded number of them for one account.

import type { Queries } from './database.ts'

/** More than a person has; whoever signs in at more forgets the one that was not used for longest. */
const mostPerAccount = 20

const alive = `d.expires_at > clock_time() AND (a.valid_after IS NULL OR d.last_seen > a.valid_after)`

export type SignInDeviceStore = ReturnType<typeof createSignInDeviceStore>

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createSignInDeviceStore({ sql }: { sql: Queries }) {
  return {
    async isKnown(id: Buffer, accountId: string): Promise<boolean> {
      const { rowCount } = await sql.run(
        'sign_in_devices.known',
        `SELECT 1 FROM sign_in_devices d JOIN accounts a ON a.id = d.account_id
         WHERE d.id = $1 AND d.account_id = $2 AND ${alive}`,
        [id, accountId]
      )
      return rowCount === 1
    },

    /** Whether any account has been signed in at this browser. */
    async isAnybodys(id: Buffer): Promise<boolean> {
      const { rowCount } = await sql.run(
        'sign_in_devices.anybodys',
        'SELECT 1 FROM sign_in_devices WHERE id = $1 AND expires_at > clock_time() LIMIT 1',
        [id]
      )
      return rowCount === 1
    },

    /** Known from now on, or for longer; whatever is too much of the account's is forgotten. */
    async save(id: Buffer, accountId: string, label: string, lifetimeSeconds: number) {
      await sql.run(
        'sign_in_devices.save',
        `INSERT INTO sign_in_devices (id, account_id, label, expires_at)
         VALUES ($1, $2, $3, clock_time() + make_interval(secs => $4))
         ON CONFLICT (id, account_id) DO UPDATE SET label = excluded.label, last_seen = clock_time(),
           expires_at = excluded.expires_at`,
        [id, accountId, label, lifetimeSeconds]
      )
      await sql.run(
        'sign_in_devices.prune',
        `DELETE FROM sign_in_devices WHERE account_id = $1 AND id IN (
           SELECT id FROM sign_in_devices WHERE account_id = $1
           ORDER BY last_seen DESC, id OFFSET ${mostPerAccount})`,
        [accountId]
      )
    },

    /** Answers `first` once in an account's life. */
    async countSignIn(accountId: string): Promise<'first' | 'later'> {
      const { rowCount } = await sql.run(
        'sign_in_devices.first',
        `UPDATE accounts SET first_sign_in_at = clock_time() WHERE id = $1 AND first_sign_in_at IS NULL`,
        [accountId]
      )
      return rowCount === 1 ? 'first' : 'later'
    }
  }
}
