// How many rows strangers may have in the database, by kind: owns the question, which is one statement over all processes (take_rows in
// migrations/0012), and the count of clients that registered themselves. Never counts a table per request.

import type { Queries } from './database.ts'

export interface RowBudget {
  kind: string
  /** rows at most */
  rows: number
  /** seconds until a row has left the database for certain */
  staySeconds: number
}

/** The time that a row stays is counted in so many stretches: what was taken in one comes back at once, when it is over. */
const stretches = 12

/** A stretch of a kind, seconds: what was taken must be used within one. */
export function stretchSeconds({ staySeconds }: RowBudget): number {
  return Math.max(1, Math.ceil(staySeconds / stretches))
}

export type AllowanceStore = ReturnType<typeof createAllowanceStore>

export function createAllowanceStore({ sql }: { sql: Queries }) {
  return {
    /** Takes up to `wanted` rows out of what is left; answers how many it got. */
    async take(budget: RowBudget, wanted: number): Promise<number> {
      const { rows } = await sql.run<{ granted: number }>(
        'allowances.take',
        'SELECT take_rows($1, $2, $3, $4, $5) AS granted',
        // what is taken late in one stretch and used late in the next must have left before it is forgotten
        [budget.kind, wanted, budget.rows, stretchSeconds(budget), stretches + 2]
      )
      return rows[0]?.granted ?? 0
    },

    /** How many more clients may register themselves, up to `wanted`; looks at no more than `limit` of them. */
    async clientsLeft(limit: number, wanted: number): Promise<number> {
      const { rows } = await sql.run<{ count: number }>(
        'allowances.clients',
        `SELECT count(*)::int AS count FROM (SELECT FROM clients WHERE owner = 'registration' LIMIT $1) AS looked`,
        [limit]
      )
      return Math.min(wanted, limit - (rows[0]?.count ?? limit))
    }
  }
}
