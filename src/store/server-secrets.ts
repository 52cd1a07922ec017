// Rows of the server's symmetric secrets, versioned per purpose. Owns their SQL; the primary key
// decides between processes that make the same version at once. It never sees a secret, only what
// is sealed.

import { type Database, Refused, type Statement } from './database.ts'

/** A row as it is stored. */
export interface ServerSecretRow {
  purpose: string
  version: number
  state: 'pending' | 'active' | 'retiring'
  sealed: Buffer
}

/** A secret to be stored; it is in use from now on. */
export interface NewServerSecret {
  purpose: string
  version: number
  sealed: Buffer
}

export interface ServerSecretRows {
  /**
   * All versions of all purposes, newest first.
   * @throws Fault `store_unavailable`
   */
  list(): Promise<ServerSecretRow[]>
  /**
   * Stores a version as active. `taken`: that version exists already, or another one is active, and nothing was stored. `also` goes with
   * it, or not at all.
   * @throws Fault `store_unavailable`
   */
  insertActive(secret: NewServerSecret, also?: readonly Statement[]): Promise<'inserted' | 'taken'>
}

const listText = `
SELECT purpose, version, state, sealed
  FROM server_secrets
 ORDER BY purpose, version DESC`

const insertActiveText = `
WITH done AS (
  INSERT INTO server_secrets (purpose, version, state, sealed, activated_at)
  VALUES ($1, $2, 'active', $3, clock_time())
  ON CONFLICT DO NOTHING RETURNING 1)
SELECT require_match((SELECT count(*) FROM done), 'server_secret_taken')`

/** Makes the store of server secrets on one database. */
export function createServerSecretRows(deps: {
  sql: Pick<Database, 'run' | 'pipeline'>
}): ServerSecretRows {
  const { sql } = deps
  return {
    async list() {
      const { rows } = await sql.run<ServerSecretRow>('server_secrets.list', listText)
      return rows
    },

    async insertActive({ purpose, version, sealed }, also = []) {
      const values = [purpose, version, sealed]
      const insert = { name: 'server_secrets.insert_active', text: insertActiveText, values }
      try {
        await sql.pipeline([insert, ...also])
        return 'inserted'
      } catch (error) {
        if (error instanceof Refused) return 'taken'
        throw error
      }
    }
  }
}
