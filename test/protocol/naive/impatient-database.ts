// The controls of the faults of a slow PostgreSQL: how a server meets them whose author did not think of them. One takes an outage for an
// answer; the other waits for ever.

import pg from 'pg'
import type { Database, PooledDatabase, Result, Statement } from '../../../src/store/database.ts'

export type Impatience =
  /** a read that fails has found nothing, and one that would have to wait for a connection is not tried: the token is unknown */
  | 'forgetful'
  /** no time-out anywhere: whoever asks waits until PostgreSQL answers */
  | 'endless'

const nothing: Result<never> = { rows: [], rowCount: 0 }

export function forgetfulDatabase(
  database: Database,
  connections: PooledDatabase['connections']
): Database {
  return {
    ...database,
    async run(name, ...given) {
      if (name !== 'refresh_families.find') return database.run(name, ...given)
      if (connections().waiting > 0) return nothing
      return database.run<never>(name, ...given).catch(() => nothing)
    }
  }
}

/** A pool as its documentation begins: no time-outs. What it is asked for besides goes the usual way. */
export function endlessDatabase(database: Database, url: string, max: number): Database {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('error', () => undefined)
  pool.on('connect', client => client.on('error', () => undefined))
  async function pipeline(statements: readonly Statement[]) {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      for (const { text, values } of statements) await client.query(text, [...values])
      await client.query('COMMIT')
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
  }
  return {
    ...database,
    async run<Row extends object>(_name: string, text: string, values: readonly unknown[] = []) {
      const { rows, rowCount } = await pool.query<Row>(text, [...values])
      return { rows, rowCount: rowCount ?? 0 }
    },
    pipeline,
    async end() {
      await pool.end()
      await database.end()
    }
  }
}
