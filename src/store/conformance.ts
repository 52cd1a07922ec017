// The mark that a database belongs to a conformance run, and what must not be in such a database. Owns its SQL only; what follows from the
// mark is ops/conformance.ts. The time is the database's, so that every process ends the run at once.

import type { Queries } from './database.ts'

export type ConformanceStore = ReturnType<typeof createConformanceStore>

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createConformanceStore({ sql }: { sql: Queries }) {
  return {
    /** Seconds since the run began; undefined where there is none. */
    async ageSeconds(): Promise<number | undefined> {
      const { rows } = await sql.run<{ age: number }>(
        'conformance.age',
        `SELECT extract(epoch FROM clock_time() - (value->>'startedAt')::timestamptz)::float8 AS age
         FROM settings WHERE name = 'conformance'`
      )
      return rows[0]?.age
    },

    /** Begins the run; one that has begun goes on. */
    async begin(): Promise<void> {
      await sql.run(
        'conformance.begin',
        `INSERT INTO settings (name, value) VALUES ('conformance', jsonb_build_object('startedAt', clock_time()))
         ON CONFLICT (name) DO NOTHING`
      )
    },

    /**
     * A client and a login that are there though they are no part of a run: clients without the member `conformance`, accounts that no
     * configuration declared; `any`: whatever there is.
     */
    async stranger(which: 'any' | 'of no run'): Promise<string | undefined> {
      const { rows } = await sql.run<{ name: string }>(
        'conformance.stranger',
        `(SELECT 'the client ' || client_id AS name FROM clients WHERE $1 OR NOT metadata ? 'conformance' LIMIT 1)
         UNION ALL
         (SELECT 'the account ' || login FROM accounts WHERE $1 OR NOT seeded LIMIT 1)
         LIMIT 1`,
        [which === 'any']
      )
      return rows[0]?.name
    }
  }
}
