// Clients that registered themselves and that nobody has used: no token, no grant, no consent, no change for so long. What counts as use is here,
// once, so that the look and the deletion cannot differ. Refuses to touch clients of the configuration or of the command line.

import type { Queries } from './database.ts'

const batch = 100

// A refresh leaves no event, and needs no look: its grant is there.
const unused = `c.owner = 'registration'
  AND greatest(c.created_at, c.updated_at) < clock_time() - make_interval(secs => $1)
  AND NOT EXISTS (SELECT FROM grants g WHERE g.client_id = c.client_id)
  AND NOT EXISTS (SELECT FROM consents o WHERE o.client_id = c.client_id)
  AND NOT EXISTS (SELECT FROM client_secrets s
    WHERE s.client_id = c.client_id AND s.last_used_at > clock_time() - make_interval(secs => $1))
  AND NOT EXISTS (SELECT FROM audit_events e WHERE e.client_id = c.client_id AND e.outcome = 'success'
    AND e.at > clock_time() - make_interval(secs => $1))`

export function createUnusedClientStore({ sql }: { sql: Queries }) {
  return {
    /** Some of them, those of longest ago first. */
    async list(seconds: number): Promise<string[]> {
      const { rows } = await sql.run<{ client_id: string }>(
        'unused_clients.list',
        `SELECT c.client_id FROM clients c WHERE ${unused} ORDER BY c.created_at LIMIT ${batch}`,
        [seconds]
      )
      return rows.map(row => row.client_id)
    },

    /** Keeps everybody from beginning to use it, and looks again; in a transaction. False: it is in use by now. */
    async lock(clientId: string, seconds: number): Promise<boolean> {
      const lock = 'SELECT FROM clients WHERE client_id = $1 FOR UPDATE'
      await sql.run('unused_clients.lock', lock, [clientId])
      const { rowCount } = await sql.run(
        'unused_clients.look_again',
        `SELECT FROM clients c WHERE ${unused} AND c.client_id = $2`,
        [seconds, clientId]
      )
      return rowCount === 1
    },

    async remove(clientId: string): Promise<void> {
      await sql.run('unused_clients.remove', 'DELETE FROM clients WHERE client_id = $1', [clientId])
    }
  }
}
